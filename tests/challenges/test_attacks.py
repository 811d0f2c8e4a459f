"""Attacks against the distances that a linear model is known to have, and against foolbox."""

import numpy as np
import pytest
import torch
from challenges.toys import PARTS, WIDTH, Guess, Pair, Read, Sort, Vector, linear, rows, small, trained
from torch import nn

from sounding.challenges.attacks import greedy, pgd
from sounding.modalities.modality import Threat

WIDE = (-100.0, 100.0)
WEIGHTS = np.random.default_rng(1).normal(size=PARTS * WIDTH).astype(np.float32)


def columns(examples):
    return [e.input for e in examples], [e.target for e in examples]


def right(task, model, values, truths):
    return np.array([p.value == t for p, t in zip(task.predict(model, values), truths, strict=True)])


def offsets(attacked, values):
    return np.stack(attacked.values) - np.stack(values)


@pytest.mark.parametrize(("norm", "radius", "dual"), [("linf", 0.05, 1), ("l2", 0.25, 2)])
def test_a_linear_model_falls_exactly_where_its_margin_is_below_radius_times_the_dual_norm(norm, radius, dual):
    task, model = Sort(small()), Pair(linear(WEIGHTS, -float(WEIGHTS.sum()) / 2))
    task.input.legal = WIDE
    values, _ = columns(rows(task, 300))
    margins = np.stack(values) @ WEIGHTS - WEIGHTS.sum() / 2
    truths = [int(m > 0) for m in margins]
    reach = radius * np.linalg.norm(WEIGHTS, dual)
    stands = right(task, model, pgd(task, model, values, truths, Threat("t", norm, radius)).values, truths)
    clear = np.abs(np.abs(margins) - reach) > 0.03 * reach  # ten steps in a round ball end a little short of its edge
    np.testing.assert_array_equal(stands[clear], (np.abs(margins) > reach)[clear])
    assert 30 < stands.sum() < 270


def test_accuracy_under_attack_equals_foolboxs_at_equal_steps():
    foolbox = pytest.importorskip("foolbox")
    task = Sort(small())
    model = trained(task, rows(task, 300))
    values, truths = columns(rows(task, 50, "other"))
    ours = right(task, model, pgd(task, model, values, truths, Threat("t", "linf", 0.1), steps=20).values, truths)
    attack = foolbox.attacks.LinfPGD(abs_stepsize=2.5 / 20 * 0.1, steps=20, random_start=True)
    torch.manual_seed(0)
    wrapped = foolbox.PyTorchModel(model, bounds=(0, 1))
    _, _, fallen = attack(wrapped, task.input.encode(values), torch.tensor(truths), epsilons=0.1)
    assert abs(ours.sum() - int((~fallen).sum())) <= 1
    assert 5 < ours.sum() < 45


@pytest.mark.parametrize(("norm", "order"), [("linf", np.inf), ("l2", 2)])
def test_attacked_inputs_stay_in_the_ball_and_in_the_legal_range(norm, order):
    task = Sort(small())
    values, truths = columns(rows(task, 40))
    found = pgd(task, trained(task, rows(task, 100), 50), values, truths, Threat("t", norm, 0.3))
    distances = np.linalg.norm(offsets(found, values), order, axis=1)
    assert distances.max() < 0.3 + 1e-5
    assert np.median(distances) > 0.1
    assert np.stack(found.values).min() >= 0
    assert np.stack(found.values).max() <= 1


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_a_relative_radius_is_a_share_of_the_inputs_own_size(norm):
    task, model = Sort(small()), Pair(linear(WEIGHTS))
    task.input.legal = WIDE
    values, _ = columns(rows(task, 20))
    values = [v * scale for v, scale in zip(values, np.linspace(0.1, 3, 20), strict=True)]
    found = pgd(task, model, values, [0] * 20, Threat("t", norm, 0.1, relative=True))
    rms = np.sqrt((np.stack(values) ** 2).mean(1))
    moved = offsets(found, values)
    size = np.abs(moved).max(1) if norm == "linf" else np.sqrt((moved**2).mean(1))
    np.testing.assert_allclose(size, 0.1 * rms, rtol=1e-3)  # a linear loss is worst at the edge


