"""Strong changes to a batch of pictures that leave their answers right: turned, sheared, moved, and toned otherwise.

Where `augmentation.py` shows what a picture might as well have been, this shows what still tells the same: the views of
contrastive learning, the hard side of self-training, the chains of AugMix. The operations are those of AugMix
(Hendrycks et al., arXiv 1912.02781), who left out of them whatever the corruptions of the test do (noise, blur,
brightness, contrast, saturation, sharpness), so that a net that is robust to these has not been trained on them.

Pictures are float32 [B, C, H, W] in [0, 1] and stay there; every picture draws its own change.

Legend of shapes: B batch, C channels, H height, W width.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

TURN, SHEAR, MOVE = math.radians(30), 0.3, 0.2
"""The largest angle, slope and share of the side, at strength 1."""


def strong_augmentation(x: Tensor, rng: torch.Generator, strength: float = 1.0) -> Tensor:
    """Each picture warped by a random affine map, then posterised, solarised, stretched in contrast or left so."""
    return _tone(_warp(x, rng, strength), rng, strength)


def _warp(x: Tensor, rng: torch.Generator, strength: float) -> Tensor:
    """Turned, sheared and moved, each with probability one half; beyond the border it is mirrored."""
    draw = 2 * torch.rand(5, len(x), generator=rng) - 1
    draw = draw * strength * (torch.rand(5, len(x), generator=rng) < 0.5)
    turn, shear_x, shear_y, right, down = draw
    cos, sin = (turn * TURN).cos(), (turn * TURN).sin()
    rows = [
        torch.stack([cos, -sin + SHEAR * shear_x, 2 * MOVE * right], dim=1),
        torch.stack([sin + SHEAR * shear_y, cos, 2 * MOVE * down], dim=1),
    ]
    grid = F.affine_grid(torch.stack(rows, dim=1).to(x), list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, padding_mode="reflection", align_corners=False).clamp_(0, 1)


def _tone(x: Tensor, rng: torch.Generator, strength: float) -> Tensor:
    kind = torch.randint(4, (len(x),), generator=rng)[:, None, None, None].to(x.device)
    level = strength * torch.rand(len(x), 1, 1, 1, generator=rng).to(x)
    steps = torch.round(2 ** (8 - 5 * level))  # posterised to 8 bits at level 0, to 3 at level 1
    posterised = torch.floor(x * steps).clamp(max=steps - 1) / (steps - 1)
    solarised = torch.where(x > 1 - level / 2, 1 - x, x)  # what is brightest is turned into its negative
    low, high = x.amin((2, 3), keepdim=True), x.amax((2, 3), keepdim=True)
    stretched = torch.lerp(x, (x - low) / (high - low).clamp_min(1 / 255), level).clamp(0, 1)
    for i, toned in enumerate((posterised, solarised, stretched)):
        x = torch.where(kind == i, toned, x)
    return x
