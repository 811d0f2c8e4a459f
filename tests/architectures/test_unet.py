"""Outputs for every pixel: shapes at any size, gradients, detail, geometry, and what pads or precedes the picture."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from sounding.architectures.backbones import NAMES, backbone
from sounding.architectures.unet import Context, UNet, squares

SIZES = [(24, 24), (37, 53), (65, 33), (90, 121), (8, 100)]


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def net(side=96, outputs=5, channels=3, detail=6, width=12, act="relu"):
    return UNet(backbone("resnet", channels, 4, act=act, side=side), channels, outputs, width, detail=detail, act=act)


@pytest.mark.parametrize("size", SIZES, ids=lambda s: "x".join(map(str, s)))
@pytest.mark.parametrize("side", [24, 96])
def test_every_pixel_has_its_outputs_whatever_the_size(size, side):
    assert net(side).eval()(torch.rand(2, 3, *size)).shape == (2, 5, *size)


@pytest.mark.parametrize("name", NAMES)
def test_any_backbone_will_do(name):
    model = UNet(backbone(name, 1, 4, side=224), 1, 3, 8, detail=4).eval()
    assert model(torch.rand(1, 1, 70, 45)).shape == (1, 3, 70, 45)


@pytest.mark.parametrize("detail", [0, 6])
def test_every_parameter_gets_a_gradient(detail):
    model = net(detail=detail)
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.ones_(layer.weight)  # some begin at zero, which holds back the first gradient behind them
    model(torch.rand(4, 3, 96, 80)).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())


def test_detail_doubles_the_resolution_of_the_finest_map_and_is_left_out_at_the_full_one():
    assert net(96, detail=0).stride == 4
    assert net(96, detail=6).stride == 2
    assert net(24, detail=0).stride == 1
    assert net(24, detail=6).detail is None


def test_outputs_begin_near_even_odds():
    assert net()(torch.rand(4, 3, 64, 64)).softmax(1).max() < 0.5


def test_answers_alone_as_in_a_batch():
    model, x = net().eval(), torch.rand(3, 3, 50, 40)
    torch.testing.assert_close(torch.cat([model(one[None]) for one in x]), model(x), atol=1e-5, rtol=1e-5)


def test_squares_are_filled_up_at_the_border_and_nowhere_else():
    x = torch.rand(2, 3, 5, 7)
    found = squares(x, 4)
    assert found.shape == (2, 48, 2, 2)
    back = F.pixel_shuffle(found, 4)
    assert torch.equal(back[..., :5, :7], x)
    assert torch.equal(back[..., 5:, :7], x[..., -1:, :].expand(2, 3, 3, 7))
    assert squares(x, 1) is x


def test_a_place_learns_where_it_is_from_detail_that_the_backbone_cannot_see():
    """Thin light and dark lines, in a picture of which the backbone sees the mean over 4 × 4 pixels alone."""

    class TrainOptions(nn.Module):
        widths, strides = (4, 4), (4, 8)

        def __init__(self):
            super().__init__()
            self.look = nn.Conv2d(1, 4, 1)

        def features(self, x):
            first = self.look(F.avg_pool2d(x, 4))
            return [first, F.avg_pool2d(first, 2)]

    def error(detail):
        torch.manual_seed(1)
        model = UNet(TrainOptions(), 1, 2, 8, detail=detail)
        optimizer = torch.optim.Adam(model.parameters(), 0.02)
        lines = (torch.arange(16) % 4 < 2).long()[None, :, None].expand(1, 16, 16)
        truth = torch.cat([torch.roll(lines, s, 1) for s in range(4)])
        for _ in range(40):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(truth[:, None].float()), truth)
            loss.backward()
            optimizer.step()
        return loss.item()

    assert error(detail=8) < 0.8 * error(detail=0)


def test_context_tells_every_place_of_what_is_far_away():
    context = Context(6, 8, "gelu").eval()
    x = torch.rand(1, 6, 20, 20, requires_grad=True)
    context(x)[0, :, 2, 2].sum().backward()
    assert (x.grad.abs().sum(1) > 0).all()
