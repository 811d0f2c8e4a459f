"""Muon: filter banks move along orthogonalised momentum and keep their norm; the rest is AdamW's."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from sounding.applications.vision.classify import Classify, ClassifyRecipe
from sounding.contract.recipe import Recipe
from sounding.inspection.steps import trial
from sounding.machine.setting import Setting
from sounding.randomness import generator, stream
from sounding.training.feed import encoded
from sounding.training.muon import Muon, muon_parameters, orthogonalised
from sounding.training.optimization import effective_optimizer, optimizer, set_learning_rate
from sounding.training.train_state import TrainState


def net() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, bias=False),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Conv2d(8, 8, 3, groups=8, bias=False),
        nn.Conv2d(8, 4, 1),
        nn.Flatten(),
        nn.Linear(4 * 16, 2, bias=False),
    )


def stepped(model: nn.Module, scale: float = 1.0, share: float = 1.0, steps: int = 1, **recipe) -> nn.Module:
    taker = optimizer(model, Recipe(optimizer="muon", **recipe))
    x = torch.rand(16, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    for _ in range(steps):
        taker.zero_grad()
        (scale * model(x).square().sum()).backward()
        set_learning_rate(taker, share)
        taker.step()
    return model


@pytest.mark.parametrize("shape", [(6, 20), (20, 6), (7, 7)])
def test_orthogonalised_has_the_singular_vectors_and_levels_the_values(shape):
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    left, _, right = torch.linalg.svd(noise, full_matrices=False)
    values = torch.linspace(1, 10, min(shape), dtype=torch.float64)
    found = left.T @ orthogonalised(left @ values.diag() @ right, rounds=5) @ right.T
    assert torch.allclose(found, found.diagonal().diag(), atol=1e-9), "the singular vectors are the same"
    assert found.diagonal().max() / found.diagonal().min() < 2


def test_it_trains_the_filters_ahead_of_a_normalisation():
    model = net()
    assert [p is model[0].weight for p in muon_parameters(model)] == [True]
    model[0].weight.requires_grad_(False)
    assert muon_parameters(model) == []


def test_a_step_has_the_relative_length_that_was_asked_for_and_keeps_the_norm():
    before, model = net()[0].weight.detach(), stepped(net(), muon_lr=0.1)
    after = model[0].weight.detach()
    assert torch.isclose(after.norm(), before.norm(), rtol=1e-5)
    assert torch.isclose((after - before).norm() / before.norm(), torch.tensor(0.1), rtol=0.1)


def test_the_scale_of_the_loss_does_not_matter_to_it():
    one, other = stepped(net(), steps=3), stepped(net(), scale=1000.0, steps=3)
    assert torch.allclose(one[0].weight, other[0].weight, atol=1e-5)


def test_everything_else_moves_as_with_adamw():
    muon, model = stepped(net(), lr=0.01), net()
    groups = [{"params": [p for p in model.parameters() if p.ndim > 1], "weight_decay": 0.01}]
    groups += [{"params": [p for p in model.parameters() if p.ndim <= 1], "weight_decay": 0.0}]
    adamw = torch.optim.AdamW(groups, lr=0.01)
    x = torch.rand(16, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    model(x).square().sum().backward()
    adamw.step()
    for (name, mine), (_, theirs) in zip(muon.named_parameters(), model.named_parameters(), strict=True):
        assert torch.equal(mine, theirs) is (name != "0.weight"), name


def test_pace_gives_each_group_a_share_of_its_own_peak():
    taker = optimizer(net(), Recipe(optimizer="muon", lr=0.01, muon_lr=0.3))
    set_learning_rate(taker, 0.5)
    assert [group["lr"] for group in taker.param_groups] == [0.005, 0.005, 0.15]


def test_its_state_comes_back():
    model = net()
    taker = optimizer(model, Recipe(optimizer="muon"))
    assert isinstance(taker, Muon)
    model(torch.rand(4, 3, 8, 8)).sum().backward()
    taker.step()
    fresh = optimizer(model, Recipe(optimizer="muon"))
    fresh.load_state_dict(taker.state_dict())
    for p in model.parameters():
        for key, value in taker.state[p].items():
            assert torch.equal(fresh.state[p][key], value), key


def test_a_bank_that_begins_at_zero_is_left_to_adamw_and_stays_finite():
    model = net()
    nn.init.zeros_(model[0].weight)
    assert muon_parameters(model) == []
    moved = stepped(model)[0].weight
    assert moved.isfinite().all()


def test_a_step_can_be_tried_where_nothing_is_to_be_learnt():
    model = net()
    model(torch.rand(4, 3, 8, 8)).sum().backward()
    tried = trial(model, Recipe(optimizer="muon", lr=0.0), 0.0)
    assert tried["0"] == pytest.approx(Recipe().muon_lr, rel=0.1)
    assert tried["6"] == 0


def test_a_filter_without_a_gradient_stays():
    model = net()
    taker = optimizer(model, Recipe(optimizer="muon"))
    before = model[0].weight.clone()
    model[0].weight.grad = torch.zeros_like(model[0].weight)
    taker.step()
    assert torch.equal(model[0].weight, before)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_training_that_is_taken_up_again_goes_on_bit_by_bit(precision):
    rows = Classify().demo(stream("muon"), 64)
    task = Classify(ClassifyRecipe.make("tiny", {"width": 4, "batch": 16}))
    task.fit(rows)
    setting = Setting(precision=precision, channels_last=True)
    batches = [encoded(task, rows[i : i + 16], generator("muon", i)) for i in (0, 16, 32, 48)]
    whole, first, second = (TrainState(task, 0, setting) for _ in range(3))
    for batch in batches:
        whole.step(batch)
    for batch in batches[:2]:
        first.step(batch)
    second.restore({name: tensor.clone() for name, tensor in first.tensors().items()}, first.note())
    for batch in batches[2:]:
        second.step(batch)
    expected = whole.tensors()
    assert any(name.endswith("momentum_buffer") for name in expected)
    for name, tensor in second.tensors().items():
        assert torch.equal(tensor, expected[name]), name


def test_a_network_without_filters_is_said_to_be_trained_by_adamw():
    layers = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    assert effective_optimizer(layers, Recipe(optimizer="muon")) == "adamw"
    assert effective_optimizer(net(), Recipe(optimizer="muon")) == "muon"
    assert effective_optimizer(net(), Recipe(optimizer="sgd")) == "sgd"
