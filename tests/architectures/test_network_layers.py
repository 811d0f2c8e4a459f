"""Layers: against numpy, scikit-learn and the definitions that they cite."""

import numpy as np
import pytest
import torch
from jaxtyping import TypeCheckError
from torch import nn

from sounding.architectures.activations import gain
from sounding.architectures.layers import ConvNorm, Decorrelate, MaxPool2, Normalize, Residual, cosine_basis, initialise


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def test_normalize_gives_mean_zero_and_spread_one():
    x = torch.rand(64, 3, 8, 8) * torch.tensor([0.2, 0.5, 1.0]).view(1, 3, 1, 1)
    y = Normalize(x.mean((0, 2, 3)).tolist(), x.std((0, 2, 3)).tolist())(x)
    torch.testing.assert_close(y.mean((0, 2, 3)), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(y.std((0, 2, 3)), torch.ones(3), atol=1e-5, rtol=0)


def test_normalize_only_shifts_a_constant_channel():
    y = Normalize([0.25], [0.0])(torch.full((1, 1, 2, 2), 0.25))
    assert torch.equal(y, torch.zeros(1, 1, 2, 2))


def test_normalize_is_saved_but_not_trained():
    layer = Normalize([0.1, 0.2, 0.3], [1.0, 2.0, 3.0])
    assert list(layer.parameters()) == []
    assert set(layer.state_dict()) == {"mean", "std"}


def test_shapes_are_checked_in_tests():
    with pytest.raises(TypeCheckError):
        Normalize([0.0], [1.0])(torch.zeros(1, 4, 4))


@pytest.mark.parametrize(("pool", "stride", "side"), [(False, 1, 9), (True, 1, 4), (False, 2, 5)])
def test_conv_norm_shapes(pool, stride, side):
    assert ConvNorm(3, 5, stride=stride, pool=pool)(torch.rand(2, 3, 9, 9)).shape == (2, 5, side, side)


def test_halve_takes_maxima_drops_an_odd_edge_and_leaves_a_single_pixel():
    x = torch.tensor([[1.0, 2.0, 9.0], [3.0, 4.0, 9.0], [9.0, 9.0, 9.0]])[None, None]
    assert MaxPool2()(x).tolist() == [[[[4.0]]]]
    assert MaxPool2()(MaxPool2()(x)).tolist() == [[[[4.0]]]]


def test_residual_whose_body_is_zero_is_its_shortcut():
    body = nn.Conv2d(4, 4, 1)
    nn.init.zeros_(body.weight)
    nn.init.zeros_(body.bias)
    x = torch.randn(2, 4, 3, 3)
    assert torch.equal(Residual(body)(x), x.relu())
    assert torch.equal(Residual(body, act="identity")(x), x)


@pytest.mark.parametrize("n", [1, 2, 3, 8])
def test_cosine_basis_is_orthonormal_and_begins_with_the_mean(n):
    basis = cosine_basis(n)
    torch.testing.assert_close(basis @ basis.T, torch.eye(n))
    torch.testing.assert_close(basis[0], torch.full((n,), n**-0.5))


def test_decorrelate_whitens_natural_patches():
    from sklearn.datasets import load_sample_image

    picture = torch.from_numpy(load_sample_image("china.jpg").copy()).float().permute(2, 0, 1)[None] / 255
    layer = Decorrelate(3).train()
    y = layer(picture)
    assert y.shape == (1, 24, 426, 639)
    assert torch.equal(y[:, 12:], -y[:, :12])
    correlation = np.corrcoef(y[0, :12].flatten(1).numpy())
    before = np.corrcoef(torch.nn.functional.unfold(picture, 2)[0].numpy())
    off = ~np.eye(12, dtype=bool)
    assert np.abs(before[off]).mean() > 0.8
    assert np.abs(correlation[off]).mean() < 0.12
    assert list(layer.parameters()) == []


@pytest.mark.parametrize("act", ["relu", "gelu", "tanh"])
def test_initialise_draws_the_spread_that_he_derived(act):
    convolution, linear = nn.Conv2d(16, 64, 3), nn.Linear(400, 100)
    initialise(nn.Sequential(convolution, linear), act)
    assert convolution.weight.std().item() == pytest.approx(gain(act) / (64 * 9) ** 0.5, rel=0.05)
    assert linear.weight.std().item() == pytest.approx(gain(act) / 400**0.5, rel=0.05)
    assert not convolution.bias.any()
    assert not linear.bias.any()
