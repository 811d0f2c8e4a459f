"""Blurs, clouds and displacements of pictures, in numpy: what corruptions and baselines are made of.

Pictures are float32 [H, W, C]. Kernels keep the mean where they can: beyond the border a picture is its own mirror.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import numpy as np
import PIL.Image

from sounding.modalities.pictures.image_files import resample


def gaussian(x: np.ndarray, sigma: float | tuple[float, float], truncate: float = 4.0) -> np.ndarray:
    """Gaussian blur with standard deviation `sigma` in pixels (down, across); mirrored borders.

    The blur is separable and linear, so it is two small matrix products whatever sigma is.
    """
    down, across = sigma if isinstance(sigma, tuple) else (sigma, sigma)
    height, width, channels = x.shape
    rows = _smoothing(height, down, truncate) @ x.reshape(height, width * channels)
    return np.matmul(_smoothing(width, across, truncate), rows.reshape(height, width, channels))


@lru_cache(maxsize=64)
def _smoothing(n: int, sigma: float, truncate: float) -> np.ndarray:
    """The matrix [n, n] that blurs a line of n pixels."""
    radius = int(truncate * sigma + 0.5)
    offsets = np.arange(-radius, radius + 1)
    weights = np.exp(-0.5 * (offsets / max(sigma, 1e-6)) ** 2)
    sources = mirrored(np.arange(n)[:, None] + offsets, n)
    matrix = np.zeros((n, n))
    np.add.at(matrix, (np.arange(n)[:, None], sources), weights / weights.sum())
    return matrix.astype(np.float32)


def mirrored(index: np.ndarray, n: int) -> np.ndarray:
    """Positions on a line of n pixels that goes on as its own mirror image: … 1 0 | 0 1 2 … n-1 | n-1 …."""
    index = np.mod(index, 2 * n)
    return np.where(index < n, index, 2 * n - 1 - index)


def convolve(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Correlate each channel with an odd-sized kernel [k, k], by FFT."""
    reach = kernel.shape[0] // 2
    padded = np.pad(x, ((reach, reach), (reach, reach), (0, 0)), mode="symmetric")
    shape = padded.shape[:2]
    transfer = np.fft.rfft2(kernel[::-1, ::-1], s=shape)[..., None]
    out = np.fft.irfft2(np.fft.rfft2(padded, axes=(0, 1)) * transfer, s=shape, axes=(0, 1))
    return out[2 * reach :, 2 * reach :].astype(np.float32)


def disk(radius: float, soften: float) -> np.ndarray:
    """The kernel [k, k] of a lens out of focus: a disk, its edge softened by a small Gaussian (sigma `soften`)."""
    reach = int(radius) + 2
    across = np.arange(-reach, reach + 1)
    inside = (across[:, None] ** 2 + across**2 <= radius**2).astype(np.float32)[..., None]
    window = 1 if radius <= 8 else 2  # the original softens with 3 × 3 pixels, and with 5 × 5 for large disks
    return gaussian(inside / inside.sum(), soften, truncate=window / soften)[..., 0]


def smear(x: np.ndarray, radius: int, sigma: float, angle: float) -> np.ndarray:
    """Motion blur along `angle` (radians): half a Gaussian of 2 radius + 1 pixels, shifted so that nothing moves."""
    steps = np.arange(2 * radius + 1)
    weights = np.exp(-0.5 * (steps / sigma) ** 2)
    steps, weights = steps[weights > 1e-3], weights[weights > 1e-3]
    weights = (weights / weights.sum()).astype(np.float32)
    path = np.rint(np.outer([np.sin(angle), np.cos(angle)], steps - weights @ steps)).astype(int)
    reach = int(np.abs(path).max())
    padded = np.pad(x, ((reach, reach), (reach, reach), (0, 0)), mode="edge")
    out = np.zeros_like(x)
    for dy, dx, weight in zip(*(path + reach), weights, strict=True):
        out += weight * padded[dy : dy + x.shape[0], dx : dx + x.shape[1]]
    return out


def zoom(x: np.ndarray, factor: float) -> np.ndarray:
    """The middle of the picture, magnified `factor` ≥ 1 times."""
    height, width = x.shape[:2]
    y, x0 = (height - height / factor) / 2, (width - width / factor) / 2
    return resample(x, (width, height), (x0, y, width - x0, height - y))


def zoomed_mean(x: np.ndarray, factors: Iterable[float]) -> np.ndarray:
    """The mean of magnifications of the picture, each rounded to 8 bits (which is what makes it fast)."""
    eight = np.rint(x * 255).astype(np.uint8)
    height, width, channels = x.shape
    picture = PIL.Image.fromarray(eight[..., 0] if channels == 1 else eight)
    total, n = np.zeros(eight.shape, np.uint32), 0
    for factor in factors:
        top, left = (height - height / factor) / 2, (width - width / factor) / 2
        box = (left, top, width - left, height - top)
        total += np.asarray(picture.resize((width, height), PIL.Image.Resampling.BILINEAR, box)).reshape(x.shape)
        n += 1
    return total.astype(np.float32) / np.float32(255 * n)


def plasma(height: int, width: int, decay: float, rng: np.random.Generator) -> np.ndarray:
    """Clouds [H, W] in [0, 1]: each octave weaker than the one below by `decay`.

    Noise with a power-law spectrum, which is what diamond-square midpoint displacement tends to.
    """
    side = 1 << (max(height, width, 2) - 1).bit_length()
    down, across = np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)
    frequency = np.hypot(down, across) * side
    frequency[0, 0] = np.inf
    spectrum = np.fft.rfft2(rng.standard_normal((side, side))) * frequency ** -(np.log2(decay) + 1)
    cloud = np.fft.irfft2(spectrum, s=(side, side))[:height, :width].astype(np.float32)
    return (cloud - cloud.min()) / max(float(np.ptp(cloud)), 1e-9)


def displace(x: np.ndarray, dy: np.ndarray, dx: np.ndarray) -> np.ndarray:
    """Each pixel from (dy, dx) [H, W] pixels away, between pixels by bilinear interpolation; mirrored borders."""
    height, width = x.shape[:2]
    rows, columns = np.arange(height)[:, None] + dy, np.arange(width) + dx
    top, left = np.floor(rows), np.floor(columns)
    down, across = (rows - top)[..., None], (columns - left)[..., None]
    y0, y1 = (mirrored(top.astype(int) + k, height) for k in (0, 1))
    x0, x1 = (mirrored(left.astype(int) + k, width) for k in (0, 1))
    upper = x[y0, x0] * (1 - across) + x[y0, x1] * across
    lower = x[y1, x0] * (1 - across) + x[y1, x1] * across
    return (upper * (1 - down) + lower * down).astype(np.float32)
