"""A large picture, window by window, with gradients: as `postprocessing.tiling` does it with arrays.

Legend of shapes: B batch, C channels, K outputs, H W the picture, h w a window.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from sounding.postprocessing.tiling import windows


def tiled(f: Callable[[Tensor], Tensor], x: Tensor, tile: int, overlap: float = 0.25) -> Tensor:
    """`f(x)` [B, K, H, W] for pictures [B, C, H, W], computed in windows of at most `tile` pixels a side.

    `f` gives [B, K, h, w] for [B, C, h, w]. A picture that fits into one window is given to `f` as it is, and so is
    every picture when `tile` is 0.
    """
    height, width = x.shape[-2:]
    if not tile or max(height, width) <= tile:
        return f(x)
    total: Tensor | None = None
    weights = torch.zeros(height, width, device=x.device)
    for place, hill in windows(height, width, tile, overlap):
        found = f(x[(..., *place)]).float()  # a net may answer in half precision, in which sums go astray
        weight = torch.from_numpy(hill).to(x.device)
        total = found.new_zeros(*found.shape[:2], height, width) if total is None else total
        total[(..., *place)] += found * weight
        weights[place] += weight
    assert total is not None  # there is at least one window
    return total / weights
