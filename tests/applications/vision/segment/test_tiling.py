"""Windows over a large picture: they cover it, agree with the whole where they can, and fade into each other."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from sounding.applications.vision.segment.tiling import tiled
from sounding.postprocessing import tiling
from sounding.postprocessing.tiling import hill, starts


@pytest.mark.parametrize("side", [1, 5, 64, 65, 100, 127, 128, 129, 1000])
@pytest.mark.parametrize("tile", [64, 96])
@pytest.mark.parametrize("overlap", [0.0, 0.25, 0.5, 0.9])
def test_windows_cover_every_pixel_with_the_overlap_asked_for(side, tile, overlap):
    found = starts(side, tile, overlap)
    assert found[0] == 0
    assert found[-1] == max(0, side - tile)
    assert all(0 < b - a <= tile * (1 - overlap) + 1 for a, b in pairwise(found))


def test_hills_are_symmetric_and_nowhere_zero():
    for side in (1, 2, 7, 8):
        found = hill(side)
        assert np.array_equal(found, found[::-1])
        assert found.min() > 0
        assert found.max() == 1


@pytest.mark.parametrize("size", [(40, 70), (64, 64), (33, 200), (130, 131)], ids=str)
def test_what_looks_at_single_pixels_says_the_same_in_windows(size):
    x = torch.rand(2, 3, *size)

    def f(x):
        return torch.stack([x.sum(1), x.prod(1)], 1)

    torch.testing.assert_close(tiled(f, x, 32, 0.25), f(x))


def test_arrays_are_cut_as_tensors_are():
    x = torch.rand(2, 1, 70, 100)

    def f(x):
        return x - x.mean(axis=(2, 3), keepdims=True)

    found = tiling.tiled(f, x.numpy(), 32, 0.25)
    np.testing.assert_allclose(found, tiled(lambda x: x - x.mean((2, 3), keepdim=True), x, 32, 0.25), atol=1e-6)


def test_far_from_the_borders_of_windows_a_net_says_what_it_says_of_the_whole():
    torch.manual_seed(0)
    weight, x = torch.randn(2, 3, 5, 5), torch.rand(1, 3, 90, 100)

    def f(x):
        return F.conv2d(x, weight, padding=2)

    whole, found = f(x), tiled(f, x, 64, 0.5)
    middle = (..., slice(0, 24), slice(0, 16))  # seen by the first window alone
    torch.testing.assert_close(found[middle], whole[middle])
    assert (found - whole).abs().mean() < 0.2 * (tiled(f, x, 64, 0.0) - whole).abs().mean() + 0.05


def test_there_is_no_seam():
    """Each window says its own number: neighbours fade into each other in small steps."""
    calls = []

    def f(x):
        calls.append(x.shape)
        return torch.full((1, 1, *x.shape[-2:]), float(len(calls)))

    found = tiled(f, torch.rand(1, 1, 32, 112), 64, 0.25)[0, 0]
    assert [tuple(shape[-2:]) for shape in calls] == [(32, 64), (32, 64)]
    assert found[0, 0] == 1
    assert found[0, -1] == 2
    steps = found[0].diff()
    assert (steps >= 0).all()
    assert steps.max() < 0.15


def test_what_fits_is_not_cut_and_zero_never_cuts():
    seen = []

    def f(x):
        seen.append(x)
        return x

    x = torch.rand(1, 1, 64, 60)
    assert tiled(f, x, 64) is x
    assert tiled(f, x, 0) is x
    assert seen == [x, x]


def test_gradients_pass_through_windows():
    x = torch.rand(1, 2, 50, 50, requires_grad=True)
    tiled(lambda x: 3 * x, x, 32, 0.25).sum().backward()
    torch.testing.assert_close(x.grad, torch.full_like(x, 3.0))
