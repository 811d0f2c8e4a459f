"""Muon: matrices and filter banks move along orthogonalised momentum; the rest is AdamW's."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import nn

from sounding.applications.vision.classify import Classify, ClassifyRecipe
from sounding.contract.recipe import Recipe
from sounding.inspection.update_ratios import trial
from sounding.machine.setting import Setting
from sounding.randomness import generator, stream
from sounding.training.feed import encoded
from sounding.training.muon import MatrixMuon, filter_parameters, orthogonalised
from sounding.training.optimization import effective_optimizers, optimizer, schedule, set_learning_rate
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
    assert [p is model[0].weight for p in filter_parameters(model)] == [True]
    model[0].weight.requires_grad_(False)
    assert filter_parameters(model) == []


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
    adamw = torch.optim.AdamW(groups, lr=0.01, fused=True)
    x = torch.rand(16, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    model(x).square().sum().backward()
    adamw.step()
    for (name, mine), (_, theirs) in zip(muon.named_parameters(), model.named_parameters(), strict=True):
        assert torch.equal(mine, theirs) is (name != "0.weight"), name


def test_pace_gives_each_group_a_share_of_its_own_peak():
    taker = optimizer(net(), Recipe(optimizer="muon", lr=0.01, muon_lr=0.3))
    set_learning_rate(taker, 0.5)
    assert [group["lr"] for group in taker.param_groups] == [0.005, 0.005, 0.15]


@pytest.mark.parametrize("make", [lambda: net(), lambda: Encoder()])
def test_its_state_comes_back(make):
    model = make()
    taker = optimizer(model, Recipe(optimizer="muon"))
    backward(model)
    taker.step()
    fresh = optimizer(model, Recipe(optimizer="muon"))
    fresh.load_state_dict(taker.state_dict())
    assert len(taker.state) == len(list(model.parameters()))
    for p in model.parameters():
        for key, value in taker.state[p].items():
            assert torch.equal(fresh.state[p][key], value), key
    assert [group["lr"] for group in fresh.param_groups] == [group["lr"] for group in taker.param_groups]


def test_the_state_of_other_groups_is_refused():
    told = optimizer(Encoder(), Recipe(optimizer="muon")).state_dict()
    with pytest.raises(ValueError, match="group"):
        optimizer(Encoder(), Recipe(optimizer="adamw")).load_state_dict(told)


def test_a_bank_that_begins_at_zero_is_left_to_adamw_and_stays_finite():
    model = net()
    nn.init.zeros_(model[0].weight)
    assert filter_parameters(model) == []
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


@pytest.mark.parametrize("make", [lambda: net(), lambda: Encoder()])
def test_a_training_of_matrices_is_taken_up_again_bit_by_bit(make):
    recipe, gradients = Recipe(optimizer="muon", lr=0.01), [torch.Generator().manual_seed(k) for k in range(4)]

    def steps(model, taker, drawn):
        for rng in drawn:
            for p in model.parameters():
                p.grad = torch.randn(p.shape, generator=rng.clone_state())
            taker.step()

    whole, first = make(), make()
    steps(whole, optimizer(whole, recipe), gradients)
    taker = optimizer(first, recipe)
    steps(first, taker, gradients[:2])
    second = copy.deepcopy(first)
    again = optimizer(second, recipe)
    again.load_state_dict(copy.deepcopy(taker.state_dict()))
    steps(second, again, gradients[2:])
    for (name, mine), (_, theirs) in zip(second.named_parameters(), whole.named_parameters(), strict=True):
        assert torch.equal(mine, theirs), name


# ---- which parameter goes where


class Encoder(nn.Module):
    """What a Transformer is made of, and a convolution with a normalisation before it."""

    def __init__(self, tied: bool = False) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.stem = nn.Conv1d(8, 8, 3, padding=1, bias=False)
        self.stem_norm = nn.BatchNorm1d(8)
        self.words = nn.Embedding(12, 8)
        self.query, self.key, self.value, self.out = (nn.Linear(8, 8, bias=False) for _ in range(4))
        self.norm = nn.LayerNorm(8)
        self.up, self.down = nn.Linear(8, 32), nn.Linear(32, 8)
        self.value_head = nn.Linear(8, 1)
        self.value_head.muon = False
        self.bias = nn.Parameter(torch.zeros(5, 5))
        self.head = nn.Linear(8, 12)
        if tied:
            self.head.weight = self.words.weight

    def forward(self, ids):
        x = self.words(ids)
        x = x + self.stem_norm(self.stem(x.mT)).mT
        weights = (self.query(x) @ self.key(x).mT + self.bias).softmax(-1)
        x = self.norm(x + self.out(weights @ self.value(x)))
        x = x + self.down(self.up(x).relu())
        return self.head(x), self.value_head(x)


def backward(model) -> None:
    """Gradients in every parameter."""
    if isinstance(model, Encoder):
        logits, value = model(torch.randint(12, (4, 5), generator=torch.Generator().manual_seed(2)))
        (logits.square().sum() + value.square().sum()).backward()
    else:
        model(torch.rand(4, 3, 8, 8)).sum().backward()


def where(model, name: str = "muon") -> dict[str, str]:
    taken = effective_optimizers(model, Recipe(optimizer=name))
    return {name: taken[p] for name, p in model.named_parameters()}


@pytest.mark.parametrize("tied", [False, True])
def test_each_parameter_of_an_encoder_goes_where_it_belongs(tied):
    found = where(Encoder(tied))
    hidden = {f"{name}.weight" for name in ("query", "key", "value", "out", "up", "down")}
    assert {name for name, by in found.items() if by == "muon"} == hidden
    assert {name for name, by in found.items() if by == "filter-muon"} == {"stem.weight"}
    others = {"words.weight", "norm.weight", "up.bias", "value_head.weight", "bias", "head.bias"}
    assert {found[name] for name in others} == {"adamw"}


@pytest.mark.parametrize("name", ["muon", "adamw", "sgd"])
def test_embeddings_gains_and_biases_are_not_decayed(name):
    model = Encoder()
    groups = optimizer(model, Recipe(optimizer=name, weight_decay=0.3)).param_groups
    decay = {id(p): group.get("weight_decay", 0.0) for group in groups for p in group["params"]}
    assert len(decay) == len(list(model.parameters()))
    found = {name for name, p in model.named_parameters() if decay[id(p)]}
    expected = {f"{name}.weight" for name in ("query", "key", "value", "out", "up", "down", "value_head", "head")}
    assert found - {"stem.weight"} == expected | {"bias"}
    assert ("stem.weight" in found) is (name != "muon")  # FilterMuon keeps the length of a bank anyway


def test_what_is_frozen_goes_nowhere():
    model = Encoder()
    model.up.weight.requires_grad_(False)
    assert model.up.weight not in effective_optimizers(model, Recipe(optimizer="muon"))


def test_adamw_and_sgd_train_everything_alone():
    assert set(where(Encoder(), "adamw").values()) == {"adamw"}
    assert set(where(Encoder(), "sgd").values()) == {"sgd"}


def test_a_single_linear_layer_makes_the_answer():
    assert set(where(nn.Linear(4, 3)).values()) == {"adamw"}


@pytest.mark.parametrize("shape", [(32, 8), (8, 32), (8, 8)])
def test_a_rate_of_its_own_is_the_spectral_norm_of_a_step_of_a_square_matrix(shape):
    model = nn.Sequential(nn.Linear(shape[1], shape[0], bias=False), nn.Linear(shape[0], 2))
    before = model[0].weight.detach().clone()
    taker = optimizer(model, Recipe(optimizer="muon", lr=0.3, matrix_lr=0.01, weight_decay=0.0))
    model[0].weight.grad = torch.randn(shape, generator=torch.Generator().manual_seed(3))
    taker.step()
    values = torch.linalg.svdvals((model[0].weight - before).detach()) / (0.01 * max(1.0, shape[0] / shape[1]) ** 0.5)
    assert 0.5 < values.median() < 1.3
    assert values.max() < 1.3


def test_matrices_of_one_shape_move_as_each_would_alone_and_as_those_of_torch():
    together = nn.Sequential(*[nn.Linear(8, 8, bias=False) for _ in range(3)], nn.Linear(8, 2))
    alone = copy.deepcopy(together)
    torchs = copy.deepcopy(together)
    taker = optimizer(together, Recipe(optimizer="muon", matrix_lr=0.02, weight_decay=0.1))
    each = [MatrixMuon([layer.weight], 0.02, 0.1) for layer in alone[:3]]
    theirs = torch.optim.Muon([layer.weight for layer in torchs[:3]], lr=0.02, weight_decay=0.1)
    for k in range(4):
        for model in (together, alone, torchs):
            rng = torch.Generator().manual_seed(k)
            for layer in model[:3]:
                layer.weight.grad = torch.randn(8, 8, generator=rng)
        for some in (taker, *each, theirs):
            some.step()
    for mine, single, other in zip(together[:3], alone[:3], torchs[:3], strict=True):
        assert torch.allclose(mine.weight, single.weight, atol=1e-6)
        assert torch.allclose(mine.weight, other.weight, atol=2e-3), "torch's works in bfloat16"


@pytest.mark.parametrize(("decay", "halfway"), [("linear", 0.5), ("cosine", 0.5), ("linear", 0.75), ("cosine", 0.75)])
def test_the_rate_falls_as_the_recipe_says(decay, halfway):
    recipe = Recipe(warmup=0.2, decay=decay)
    at = schedule(recipe, 0.2 + 0.8 * halfway)
    assert at == pytest.approx({"linear": 1 - halfway, "cosine": 0.5 + 0.5 * math.cos(math.pi * halfway)}[decay])
    assert schedule(recipe, 0.1) == pytest.approx(0.5)
    assert schedule(recipe, 1.0) == pytest.approx(0.0)


def test_a_step_of_a_matrix_is_orthogonal_and_as_long_as_one_of_adamw():
    model = Encoder()
    before = model.up.weight.detach().clone()
    taker = optimizer(model, Recipe(optimizer="muon", lr=0.01, weight_decay=0.0))
    model.up.weight.grad = torch.randn(32, 8, generator=torch.Generator().manual_seed(3))
    taker.step()
    step = (model.up.weight - before).detach()
    values = torch.linalg.svdvals(step) / (0.01 * 0.2 * 32**0.5)
    assert values.min() > 0.5
    assert values.max() < 1.5
    assert 0.1 * 0.01 < step.square().mean().sqrt() < 0.3 * 0.01, "AdamW's steps are of about 0.2 to 0.4 times its rate"
