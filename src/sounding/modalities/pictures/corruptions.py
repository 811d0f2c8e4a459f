"""The fifteen common corruptions of pictures, five severities each.

The kinds and the constants are those of Hendrycks and Dietterich, "Benchmarking Neural Network Robustness to Common
Corruptions and Perturbations", ICLR 2019, as published in their repository hendrycks/robustness (make_cifar_c.py and
imagenet_c/corruptions.py). There are two tables, and they differ: small pictures (shorter side below 64) take the
constants of CIFAR-10-C, larger ones those of ImageNet-C.

This is a regeneration, not the official files: clouds and frost are generated (the original pastes photographs of
frost), and a corruption never moves things, so that boxes and masks stay right. For that the motion blur is centred,
and the elastic transform keeps its local displacement and leaves out the random affine map that the original adds to
it; severities 1 and 2, which there are affine map almost alone, continue the local displacement downwards.

Two still shift detail by about a pixel (a hundredth of the side), as they must: glass blur and elastic transform.

Severities are ordered by how much they harm a trained network. Distance from the clean picture mostly grows with them,
but not for frost, which dims what it covers, nor for the five glass blurs of CIFAR-10-C, which all lie equally far.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from io import BytesIO
from typing import Any

import numpy as np
import PIL.Image

from sounding.contract.inputs import Corruption
from sounding.modalities.pictures import filters
from sounding.modalities.pictures.image_files import as_unit, grey, like, resample
from sounding.randomness import stream

CIFAR: Mapping[str, tuple[Any, ...]] = {
    "gaussian_noise": (0.04, 0.06, 0.08, 0.09, 0.10),  # standard deviation
    "shot_noise": (500, 250, 100, 75, 50),  # photons at full brightness
    "impulse_noise": (0.01, 0.02, 0.03, 0.05, 0.07),  # share of values that turn black or white
    "defocus_blur": ((0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1, 0.2), (1.5, 0.1)),  # radius, softness
    "glass_blur": ((0.05, 1, 1), (0.25, 1, 1), (0.4, 1, 1), (0.25, 1, 2), (0.4, 1, 2)),  # sigma, reach, times
    "motion_blur": ((6, 1), (6, 1.5), (6, 2), (8, 2), (9, 2.5)),  # radius, sigma
    "zoom_blur": ((1.06, 0.01), (1.11, 0.01), (1.16, 0.01), (1.21, 0.01), (1.26, 0.01)),  # end, step
    "snow": (  # mean and deviation of flakes, their zoom, threshold, smear radius and sigma, share of the picture
        (0.1, 0.2, 1, 0.6, 8, 3, 0.95),
        (0.1, 0.2, 1, 0.5, 10, 4, 0.9),
        (0.15, 0.3, 1.75, 0.55, 10, 4, 0.9),
        (0.25, 0.3, 2.25, 0.6, 12, 6, 0.85),
        (0.3, 0.3, 1.25, 0.65, 14, 12, 0.8),
    ),
    "frost": ((1, 0.2), (1, 0.3), (0.9, 0.4), (0.85, 0.4), (0.75, 0.45)),  # share of picture, share of frost
    "fog": ((0.2, 3), (0.5, 3), (0.75, 2.5), (1, 2), (1.5, 1.75)),  # thickness, decay by octave
    "brightness": (0.05, 0.1, 0.15, 0.2, 0.3),  # added to the value of HSV
    "contrast": (0.75, 0.5, 0.4, 0.3, 0.15),  # share of contrast left
    "elastic_transform": (
        (0.04, 0.06),
        (0.06, 0.06),
        (0.08, 0.06),
        (0.1, 0.04),
        (0.1, 0.03),
    ),  # strength, sigma by side
    "pixelate": (0.95, 0.9, 0.85, 0.75, 0.65),  # share of the side
    "jpeg_compression": (80, 65, 58, 50, 40),  # quality
}

IMAGENET: Mapping[str, tuple[Any, ...]] = {
    "gaussian_noise": (0.08, 0.12, 0.18, 0.26, 0.38),
    "shot_noise": (60, 25, 12, 5, 3),
    "impulse_noise": (0.03, 0.06, 0.09, 0.17, 0.27),
    "defocus_blur": ((3, 0.1), (4, 0.5), (6, 0.5), (8, 0.5), (10, 0.5)),
    "glass_blur": ((0.7, 1, 2), (0.9, 2, 1), (1, 2, 3), (1.1, 3, 2), (1.5, 4, 2)),
    "motion_blur": ((10, 3), (15, 5), (15, 8), (15, 12), (20, 15)),
    "zoom_blur": ((1.11, 0.01), (1.16, 0.01), (1.21, 0.02), (1.26, 0.02), (1.31, 0.03)),
    "snow": (
        (0.1, 0.3, 3, 0.5, 10, 4, 0.8),
        (0.2, 0.3, 2, 0.5, 12, 4, 0.7),
        (0.55, 0.3, 4, 0.9, 12, 8, 0.7),
        (0.55, 0.3, 4.5, 0.85, 12, 8, 0.65),
        (0.55, 0.3, 2.5, 0.85, 12, 12, 0.55),
    ),
    "frost": ((1, 0.4), (0.8, 0.6), (0.7, 0.7), (0.65, 0.7), (0.6, 0.75)),
    "fog": ((1.5, 2), (2, 2), (2.5, 1.7), (2.5, 1.5), (3, 1.4)),
    "brightness": (0.1, 0.2, 0.3, 0.4, 0.5),
    "contrast": (0.4, 0.3, 0.2, 0.1, 0.05),
    "elastic_transform": ((0.02, 0.01), (0.035, 0.01), (0.05, 0.01), (0.07, 0.01), (0.12, 0.01)),
    "pixelate": (0.6, 0.5, 0.4, 0.3, 0.25),
    "jpeg_compression": (25, 18, 15, 10, 7),
}


def corrupt(name: str, value: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:
    """The picture [H, W, C] under corruption `name` at severity 1 to 5 (0: itself); shape and number type are kept."""
    if severity == 0:
        return value
    table = CIFAR if min(value.shape[:2]) < 64 else IMAGENET
    return like(_CHANGES[name](as_unit(value), table[name][severity - 1], rng), value)


# ---- each takes float32 [H, W, C] in [0, 1] and its constants, and may leave the range


def _gaussian_noise(x: np.ndarray, c: float, rng: np.random.Generator) -> np.ndarray:
    return x + np.float32(c) * rng.standard_normal(x.shape, dtype=np.float32)


def _shot_noise(x: np.ndarray, c: float, rng: np.random.Generator) -> np.ndarray:
    return (rng.poisson(x * c) / c).astype(np.float32)


def _impulse_noise(x: np.ndarray, c: float, rng: np.random.Generator) -> np.ndarray:
    draw = rng.random(x.shape, dtype=np.float32)
    return np.where(draw < c, (draw < c / 2).astype(np.float32), x)


def _defocus_blur(x: np.ndarray, c: tuple[float, float], rng: np.random.Generator) -> np.ndarray:
    return filters.convolve(x, filters.disk(*c))


def _glass_blur(x: np.ndarray, c: tuple[float, int, int], rng: np.random.Generator) -> np.ndarray:
    """Each pixel shows a random neighbour.

    The original draws offsets from -reach to reach - 1, which drifts by half a pixel; here every other time drifts
    back.
    """
    sigma, reach, times = c
    height, width = x.shape[:2]
    x = filters.gaussian(x, sigma)
    for turn in range(times):
        dy, dx = rng.integers(-reach, reach, (2, height, width)) + turn % 2
        x = x[filters.mirrored(np.arange(height)[:, None] + dy, height), filters.mirrored(np.arange(width) + dx, width)]
    return filters.gaussian(x, sigma)


def _motion_blur(x: np.ndarray, c: tuple[int, float], rng: np.random.Generator) -> np.ndarray:
    return filters.smear(x, *c, np.radians(rng.uniform(-45, 45)))


def _zoom_blur(x: np.ndarray, c: tuple[float, float], rng: np.random.Generator) -> np.ndarray:
    factors = np.arange(1, *c)
    return (x + len(factors) * filters.zoomed_mean(x, factors)) / np.float32(len(factors) + 1)


def _snow(x: np.ndarray, c: tuple[float, ...], rng: np.random.Generator) -> np.ndarray:
    mean, deviation, factor, threshold, radius, sigma, share = c
    flakes = rng.normal(mean, deviation, (*x.shape[:2], 1)).astype(np.float32)
    flakes = filters.zoom(flakes, factor)
    flakes = np.clip(np.where(flakes < threshold, 0, flakes), 0, 1)
    flakes = filters.smear(flakes, int(radius), sigma, np.radians(rng.uniform(-135, -45)))
    pale = np.maximum(x, grey(x)[..., None] * 1.5 + 0.5)
    return share * x + (1 - share) * pale + flakes + flakes[::-1, ::-1]


def _frost(x: np.ndarray, c: tuple[float, float], rng: np.random.Generator) -> np.ndarray:
    scale = 1 if min(x.shape[:2]) < 64 else 4
    pane = _pane(scale, int(rng.integers(3)))
    top, left = rng.integers(len(pane), size=2)
    rows, columns = (np.arange(top, top + x.shape[0]), np.arange(left, left + x.shape[1]))
    frost = pane[rows[:, None] % len(pane), columns % len(pane)]
    return c[0] * x + c[1] * (frost if x.shape[2] == 3 else grey(frost)[..., None])


@lru_cache(maxsize=6)
def _pane(scale: int, index: int) -> np.ndarray:
    """A pane [128 scale, 128 scale, 3] of frost that repeats without a seam: pale blue needles on dim glass."""
    rng = stream("frost", index)
    side = 128 * scale
    down, across = np.fft.fftfreq(side)[:, None] * side, np.fft.rfftfreq(side) * side
    ice = np.zeros((side, side))
    for turn in (0.2, 1.25, 2.3):  # needles grow in three directions: noise that is long one way and narrow the other
        along = down * np.sin(turn) + across * np.cos(turn)
        beside = across * np.sin(turn) - down * np.cos(turn)
        spectrum = np.exp(-((along / 6) ** 2) - (beside / 22) ** 2)
        noise = np.fft.irfft2(np.fft.rfft2(rng.standard_normal((side, side))) * spectrum, s=(side, side))
        ice = np.maximum(ice, np.exp(-np.abs(noise / noise.std()) * 1.5))  # bright where the noise crosses zero
    cloud = filters.plasma(side, side, 2.5, rng)
    shade = 0.15 + 0.55 * ice * (0.5 + cloud) + 0.2 * cloud
    return np.clip(shade[..., None] * np.array([0.92, 0.98, 1.05]), 0, 1).astype(np.float32)


def _fog(x: np.ndarray, c: tuple[float, float], rng: np.random.Generator) -> np.ndarray:
    thickness, decay = c
    # The original squares its step at every octave, so its octaves fall by the square of the published decay.
    cloud = filters.plasma(x.shape[0], x.shape[1], decay**2, rng)[..., None]
    top = x.max()
    return (x + thickness * cloud) * top / (top + thickness)


def _brightness(x: np.ndarray, c: float, rng: np.random.Generator) -> np.ndarray:
    """Value of HSV raised at the same hue and saturation: all channels by one factor; black becomes grey."""
    value = x.max(axis=2, keepdims=True)
    raised = np.minimum(value + c, 1)
    return np.where(value > 0, x * (raised / np.maximum(value, 1e-6)), raised)


def _contrast(x: np.ndarray, c: float, rng: np.random.Generator) -> np.ndarray:
    mean = x.mean(axis=(0, 1), keepdims=True)
    return (x - mean) * c + mean


def _elastic_transform(x: np.ndarray, c: tuple[float, float], rng: np.random.Generator) -> np.ndarray:
    strength, sigma = (part * min(x.shape[:2]) for part in c)
    draws = rng.uniform(-1, 1, (*x.shape[:2], 2)).astype(np.float32)
    field = strength * filters.gaussian(draws, sigma, truncate=3)
    return filters.displace(x, field[..., 0], field[..., 1])


def _pixelate(x: np.ndarray, c: float, rng: np.random.Generator) -> np.ndarray:
    height, width = x.shape[:2]
    small = max(1, int(width * c)), max(1, int(height * c))
    box = PIL.Image.Resampling.BOX
    return resample(resample(x, small, (0, 0, width, height), box), (width, height), (0, 0, *small), box)


def _jpeg_compression(x: np.ndarray, c: int, rng: np.random.Generator) -> np.ndarray:
    eight = np.rint(x * 255).astype(np.uint8)
    file = BytesIO()
    PIL.Image.fromarray(eight[..., 0] if eight.shape[2] == 1 else eight).save(file, "JPEG", quality=c)
    return as_unit(np.asarray(PIL.Image.open(file)).reshape(eight.shape))


_CHANGES: Mapping[str, Callable[[np.ndarray, Any, np.random.Generator], np.ndarray]] = {
    "gaussian_noise": _gaussian_noise,
    "shot_noise": _shot_noise,
    "impulse_noise": _impulse_noise,
    "defocus_blur": _defocus_blur,
    "glass_blur": _glass_blur,
    "motion_blur": _motion_blur,
    "zoom_blur": _zoom_blur,
    "snow": _snow,
    "frost": _frost,
    "fog": _fog,
    "brightness": _brightness,
    "contrast": _contrast,
    "elastic_transform": _elastic_transform,
    "pixelate": _pixelate,
    "jpeg_compression": _jpeg_compression,
}

CORRUPTIONS: Mapping[str, Corruption] = {name: partial(corrupt, name) for name in _CHANGES}
"""Name → `f(value [H, W, C], severity, rng) → value`."""
