"""Attacks against the distances that a linear model is known to have, and against foolbox."""

import numpy as np
import pytest
import torch
from challenges.toys import (
    PARTS,
    WIDTH,
    Counted,
    Guess,
    Pair,
    Read,
    Rounded,
    Sort,
    Vector,
    linear,
    rows,
    small,
    trained,
)
from torch import nn

from sounding.challenges.disturbances.attacks import NOISE, apgd, greedy, perturb, pgd, square
from sounding.challenges.disturbances.square import hills
from sounding.contract.inputs import Threat
from sounding.errors import UsageError
from sounding.randomness import generator

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
    task.input.value_range = WIDE
    values, _ = columns(rows(task, 300))
    margins = np.stack(values) @ WEIGHTS - WEIGHTS.sum() / 2
    truths = [int(m > 0) for m in margins]
    reach = radius * np.linalg.norm(WEIGHTS, dual)
    stands = right(task, model, pgd(task, model, values, truths, Threat("t", norm, radius)).values, truths)
    clear = np.abs(np.abs(margins) - reach) > 0.03 * reach  # ten steps in a round ball end a little short of its edge
    np.testing.assert_array_equal(stands[clear], (np.abs(margins) > reach)[clear])
    assert 30 < stands.sum() < 270


def test_accuracy_under_attack_equals_foolboxs_at_equal_steps():
    import foolbox

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
    task.input.value_range = WIDE
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
        clean = task.loss(model, task.input.encode(values), task.encode_targets(truths))
        after = task.loss(model, task.input.encode(found.values), task.encode_targets(truths))
    assert (after >= clean).all()
    np.testing.assert_allclose(found.losses, after, atol=1e-5)
    assert found.rose.all()


def test_a_point_that_cannot_be_made_worse_stays():
    class Least(Guess):
        def loss(self, model, x, y):
            return -(x - 0.5).square().sum(1) * 100  # highest at the middle

    task = Least(small())
    values = [np.full(PARTS * WIDTH, 0.5, np.float32)]
    found = pgd(task, task.build(), values, [0.0], Threat("t", "linf", 0.1))
    np.testing.assert_allclose(found.values[0], values[0], atol=1e-6)


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


# ---- attacks that adapt themselves, and attacks without gradients

ATTACKS = {
    "apgd": lambda *args, **more: apgd(*args, steps=40, **more),
    "square": lambda *args, **more: square(*args, queries=80, **more),
}


def runner_up(truths):
    return [1 - truth for truth in truths]


@pytest.mark.parametrize("targeted", [False, True])
@pytest.mark.parametrize(("norm", "dual"), [("linf", 1), ("l2", 2)])
def test_a_linear_model_never_falls_below_its_minimal_distance_and_always_above_it(norm, dual, targeted):
    """The nearest wrong point is at margin / dual norm, exactly; each input has its own."""
    task, model = Sort(small()), Pair(linear(WEIGHTS, -float(WEIGHTS.sum()) / 2))
    task.input.value_range = WIDE
    values, _ = columns(rows(task, 12))
    margins = np.stack(values) @ WEIGHTS - WEIGHTS.sum() / 2
    truths = [int(m > 0) for m in margins]
    for value, truth, margin in zip(values, truths, margins, strict=True):
        distance = abs(margin) / np.linalg.norm(WEIGHTS, dual)
        others = runner_up([truth]) if targeted else None
        for radius, stands in ((0.998 * distance, True), (1.002 * distance, False)):
            found = apgd(task, model, [value], [truth], Threat("t", norm, radius), targets=others, steps=30)
            assert right(task, model, found.values, [truth])[0] == stands


def test_square_too_finds_only_what_a_linear_model_has():
    task, model = Sort(small()), Pair(linear(WEIGHTS, -float(WEIGHTS.sum()) / 2))
    task.input.value_range = WIDE
    values, _ = columns(rows(task, 16))
    margins = np.stack(values) @ WEIGHTS - WEIGHTS.sum() / 2
    truths = [int(m > 0) for m in margins]
    for norm, dual, slack in (("linf", 1, 1.05), ("l2", 2, 1.35)):
        distance = abs(margins) / np.linalg.norm(WEIGHTS, dual)
        radius = float(np.median(distance))
        found = square(task, model, values, truths, Threat("t", norm, radius), queries=300)
        stands = right(task, model, found.values, truths)
        assert stands[distance > radius].all()
        assert not stands[distance * slack < radius].any()


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
@pytest.mark.parametrize(("norm", "order"), [("linf", np.inf), ("l2", 2)])
def test_other_attacks_stay_in_the_ball_too_and_are_repeatable(attack, norm, order):
    task = Sort(small())
    model = trained(task, rows(task, 100), 50)
    values, truths = columns(rows(task, 20))
    found, again = (attack(task, model, values, truths, Threat("t", norm, 0.3)) for _ in range(2))
    distances = np.linalg.norm(offsets(found, values), order, axis=1)
    assert 0.05 < distances.max() < 0.3 + 1e-5
    assert np.stack(found.values).min() >= 0
    assert np.stack(found.values).max() <= 1
    np.testing.assert_array_equal(found.values, again.values)


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_an_input_whose_answer_is_wrong_is_left_in_peace(attack):
    task = Sort(small())
    model = trained(task, rows(task, 100), 50)
    values, _ = columns(rows(task, 20))
    lies = runner_up([p.value for p in task.predict(model, values)])
    found = attack(task, model, values, lies, Threat("t", "linf", 0.1))
    assert found.effort <= 5 * len(values)


