"""Learning from rows without answers: what is taught, what is not, and that it helps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import sounding
from sounding import catalog
from sounding.challenges.labels.contrast import Contrast, network_weights
from sounding.challenges.labels.self_training import PROBED, SURE, Round, SelfTraining, Told
from sounding.engine.data import open_data
from sounding.engine.evaluation import trials
from sounding.engine.machine import Setting
from sounding.engine.records import Example, Prediction
from sounding.engine.task import Task
from sounding.engine.training import Budget, fit
from sounding.errors import UsageError
from sounding.modalities.modality import Mixed
from sounding.randomness import generator, stream

SETTING = Setting(threads=1)


def shapes(n: int = 300) -> tuple[Task, list[Example]]:
    application = catalog.find("classify")
    task = application(application.Recipe.make("tiny", {"validations": 2}))
    rows = task.demo(stream("shapes"), n)
    task.fit(rows)
    return task, rows


def unlabelled(rows: list[Example]) -> list[Example]:
    return [replace(row, target=None) for row in rows]


def test_only_answers_that_are_sure_are_taught(monkeypatch):
    task, rows = shapes(60)
    pool = unlabelled(rows[20:])
    numbers = {id(e.input): i for i, e in enumerate(pool)}

    def predict(model, inputs):
        return [Prediction("disc", SURE if numbers[id(v)] % 4 == 0 else SURE - 0.01) for v in inputs]

    monkeypatch.setattr(task, "predict", predict)
    gathered = SelfTraining(task, pool).gather(nn.Identity(), rows[:20], stream("round"))
    told = [e for e in gathered if isinstance(e.target, Told)]
    assert {numbers[id(e.input)] for e in told} == set(range(0, 40, 4))
    assert {e.target.value for e in told} == {"disc"}
    assert {id(e.input) for e in gathered if not isinstance(e.target, Told)} == {id(e.input) for e in rows[:20]}


@pytest.mark.parametrize(("high", "low", "taught"), [(0.9, 0.6, 10), (0.99, 0.96, 40), (0.6, 0.2, 0)])
def test_the_threshold_follows_the_mean_confidence_between_limits(monkeypatch, high, low, taught):
    task, rows = shapes(60)
    pool = unlabelled(rows[20:])
    numbers = {id(e.input): i for i, e in enumerate(pool)}

    def predict(model, inputs):
        return [Prediction("disc", high if numbers[id(v)] % 4 == 0 else low) for v in inputs]

    monkeypatch.setattr(task, "predict", predict)
    gathered = SelfTraining(task, pool).gather(nn.Identity(), rows[:20], stream("round"))
    assert sum(isinstance(e.target, Told) for e in gathered) == taught


def test_a_model_that_is_sure_of_nothing_is_asked_little(monkeypatch):
    task, rows = shapes(60)
    asked = []

    def predict(model, inputs):
        asked.append(len(inputs))
        return [Prediction("disc", 0.4) for _ in inputs]

    monkeypatch.setattr(task, "predict", predict)
    gathered = SelfTraining(task, unlabelled(rows) * 50).gather(nn.Identity(), rows[:20], stream("round"))
    assert PROBED <= sum(asked) < 2 * PROBED
    assert not any(isinstance(e.target, Told) for e in gathered)


def test_taught_rows_are_varied_in_training_and_the_others_are_not():
    task, rows = shapes(30)
    seen = []

    around = SelfTraining(task, unlabelled(rows))
    task.loss = lambda model, x, targets: seen.append((x, targets)) or torch.zeros(len(x))
    x = task.input.encode([e.input for e in rows[:6]])
    targets = ["disc", Told("square"), "cross", Mixed("disc", Told("cross"), 0.5), "disc", Told("disc")]
    around.loss(nn.Identity().train(), x, targets)
    given, untold = seen[0]
    changed = [not torch.equal(a, b) for a, b in zip(given, x, strict=True)]
    assert changed == [False, True, False, True, False, True]
    assert untold == ["disc", "square", "cross", Mixed("disc", "cross", 0.5), "disc", "disc"]
    around.loss(nn.Identity().eval(), x, targets)
    assert torch.equal(seen[1][0], x)


def test_a_round_reads_rows_when_they_are_needed():
    first, second = [Example(1, "a")], [Example(2), Example(3)]
    together = Round(first, second, [Told("b"), Told("c")])
    assert len(together) == 3
    assert together[0] == Example(1, "a")
    assert together[2] == Example(3, Told("c"))


@pytest.mark.slow
def test_what_a_pool_of_digits_teaches_helps():
    application = catalog.find("classify")
    task = application(application.Recipe.make("tiny", {"validations": 5, "lr": 4e-3}))
    data = open_data(task, Path(sounding.__file__).parent / "data" / "digits.parquet")
    gains = []
    for seed in range(3):
        order = stream("few digits", seed).permutation(len(data.train))
        few, pool = data.train[order[:60]], unlabelled(list(data.train[order[60:]]))
        models = (
            fit(taught, few, data.validation, budget=Budget(steps=400), seed=seed, setting=SETTING).model
            for taught in (task, SelfTraining(task, pool))
        )
        alone, helped = (task.metrics[0].value(trials(task, model, data.test)) for model in models)
        gains.append(helped - alone)
    assert np.mean(gains) > 0.01, gains


# ---- without answers at all


def test_contrast_is_least_where_the_views_of_an_input_agree():
    task, _ = shapes(30)
    contrast = Contrast(task)

    class Given(nn.Module):
        def forward(self, x):
            return nn.functional.normalize(x, dim=1)

    eye = torch.eye(4, 8)
    agreeing = contrast.loss(Given(), torch.cat([eye, eye]), [None] * 4)
    crossed = contrast.loss(Given(), torch.cat([eye, eye.roll(1, 0)]), [None] * 4)
    assert agreeing.shape == (4,)
    expected = -np.log(np.exp(2) / (np.exp(2) + 6))  # one match at 1/0.5 among seven, the others at 0
    assert torch.allclose(agreeing, torch.full((4,), float(expected)), atol=1e-5)
    assert (crossed > agreeing).all()


def test_pretrained_weights_fit_the_task_all_but_the_last_layer():
    task, rows = shapes(300)
    learnt = fit(Contrast(task), unlabelled(rows), (), budget=Budget(steps=3), setting=SETTING).model
    weights, own = network_weights(learnt), task.build().state_dict()
    assert {name: t.shape for name, t in weights.items()}.items() <= {n: t.shape for n, t in own.items()}.items()
    missing = own.keys() - weights.keys()
    assert missing
    assert all(own[name].shape[0] == 3 for name in missing)


def test_two_views_differ_and_come_one_batch_after_the_other():
    task, rows = shapes(30)
    x = task.input.encode([e.input for e in rows[:5]])
    views, _ = Contrast(task).augment(x, generator("views"))
    assert views.shape == (10, *x.shape[1:])
    assert not torch.equal(views[:5], views[5:])


def test_an_input_without_variations_is_refused():
    task = catalog.find("tests/applications/toys/charlm.py")()
    with pytest.raises(UsageError, match="variation"):
        SelfTraining(task, [])
