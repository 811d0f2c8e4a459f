"""The multi-layer perceptron, against the same sums in numpy."""

import numpy as np
import pytest
import torch
from jaxtyping import TypeCheckError

from sounding.architectures.mlp import MLP
from sounding.errors import UsageError


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def test_forward_equals_numpy():
    net, x = MLP(5, 3, [7, 6], act="tanh"), torch.randn(4, 5)
    (w1, b1, w2, b2, w3, b3) = [p.detach().numpy() for p in net.parameters()]
    hidden = np.tanh(np.tanh(x.numpy() @ w1.T + b1) @ w2.T + b2)
    np.testing.assert_allclose(net(x).detach().numpy(), hidden @ w3.T + b3, rtol=1e-5, atol=1e-6)


def test_without_hidden_layers_it_is_linear():
    net, x = MLP(5, 3, []), torch.randn(4, 5)
    torch.testing.assert_close(net(2 * x) - net(x), net(x) - net(0 * x))


def test_norm_treats_each_example_alone_and_levels_its_scale():
    net, x = MLP(5, 3, [16], norm=True), torch.randn(4, 5)
    torch.testing.assert_close(net(x)[:1], net(x[:1]))
    torch.testing.assert_close(net(1000 * x), net(2000 * x), atol=1e-3, rtol=1e-3)


def test_dropout_acts_in_training_only():
    net, x = MLP(5, 3, [64], dropout=0.5), torch.randn(4, 5)
    assert not torch.equal(net(x), net(x))
    net.eval()
    assert torch.equal(net(x), net(x))


def test_every_parameter_gets_a_gradient():
    net = MLP(5, 3, [8, 8], norm=True)
    net(torch.randn(4, 5)).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())


def test_learns_what_a_linear_model_cannot():
    x = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    y = torch.tensor([0, 1, 1, 0])  # exclusive or
    net = MLP(2, 2, [16], act="tanh")
    optimizer = torch.optim.Adam(net.parameters(), lr=0.05)
    for _ in range(200):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(net(x), y).backward()
        optimizer.step()
    assert torch.equal(net(x).argmax(1), y)


def test_wrong_words_and_shapes():
    with pytest.raises(UsageError, match="Did you mean relu"):
        MLP(2, 2, act="rellu")
    with pytest.raises(TypeCheckError):
        MLP(2, 2)(torch.zeros(2))
