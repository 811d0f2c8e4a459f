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
from sounding.challenges.labels.self_training import LABELLED, ROUND, PseudoLabelled, SelfTraining
from sounding.contract.answers import MixedTarget, SoftLabel
from sounding.contract.records import Example, Prediction
from sounding.contract.task import Task
from sounding.data import open_data
from sounding.evaluation.evaluation import evaluate_rows
from sounding.machine.setting import Setting
from sounding.randomness import generator, stream
from sounding.training.loop import Budget, fit

SETTING = Setting(threads=1)


def shapes(n: int = 300) -> tuple[Task, list[Example]]:
    application = catalog.find("classify")
    task = application(application.Recipe.make("tiny", {"validations": 2}))
    rows = task.demo(stream("shapes"), n)
    task.fit(rows)
    return task, rows


def unlabelled(rows: list[Example]) -> list[Example]:
    return [replace(row, target=None) for row in rows]


def test_a_student_learns_all_that_its_teacher_thinks(monkeypatch):
    task, rows = shapes(60)
    pool, teacher = unlabelled(rows[20:]), nn.Identity()
    asked = []

    def predict(model, inputs):
        assert model is teacher
        asked.extend(id(value) for value in inputs)
        return [Prediction("disc", 0.5, np.array([0.2, 0.5, 0.3])) for _ in inputs]

    monkeypatch.setattr(task, "predict", predict)
    around = SelfTraining(task, pool, teacher)
    gathered = around.collect(nn.Module(), rows[:20], stream("round"))
    told = [e for e in gathered if isinstance(e.target, SoftLabel)]
    assert {id(e.input) for e in told} == {id(e.input) for e in pool}
    assert torch.allclose(task.target.encode([told[0].target]), torch.tensor([[0.2, 0.5, 0.3]]))
    own = [e for e in gathered if not isinstance(e.target, SoftLabel)]
    assert len(own) == round(LABELLED * ROUND)
    assert {id(e.input) for e in own} == {id(e.input) for e in rows[:20]}
    around.collect(nn.Module(), rows[:20], stream("another round"))
    assert len(asked) == len(set(asked)) == len(pool)


def test_of_answers_without_shares_the_surer_half_is_taught(monkeypatch):
    task, rows = shapes(60)
    pool = unlabelled(rows[20:])
    numbers = {id(e.input): i for i, e in enumerate(pool)}

    def predict(model, inputs):
        return [Prediction("disc", numbers[id(v)] / 40) for v in inputs]

    monkeypatch.setattr(task, "predict", predict)
    gathered = SelfTraining(task, pool, nn.Identity()).collect(nn.Identity(), rows[:20], stream("round"))
    told = [numbers[id(e.input)] for e in gathered if id(e.input) in numbers]
    assert set(told) == set(range(20, 40))


def test_a_weighed_target_can_be_mixed():
    task, _ = shapes(30)
    mixed = MixedTarget(SoftLabel((0.0, 0.5, 0.5)), task.target.classes[0], 0.5)
    assert torch.allclose(task.target.encode([mixed]), torch.tensor([[0.5, 0.25, 0.25]]))


def test_a_round_reads_rows_when_they_are_needed():
    first, second = [Example(1, "a")], [Example(2), Example(3)]
    together = PseudoLabelled(first, second, ["b", "c"])
    assert len(together) == 3
    assert together[0] == Example(1, "a")
    assert together[2] == Example(3, "c")


@pytest.mark.slow
def test_what_a_pool_of_digits_teaches_helps():
    application = catalog.find("classify")
    task = application(application.Recipe.make("tiny", {"validations": 5, "lr": 4e-3}))
    data = open_data(task, Path(sounding.__file__).parent / "samples" / "digits.parquet")
    gains = []
    for seed in range(3):
        order = stream("few digits", seed).permutation(len(data.train))
        few, pool = data.train[order[:60]], unlabelled(list(data.train[order[60:]]))
        budget = Budget(steps=400)
        control = fit(task, few, data.validation, budget=budget, seed=seed, setting=SETTING).model
        around = SelfTraining(task, pool, control)
        models = control, fit(around, few, data.validation, budget=budget, seed=seed, setting=SETTING).model
        alone, helped = (task.metrics[0].value(evaluate_rows(task, model, data.test)) for model in models)
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
    agreeing = contrast.loss(Given(), torch.cat([eye, eye]), contrast.encode_targets([None] * 4))
    crossed = contrast.loss(Given(), torch.cat([eye, eye.roll(1, 0)]), contrast.encode_targets([None] * 4))
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
