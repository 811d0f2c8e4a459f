"""A large picture, window by window: overlapping windows whose outputs fade into each other.

A net that looks at all of a large picture at once needs memory for all of it, and was never trained on so much. Near
the border of a window a net knows less, since half of the surroundings are missing: there the window counts less, and
its neighbour more.

Legend of shapes: B batch, C channels, K outputs, H W the picture, h w a window.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor


def tiled(f: Callable[[Tensor], Tensor], x: Tensor, tile: int, overlap: float = 0.25) -> Tensor:
    """`f(x)` [B, K, H, W] for pictures [B, C, H, W], computed in windows of at most `tile` pixels a side.

    `f` gives [B, K, h, w] for [B, C, h, w]. Neighbours share at least the share `overlap` of their side; where windows
    meet, their outputs are averaged with weights that fall towards the border of each. A picture that fits into one
    window is given to `f` as it is, and so is every picture when `tile` is 0.
    """
    height, width = x.shape[-2:]
    if not tile or max(height, width) <= tile:
        return f(x)
    total: Tensor | None = None
    weights = torch.zeros(height, width, device=x.device)
    for top in starts(height, tile, overlap):
        for left in starts(width, tile, overlap):
            place = (..., slice(top, top + tile), slice(left, left + tile))
            found = f(x[place]).float()  # a net may answer in half precision, in which sums go astray
            weight = torch.outer(*(hill(side) for side in found.shape[-2:])).to(x.device)
            total = found.new_zeros(*found.shape[:2], height, width) if total is None else total
            total[place] += found * weight
            weights[place] += weight
    assert total is not None  # there is at least one window
    return total / weights


def starts(side: int, tile: int, overlap: float) -> list[int]:
    """The first pixels of windows of `tile` pixels that cover `side` pixels, evenly spread."""
    if side <= tile:
        return [0]
    step = max(1, int(tile * (1 - overlap)))
    count = 1 + math.ceil((side - tile) / step)
    return [round(i * (side - tile) / (count - 1)) for i in range(count)]


def hill(side: int) -> Tensor:
    """How much each pixel along a window counts: least at the ends, never 0, rising evenly to the middle: [side]."""
    steps = torch.arange(1, side + 1, dtype=torch.float32)
    return torch.minimum(steps, steps.flip(0)) / math.ceil(side / 2)
