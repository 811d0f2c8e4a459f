"""When each token of a text was said, by where attention to the sound looked while the text was written, as Whisper's
program tells times of words.

The path through the attention that takes the most, on which neither tokens nor places go back (dynamic time warping:
Sakoe and Chiba 1978).

Legend of shapes: H heads, T tokens, S places of the sound.
"""

from __future__ import annotations

import numpy as np

WIDTH = 7
"""Places of which the middle value is taken, so that single ones do not lead astray."""


def token_starts(weights: np.ndarray) -> np.ndarray:
    """The place [T] at which each token begins, for the shares [H, T, S] that heads took of each place for each token.

    A head counts by how much more than usual it looks at a place for a token.
    """
    spread = weights.std(axis=1, keepdims=True)
    told = (weights - weights.mean(axis=1, keepdims=True)) / np.maximum(spread, 1e-12)
    return warped(-_middle(told).mean(axis=0))


def _middle(x: np.ndarray) -> np.ndarray:
    """The median of each place and its neighbours; sounds of few places are as they were."""
    half = WIDTH // 2
    if x.shape[2] <= half:
        return x
    padded = np.pad(x, ((0, 0), (0, 0), (half, half)), mode="reflect")
    return np.median(np.lib.stride_tricks.sliding_window_view(padded, WIDTH, axis=2), axis=3)


def warped(cost: np.ndarray) -> np.ndarray:
    """The first place [T] of each row on the cheapest path through costs [T, S], from corner to corner."""
    rows, places = cost.shape
    least = np.empty((rows, places))
    least[0] = np.cumsum(cost[0])
    for row in range(1, rows):
        sums = np.cumsum(cost[row])
        before = np.minimum(least[row - 1], np.concatenate([[np.inf], least[row - 1][:-1]]))
        least[row] = sums + np.minimum.accumulate(before - (sums - cost[row]))
    first = np.zeros(rows, int)
    row, place = rows - 1, places - 1
    while row > 0:
        aslant = least[row - 1, place - 1] if place else np.inf
        above = least[row - 1, place]
        beside = least[row, place - 1] if place else np.inf
        if min(aslant, above) <= beside:
            first[row] = place
            row -= 1
            place -= aslant <= above
        else:
            place -= 1
    return first
