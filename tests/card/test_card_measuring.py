"""A card is measured section by section: none is lost to an error, an interruption or a kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from sample_card import number
from stand_ins import MEASURED, stand_ins
from torch import nn

from sounding import catalog
from sounding.card import measuring
from sounding.card.card import Header, sections
from sounding.card.measuring import measure
from sounding.card.parts import Part, Parts, fingerprint
from sounding.contract.evidence import Figure, Section
from sounding.errors import DataError, RunError, TrainingError, UsageError
from sounding.evaluation.challenge import Findings
from sounding.evaluation.context import EvaluationContext
from sounding.machine.metering.meter import Meter
from sounding.training.loop import Interrupted

SECTIONS = sections()
FIGURE = Figure("f", "a picture", "<svg></svg>")


@pytest.fixture
def asked(monkeypatch):
    """The order in which sections were asked for, and what each of them raises."""
    order: list[str] = []
    raising: dict[str, BaseException] = {}

    def stand_in(id, context):
        order.append(id)
        if id in raising:
            raise raising[id]
        numbers = (number(f"{id}_number", id, 0.5, 0.4, 0.6),)
        return Findings(f"{id} was measured.", numbers, (FIGURE,), details={"known": context.use})

    monkeypatch.setattr(measuring, "found", lambda: stand_ins(stand_in))
    return order, raising


def context(**more) -> EvaluationContext:
    settings = {"profile": "standard", "seed": 7, **more}
    return EvaluationContext(catalog.find("classify")(), nn.Linear(3, 2), (), (), (), **settings)


def header() -> Header:
    return Header("classify", "runs/classify/1", "photos", command="sounding train classify photos", use="for tests")


def parts(folder: Path, key: str = "k") -> Parts:
    return Parts(folder / "card.parts" / "standard", key)


# ---- the course of measuring


def test_sections_are_measured_in_order_timed_metered_and_announced(asked):
    heard: list[str] = []
    card = measure(context(say=heard.append), header())
    assert [section.id for section in card] == list(SECTIONS)
    assert asked[0] == list(MEASURED) == [id for id in SECTIONS if id != "method"]
    announced = [line.split(": ")[1].split(" (")[0] for line in heard]
    assert announced[0] == next(iter(MEASURED.values()))
    assert announced == [title for title in MEASURED.values() if title in announced]
    assert len(announced) <= 11, "a line at each tenth of the way, not for each section"
    assert any(line.startswith(f"3 of {len(MEASURED)}: Quality") for line in heard)
    assert all(section.seconds > 0 for section in card if section.id != "method")
    assert card["method"]["measuring_seconds"].value == card.seconds == sum(s.seconds for s in card)
    assert card["method"]["measuring_cpu_seconds"].value > 0
    assert card["use"].details == {"known": "for tests"}
    assert (card.interrupted, card.failed, card.exit_status) == (False, (), 0)


def test_the_header_is_filled_from_the_subject(asked):
    filled = measure(context(region="SE"), header()).header
    assert (filled.profile, filled.seed, filled.parameters, filled.region) == ("standard", 7, 3 * 2 + 2, "SE")
    assert filled.created.endswith("+00:00")
    assert {"torch", "python"} <= filled.versions.keys()


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), Interrupted("stopped")])
def test_an_interruption_loses_nothing_that_was_measured(asked, stop):
    order, raising = asked
    raising["robustness"] = stop
    card = measure(context(), header())
    assert order[-1] == "robustness"
    assert card.interrupted
    assert card.exit_status == 130
    before = list(SECTIONS).index("robustness")
    assert [s.status for s in card] == ["ok"] * before + ["interrupted"] * (len(MEASURED) - before) + ["ok"]
    assert {s["status"] for s in card.to_json()["sections"]} == {"ok", "skipped"}
    assert all(section.interrupted for section in card.sections[before:-1])
    assert "interrupted" in card.html()


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ZeroDivisionError("division by zero"), "failed: ZeroDivisionError: division by zero"),
        (KeyError("x"), "failed: KeyError: 'x'"),
        (MemoryError(), "failed: MemoryError"),
        (DataError("it is gone", where="a.png", fix="Copy it again"), "failed: a.png: it is gone. Copy it again"),
        (TrainingError("not finite"), "failed: not finite"),
        (ValueError("x" * 1000), "failed: ValueError: " + "x" * 287 + "…"),
    ],
)  # fmt: skip
def test_an_error_costs_its_own_section_and_no_other(asked, error, words):
    _, raising = asked
    raising["energy"] = error
    card = measure(context(), header())
    assert (card["energy"].status, card["energy"].reason) == ("failed", words)
    assert card.to_json()["sections"][list(SECTIONS).index("energy")]["status"] == "skipped"
    assert [section.id for section in card.failed] == ["energy"]
    assert card.exit_status == 1
    assert all(section.status == "ok" for section in card if section.id != "energy")
    assert "Energy and cost could not be measured" in card["method"].sentence
    assert "failed" in card.html()


@pytest.mark.parametrize("wrong", [{"region": "Atlantis"}, {"config": {"pue": 0.5}}])
def test_what_the_user_got_wrong_is_raised_before_anything_is_measured(asked, wrong):
    with pytest.raises(UsageError):
        measure(context(**wrong), header())
    assert asked[0] == []


def test_watts_that_are_none_are_raised_as_well(asked, monkeypatch):
    monkeypatch.setenv("SOUNDING_WATTS_PER_CORE", "many")
    with pytest.raises(UsageError):
        measure(context(), header())
    assert asked[0] == []


# ---- going on after it was stopped


def test_a_stopped_measuring_goes_on_where_it_was(asked, tmp_path):
    order, raising = asked
    raising["calibration"] = KeyboardInterrupt()
    first = measure(context(), header(), parts=parts(tmp_path))
    raising.clear()
    order.clear()
    heard: list[str] = []
    second = measure(context(say=heard.append), header(), parts=parts(tmp_path))
    place = list(MEASURED).index("calibration")
    assert order == list(MEASURED)[place:]
    assert second.exit_status == 0
    assert second.sections[:place] == first.sections[:place]
    assert second["quality"].figures == (FIGURE,)
    assert second["method"]["measuring_seconds"].value == pytest.approx(second.seconds)
    assert heard[0] == f"{place} of {len(MEASURED)} sections are kept from before"
    assert not any("Quality" in line for line in heard)
    parts(tmp_path).clear()
    assert not (tmp_path / "card.parts").exists()


def test_a_section_that_failed_is_measured_again_and_its_traceback_kept(asked, tmp_path):
    order, raising = asked
    raising["shift"] = ZeroDivisionError("division by zero")
    measure(context(), header(), parts=parts(tmp_path))
    assert "stand_in" in (tmp_path / "card.parts/standard/shift.error").read_text()
    raising.clear()
    order.clear()
    assert measure(context(), header(), parts=parts(tmp_path)).exit_status == 0
    assert order == ["shift"]


def test_parts_of_another_key_are_measured_again(asked, tmp_path):
    measure(context(), header(), parts=parts(tmp_path, "one"))
    asked[0].clear()
    measure(context(), header(), parts=parts(tmp_path, "two"))
    assert asked[0] == list(MEASURED)


@pytest.mark.parametrize("damage", ["", "{", "[1]", "null", '{"key": "k"}', '{"key": "k", "section": {"id": "data"}}'])
def test_a_damaged_part_is_measured_again(asked, tmp_path, damage):
    measure(context(), header(), parts=parts(tmp_path))
    (tmp_path / "card.parts/standard/data.json").write_text(damage)
    asked[0].clear()
    measure(context(), header(), parts=parts(tmp_path))
    assert asked[0] == ["data"]


def test_a_part_comes_back_as_it_was(tmp_path):
    with Meter() as meter:
        pass
    numbers = (number("a", "a", float("nan"), None, None), number("b", "b", 1.0, 0.5, 2.0))
    section = Section("data", "Data", "Said.", numbers, (FIGURE,), details={"rows": [{"x": 1}]}, seconds=1.5)
    parts(tmp_path).keep(Part(section, meter.cost))
    found = parts(tmp_path).get("data")
    assert found.cost == meter.cost
    assert found.section.numbers[1:] == numbers[1:]
    assert replace(found.section, numbers=()) == replace(section, numbers=())


def test_nothing_is_measured_where_parts_cannot_be_kept(asked, tmp_path):
    (tmp_path / "card.parts").write_text("a file where the folder should be")
    with pytest.raises(RunError):
        measure(context(), header(), parts=parts(tmp_path))
    assert asked[0] == []


def test_scores_of_trainings_outlive_the_process(tmp_path):
    scores = parts(tmp_path).scores()
    scores["draw 0"] = 0.5
    assert parts(tmp_path).scores() == {"draw 0": 0.5}
    scores.update({"draw 1": 0.25})
    assert parts(tmp_path).scores() == {"draw 0": 0.5, "draw 1": 0.25}
    assert parts(tmp_path, "another").scores() == {}
    (tmp_path / "card.parts/standard/scores.json").write_text("[]")
    assert parts(tmp_path).scores() == {}


def test_the_key_depends_on_weights_and_words():
    torch.manual_seed(0)
    one, two = nn.Linear(3, 2), nn.Linear(3, 2)
    assert fingerprint(one, "full", 0) == fingerprint(one, "full", 0)
    assert len({fingerprint(one, "full", 0), fingerprint(two, "full", 0), fingerprint(one, "full", 1)}) == 3
    assert fingerprint(one.bfloat16()) != fingerprint(two)


KILLED = """
    import os, sys
    from pathlib import Path
    from torch import nn
    from sounding import catalog
    from sounding.card import measuring
    from sounding.card.card import Header
    from sounding.card.parts import Parts
    from sounding.evaluation.challenge import Findings
    from sounding.evaluation.context import EvaluationContext
    from stand_ins import stand_ins

    def stand_in(id, context):
        print(id, flush=True)
        if id == sys.argv[2]:
            os.kill(os.getpid(), 9)
        return Findings(f"{id} was measured.")

    measuring.found = lambda: stand_ins(stand_in)
    context = EvaluationContext(catalog.find("classify")(), nn.Linear(3, 2), (), (), (), profile="standard")
    parts = Parts(Path(sys.argv[1]), "k")
    print(measuring.measure(context, Header("t", "m", "d"), parts=parts).exit_status)
"""


def test_a_kill_costs_one_section_at_most(tmp_path):
    def run(dies_at: str) -> tuple[int, list[str]]:
        path = os.pathsep.join(filter(None, [str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]))
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": path}
        command = [sys.executable, "-c", textwrap.dedent(KILLED), str(tmp_path / "parts"), dies_at]
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
        return done.returncode, done.stdout.split()

    status, asked = run("data_efficiency")
    assert status == -signal.SIGKILL
    assert asked == list(MEASURED)[: list(MEASURED).index("data_efficiency") + 1]
    assert (
        json.loads((tmp_path / "parts" / "quality.json").read_text())["section"]["sentence"] == "quality was measured."
    )
    status, again = run("nothing")
    assert status == 0
    assert again == [*list(MEASURED)[list(MEASURED).index("data_efficiency") :], "0"]
