"""Screens moved by a few pixels, each by its own: what makes learning from few screens work (DrQ, arXiv 2004.13649)."""

from __future__ import annotations

import torch
from torch import Tensor


def shifted(x: Tensor, rng: torch.Generator, pixels: int = 4) -> Tensor:
    """Screens [B, C, H, W] moved by up to so many pixels up or down and left or right; edges are drawn out.

    They come channels last, in which a row of all channels is copied at once.
    """
    if not pixels:
        return x
    height, width = x.shape[2:]
    last = x.permute(0, 2, 3, 1)
    drawn_out = _drawn_out(_drawn_out(last, 1, pixels), 2, pixels)
    moves = torch.randint(0, 2 * pixels + 1, (2, len(x), 1), generator=rng)[:, :, 0]
    cut = [
        each[row : row + height, column : column + width]
        for each, row, column in zip(drawn_out, *moves.tolist(), strict=True)
    ]
    return torch.stack(cut).permute(0, 3, 1, 2)


def _drawn_out(x: Tensor, axis: int, pixels: int) -> Tensor:
    """With the first and the last of an axis so many times more."""
    length = x.shape[axis]
    shape = [pixels if each == axis else -1 for each in range(x.ndim)]
    first, last = (x.narrow(axis, place, 1).expand(shape) for place in (0, length - 1))
    return torch.cat([first, x, last], axis)