def test_the_worst_point_is_kept_and_the_loss_is_its_loss():
    task = Sort(small())
    model = trained(task, rows(task, 100), 50)
    values, truths = columns(rows(task, 40))
    found = pgd(task, model, values, truths, Threat("t", "linf", 0.1))
    with torch.no_grad():
        clean = task.loss(model, task.input.encode(values), truths)
        after = task.loss(model, task.input.encode(found.values), truths)
    assert (after >= clean).all()
    np.testing.assert_allclose(found.losses, after, atol=1e-5)
    assert found.rose.all()


def test_a_point_that_cannot_be_made_worse_stays():
    class Least(Guess):
        def loss(self, model, x, targets):
            return -(x - 0.5).square().sum(1) * 100  # highest at the middle

    task = Least(small())
    values = [np.full(PARTS * WIDTH, 0.5, np.float32)]
    found = pgd(task, task.build(), values, [0.0], Threat("t", "linf", 0.1))
    np.testing.assert_allclose(found.values[0], values[0], atol=1e-6)


class Rounded(nn.Module):
    """A model behind a rounding of its input: it has no gradient, and is no more robust for it."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        return self.model((x * 16).round() / 16)


def test_rounding_the_input_blinds_the_attack_and_it_says_so():
    task = Sort(small())
    model = trained(task, rows(task, 100))
    values, truths = columns(rows(task, 40))
    threat = Threat("t", "linf", 0.2)
    seeing, blind = (pgd(task, m, values, truths, threat) for m in (model, Rounded(model)))
    assert seeing.rose.mean() > 0.95
    assert blind.rose.mean() < 0.05
    assert right(task, model, seeing.values, truths).mean() < right(task, model, blind.values, truths).mean()


def test_a_loss_without_any_gradient_is_no_error():
    class Detached(nn.Module):
        def __init__(self, model):
            super().__init__()
            self.model = model

        def forward(self, x):
            return self.model(x.detach())

    task = Sort(small())
    found = pgd(task, Detached(task.build()), *columns(rows(task, 5)), Threat("t", "l2", 0.2))
    assert not found.rose.any()
    assert np.isfinite(np.stack(found.values)).all()


def test_attacking_is_repeatable_and_leaves_the_model_as_it_was():
    task = Sort(small())
    model = task.build().train()
    model[0].weight.requires_grad_(False)
    values, truths = columns(rows(task, 20))
    first, again, other = (pgd(task, model, values, truths, Vector.threats[0], steps=1, seed=s) for s in (0, 0, 1))
    np.testing.assert_array_equal(first.values, again.values)
    assert (np.stack(first.values) != np.stack(other.values)).any()
    assert model.training
    assert [p.requires_grad for p in model.parameters()] == [False, True, True, True]
    assert all(p.grad is None for p in model.parameters())


def test_greedy_edits_hurt_and_are_at_most_two():
    task = Read(small())
    model = task.build()
    with torch.no_grad():  # word w counts w − 4.5
        model.embedding.weight.zero_()
        model.embedding.weight[:10, 0] = torch.arange(10) - 4.5
        model.last.weight.copy_(torch.tensor([[1.0, 0, 0]]))
    values, truths = columns(rows(task, 40))
    found = greedy(task, model, values, truths)
    edits = [sum(a != b for a, b in zip(v, w, strict=True)) for v, w in zip(values, found.values, strict=True)]
    assert max(edits) == 2
    assert right(task, model, found.values, truths).mean() < right(task, model, values, truths).mean() - 0.2
    for value, worse, truth in zip(values, found.values, truths, strict=True):  # towards the other kind, never away
        assert (sum(worse) - sum(value)) * (1 if truth else -1) <= 0
