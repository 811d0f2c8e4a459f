"""Which watts an estimate counts with, and what a processor is known to draw."""

from __future__ import annotations

import pytest

from sounding.machine.metering import watts
from sounding.machine.metering.meter import Meter
from sounding.machine.metering.processors import thermal
from sounding.machine.metering.watts import VARIABLE, rate


@pytest.fixture(autouse=True)
def _unknown(monkeypatch, tmp_path):
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    named(monkeypatch, "Intel(R) Xeon(R) Processor")


def named(monkeypatch, name: str) -> None:
    monkeypatch.setattr(watts, "processor_name", lambda: name)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Intel(R) Xeon(R) CPU E5-2620 v3 @ 2.40GHz", (85, 6)),
        ("Intel(R) Core(TM) i7-8550U CPU @ 1.80GHz", (15, 4)),
        ("11th Gen Intel(R) Core(TM) i7-1165G7 @ 2.80GHz", (28, 4)),
        ("Intel(R) Xeon(R) Platinum 8380 CPU @ 2.30GHz", (270, 40)),
        ("AMD EPYC 7763 64-Core Processor", (280, 64)),
        ("AMD Ryzen 7 PRO 5850U with Radeon Graphics", (15, 8)),
        ("AMD Ryzen Threadripper 1950X 16-Core Processor", (180, 16)),
        ("AMD EPYC 7763 32-Core Processor", None),  # the system knows better than the table
        ("Intel(R) Xeon(R) Processor", None),
        ("AMD EPYC", None),
        ("Intel(R) Core(TM) i7-8550", None),
        ("arm", None),
        ("", None),
    ],
)
def test_processors_are_known_by_the_names_that_systems_give_them(name, expected):
    assert thermal(name) == expected


def test_an_unknown_processor_counts_as_a_servers_core():
    found = rate()
    assert (found.watts, found.factors) == (3.5, (0.33, 3.0))


def test_a_known_processor_counts_its_share_of_the_package(monkeypatch):
    named(monkeypatch, "AMD EPYC 7763 64-Core Processor")
    found = rate()
    assert found.watts == pytest.approx(280 / 64 * 0.77)
    assert found.factors == (0.5, 2.0)
    assert found.words == "3.37 W per CPU-second, 0.77 of 280 W over 64 cores"


def test_the_users_word_beats_the_data_sheet(monkeypatch):
    named(monkeypatch, "AMD EPYC 7763 64-Core Processor")
    monkeypatch.setenv(VARIABLE, "9")
    assert rate().watts == 9.0
    assert rate(12).watts == 12


def test_the_meter_counts_with_them(monkeypatch, tmp_path):
    named(monkeypatch, "AMD EPYC 7763 64-Core Processor")
    with Meter(root=tmp_path / "none") as meter:
        sum(range(300_000))
    joules = meter.cost.joules
    assert joules.value == pytest.approx(280 / 64 * 0.77 * meter.cost.cpu_seconds)
    assert (joules.low / joules.value, joules.high / joules.value) == pytest.approx((0.5, 2.0))
