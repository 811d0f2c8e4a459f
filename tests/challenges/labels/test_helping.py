"""What a help in place of labels was worth."""

from __future__ import annotations

import pytest
from challenges import toys
from challenges.toys import Sort, context, rows, small, trained

from sounding.challenges import data_efficiency
from sounding.challenges.labels.helping import help_of, words
from sounding.evaluation.context import EvaluationContext
from sounding.evaluation.evaluation import evaluate_rows


def pair(better: bool) -> EvaluationContext:
    """A context that was trained, beside a control that was not; or the other way round."""
    task = Sort(small())
    good, bad = trained(task, rows(task, 200)), trained(task, rows(task, 200), steps=0)
    found = context(task, good if better else bad, rows(task, 80, "test"))
    found.control, found.training = (bad if better else good), {"control": {"better": better}}
    found.config = {"training": {"unlabelled": "pool", "method": "contrast"}}
    return found


@pytest.mark.parametrize("better", [True, False])
def test_the_gain_is_that_of_the_help_whichever_model_was_kept(better):
    found = pair(better)
    helped, control = (found.model, found.control) if better else (found.control, found.model)
    metric = found.task.metrics[0]
    value = {m: metric.value(evaluate_rows(found.task, m, found.test)) for m in (helped, control)}
    numbers = {number.id: number.estimate for number in help_of(found).numbers}
    assert numbers["control"].value == pytest.approx(value[control])
    assert numbers["help_gain"].value == pytest.approx(value[helped] - value[control])
    assert numbers["help_gain"].low > 0


def test_the_sentence_says_what_was_kept():
    assert "was kept" not in help_of(pair(True)).sentence
    assert "training without it was kept" in help_of(pair(False)).sentence
    assert "unlabelled rows (contrast)" in help_of(pair(True)).sentence


def test_a_help_without_an_effect_is_not_told_apart():
    found = pair(True)
    found.control = found.model
    assert "not distinguishable" in help_of(found).sentence


def test_a_section_that_could_not_be_measured_still_tells_of_the_help():
    helped = pair(True)
    helped.train = helped.train[:10]
    section = toys.measured(data_efficiency, helped)
    assert section.status == "ok"
    assert section.sentence.endswith("are too few for a curve (40 and 1)")
    assert section["help_gain"].value > 0


def test_without_a_control_there_is_nothing_to_say():
    found = pair(True)
    found.control = None
    assert help_of(found) is None
    found = pair(True)
    found.training = {}  # stopped before the verdict was written
    assert help_of(found) is None


def test_words():
    assert words({"start": "runs/a/1", "unlabelled": ""}) == "the weights of another run"
    assert words({}) == "the help"
