"""A large picture, window by window: overlapping windows whose outputs fade into each other.

A net that looks at all of a large picture at once needs memory for all of it, and was never trained on so much. Near
the border of a window a net knows less, since half of the surroundings are missing: there the window counts less, and
its neighbour more.

Legend of shapes: B batch, C channels, K outputs, H W the picture, h w a window.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

Place = tuple[slice, slice]
"""The rows and the columns of a window."""


def tiled(f: Callable[[np.ndarray], np.ndarray], x: np.ndarray, tile: int, overlap: float) -> np.ndarray:
    """`f(x)` [B, K, H, W] for pictures [B, C, H, W], computed in windows of at most `tile` pixels a side.

    `f` gives [B, K, h, w] for [B, C, h, w]. A picture that fits into one window is given to `f` as it is, and so is
    every picture when `tile` is 0.
    """
    height, width = x.shape[-2:]
    if not tile or max(height, width) <= tile:
        return f(x)
    total: np.ndarray | None = None
    weights = np.zeros((height, width), np.float32)
    for place, weight in windows(height, width, tile, overlap):
        found = f(np.ascontiguousarray(x[:, :, *place]))
        total = np.zeros((*found.shape[:2], height, width), np.float32) if total is None else total
        total[:, :, *place] += found * weight
        weights[place] += weight
    assert total is not None  # there is at least one window
    return total / weights


def windows(height: int, width: int, tile: int, overlap: float) -> Iterator[tuple[Place, np.ndarray]]:
    """Windows over a picture, of which neighbours share at least `overlap` of their side: each with its weight [h, w].

    Where windows meet, their outputs are averaged with these weights, which fall towards the border of each.
    """
    for top in starts(height, tile, overlap):
        for left in starts(width, tile, overlap):
            rows, columns = slice(top, min(top + tile, height)), slice(left, min(left + tile, width))
            yield (rows, columns), np.outer(hill(rows.stop - top), hill(columns.stop - left))


def starts(side: int, tile: int, overlap: float) -> list[int]:
    """The first pixels of windows of `tile` pixels that cover `side` pixels, evenly spread."""
    if side <= tile:
        return [0]
    step = max(1, int(tile * (1 - overlap)))
    count = 1 + math.ceil((side - tile) / step)
    return [round(i * (side - tile) / (count - 1)) for i in range(count)]


def hill(side: int) -> np.ndarray:
    """How much each pixel along a window counts: least at the ends, never 0, rising evenly to the middle: [side]."""
    steps = np.arange(1, side + 1, dtype=np.float32)
    return np.minimum(steps, steps[::-1]) / np.float32(math.ceil(side / 2))
