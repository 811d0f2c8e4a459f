"""From one sample rate to another, by a windowed sinc (Smith and Gossett, "A flexible sampling-rate conversion method",
ICASSP 1984).

Each new sample is a weighted sum of the old ones around its time. The weights are those of an ideal low-pass filter at
`PASSED` of the lower of the two Nyquist frequencies, under a Kaiser window of `ZEROS` zero crossings on each side: an
alias is 80 dB below what it comes from. The positions between two old samples are few (their number is that of the new
rate, both rates divided by what they have in common), and the weights of each are computed once.

Legend of shapes: T samples, N new samples, P positions between two samples, W weights.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

ZEROS, BETA = 32, 10.0
"""Zero crossings of the sinc on each side; the Kaiser window's parameter, for 80 dB and more."""
PASSED = 0.95
"""The share of the Nyquist frequency that is passed."""
POSITIONS = 2048
"""Positions that have weights of their own at most: between odd rates the nearest of so many is taken (-80 dB)."""
_BLOCK = 2**15  # new samples that are computed at a time, to need little memory


def resample(samples: np.ndarray, rate: int, wanted: int) -> np.ndarray:
    """Samples [T] at `rate` Hz as float32 [N] at `wanted` Hz, N = ceil(T · wanted / rate); silence lies around them."""
    if rate == wanted or not len(samples):
        return np.ascontiguousarray(samples, np.float32)
    common = math.gcd(rate, wanted)
    up, down = wanted // common, rate // common
    positions = min(up, POSITIONS)
    weights = _weights(positions, up / down)
    reach = weights.shape[1] // 2
    around = np.pad(np.asarray(samples, np.float32), (reach, reach + 1))
    windows = np.lib.stride_tricks.sliding_window_view(around, weights.shape[1])
    count = -(-len(samples) * up // down)
    made = np.empty(count, np.float32)
    for start in range(0, count, _BLOCK):
        ticks = np.arange(start, min(count, start + _BLOCK), dtype=np.int64) * down  # in 1 / up of an old sample
        before, between = ticks // up, ticks % up
        position = between if positions == up else (between * positions) // up
        made[start : start + len(ticks)] = np.einsum("nw,nw->n", windows[before], weights[position])
    return made


@lru_cache(16)
def _weights(positions: int, ratio: float) -> np.ndarray:
    """[P, W]: for each position p / P behind an old sample, the weights of those from W // 2 before it on."""
    cut = PASSED * min(1.0, ratio)  # as a share of the old Nyquist frequency
    reach = math.ceil(ZEROS / cut)
    places = np.arange(-reach, reach + 1)[None] - np.arange(positions)[:, None] / positions
    window = np.i0(BETA * np.sqrt(np.clip(1 - (places / (reach + 1)) ** 2, 0, None))) / np.i0(BETA)
    weights = cut * np.sinc(cut * places) * window
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
