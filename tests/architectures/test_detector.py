"""The detector: where its locations are, that boxes follow the picture, and what it believes before it has learnt."""

import pytest
import torch
from torch import nn

from sounding.architectures.backbones import backbone
from sounding.architectures.detector import RARE, Detector
from sounding.architectures.pyramid import Pyramid


@pytest.fixture
def detector() -> Detector:
    torch.manual_seed(0)
    return Detector(Pyramid(backbone("resnet", 3, 4, side=128), 8), 5, depth=1).eval()


def test_each_location_of_each_map_speaks_once(detector):
    logits, corners, places = detector(torch.rand(2, 3, 96, 128))
    count = 12 * 16 + 6 * 8 + 3 * 4
    assert logits.shape == (2, count, 5)
    assert corners.shape == (2, count, 4)
    assert places.shape == (2, count, 2)


def test_places_are_the_middles_of_cells_in_shares_of_each_side(detector):
    _, _, places = detector(torch.rand(1, 3, 96, 128))
    torch.testing.assert_close(places[0, 0], torch.tensor([4 / 128, 4 / 96]))
    torch.testing.assert_close(places[0, 17], torch.tensor([12 / 128, 12 / 96]))  # row by row
    torch.testing.assert_close(places[0, 12 * 16], torch.tensor([8 / 128, 8 / 96]))  # the next map
    assert (places > 0).all()
    assert (places < 1).all()


def test_boxes_hold_their_own_place_and_are_larger_on_coarser_maps(detector):
    _, corners, places = detector(torch.rand(1, 3, 96, 128))
    assert (corners[..., :2] < places).all()
    assert (corners[..., 2:] > places).all()
    width = (corners[..., 2] - corners[..., 0])[0].detach() * 128
    assert width[: 12 * 16].mean().item() == pytest.approx(32, rel=0.2)  # two strides to each side before training
    assert width[-12:].mean().item() == pytest.approx(128, rel=0.2)


def test_an_untrained_detector_finds_next_to_nothing(detector):
    logits, _, _ = detector(torch.rand(2, 3, 96, 128))
    assert logits.sigmoid().mean().item() == pytest.approx(RARE, rel=0.3)


def test_every_parameter_gets_a_gradient(detector):
    for layer in detector.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.ones_(layer.weight)  # some begin at zero, which holds back the first gradient behind them
    logits, corners, _ = detector.train()(torch.rand(4, 3, 96, 128))
    (logits.square().sum() + corners.square().sum()).backward()
    assert not [n for n, p in detector.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]


def test_levels_share_their_filters_and_have_norms_of_their_own(detector):
    assert len(detector.class_tower.convolutions) == 1
    assert len(detector.class_tower.norms) == len(detector.pyramid.strides) == 3


def test_the_threshold_is_saved_with_the_weights_and_is_not_trained(detector):
    assert "threshold" in detector.state_dict()
    assert "threshold" not in dict(detector.named_parameters())
