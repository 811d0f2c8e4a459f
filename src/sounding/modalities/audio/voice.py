"""Where somebody speaks: stretches that are louder than the quiet parts of a recording, and cuts where nobody does.

A frame of 10 ms is voice where its level is above a threshold that lies `SHARE` of the way, in decibels, from the 10th
to the 95th percentile of all frames. Pauses shorter than `PAUSE` belong to what is around them, and each stretch keeps
`MARGIN` on both sides.

Legend of shapes: T samples, N frames.
"""

from __future__ import annotations

import numpy as np

from sounding.modalities.audio.mel import HOP, samples_in

SHARE = 0.35
LEAST = 6.0
"""Decibels between quiet and loud frames from which on there is anything to tell; below, all is taken for voice."""
SILENT = -80.0
"""Decibels of full scale, below which nothing is heard."""
PAUSE, MARGIN, SHORTEST, APART = 0.3, 0.15, 0.05, 0.4
"""Seconds."""
_BLOCK = 10_000  # frames that are looked at together


def levels(samples: np.ndarray, rate: int) -> np.ndarray:
    """The level of each frame in decibels of full scale [N], at least -120."""
    hop = samples_in(HOP, rate)
    found = np.zeros(-(-len(samples) // hop))
    for first in range(0, len(found), _BLOCK):  # of hours no copy is made
        some = samples[first * hop : (first + _BLOCK) * hop].astype(np.float64)
        frames = np.pad(some, (0, -len(some) % hop)).reshape(-1, hop)
        found[first : first + _BLOCK] = (frames**2).mean(axis=1)
    return 10 * np.log10(np.maximum(found, 1e-12))


def spoken(samples: np.ndarray, rate: int) -> list[tuple[float, float]]:
    """(start, end) in seconds of each stretch of voice, in their order; none in a recording of silence."""
    found = levels(samples, rate)
    quiet, loud = np.percentile(found, (10, 95))
    if loud < SILENT:
        return []
    threshold = max(SILENT, quiet + SHARE * (loud - quiet)) if loud - quiet >= LEAST else SILENT
    edges = np.flatnonzero(np.diff(np.concatenate([[0], found >= threshold, [0]]).astype(int))).reshape(-1, 2) * HOP
    stretches: list[tuple[float, float]] = []
    for start, end in edges.tolist():
        if stretches and start - stretches[-1][1] < PAUSE:
            stretches[-1] = stretches[-1][0], end
        else:
            stretches.append((start, end))
    length = len(samples) / rate
    kept = [(start, end) for start, end in stretches if end - start >= SHORTEST]
    return [(max(0.0, start - MARGIN), min(length, end + MARGIN)) for start, end in kept]


def cut(
    samples: np.ndarray, rate: int, longest: float, overlap: float, apart: float = APART
) -> list[tuple[float, float]]:
    """Stretches of at most `longest` seconds that hold all that is spoken: neighbours are put together while they fit,
    unless they are `apart` seconds: a model that learnt from sentences is no judge of long pauses.

    One that alone is longer is cut into windows that overlap by so many seconds.
    """
    found: list[tuple[float, float]] = []
    for start, end in spoken(samples, rate):
        if found and end - found[-1][0] <= longest and start - found[-1][1] < apart:
            found[-1] = found[-1][0], end
        else:
            found.append((start, end))
    return [window for start, end in found for window in _windows(start, end, longest, overlap)]


def _windows(start: float, end: float, longest: float, overlap: float) -> list[tuple[float, float]]:
    found = []
    while end - start > longest:
        found.append((start, start + longest))
        start += longest - overlap
    return [*found, (start, end)]
