"""Seed spread against t by hand and runs on disk; use and limits against what a report warns of."""

from __future__ import annotations

import json
import math
import shutil
import statistics
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import sounding as sd
from sounding import catalog
from sounding.card import data as data_section
from sounding.card import seeds, use
from sounding.contract.evidence import Section
from sounding.contract.records import Example, Record
from sounding.evaluation.context import EvaluationContext

DOTS = str(Path(__file__).parents[1] / "contract" / "dots.py")


def bench(right: int = 90, n: int = 100, seed: int = 0, group: str = "") -> EvaluationContext:
    """A context whose records are given: `right` of `n` answers are."""
    task = catalog.find(DOTS)()
    task.target.fit(["left", "right"])
    rows = [Example(np.zeros(4, np.float32), "left", group) for _ in range(n)]
    made = EvaluationContext(task, nn.Linear(4, 2), rows, [], rows, seed=seed)
    made.records = [Record("left" if i < right else "right", "left", 0.9, 0.1, group) for i in range(n)]
    return made


# ---- the section on seeds


def test_one_run_says_that_its_variance_is_unknown():
    for others in ({}, None, {0: 0.8}):
        section = seeds.measure(bench(), others)
        assert section.status == "skipped"
        assert section.reason == (
            "one run: training variance is unknown; train with other seeds and make the card again"
        )


def test_three_runs_give_a_t_interval():
    section = seeds.measure(bench(90), {1: 0.88, 2: 0.95})
    values = [0.90, 0.88, 0.95]
    half = 4.30265 * statistics.stdev(values) / math.sqrt(3)  # t of 2 degrees of freedom
    assert section["mean"].value == pytest.approx(statistics.mean(values))
    assert section["mean"].low == pytest.approx(statistics.mean(values) - half, abs=1e-5)
    assert section["mean"].high == pytest.approx(statistics.mean(values) + half, abs=1e-5)
    assert section["mean"].interval == "t over 3 seeds"
    assert (section["lowest"].value, section["highest"].value) == (0.88, 0.95)
    assert section.details["runs"][1] == {"seed": 1, "accuracy": 0.88}
    assert "over 3 seeds, from 0.880 to 0.950; this run (seed 0) has 0.900" in section.sentence
    assert all(number.definition for number in section.numbers)


def test_two_runs_give_a_range_and_no_interval():
    section = seeds.measure(bench(90), {7: 0.8})
    assert section["mean"].value == pytest.approx(0.85)
    assert section["mean"].low is None
    assert "2 runs are too few for an interval" in section.sentence


def test_the_interval_of_a_share_stays_within_its_bounds():
    section = seeds.measure(bench(100), {1: 0.7, 2: 0.9})
    assert section["mean"].high == 1.0
    assert section["mean"].low < section["lowest"].value


def test_the_interval_covers_the_mean_over_seeds():
    rng, held = np.random.default_rng(0), []
    context = bench(90)
    for _ in range(500):
        draws = rng.normal(0, 0.01, 4)
        found = seeds.measure(context, {i: 0.9 + float(d - draws[0]) for i, d in enumerate(draws[1:], 1)})["mean"]
        held.append(found.low <= 0.9 - draws[0] <= found.high)  # all four moved, so that this run's is 0.9
    assert 0.92 <= np.mean(held) <= 0.98


def test_the_value_of_this_run_is_measured_and_not_taken_from_the_others():
    assert seeds.measure(bench(90, seed=1), {1: 0.1, 2: 0.8})["lowest"].value == 0.8


def test_runs_without_a_number_do_not_count():
    assert seeds.measure(bench(), {1: math.nan}).status == "skipped"


def test_a_model_that_gives_nan_or_has_no_test_rows_gets_a_reason():
    broken = bench()
    del broken.records
    nn.init.constant_(broken.model.bias, math.nan)
    for context in (broken, bench(0, 0)):
        section = seeds.measure(context, {1: 0.8})
        assert section.status == "not_applicable"
        assert section.reason


