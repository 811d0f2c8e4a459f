"""Screens moved by a few pixels, each by its own: what makes learning from few screens work (DrQ, arXiv 2004.13649)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def shifted(x: Tensor, rng: torch.Generator, pixels: int = 4) -> Tensor:
    """Screens [B, C, H, W] moved by up to so many pixels up or down and left or right; edges are drawn out."""
    if not pixels:
        return x
    batch, _, height, width = x.shape
    padded = F.pad(x.float(), (pixels,) * 4, mode="replicate").to(x.dtype)
    moves = torch.randint(0, 2 * pixels + 1, (2, batch, 1), generator=rng).to(x.device)
    rows = moves[0] + torch.arange(height, device=x.device)
    columns = moves[1] + torch.arange(width, device=x.device)
    which = torch.arange(batch, device=x.device)[:, None, None]
    return padded[which, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