def test_the_margin_sees_where_the_loss_is_blind():
    """A model so sure that the slope of its loss is 0 in single precision still has a margin with a slope."""
    task = Sort(small())
    weights = np.ones(PARTS * WIDTH, np.float32)
    model = Pair(linear(3000 * weights, -3000 * PARTS * WIDTH / 2))
    values, _ = columns(rows(task, 20))
    truths = [int(v.sum() > PARTS * WIDTH / 2) for v in values]
    threat = Threat("t", "linf", 0.2)
    by_loss = right(task, model, apgd(task, model, values, truths, threat).values, truths)
    by_margin = apgd(task, model, values, truths, threat, targets=runner_up(truths))
    margins = np.abs(np.stack(values).sum(1) - PARTS * WIDTH / 2)
    clear = margins < 0.15 * PARTS * WIDTH
    assert not right(task, model, by_margin.values, truths)[clear].any()
    assert by_loss[clear].any()


def test_two_losses_of_one_input_cost_one_forward_pass():
    task, counts = Sort(small()), []
    values, truths = columns(rows(task, 10))
    for targets in (None, runner_up(truths)):
        model = Counted(trained(task, rows(task, 100), 30))
        apgd(task, model, values, truths, Threat("t", "linf", 1e-6), targets=targets, steps=10)
        counts.append(model.calls)
        assert "forward" not in vars(model)
    assert counts[0] == counts[1]


def test_time_that_has_run_out_stops_a_search_and_it_says_so():
    task = Sort(small())
    model = trained(task, rows(task, 100), 50)
    values, truths = columns(rows(task, 20))
    for attack in ATTACKS.values():
        found = attack(task, model, values, truths, Threat("t", "linf", 1e-6), until=0.0)
        assert found.stopped
        assert 0 < found.effort <= 2 * len(values)
        assert len(found.values) == len(values)


def test_numbers_that_are_none_are_never_the_worst():
    class Broken(nn.Module):
        def __init__(self, model):
            super().__init__()
            self.model = model

        def forward(self, x):
            return torch.where(x.mean(1, keepdim=True) > 0.52, torch.nan, self.model(x))

    task = Sort(small())
    model = Broken(trained(task, rows(task, 100), 50))
    values, truths = columns(rows(task, 30))
    kept = [i for i, v in enumerate(values) if v.mean() < 0.5]
    values, truths = [values[i] for i in kept], [truths[i] for i in kept]
    threat = Threat("t", "linf", 0.1)
    for found in (pgd(task, model, values, truths, threat), apgd(task, model, values, truths, threat)):
        assert np.isfinite(found.losses).all()


def test_the_hills_of_the_round_ball_are_two_of_opposite_sign_and_of_norm_one():
    shape = hills(6, 6)
    assert float(shape.norm()) == pytest.approx(1)
    torch.testing.assert_close(shape[:, :3], -shape[:, 3:])
    assert (shape[:, :3] > 0).all()
    assert shape[3, 1] > shape[0, 1] > 0  # higher towards the middle
    assert hills(1, 1).shape == (1, 1)
    assert hills(5, 1).shape == (5, 1)


# ---- in training


class Normed(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm, self.drop, self.last = nn.BatchNorm1d(PARTS * WIDTH), nn.Dropout(0.5), nn.Linear(PARTS * WIDTH, 2)

    def forward(self, x):
        return self.last(self.drop(self.norm(x)))


def test_a_training_attack_raises_the_loss_and_leaves_nothing_behind():
    task, model = Sort(small()), Normed().train()
    x = task.input.encode([e.input for e in rows(task, 32)])
    targets = task.encode_targets([e.target for e in rows(task, 32)])
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = torch.get_rng_state()
    worse = perturb(task, model, x, targets, Threat("t", "linf", 0.1), generator("t"))
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert all(p.grad is None and p.requires_grad for p in model.parameters())
    assert all(module.training for module in model.modules())
    assert model.norm.track_running_stats
    assert not worse.requires_grad
    assert 0.15 < (worse - x).abs().max() <= (NOISE + 1) * 0.1 + 1e-6
    assert worse.min() >= 0
    assert worse.max() <= 1
    model.drop.p = 0.0
    assert task.loss(model, worse, targets).mean() > task.loss(model, x, targets).mean() + 0.01
    again = perturb(task, model, x, targets, Threat("t", "linf", 0.1), generator("t"))
    assert torch.equal(worse, again)


def test_what_has_no_range_cannot_be_attacked_in_training():
    task = Read(small())
    with pytest.raises(UsageError, match="no range"):
        perturb(task, task.build(), torch.zeros(1, 2), [0], Threat("t", "linf", 0.1), generator("t"))