# ---- siblings on the disk


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """Three runs that differ by seed alone, and one of another recipe; the cards are made up."""
    folder = tmp_path_factory.mktemp("runs") / "dots"
    torch.manual_seed(0)
    rows = catalog.find(DOTS)().demo(np.random.default_rng(0), 120)
    for name, seed, settings in (("1", 0, {}), ("2", 1, {}), ("mine", 2, {}), ("4", 3, {"width": 8})):
        sd.train(DOTS, rows, steps=4, seed=seed, out=folder / name, card=None, validations=1, **settings)
        carded(folder / name, 0.9 + seed / 100)
    return folder


@pytest.fixture
def runs(trained, tmp_path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "runs"))


def carded(folder: Path, value: object) -> None:
    sections = [{"id": "data", "numbers": []}, {"id": "quality", "numbers": [{"name": "accuracy", "value": value}]}]
    (folder / "card.json").write_text(json.dumps({"schema": 1, "sections": sections}))


def changed(path: Path, **values: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def test_siblings_are_the_runs_that_differ_only_by_seed(runs):
    assert seeds.siblings(runs / "1") == {1: 0.91, 2: 0.92}
    assert seeds.siblings(runs / "mine") == {0: 0.9, 1: 0.91}
    assert seeds.siblings(str(runs / "4")) == {}
    (runs / "1" / "card.json").unlink()  # this run's own card need not be there yet
    assert seeds.siblings(runs / "1") == {1: 0.91, 2: 0.92}


@pytest.mark.parametrize(
    ("file", "values"),
    [
        ("config.json", {"task": "other"}),
        ("config.json", {"budget": {"epochs": 3.0, "steps": None, "seconds": None}}),
        ("config.json", {"harden": "linf"}),
        ("config.json", {"unlabelled": "pool/"}),
        ("config.json", {"from": "runs/dots/9"}),
        ("config.json", {"setting": {"precision": "int8"}}),
        ("config.json", {"versions": {"sounding": "0.0.1"}}),
        ("data.json", {"digest": "0" * 32}),
        ("trainer_state.json", {"finished": False}),
        ("config.json", {"seed": 0}),
        ("config.json", {"seed": "one"}),
    ],
)
def test_a_run_that_differs_in_more_is_no_sibling(runs, file, values):
    changed(runs / "2" / file, **values)
    assert seeds.siblings(runs / "1") == {2: 0.92}


def test_where_the_data_lie_and_options_that_are_unset_make_no_difference(runs):
    changed(runs / "2" / "config.json", source="elsewhere/points.csv", command="x", created="later", harden=None)
    assert seeds.siblings(runs / "1") == {1: 0.91, 2: 0.92}


@pytest.mark.parametrize("file", ["config.json", "data.json", "card.json", "trainer_state.json"])
def test_broken_folders_are_passed_over(runs, file):
    for content in (b"", b"{", b"[]", b"7", b"null", b'{"sections": 3}', b'{"sections": [{}]}', b"\xff", b"[" * 9999):
        (runs / "2" / file).write_bytes(content)
        assert seeds.siblings(runs / "1") == {2: 0.92}
    (runs / "2" / file).unlink()
    assert seeds.siblings(runs / "1") == {2: 0.92}


@pytest.mark.parametrize("value", [None, "0.9", True, [], math.inf])
def test_a_headline_that_is_no_number_does_not_count(runs, value):
    carded(runs / "2", value)
    assert seeds.siblings(runs / "1") == {2: 0.92}


def test_other_things_beside_a_run_do_no_harm(runs, tmp_path):
    (runs / "notes.txt").write_text("x")
    (runs / "empty").mkdir()
    (runs / "config.json").mkdir()
    (runs / "loop").symlink_to(runs / "loop")
    (runs / "again").symlink_to(runs / "1")
    assert seeds.siblings(runs / "1") == {1: 0.91, 2: 0.92}
    assert seeds.siblings(tmp_path / "nowhere") == {}


def test_of_two_runs_with_one_seed_the_later_counts(runs):
    shutil.copytree(runs / "2", runs / "10")
    carded(runs / "10", 0.5)
    assert seeds.siblings(runs / "1") == {1: 0.5, 2: 0.92}


# ---- use and limits


def of(context: EvaluationContext, said: str = "", **report) -> Section:
    splits = {"train": 800, "validation": 100, "test": len(context.test)}
    return use.measure(context, data_section.measure(context, {"splits": splits, **report}), said)


def warned(section: Section) -> str:
    return " ".join(section.details["warnings"])


def test_the_author_s_words_are_printed_as_they_are():
    section = of(bench(), "For sorting dots in the lab; not for people")
    assert section.sentence.startswith("For sorting dots in the lab; not for people. Measured on 100 test rows (")
    assert section.details["intended_use"] == "For sorting dots in the lab; not for people"
    assert section.details["notes"] == []


def test_without_words_of_the_author_the_section_says_so():
    section = of(bench())
    assert section.status == "ok"
    assert section.details["intended_use"] == "not stated"
    assert section.details["notes"] == [use.UNSAID]


def test_the_warnings_of_the_data_are_taken_over():
    context = bench(20, 20)
    section = of(context, problems=["the sky is falling"])
    assert "only 20 rows to test on" in warned(section)
    assert "the sky is falling" in warned(section)
    assert section["warnings"].value == len(section.details["warnings"]) == 2
    assert "2 warnings on the data limit what follows" in section.sentence


def test_good_data_give_no_warning():
    section = of(bench())
    assert section["warnings"].value == 0
    assert "limit what follows" not in section.sentence


def test_no_test_rows_are_said_to_be_none():
    section = of(bench(0, 0))
    assert "There are no test rows" in warned(section)
    assert section.details["measured_on"] == "nothing: there are no test rows"


def test_one_group_and_few_groups_are_warned_of():
    assert "All test rows are of one group (‘ann’)" in warned(of(bench(group="ann")))
    context = bench(group="ann")
    context.records = [*context.records[:50], *bench(50, 50, group="bob").records]
    assert "only 2 groups" in warned(of(context))
    assert "group" not in warned(of(bench()))


def test_classes_with_few_test_rows_are_warned_of():
    classes = {"left": {"train": 400, "test": 90}, "right": {"train": 400, "test": 10}}
    assert "1 class has fewer than 30 test rows (‘right’)" in warned(of(bench(), classes=classes))


def test_what_was_measured_is_said_without_showing_it():
    assert of(bench()).details["inputs_measured"] == "point: a ndarray of size 4"
    assert of(bench()).details["answers"] == "one of 2: left, right"
    context = bench(n=2)
    context.test = [Example("a secret letter", "left"), Example("another quite secret letter", "left")]
    context.task.input.encode = lambda values: torch.zeros(len(values), len(values[0]))
    said = of(context).details["inputs_measured"]
    assert said == "point: from a text of 3 words to a text of 4 words"


def test_a_picture_is_described_by_its_modality():
    task = catalog.find("classify")()
    rows = task.demo(np.random.default_rng(0), 20)
    task.fit(rows)
    made = EvaluationContext(task, nn.Linear(1, 1), rows, [], rows)
    made.records = [Record(e.target, e.target, 1.0, 0.0) for e in rows]
    assert of(made).details["inputs_measured"] == "image: 16×16 grey picture"


def test_a_broken_model_does_not_break_the_section():
    context = bench()
    del context.records
    nn.init.constant_(context.model.bias, math.nan)
    assert of(context).status == "ok"


def test_both_sections_are_strict_json():
    for section in (of(bench()), seeds.measure(bench(), {1: 0.8, 2: 0.7})):
        assert json.dumps(section.to_json(), allow_nan=False)
