"""Hardened training: what it wraps, what it refuses, and that it hardens."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import sounding
from sounding import catalog
from sounding.challenges.disturbances.attacks import pgd
from sounding.challenges.disturbances.hardening import AgainstAttacks, AgainstCorruptions, augmix, hardened
from sounding.contract.inputs import Threat
from sounding.contract.task import Task
from sounding.data import open_data
from sounding.errors import UsageError
from sounding.evaluation.evaluation import evaluate_rows
from sounding.machine.setting import Setting
from sounding.modalities.pictures.image import Image
from sounding.randomness import generator, stream
from sounding.training.loop import Budget, fit

SETTING = Setting(threads=1)


def shapes() -> tuple[Task, list]:
    """The demonstration task with a small net."""
    application = catalog.find("classify")
    task = application(application.Recipe.make("tiny", {"validations": 2, "network": "mlp", "width": 4}))
    rows = task.demo(stream("shapes"), 400)
    task.fit(rows)
    return task, rows


def under_attack(task: Task, model: nn.Module, rows: list) -> float:
    found = pgd(task, model, [e.input for e in rows], [e.target for e in rows], task.input.threats[-1], steps=10)
    after = [replace(e, input=value) for e, value in zip(rows, found.values, strict=True)]
    return task.metrics[0].value(evaluate_rows(task, model, after))


def test_a_net_that_learnt_from_attacks_withstands_them_better():
    application = catalog.find("classify")
    task = application(application.Recipe.make("tiny", {"validations": 2, "network": "mlp", "average": 0.95}))
    task.input.threats = (Threat("L∞ 0.06", "linf", 0.06),)
    data = open_data(task, Path(sounding.__file__).parent / "samples" / "digits.parquet")
    test, budget = list(data.test[:100]), Budget(steps=300)
    plain = fit(task, data.train, data.validation, budget=budget, setting=SETTING).model
    hard = fit(hardened(task, "attacks"), data.train, data.validation, budget=budget, setting=SETTING).model
    assert under_attack(task, hard, test) > under_attack(task, plain, test) + 0.05


def test_attacks_stay_out_of_evaluation_and_judge_the_validation_rows():
    task, train = shapes()
    model = task.build().eval()
    around = AgainstAttacks(task)
    x, targets = task.encode_inputs([e.input for e in train[:8]]), task.encode_targets([e.target for e in train[:8]])
    assert torch.equal(around.loss(model, x, targets), task.loss(model, x, targets))
    attacked, clean = around.evaluate_rows(model, train[:64]), task.evaluate_rows(model, train[:64])
    assert np.mean([r.loss for r in attacked]) > np.mean([r.loss for r in clean])
    assert around.passes == 2
    assert around.evaluate_rows(model, []) == []


def test_the_same_seed_hardens_to_the_same_weights():
    task, train = shapes()
    models = [
        fit(hardened(task, "attacks"), train, (), budget=Budget(steps=5), setting=SETTING, seed=2).model for _ in "ab"
    ]
    assert all(torch.equal(a, b) for a, b in zip(*(m.parameters() for m in models), strict=True))


class Still(Image):
    """Pictures that no variation changes."""

    def strong_augmentation(self, x, rng, strength=1.0):
        return x


def test_a_mixture_of_what_does_not_change_is_the_input():
    x = torch.rand(5, 3, 8, 8, generator=generator("mix"))
    assert torch.allclose(augmix(Still(), x, generator("mixture")), x, atol=1e-6)


def test_mixtures_are_convex_and_differ():
    x = torch.rand(1, 3, 16, 16, generator=generator("mix")).expand(6, -1, -1, -1)
    mixed = augmix(Image(), x, generator("mixture"))
    assert mixed.min() >= 0
    assert mixed.max() <= 1
    assert len({m.numpy().tobytes() for m in mixed}) == 6
    assert isinstance(hardened(shapes()[0], "corruptions"), AgainstCorruptions)


def test_half_of_the_inputs_are_mixed_and_the_others_are_as_without_hardening():
    inside, rows = shapes()
    x, task = inside.input.encode([row.input for row in rows[:200]]), hardened(inside, "corruptions")
    plain, _ = inside.augment(x, generator("half"))
    mixed, _ = task.augment(x, generator("half"))
    alike = (plain == mixed).flatten(1).all(1).float().mean().item()
    assert 0.4 < alike < 0.6


@pytest.mark.parametrize("kind", ["attacks", "corruptions"])
def test_an_input_that_cannot_be_hardened_is_refused(kind):
    task = catalog.find("tests/applications/toys/charlm.py")()
    with pytest.raises(UsageError, match="this kind of input"):
        hardened(task, kind)


def test_an_unknown_kind_is_refused_with_a_guess():
    with pytest.raises(UsageError, match="attacks"):
        hardened(shapes()[0], "atacks")
