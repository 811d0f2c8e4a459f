"""Behaviour checks, abstention and the cost of words where texts are written, on models whose behaviour is planted."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sounding.applications.language.shared.behaviours import FULL_STOP, NAME, NUMBER, known_names
from sounding.applications.language.shared.rewritten import Rewritten
from sounding.applications.language.summarize import irrelevant
from sounding.applications.language.summarize.task import Summarize
from sounding.applications.language.translate.chrf import chrf
from sounding.applications.language.translate.task import Translate
from sounding.challenges.costs import expenses
from sounding.challenges.costs.windows import windows
from sounding.challenges.disturbances import behaviour
from sounding.challenges.prediction_sets import PredictionSets
from sounding.contract.records import Example, Prediction, Record
from sounding.evaluation.challenge import measured
from sounding.evaluation.context import EvaluationContext
from sounding.evaluation.intervals import wilson

Rule = Callable[[str], str]


class Ruled(nn.Module):
    """A model that is a rule: text → text."""

    def __init__(self, rule: Rule) -> None:
        super().__init__()
        self.rule, self.none = rule, nn.Parameter(torch.zeros(1))


class Answering:
    """Answers by the rule of the model, and gives the truth no loss."""

    def loss(self, model: nn.Module, x: Any, y: Any) -> Tensor:
        return torch.zeros(len(x.ids))

    def predict(self, model: Any, inputs: Sequence[str]) -> list[Prediction]:
        return [Prediction(Rewritten.of(model.rule(text), text), 0.5) for text in inputs]


class Translated(Answering, Translate):
    """A translation by rule."""


class Summarized(Answering, Summarize):
    """A summary by rule."""


NAMES = ("Kesby", "Talwick", "Ostmere", "Dorham")
ROWS = [
    Example(f"In {NAMES[n % 4]} there are {n + 12} ships.", f"{n + 12} Schiffe in {NAMES[n % 4]}") for n in range(40)
]
PLAIN = [Example(f"The ship number one of the {kind} fleet", "Das Schiff") for kind in ("old", "new", "red", "far")]


def bench(task: type, rule: Rule, rows: Sequence[Example]) -> EvaluationContext:
    made = task(task.Recipe.make("tiny", {}))
    made.fit(rows)
    return EvaluationContext(made, Ruled(rule), rows, [], rows)


def checked(task: type, rule: Rule, rows: Sequence[Example]) -> tuple[dict[str, dict[str, Any]], Any]:
    found = behaviour.under_change(bench(task, rule, rows), 200)
    return {row["check"]: row for row in found.details["behaviour_checks"]}, found


def copies(text: str) -> str:
    """What stands in the text."""
    return text.rstrip(".")


def test_a_model_that_copies_numbers_and_names_passes():
    found, findings = checked(Translated, copies, [*ROWS, *PLAIN])
    assert {name: (row["rows"], row["failures"]) for name, row in found.items()} == {
        FULL_STOP: (44, 0),
        NUMBER: (40, 0),  # rows without a number that the true answer has as well are not counted
        NAME: (40, 0),
    }
    assert found[NUMBER]["kind"] == "equivariance"
    assert found[FULL_STOP]["kind"] == "invariance"
    assert not findings.details["failures_of_behaviour_checks"]
    assert "Of 2 changes that the answer should follow (equivariance tests), it does not with none" in findings.sentence


def test_a_model_that_ignores_numbers_fails_with_every_one():
    found, findings = checked(Translated, lambda text: re.sub(r"\d+", "7", text), ROWS)
    assert (found[NUMBER]["rows"], found[NUMBER]["failures"]) == (40, 40)
    assert found[NUMBER]["failure rate"]["low"] == wilson(40, 40).low
    assert found[NAME]["failures"] == 0
    number = next(each for each in findings.numbers if each.id == "behaviour_number_exchanged")
    assert number.estimate.value == 1
    assert "equivariance test (CheckList)" in number.definition
    worst = [row for row in findings.details["failures_of_behaviour_checks"] if row["check"] == NUMBER]
    assert len(worst) == behaviour.WORST
    assert {row["what is wrong"] for row in worst} == {"the new number is missing"}
    assert all(re.search(r"\[\d+ → \d+\]", row["change"]) for row in worst)


def test_a_model_that_writes_another_text_for_another_name_fails():
    found, _ = checked(Translated, lambda text: copies(text) if "Kesby" in text else text.lower(), ROWS)
    assert found[NAME]["failures"] == 40  # 10 lose the rest, of the others each name
    assert set(found[NAME]["of these"].split(": ")) & {"the new name is missing", "the rest of the answer changed"}
    assert found[NUMBER]["failures"] == 0


def test_a_full_stop_may_come_and_go_and_nothing_else():
    found, _ = checked(Translated, lambda text: text, ROWS)
    assert found[FULL_STOP]["failures"] == 0
    found, _ = checked(Translated, lambda text: text if text.endswith(".") else text.upper(), ROWS)
    assert found[FULL_STOP]["failures"] == 40


def test_names_are_what_both_sides_write_alike_and_nobody_writes_small():
    rows = [Example("In May the hand of Anna held a Computer.", "In der Hand von Anna war ein Computer.")]
    assert known_names([*rows, Example("a computer, in it", "ein")]) == ("Anna",)


def test_a_first_name_gives_way_to_one_of_its_own_kind():
    rows = [Example(f"{name} sees {n} ships in {NAMES[n % 4]}.", f"{name} {n}") for n, name in
            enumerate(("Mary", "Linda", "John", "Paul"), 20)]  # fmt: skip
    _, findings = checked(Translated, lambda text: "nothing", rows)
    worst = [row["change"] for row in findings.details["failures_of_behaviour_checks"] if row["check"] == NAME]
    swaps = [re.search(r"\[(\w+) → (\w+)\]", change).groups() for change in worst]
    women = {"Mary", "Linda"}
    assert swaps
    assert all((old in women) == (new in women) for old, new in swaps)


# ---- summaries


NOTICES = [
    Example(f"The mayor of {name} came at noon. There were {n} guests and a band. It rained {word}.", f"{n} guests")
    for n, (name, word) in enumerate([(a, b) for a in NAMES for b in ("hard", "twice", "softly", "nowhere")], 20)
]


def test_a_summary_of_everything_takes_what_does_not_belong_there():
    found, _ = checked(Summarized, copies, NOTICES)
    rate = found[irrelevant.NAME]["failure rate"]
    assert found[irrelevant.NAME]["rows"] == 16
    assert rate["value"] > 0.8  # all but sentences whose words the document has
    found, _ = checked(Summarized, lambda text: re.search(r"were (\d+ guests)", text)[1], NOTICES)
    assert found[irrelevant.NAME]["failures"] <= 8  # where the sentence with other guests stands first
    found, _ = checked(Summarized, lambda text: "guests", NOTICES)
    assert found[irrelevant.NAME]["failures"] == 0
    assert found[NUMBER]["failures"] == 16


# ---- abstention


def graded(confidence: Callable[[float], float]) -> Any:
    """The section of a model whose answers are more or less good, and which is so sure of them."""
    truth, rng = "the old ship came home at noon", np.random.default_rng(0)
    answers = [truth[: int(n)] or "x" for n in rng.integers(1, len(truth), 60)]
    scores = [chrf().value([Record(answer, truth, None, 0.0)]) for answer in answers]
    records = [Record(a, truth, confidence(s), 0.0) for a, s in zip(answers, scores, strict=True)]
    context = bench(Translated, copies, ROWS)
    context.test, context.records = [Example(truth, truth)] * 60, records
    return measured(PredictionSets(), context), np.array(scores)


def test_confidence_that_is_the_score_saves_all_that_there_is_to_save():
    found, scores = graded(lambda score: score / 100)
    risks = np.sort(1 - scores / 100)
    assert found["aurc"].value == pytest.approx(np.mean(risks.cumsum() / np.arange(1, 61)))
    assert found["aurc_random"].value == pytest.approx(risks.mean())
    assert found["aurc"].value < found["aurc_random"].value
    assert found["aurc_saved"].low > 0
    assert found["aurc_excess"].value == pytest.approx(0)
    assert found["score_at_80"].value == pytest.approx(np.sort(scores)[-48:].mean())
    assert found["score_at_80"].low <= found["score_at_80"].value <= found["score_at_80"].high
    assert "Leaving out the least sure answers helps" in found.sentence
    assert found.figures[0].id == "prediction_sets_risk"


def test_confidence_that_says_nothing_saves_nothing():
    found, scores = graded(lambda score: 0.5)
    assert found["aurc"].value == pytest.approx(found["aurc_random"].value)
    assert found["aurc_saved"].value == pytest.approx(0)
    assert found["aurc_saved"].low <= 0
    assert found["score_at_80"].value == pytest.approx(scores.mean())
    assert "not seen to help" in found.sentence


def test_confidence_in_the_worse_answers_is_said_to_harm():
    found, _ = graded(lambda score: 1 - score / 100)
    assert found["aurc_saved"].high < 0
    assert "harms" in found.sentence


# ---- energy


def test_the_words_that_are_written_are_what_energy_is_told_for():
    context = bench(Translated, lambda text: "one two, three four.", ROWS)
    found = windows(context, ROWS[:2], 1)
    assert all(window.words == 4 * window.predictions for window in found)
    numbers = {n.id: n.estimate for n in expenses.prediction(context, {1: found, 32: found}, None, None)}
    assert numbers["joules_per_1000_words_1"].value == pytest.approx(250 * numbers["joules_per_prediction_1"].value)
