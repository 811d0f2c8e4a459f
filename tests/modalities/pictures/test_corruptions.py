"""The fifteen corruptions: published constants, harm that grows, and nothing else."""

import numpy as np
import pytest
from sklearn.datasets import load_sample_image

from sounding.modalities.pictures.corruptions import CIFAR, CORRUPTIONS, IMAGENET
from sounding.modalities.pictures.image import Image
from sounding.modalities.pictures.image_files import square

NAMES = [
    "gaussian_noise",
    "shot_noise",
    "impulse_noise",
    "defocus_blur",
    "glass_blur",
    "motion_blur",
    "zoom_blur",
    "snow",
    "frost",
    "fog",
    "brightness",
    "contrast",
    "elastic_transform",
    "pixelate",
    "jpeg_compression",
]


@pytest.fixture(scope="module")
def photographs():
    """Side → eight crops of two photographs, brought to that side."""
    crops = []
    for name in ("china.jpg", "flower.jpg"):
        whole = load_sample_image(name)
        crops += [whole[top : top + 200, left : left + 200] for top in (0, 200) for left in (100, 350)]
    return {side: [square(crop, side, "crop") for crop in crops] for side in (32, 96)}


def distances(name, values, rng=0):
    """Mean distance from clean at severities 1 to 5."""
    out = []
    for severity in range(1, 6):
        stream = np.random.default_rng(rng)
        changed = [CORRUPTIONS[name](value, severity, stream).astype(float) for value in values]
        out.append(np.mean([np.sqrt(np.mean((a - b) ** 2)) for a, b in zip(values, changed, strict=True)]))
    return np.array(out) / 255


def test_there_are_fifteen_and_image_offers_them():
    assert list(CORRUPTIONS) == NAMES
    assert Image().corruptions == CORRUPTIONS
    for table in (CIFAR, IMAGENET):
        assert list(table) == NAMES
        assert all(len(constants) == 5 for constants in table.values())


@pytest.mark.parametrize("name", NAMES)
def test_shape_type_determinism_and_identity(name, photographs):
    f = CORRUPTIONS[name]
    for value in (photographs[32][0], photographs[32][0][..., :1], photographs[96][0], photographs[32][0][:20]):
        assert f(value, 0, np.random.default_rng(0)) is value
        before = value.copy()
        for severity in (1, 5):
            changed = f(value, severity, np.random.default_rng(7))
            assert (changed.shape, changed.dtype) == (value.shape, np.uint8)
            assert np.array_equal(changed, f(value, severity, np.random.default_rng(7)))
            assert not np.array_equal(changed, value)
            assert np.array_equal(value, before)


@pytest.mark.parametrize("name", NAMES)
def test_fractions_stay_fractions(name, photographs):
    value = photographs[32][1]
    unit = value.astype(np.float32) / np.float32(255)
    changed = CORRUPTIONS[name](unit, 3, np.random.default_rng(0))
    assert changed.dtype == np.float32
    assert changed.min() >= 0
    assert changed.max() <= 1
    assert np.allclose(changed * 255, CORRUPTIONS[name](value, 3, np.random.default_rng(0)), atol=1.01)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("side", [1, 2, 5])
def test_tiny_pictures_do_not_break_them(name, side):
    value = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    for severity in range(1, 6):
        assert CORRUPTIONS[name](value, severity, np.random.default_rng(0)).shape == value.shape


@pytest.mark.parametrize("side", [32, 96])
@pytest.mark.parametrize("name", NAMES)
def test_distance_grows_with_severity(name, side, photographs):
    grown = distances(name, photographs[side])
    if (name, side) == ("glass_blur", 32):  # by the published constants all five lie equally far
        assert grown.max() < 1.4 * grown.min()
        return
    slack = 0.88 if name == "frost" else 0.93  # frost dims what it covers; neighbouring severities may be near equal
    assert (grown[1:] >= slack * grown[:-1]).all(), grown
    assert grown[4] > 1.12 * grown[0], grown


@pytest.mark.parametrize("side", [32, 96])
def test_the_noises_have_the_published_strength(side):
    """On mid grey nothing is clipped at mild severities, so the deviation must be the constant itself."""
    value = np.full((side, side, 3), 128, np.uint8)
    gaussian = distances("gaussian_noise", [value] * 8)
    expected = (0.04, 0.06, 0.08, 0.09, 0.10) if side == 32 else (0.08, 0.12)
    assert gaussian[: len(expected)] == pytest.approx(expected, rel=0.04)
    photons = np.array((500, 250, 100, 75, 50) if side == 32 else (60, 25))
    shot = distances("shot_noise", [value] * 8)
    assert shot[: len(photons)] == pytest.approx(np.sqrt(128 / 255 / photons), rel=0.04)
    amounts = (0.01, 0.02, 0.03, 0.05, 0.07) if side == 32 else (0.03, 0.06, 0.09, 0.17, 0.27)
    for severity, amount in enumerate(amounts, 1):
        rng = np.random.default_rng(0)
        changed = np.stack([CORRUPTIONS["impulse_noise"](value, severity, rng) for _ in range(8)])
        assert (changed != 128).mean() == pytest.approx(amount, rel=0.1)
        assert (changed == 255).mean() == pytest.approx(amount / 2, rel=0.15)


def test_brightness_and_contrast_by_hand():
    rng = np.random.default_rng(0)
    value = np.zeros((8, 8, 3), np.uint8)
    value[:4] = (100, 48, 24)
    value[4:] = (60, 60, 60)
    bright = CORRUPTIONS["brightness"](value, 4, rng)  # 0.2 of 255 more in the top channel, the others in step
    assert bright[0, 0].tolist() == [151, 72, 36]
    assert bright[7, 0].tolist() == [111, 111, 111]
    flat = CORRUPTIONS["contrast"](value, 2, rng)  # half the contrast about the mean (80, 54, 42)
    assert flat[0, 0].tolist() == [90, 51, 33]
    assert (CORRUPTIONS["brightness"](np.zeros((4, 4, 1), np.uint8), 4, rng) == 51).all()


@pytest.mark.parametrize("name", [n for n in NAMES if n.endswith("blur") or n in ("elastic_transform", "pixelate")])
@pytest.mark.parametrize("side", [32, 96])
def test_things_stay_where_they_are(name, side):
    """The centre of mass of a disk moves by less than a pixel in a hundred, on average over draws."""
    y, x = np.mgrid[0:side, 0:side]
    centre = (side - 1) / 2
    value = np.where((y - centre) ** 2 + (x - centre) ** 2 < (side / 5) ** 2, 230, 0).astype(np.uint8)[..., None]
    rng = np.random.default_rng(0)
    changed = np.mean([CORRUPTIONS[name](value, 5, rng)[..., 0].astype(float) for _ in range(60)], axis=0)
    moved = [(changed * axis).sum() / changed.sum() - centre for axis in (y, x)]
    assert np.abs(moved).max() < max(0.01 * side, 0.55)
