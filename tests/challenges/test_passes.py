"""Passes: batches without padding, and a model that remembers what it has just said."""

from typing import NamedTuple

import pytest
import torch
from challenges.toys import Counted, Read, small
from torch import nn

from sounding.challenges.passes import alike
from sounding.contract.memoised_forward import memoised_forward


def test_batches_hold_inputs_of_one_length_and_every_input_once():
    values = [(1,) * length for length in (3, 5, 3, 4, 3) * 10]
    batches = alike(Read(small()), values)
    assert sorted(i for batch in batches for i in batch) == list(range(50))
    assert all(len({len(values[i]) for i in batch}) == 1 for batch in batches)
    assert sorted(len(batch) for batch in batches) == [10, 10, 14, 16]  # batches of 16 at most


def test_a_model_that_remembers_is_not_fooled_by_changes_in_place_and_forgets_afterwards():
    model = Counted(nn.Linear(3, 2))
    x, other = torch.rand(4, 3), torch.rand(4, 3)
    with torch.no_grad(), memoised_forward(model):
        first = model(x)
        assert model(x.clone()) is first
        assert not torch.equal(model(other), first)
        first.mul_(2)
        assert torch.equal(2 * model(x), first)
        x.add_(1)
        assert torch.equal(model(x), model.one(x))
        assert model.calls == 4
    assert "forward" not in vars(model)
    model(x)
    model(x)
    assert model.calls == 6


class Two(NamedTuple):
    first: torch.Tensor
    second: torch.Tensor


class Pairs(nn.Module):
    """A pair of tensors in, a named pair out; counts its calls."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def forward(self, x):
        self.calls += 1
        return Two(x[0] + 1, x[1]["mask"] * x[0])


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_inputs_and_answers_of_several_tensors_are_remembered(mode):
    model, a, mask = Pairs(), torch.rand(3), torch.tensor([1, 0, 1])
    with mode(), memoised_forward(model):
        first = model((a, {"mask": mask}))
        again = model((a.clone(), {"mask": mask.clone()}))
        assert isinstance(again, Two)
        assert torch.equal(again.first, first.first)
        assert torch.equal(again.second, first.second)
        assert model.calls == 1
        model((a, {"mask": 1 - mask}))
        model((a, {"other": mask, "mask": mask}))
        assert model.calls == 3
        mask.add_(1)
        assert torch.equal(model((a, {"mask": mask})).second, mask * a)
    assert model.calls == 4


def test_what_holds_more_than_tensors_is_not_remembered():
    model = Pairs()
    with torch.no_grad(), memoised_forward(model):
        for _ in range(2):
            model((torch.ones(2), {"mask": torch.ones(2), "name": "x"}))
    assert model.calls == 2


def test_a_forward_of_the_model_s_own_is_put_back():
    model = nn.Linear(3, 2)
    mine = model.forward = lambda x: x
    with pytest.raises(ZeroDivisionError), memoised_forward(model):
        raise ZeroDivisionError
    assert model.forward is mine


def test_an_answer_without_a_gradient_is_not_given_where_one_is_needed():
    model, x = Counted(nn.Linear(3, 2)), torch.rand(4, 3)
    with memoised_forward(model):
        with torch.no_grad():
            model(x)
        point = x.clone().requires_grad_(True)
        model(point).sum().backward()
        assert point.grad is not None
        assert model(point) is model(point)
    assert model.calls == 2
