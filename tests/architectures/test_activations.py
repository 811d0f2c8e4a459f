"""Activation functions: against formulas written out in numpy, and the gain against sampled signals."""

import math

import numpy as np
import pytest
import torch

from sounding.architectures.activations import ACTIVATIONS, activation, gain
from sounding.errors import UsageError

X = np.linspace(-4, 4, 81)
Φ = np.vectorize(lambda x: 0.5 * (1 + math.erf(x / math.sqrt(2))))
SIGMOID, SOFTPLUS = 1 / (1 + np.exp(-X)), np.log1p(np.exp(X))
FORMULAS = {
    "identity": X,
    "relu": np.maximum(0, X),
    "leaky_relu": np.where(X > 0, X, 0.01 * X),
    "elu": np.where(X > 0, X, np.exp(X) - 1),
    "selu": 1.0507 * np.where(X > 0, X, 1.6733 * (np.exp(X) - 1)),
    "gelu": X * Φ(X),
    "gelu_tanh": 0.5 * X * (1 + np.tanh(math.sqrt(2 / math.pi) * (X + 0.044715 * X**3))),
    "silu": X * SIGMOID,
    "squared_relu": np.maximum(0, X) ** 2,
    "mish": X * np.tanh(SOFTPLUS),
    "softplus": SOFTPLUS,
    "sigmoid": SIGMOID,
    "tanh": np.tanh(X),
    "softsign": X / (1 + np.abs(X)),
    "hardswish": X * np.clip(X + 3, 0, 6) / 6,
}


def test_every_activation_has_a_formula_here():
    assert set(FORMULAS) == set(ACTIVATIONS)


@pytest.mark.parametrize("name", FORMULAS)
def test_computes_its_formula(name):
    found = activation(name)(torch.from_numpy(X)).numpy()
    np.testing.assert_allclose(found, FORMULAS[name], atol=2e-4)
    assert ACTIVATIONS[name].formula
    assert ACTIVATIONS[name].source


def test_the_quick_tanh_is_torchs_with_its_gradient():
    for dtype, off in ((torch.float32, 1e-6), (torch.bfloat16, 0.0)):
        x = torch.linspace(-30, 30, 601).to(dtype).requires_grad_()
        y = x.detach().clone().requires_grad_()
        found, expected = activation("tanh")(x), torch.tanh(y)
        (found.sum() + expected.sum()).backward()
        torch.testing.assert_close(found, expected, atol=off, rtol=0)
        torch.testing.assert_close(x.grad, y.grad, atol=off, rtol=0)


def test_a_near_miss_is_guessed_and_others_are_listed():
    with pytest.raises(UsageError, match=r"no activation 'gelo'\. Did you mean gelu\?"):
        activation("gelo")
    with pytest.raises(UsageError, match=r"Known: elu, .*relu"):
        gain("qqqqqqqq")


def test_gain_in_closed_form():
    assert gain("identity") == pytest.approx(1)
    assert gain("relu") == pytest.approx(math.sqrt(2))
    assert gain("squared_relu") == pytest.approx(math.sqrt(2 / 3))
    assert gain("leaky_relu") == pytest.approx(math.sqrt(2 / (1 + 0.01**2)))
    assert gain("selu") == pytest.approx(1, abs=1e-6)  # what its two constants were made for


@pytest.mark.parametrize("name", [name for name in FORMULAS if name != "squared_relu"])  # it squares any deviation
def test_gain_keeps_a_signal_level_through_ten_layers(name):
    rng = torch.Generator().manual_seed(0)
    z = torch.randn(256, 512, generator=rng)
    for _ in range(10):
        z = activation(name)(z) @ torch.randn(512, 512, generator=rng) * gain(name) / 512**0.5
    assert 0.5 < z.square().mean() < 2
