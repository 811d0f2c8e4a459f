"""The feature pyramid: the shapes of its maps at any side, and that what is coarse reaches what is fine."""

import pytest
import torch

from sounding.architectures.backbones import backbone
from sounding.architectures.pyramid import Pyramid


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


@pytest.mark.parametrize(("height", "width"), [(96, 128), (75, 101), (240, 66)])
def test_maps_have_the_strides_they_say_at_any_side(height, width):
    pyramid = Pyramid(backbone("resnet", 3, 4, side=128), 6).eval()
    maps = pyramid(torch.rand(2, 3, height, width))
    assert pyramid.strides == [8, 16, 32]
    assert [tuple(m.shape) for m in maps] == [(2, 6, -(-height // s), -(-width // s)) for s in pyramid.strides]


@pytest.mark.parametrize(("finest", "strides"), [(1, [1, 2, 4, 8]), (4, [4, 8]), (8, [8])])
def test_the_finest_stride_is_chosen(finest, strides):
    assert Pyramid(backbone("resnet", 1, 4, side=32), 6, finest).strides == strides


@pytest.mark.parametrize("name", ["resnet", "mobilenet_v2", "efficientnet_lite0"])
def test_every_backbone_carries_a_pyramid(name):
    pyramid = Pyramid(backbone(name, 3, 4), 8).eval()
    maps = pyramid(torch.rand(1, 3, 64, 96))
    assert [m.shape[1:] for m in maps] == [(8, -(-64 // s), -(-96 // s)) for s in pyramid.strides]


def test_a_backbone_without_so_coarse_a_map_is_refused():
    with pytest.raises(ValueError, match="stride of 64"):
        Pyramid(backbone("resnet", 3, 4, side=128), 6, finest=64)


def test_the_finest_map_depends_on_the_coarsest_and_not_the_other_way_round():
    pyramid = Pyramid(backbone("resnet", 3, 4, side=128), 6).eval()
    x = torch.rand(1, 3, 96, 96)
    before = pyramid(x)
    with torch.no_grad():
        pyramid.sides[-1].norm.bias += 1.0
        pyramid.sides[0].norm.weight *= 2.0
    after = pyramid(x)
    assert not torch.allclose(before[0], after[0])
    with torch.no_grad():
        pyramid.sides[0].norm.weight *= 2.0
    assert torch.equal(after[-1], pyramid(x)[-1])
