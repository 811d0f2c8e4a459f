"""Behaviour checks, on models whose behaviour is planted: they answer by a rule that the test knows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from challenges import toys
from challenges.toys import Sort, rows, small
from torch import Tensor, nn

from sounding.challenges import robustness
from sounding.challenges.disturbances import behaviour
from sounding.contract.metrics import accuracy
from sounding.contract.records import Example, Prediction
from sounding.contract.task import Task
from sounding.evaluation.context import EvaluationContext
from sounding.evaluation.intervals import wilson
from sounding.modalities.category import Category
from sounding.modalities.text.text import Text

Rule = Callable[[str], float]


class Ruled(nn.Module):
    """A model that is a rule: text → probability of "good"."""

    def __init__(self, rule: Rule) -> None:
        super().__init__()
        self.rule, self.none = rule, nn.Parameter(torch.zeros(1))


class Mood(Task):
    """Whether a text says good or bad."""

    def modalities(self) -> tuple[Text, Category]:
        return Text("words"), Category()

    @property
    def metrics(self) -> list[Any]:
        return [accuracy()]

    def build(self) -> nn.Module:
        return Ruled(says)

    def loss(self, model: nn.Module, x: Any, y: Tensor) -> Tensor:
        return torch.zeros(len(y))

    def predict(self, model: nn.Module, inputs: Any) -> list[Prediction]:
        shares = [model.rule(text) for text in inputs]
        return [Prediction("good" if p >= 0.5 else "bad", max(p, 1 - p), np.array([1 - p, p])) for p in shares]

    def demo(self, rng: np.random.Generator, n: int) -> list[Example]:
        return [Example(f"The film by {rng.choice(WOMEN)} was {mood}.", mood) for mood in ("good", "bad") * (n // 2)]


WOMEN = ("Mary", "Linda", "Susan")


def moods(text: str) -> list[int]:
    """1 and -1 for what is said to be good and bad, in a way that no typing error in a long word hides."""
    words = text.lower().replace(".", "").split()
    return [-1 if word == "bad" else 1 for word in words if word == "bad" or word.startswith("g")]


def says(text: str) -> float:
    """More of what a text says more often."""
    return 0.5 + 0.4 * np.tanh(sum(moods(text)))


def checked(rule: Rule, test: list[Example]) -> EvaluationContext:
    task = Mood(small())
    train = rows(task, 200, "train")
    task.fit(train)
    return toys.context(task, Ruled(rule), test, train=train)


TEST = [
    *(Example(f"The film number {n} by John was good.", "good") for n in range(30)),
    *(Example(f"The film number {n} by Mary was bad.", "bad") for n in range(70)),
    *(Example(f"Film number {n} was bad.", "bad") for n in range(50)),
]
"""John is in 30 of the 100 rows with a first name; a woman never gives way to him."""


def rates(context: EvaluationContext) -> dict[str, dict[str, Any]]:
    section = toys.measured(robustness, context)
    return {row["check"]: row for row in section.details["behaviour_checks"]}


def test_a_model_that_heeds_a_name_fails_with_the_planted_rate():
    test = [replace(example, target="good" if "John" in example.input else "bad") for example in TEST]
    found = rates(checked(lambda text: 0.9 if "John" in text else 0.1, test))
    names = found["first names swapped"]
    assert (names["rows"], names["failures"]) == (100, 30)
    expected = wilson(30, 100)
    assert names["failure rate"]["value"] == 0.3
    assert (names["failure rate"]["low"], names["failure rate"]["high"]) == (expected.low, expected.high)
    others = [row for row in found.values() if row["kind"] == "invariance" and row is not names]
    assert {row["failures"] for row in others if row["check"] != "one typing error"} == {0}  # which may be in "John"


def test_a_model_that_reads_what_a_text_says_fails_in_nothing():
    section = toys.measured(robustness, checked(says, TEST))
    found = {row["check"]: row for row in section.details["behaviour_checks"]}
    assert {row["failures"] for row in found.values()} == {0}
    assert found["first names swapped"]["rows"] == 100  # those without a name are not counted
    assert found["full stop added or lost"]["rows"] == 150
    assert {row["kind"] for row in found.values()} == {"invariance", "directional"}
    assert "it changes with none, in " in section.sentence
    assert not section.details["failures_of_behaviour_checks"]
    assert "with two small edits (each a typing error in one word)" in section.sentence


def test_a_model_that_takes_praise_for_blame_fails_when_it_is_added():
    """It believes the first thing that is said, and the contrary of what comes then."""

    def contrary(text: str) -> float:
        first, *more = moods(text) or [0]
        return 0.5 + 0.3 * first - 0.2 * sum(more)

    found = rates(checked(contrary, TEST))
    assert found["text of the answer's class added"]["failure rate"]["value"] == 1.0
    assert found["text of another class added"]["failure rate"]["value"] == 1.0
    assert found["text of another class added"]["rows"] == 150
    assert rates(checked(says, TEST))["text of the answer's class added"]["failures"] == 0


def test_a_probability_that_cannot_fall_so_far_is_not_counted():
    def sure(text: str) -> float:
        return 0.95 if says(text) > 0.5 else 0.05

    found = rates(checked(sure, TEST))
    assert found["text of the answer's class added"]["rows"] == 150
    assert "text of another class added" not in found


def test_the_worst_failures_are_shown_where_they_were_changed():
    section = toys.measured(robustness, checked(lambda text: 0.9 if "John" in text else 0.1, TEST))
    worst = [row for row in section.details["failures_of_behaviour_checks"] if row["check"] == "first names swapped"]
    assert len(worst) == behaviour.WORST
    assert all("[John → " in row["change"] and "Mary" not in row["change"] for row in worst)
    assert {(row["answer before"], row["answer after"]) for row in worst} == {("good", "bad")}
    assert all((row["before"], row["after"]) == (0.9, pytest.approx(0.1)) for row in worst)
    number = next(n for n in section.numbers if n.id == "behaviour_first_names_swapped")
    assert number.kind == "measured"
    assert "robustness_behaviour" in {figure.id for figure in section.figures}


def test_the_sentence_names_the_worst_check():
    section = toys.measured(robustness, checked(lambda text: 0.9 if "John" in text else 0.1, TEST))
    assert "it changes most surely with “first names swapped”: 0.300 [" in section.sentence


def test_the_same_rows_are_checked_again():
    assert rates(checked(says, TEST)) == rates(checked(says, TEST))


def test_what_knows_no_such_changes_is_not_checked(monkeypatch):
    task = Sort(small())
    context = toys.context(task, toys.trained(task, rows(task, 100), 10), rows(task, 40, "test"))
    section = toys.measured(robustness, context)
    assert "behaviour_checks" not in section.details
    assert "ehaviour" not in section.sentence
    texts = checked(says, TEST)
    monkeypatch.setattr(Mood, "agree", lambda *of: None)
    assert "No behaviour was checked" in toys.measured(robustness, texts).sentence
