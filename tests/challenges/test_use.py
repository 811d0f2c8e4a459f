"""Use and limits: the author's words, what was measured and how, and what a report warns of."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from challenges import toys
from challenges.dots_bench import bench
from torch import nn

from sounding import catalog
from sounding.challenges import use
from sounding.contract.evidence import Section
from sounding.contract.options import Options
from sounding.contract.records import Example, Record
from sounding.evaluation.context import EvaluationContext


def of(context: EvaluationContext, said: str = "", **report) -> Section:
    splits = {"train": 800, "validation": 100, "test": len(context.test)}
    return toys.measured(use, context, report={"splits": splits, **report}, use=said)


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
    context.test = [*context.test[:50], *(replace(row, group="bob") for row in context.test[50:])]
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
    context.task.encode_inputs = lambda values: torch.zeros(len(values), len(values[0]))
    said = of(context).details["inputs_measured"]
    assert said == "point: from a text of 3 words to a text of 4 words"


def test_a_picture_is_described_by_its_modality():
    task = catalog.find("classify")()
    rows = task.demo(np.random.default_rng(0), 20)
    task.fit(rows)
    made = EvaluationContext(task, nn.Linear(1, 1), rows, [], rows)
    made.records = [Record(e.target, e.target, 1.0, 0.0) for e in rows]
    assert of(made).details["inputs_measured"] == "image: 16×16 grey picture"


class Scaled(list):
    """Rows that the model sees at 16×16, of pictures of three sizes."""

    def original(self, i: int) -> np.ndarray:
        return np.zeros([(24, 24, 3), (20, 32, 3), (40, 40, 3)][i % 3], np.uint8)


def test_pictures_are_told_at_their_own_sizes():
    task = catalog.find("classify")()
    rows = Scaled(task.demo(np.random.default_rng(0), 20))
    task.fit(rows)
    made = EvaluationContext(task, nn.Linear(1, 1), rows, [], rows)
    said = of(made).details["inputs_measured"]
    assert said == "image: from 24×24 colour picture to 40×40 colour picture"


def test_no_row_is_answered_for_this_section():
    context = bench()
    vars(context).pop("records", None)
    assert of(context).status == "ok"
    assert "records" not in vars(context)


def test_a_broken_model_does_not_break_the_section():
    context = bench()
    del context.records
    nn.init.constant_(context.model.bias, math.nan)
    assert of(context).status == "ok"


def test_the_section_is_strict_json():
    assert json.dumps(of(bench()).to_json(), allow_nan=False)


class Bare:
    """A value without a length, a shape or words of its own."""


def test_a_value_without_a_length_is_named_and_does_not_break_the_section():
    context = bench(n=2)
    context.test = [Example(Bare(), "left"), Example({"a": 1, "b": 2}, "left")]
    context.task.encode_inputs = lambda values: torch.zeros(len(values), 1)
    section = of(context)
    assert section.status == "ok"
    assert section.details["inputs_measured"] == "point: from Bare to a dict of size 2"


def test_how_the_model_answered_is_told():
    @dataclass(frozen=True)
    class Beams(Options):
        beam: int = 4

    context = bench()
    context.task.options = Beams().changed({"beam": 8})
    assert of(context).details["answering_options"] == {"beam": 8}
