"""The network of an agent: against two perceptrons by themselves, whose weights older runs hold."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from sounding.architectures.actor_critic import ActorCritic
from sounding.runs.transfer import transfer


def perceptron(outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, outputs))


def test_it_is_two_perceptrons_that_share_nothing_and_takes_the_weights_of_older_runs():
    apart = nn.ModuleDict({"policy": perceptron(3), "value": perceptron(1)})
    network = ActorCritic((4,), 3, 16, discrete=True)
    weights = {**dict(network.named_buffers()), **apart.state_dict()}
    network.load_state_dict(weights)
    started = transfer(weights, ActorCritic((4,), 3, 16, discrete=True))
    assert started.share == started.used == 1
    assert torch.equal(started.weights["hidden.2.weight"], network.hidden[2].weight)
    x = torch.randn(7, 4)
    said = network(x)
    torch.testing.assert_close(said.policy, apart["policy"](x))
    torch.testing.assert_close(said.value, apart["value"](x)[:, 0])
    said.value.sum().backward()
    assert network.policy.weight.grad is None
    assert not network.hidden[0].weight.grad[0].any()  # those of the policy
    assert network.hidden[0].weight.grad[1].any()


def test_its_own_weights_come_back():
    one, other = (ActorCritic((4,), 2, 8, discrete=False) for _ in range(2))
    other.load_state_dict(one.state_dict())
    x = torch.randn(5, 4)
    for mine, theirs in zip(one(x), other(x), strict=True):
        assert torch.equal(mine, theirs)


def test_it_begins_with_orthogonal_weights_and_all_actions_about_as_likely():
    network = ActorCritic((4,), 2, 16, discrete=True)
    for weight in network.hidden[2].weight:
        torch.testing.assert_close(weight @ weight.T, 2 * torch.eye(16), atol=1e-5, rtol=0)
    assert network.value.weight.norm().item() == pytest.approx(1.0)
    assert network.policy.weight.norm().item() == pytest.approx(0.01 * math.sqrt(2))
    assert network(torch.randn(9, 4)).policy.softmax(dim=1).sub(0.5).abs().max() < 0.05
