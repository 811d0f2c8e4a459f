"""Calibration, against a counter that runs as fast as the test wants: no hardware has validated it."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sounding.errors import RunError, UsageError
from sounding.machine.metering import calibrating, watts
from sounding.machine.metering.calibrating import calibrate
from sounding.machine.metering.meter import Meter, cpu_seconds
from sounding.machine.metering.watts import VARIABLE, rate, stored

IDLE, BUSY = 10.0, 5.0  # W at rest, and W more for each CPU-second of this process


@pytest.fixture(autouse=True)
def _unknown(monkeypatch, tmp_path):
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(watts, "processor_name", lambda: "A Processor")
    monkeypatch.setattr(calibrating, "processor_name", lambda: "A Processor")


def tree(root: Path) -> Path:
    folder = root / "intel-rapl:0"
    folder.mkdir(parents=True)
    for name, text in {"name": "package-0", "energy_uj": "0", "max_energy_range_uj": "262143328850"}.items():
        (folder / name).write_text(text)
    return folder


@contextlib.contextmanager
def running(folder: Path) -> Iterator[None]:
    """The counter of a processor that draws IDLE watts, and BUSY more for each busy core."""
    stop, start, cpu = threading.Event(), time.perf_counter(), cpu_seconds()

    def run() -> None:
        while not stop.wait(0.004):
            joules = IDLE * (time.perf_counter() - start) + BUSY * (cpu_seconds() - cpu)
            # whole in one step, as the kernel's file is: nobody may read half a number
            (folder / "new").write_text(str(int(joules * 1e6)))
            (folder / "new").replace(folder / "energy_uj")

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_watts_and_errors_are_those_of_the_counter(tmp_path):
    folder = tree(tmp_path / "tree")
    with running(folder):
        found = calibrate(0.5, tmp_path / "tree")
    assert found.idle_watts == pytest.approx(IDLE, rel=0.25)
    assert found.watts_per_core >= BUSY, "a busy core carries its share of the idle package"
    assert set(found.errors) == {"matmul", "conv"}
    assert all(ratio == pytest.approx(found.watts_per_core / 3.5, rel=0.5) for ratio in found.errors.values())
    assert found.rule == "estimate: 3.5 W per CPU-second"
    assert stored() == found
    assert f"{found.watts_per_core:.3g} W per busy core" in str(found)


def test_later_estimates_count_with_it_and_cite_it(tmp_path):
    with running(tree(tmp_path / "tree")):
        found = calibrate(0.1, tmp_path / "tree")
    with Meter(root=tmp_path / "none") as meter:
        sum(range(300_000))
    assert meter.cost.joules.value == pytest.approx(found.watts_per_core * meter.cost.cpu_seconds)
    assert f"calibrated on this machine {found.date}" in meter.cost.source
    assert rate(calibrated=False).watts == 3.5


def test_it_may_be_looked_at_without_being_kept(tmp_path):
    with running(tree(tmp_path / "tree")):
        calibrate(0.05, tmp_path / "tree", keep=False)
    assert stored() is None


def test_without_a_counter_there_is_nothing_to_calibrate_with(tmp_path):
    with pytest.raises(UsageError, match="cannot be calibrated: no energy counters"):
        calibrate(0.05, tmp_path / "none")


def test_without_permission_the_command_that_gives_it_is_told(tmp_path, monkeypatch):
    tree(tmp_path)
    read = Path.read_text

    def guarded(path, *args, **kwargs):
        if path.name == "energy_uj":
            raise PermissionError(13, "Permission denied", str(path))
        return read(path, *args, **kwargs)

    monkeypatch.setattr(Path, "read_text", guarded)
    with pytest.raises(UsageError, match=r"permission denied.*sudo chmod a\+r"):
        calibrate(0.05, tmp_path)


def test_a_counter_that_stands_still_is_no_calibration(tmp_path):
    tree(tmp_path)
    with pytest.raises(UsageError, match="its energy counter stands still"):
        calibrate(0.05, tmp_path)
    assert stored() is None


def test_a_folder_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    (tmp_path / "cache").write_text("a file where the folder should be")
    with running(tree(tmp_path / "tree")), pytest.raises(RunError, match=r"power\.json.*XDG_CACHE_HOME"):
        calibrate(0.05, tmp_path / "tree")
