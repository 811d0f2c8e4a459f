"""Convolutional networks: shapes at every side, strides, gradients, and what the papers promise of their start."""

import pytest
import torch
from jaxtyping import TypeCheckError
from torch import nn

from sounding.architectures.cnn import FastNet, ResNet
from sounding.errors import UsageError

SIDES = [8, 16, 28, 32, 48, 64, 96, 224]


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("side", SIDES)
def test_resnet_shapes_and_strides(side, channels):
    net = ResNet(channels, 7, width=4, side=side).eval()
    x = torch.rand(1, channels, side, side)
    assert net(x).shape == (1, 7)
    for feature, width, stride in zip(net.features(x), net.widths, net.strides, strict=True):
        assert feature.shape == (1, width, -(-side // stride), -(-side // stride))
    assert net.strides == ([4, 8, 16, 32] if side > 64 else [1, 2, 4, 8])


@pytest.mark.parametrize("first", [1, 2, 4])
def test_a_resnet_for_large_pictures_begins_where_it_is_told_with_weights_of_the_same_names(first):
    net, usual = ResNet(3, 7, width=4, side=96, first=first).eval(), ResNet(3, 7, width=4, side=96)
    assert net.strides == [first, 2 * first, 4 * first, 8 * first]
    maps = net.features(torch.rand(1, 3, 96, 100))
    assert [tuple(m.shape[-2:]) for m in maps] == [(-(-96 // s), -(-100 // s)) for s in net.strides]
    if first > 1:
        net.load_state_dict(usual.state_dict())  # so that what was learnt at one can be taken over at the other
    assert ResNet(3, 7, width=4, side=32, first=first).strides[0] == 1


def test_no_resnet_begins_elsewhere():
    with pytest.raises(UsageError, match="cannot begin at 1/3"):
        ResNet(3, 7, width=4, side=96, first=3)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("side", SIDES[:6])
def test_fast_net_shapes(side, channels):
    assert FastNet(channels, 7, (4, 8, 8)).eval()(torch.rand(2, channels, side, side)).shape == (2, 7)


@pytest.mark.parametrize("net", [ResNet(3, 4, 4), ResNet(3, 4, 4, 2, side=96), FastNet(3, 4, (4, 8))], ids=str.__name__)
def test_every_parameter_gets_a_gradient(net):
    for layer in net.modules():
        if isinstance(layer, nn.BatchNorm2d) and layer.affine:
            nn.init.ones_(layer.weight)  # some begin at zero, which holds back the first gradient behind them
    net(torch.rand(4, 3, 96, 96)).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())


def test_width_64_and_depth_2_is_as_large_as_resnet_18():
    parameters = sum(p.numel() for p in ResNet(3, 1000, 64, 2, side=224).parameters())
    assert parameters == 11_689_512  # torchvision's resnet18


def test_each_block_begins_as_its_shortcut():
    stage = ResNet(3, 4, 8, depth=2).stages[0].eval()
    x = torch.rand(2, 8, 6, 6)
    torch.testing.assert_close(stage(x), x)  # x is not negative, so relu leaves it


def test_deep_nets_start_with_level_activations_and_finite_gradients():
    net = ResNet(3, 10, 8, depth=8)
    y = net(torch.randn(16, 3, 16, 16))
    y.sum().backward()
    assert 0.1 < y.std() < 10
    assert all(torch.isfinite(p.grad).all() for p in net.parameters())


def test_fast_net_begins_near_even_odds():
    p = FastNet(3, 10)(torch.rand(32, 3, 32, 32)).softmax(1)
    assert p.max() < 0.5


@pytest.mark.parametrize("make", [lambda: ResNet(1, 2, 4), lambda: FastNet(1, 2, (4, 8))], ids=["resnet", "fast"])
def test_answers_alone_as_in_a_batch(make):
    net, x = make().eval(), torch.rand(5, 1, 16, 16)
    torch.testing.assert_close(torch.cat([net(one[None]) for one in x]), net(x), atol=1e-5, rtol=1e-5)


def test_a_flat_picture_is_refused_in_tests():
    with pytest.raises(TypeCheckError):
        ResNet(3, 2, 4)(torch.rand(3, 8, 8))
