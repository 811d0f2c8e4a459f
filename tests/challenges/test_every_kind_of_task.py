"""Whatever a task takes in and learns from, every section of its card is measured or says why it is not; none fails.

The toys: a tuple of tensors, two tensors that the model is called with, an int, text without answers, play, and a loss
that rises.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from brevity import briefly

from sounding import catalog
from sounding.card.card import Card, Header
from sounding.card.measuring import measure
from sounding.data import open_data
from sounding.evaluation.context import EvaluationContext
from sounding.machine.setting import Setting
from sounding.randomness import stream
from sounding.training.loop import Budget, fit

TOYS = Path(__file__).parents[1] / "applications" / "toys"
NAMES = ("rising", "leader", "odd", "babble", "nim", "walk")


@pytest.fixture(scope="module", autouse=True)
def brief():
    """Little is measured: here it matters that it runs, not what it finds."""
    with briefly("standard"):
        yield


def context(name: str, steps: int = 30) -> EvaluationContext:
    """A toy that learnt for a moment, on the bench."""
    application = catalog.find(str(TOYS / f"{name}.py"))
    task = application(application.Recipe.make("tiny", {"validations": 2}))
    data = open_data(task, task.demo(stream("every kind"), 200))
    fitted = fit(task, data.train, data.validation, budget=Budget(steps=steps), setting=Setting(threads=1))
    training = {**fitted.cost.to_json(), "steps": fitted.steps, "examples": fitted.examples, "history": fitted.history}
    made = EvaluationContext(task, fitted.model, data.train, data.validation, data.test, "standard", training=training)
    made.report = data.report.to_json()
    return made


def card(made: EvaluationContext) -> Card:
    return measure(made, Header("toy", "in memory", "demo"))


@pytest.mark.parametrize("name", NAMES)
def test_no_section_fails(name):
    made = card(context(name))
    assert [f"{section.id}: {section.reason}" for section in made.failed] == []
    assert all(section.sentence or section.reason for section in made)
    assert {"use", "data", "quality", "energy", "method"} <= {s.id for s in made if s.status == "ok"}


@pytest.mark.parametrize("name", NAMES)
def test_without_test_rows_no_section_fails(name):
    made = card(replace(context(name, steps=2), test=()))
    assert [f"{section.id}: {section.reason}" for section in made.failed] == []
