"""Screens moved by a few pixels, each by its own: what makes learning from few screens work (DrQ, arXiv 2004.13649)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def shifted(x: Tensor, rng: torch.Generator, pixels: int = 4) -> Tensor:
    """Screens [B, C, H, W] moved by up to so many pixels up or down and left or right; edges are drawn out."""
    if not pixels:
        return x
    height, width = x.shape[2:]
    padded = F.pad(x.float(), (pixels,) * 4, mode="replicate").to(x.dtype)
    moves = torch.randint(0, 2 * pixels + 1, (2, len(x), 1), generator=rng)[:, :, 0]
    cut = [
        each[:, row : row + height, column : column + width]
        for each, row, column in zip(padded, *moves.tolist(), strict=True)
    ]
    return torch.stack(cut)
