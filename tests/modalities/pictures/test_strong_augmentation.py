"""Strong variations of pictures: what they keep, and that every draw comes from the generator."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sounding.modalities.pictures.image import Image
from sounding.modalities.pictures.strong_augmentation import strong_augmentation
from sounding.randomness import generator


def pictures(n: int, channels: int = 3, side: int = 32) -> torch.Tensor:
    return torch.rand(n, channels, side, side, generator=generator("pictures", channels, side))


@pytest.mark.parametrize(("channels", "side"), [(1, 8), (3, 32)])
@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0])
def test_pictures_stay_pictures(channels, side, strength):
    x = pictures(16, channels, side)
    kept = x.clone()
    varied = strong_augmentation(x, generator("vary"), strength)
    assert varied.shape == x.shape
    assert torch.isfinite(varied).all()
    assert varied.min() >= 0
    assert varied.max() <= 1
    assert torch.equal(x, kept)


def test_the_generator_decides_everything():
    x = pictures(8)
    assert torch.equal(strong_augmentation(x, generator("a")), strong_augmentation(x, generator("a")))
    assert not torch.equal(strong_augmentation(x, generator("a")), strong_augmentation(x, generator("b")))


def test_each_picture_draws_its_own_change():
    same = pictures(1).expand(12, -1, -1, -1)
    varied = strong_augmentation(same, generator("each"))
    assert len({picture.numpy().tobytes() for picture in varied}) > 8


def test_strength_is_how_far_it_goes():
    x = torch.nn.functional.avg_pool2d(pictures(64, side=64), 2)
    changes = [
        float((strong_augmentation(x, generator("far"), strength) - x).abs().mean()) for strength in (0.0, 0.3, 1.0)
    ]
    assert changes[0] < 0.01  # posterised to 256 steps at most
    assert changes[0] < changes[1] < changes[2]


def test_a_picture_that_is_moved_keeps_what_is_in_it():
    disc = torch.zeros(200, 1, 32, 32)
    y, x = np.mgrid[:32, :32] - 15.5
    disc[:, 0, torch.from_numpy(x**2 + y**2 < 36)] = 1.0
    bright = (strong_augmentation(disc, generator("disc"), 0.5) > 0.5).float().mean((1, 2, 3))
    plain = disc[0].mean()
    assert ((bright / plain - 1).abs() < 0.25).float().mean() > 0.65  # a quarter is solarised: the disc goes dark


def test_the_picture_modality_varies():
    image = Image()
    assert torch.equal(
        image.strong_augmentation(pictures(4), generator("m"), 0.7),
        strong_augmentation(pictures(4), generator("m"), 0.7),
    )
