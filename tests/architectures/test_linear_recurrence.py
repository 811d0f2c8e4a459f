"""minGRU against its formula, step by step."""

from __future__ import annotations

import pytest
import torch

from sounding.architectures.linear_recurrence import MinGRU
from sounding.architectures.rnn import RNN, RNNConfig


def step_by_step(layer: MinGRU, x: torch.Tensor) -> torch.Tensor:
    shares, candidates = (x @ layer.gates.weight.T + layer.gates.bias).chunk(2, dim=2)
    states = [torch.zeros(len(x), layer.hidden_size)]
    for z, c in zip(shares.sigmoid().unbind(1), candidates.unbind(1), strict=True):
        states.append((1 - z) * states[-1] + z * c)
    return torch.stack(states[1:], dim=1)


@pytest.mark.parametrize("steps", [1, 7])
def test_states_and_gradients_are_those_of_the_formula_step_by_step(steps):
    torch.manual_seed(0)
    layer, weights = MinGRU(5, 3), torch.randn(2, steps, 3)
    gradients = []
    for states in (lambda x: layer(x)[0], lambda x: step_by_step(layer, x)):
        x = torch.linspace(-2, 2, 2 * steps * 5).sin().view(2, steps, 5).requires_grad_()
        layer.zero_grad()
        (states(x) * weights).sum().backward()
        gradients.append([states(x).detach(), x.grad, layer.gates.weight.grad.clone(), layer.gates.bias.grad.clone()])
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(layer(x)[1][0], gradients[1][0][:, -1])


def test_states_stay_in_fp32_where_products_are_narrow():
    layer, x = MinGRU(8, 4), torch.randn(2, 50, 8)
    with torch.autocast("cpu", torch.bfloat16):
        states, _ = layer(x)
    assert states.dtype == torch.float32
    torch.testing.assert_close(states, layer(x)[0], atol=0.03, rtol=0.03)


def test_a_row_gives_the_same_alone_and_in_a_batch_in_both_directions():
    torch.manual_seed(0)
    net, x = RNN(RNNConfig(4, 6, layers=2, cell="mingru")).eval(), torch.randn(2, 9, 4)
    together = net(x, torch.tensor([9, 5]))
    alone = net(x[1:, :5], torch.tensor([5]))
    torch.testing.assert_close(together[1, :5], alone[0])
    assert (together[1, 5:] == 0).all()
