"""Changes to a batch of pictures that leave their answers right, or change them in a known way (MixUp, CutMix).

Pictures are float32 [B, C, H, W] in [0, 1], and stay in that range. Every example draws its own change, all draws come
from the generator that is passed in, and nothing is changed in place. What moves pixels also says where each was taken
from, as an affine map [B, 2, 3] of coordinates in [-1, 1] (see `affine_grid`), so that boxes and masks can follow.

Legend of shapes: B batch, C channels, H height, W width.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from sounding.contract.change import Change, Mixed, Unchanged, successive
from sounding.errors import UsageError
from sounding.modalities.pictures.changes import Moved

CACHED = 2**18
"""Numbers that are worked on together: 1 MiB, about the second-level cache of a core."""


def translate(x: Tensor, rng: torch.Generator, pixels: int) -> tuple[Tensor, Tensor]:
    """Each picture shifted by up to `pixels` down and across; what comes in is the mirror image of what is there.

    Returns the pictures, and the affine map [B, 2, 3].
    """
    height, width = x.shape[-2:]
    pixels = min(pixels, height - 1, width - 1)
    down, across = torch.randint(2 * pixels + 1, (2, len(x)), generator=rng)
    affine = torch.eye(2, 3).repeat(len(x), 1, 1)
    affine[:, 0, 2], affine[:, 1, 2] = 2 * (across - pixels) / width, 2 * (down - pixels) / height

    def moved(x: Tensor, down: Tensor, across: Tensor) -> Tensor:
        padded = F.pad(x, (pixels,) * 4, mode="reflect")
        windows = padded.unfold(2, height, 1).unfold(3, width, 1)  # a view [B, C, shifts, shifts, H, W]
        return windows[torch.arange(len(x)), :, down, across]

    return _in_cache(moved, x, down, across), affine


def flip(x: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Each picture mirrored left to right with probability one half, and the affine map [B, 2, 3]."""
    chosen = torch.rand(len(x), generator=rng) < 0.5
    affine = torch.eye(2, 3).repeat(len(x), 1, 1)
    affine[chosen, 0, 0] = -1.0
    return _in_cache(lambda x, chosen: torch.where(_column(chosen, x), x.flip(-1), x), x, chosen), affine


def mirrors(word: str, channels: int) -> bool:
    """Whether a mirrored picture shows the same thing: as `word` (yes, no) says, or with "auto" if it has colours.

    A mirrored 2 is no 2, and drawings and writing are grey more often than not. Raises UsageError for another word.
    """
    known = {"auto": channels == 3, "yes": True, "no": False}
    if word not in known:
        raise UsageError(f"flip={word} is not known", fix="Give flip auto, yes or no")
    return known[word]


def jitter(x: Tensor, rng: torch.Generator, strength: float) -> Tensor:
    """Brightness, contrast and saturation each scaled by a factor in [1 - strength, 1 + strength]."""
    factors = 1 + strength * (2 * torch.rand(3, len(x), generator=rng) - 1)
    return _in_cache(_recoloured, x, *factors)


def _recoloured(x: Tensor, *factors: Tensor) -> Tensor:
    brightness, contrast, saturation = (_column(row, x) for row in factors)
    mean = x.mean(dim=(1, 2, 3), keepdim=True)
    x = torch.addcmul(mean * (brightness * (1 - contrast)), x, brightness * contrast)
    if x.shape[1] == 3:  # a sum over planes is several times as fast as a product of matrices
        grey = (0.299 * x[:, :1]).add_(x[:, 1:2], alpha=0.587).add_(x[:, 2:], alpha=0.114)
        x = torch.lerp(grey, x, saturation)
    return x.clamp_(0, 1)


def cutout(x: Tensor, rng: torch.Generator, side: int) -> Tensor:
    """A square of each picture replaced by its mean colour; its centre is anywhere, so it may lie partly outside.

    DeVries and Taylor, "Improved Regularization of Convolutional Neural Networks with Cutout", 2017.
    """
    sides = torch.full((len(x),), float(side))
    return torch.where(_boxes(x, rng, sides, sides), x.mean(dim=(2, 3), keepdim=True), x)


def mixup(x: Tensor, rng: torch.Generator, alpha: float) -> tuple[Tensor, Mixed]:
    """Each picture blended with another, in shares drawn from Beta(alpha, alpha).

    Zhang et al., "mixup: Beyond Empirical Risk Minimization", ICLR 2018.
    """
    partner, share = _partners(x, rng, alpha)
    weight = _column(share, x)
    return x * weight + x[partner] * (1 - weight), Mixed(partner, share)


def cutmix(x: Tensor, rng: torch.Generator, alpha: float) -> tuple[Tensor, Mixed]:
    """A box of each picture replaced by the same box of another; the share is the true share of pixels that stay.

    Yun et al., "CutMix: Regularization Strategy to Train Strong Classifiers with Localizable Features", ICCV 2019.
    """
    partner, share = _partners(x, rng, alpha)
    scale = (1 - share).sqrt()
    inside = _boxes(x, rng, scale * x.shape[-2], scale * x.shape[-1])
    stays = 1 - inside.float().mean(dim=(1, 2, 3)).cpu()
    return torch.where(inside, x[partner], x), Mixed(partner, stays)


def augment(
    x: Tensor,
    rng: torch.Generator,
    *,
    crop: int = 0,
    flipped: bool = False,
    colour: float = 0.0,
    mix: float = 0.0,
    cut: float = 0.0,
    hole: int = 0,
    noise: float = 0.0,
) -> tuple[Tensor, Change]:
    """All of the above in order, each left out at 0; where both mixings are wanted, each batch draws one of them."""
    affine, mixed = None, None
    if crop:
        x, affine = translate(x, rng, crop)
    if flipped:
        x, mirrored = flip(x, rng)
        affine = mirrored if affine is None else _after(affine, mirrored)
    if colour:
        x = jitter(x, rng, colour)
    if hole:
        x = cutout(x, rng, hole)
    if cut and (not mix or torch.rand((), generator=rng) < 0.5):
        x, mixed = cutmix(x, rng, cut)
    elif mix:
        x, mixed = mixup(x, rng, mix)
    if noise:  # not cut off at 0 and 1: nor is that of a certificate, for which this prepares
        x = x + noise * torch.randn(x.shape, generator=rng).to(x)
    return x, successive(Unchanged() if affine is None else Moved(affine), mixed or Unchanged())


def warp(
    x: Tensor,
    rng: torch.Generator,
    *,
    scale: tuple[float, float] = (1.0, 1.0),
    shift: float = 0.0,
    flip: bool = False,
    upright: bool = True,
    shape: tuple[int, int] | None = None,
) -> tuple[Tensor, Tensor]:
    """Each picture [B, C, H, W] scaled, moved and mirrored at random, seen through a window of `shape` (h, w).

    Things become `scale` times as large, drawn evenly on a logarithmic scale from the smallest to the largest given.
    The window (by default as large as the picture, in pixels) lies anywhere on what is then larger than it, and what is
    smaller lies anywhere in it; `shift` moves it further, by up to this share of the picture's sides. With `flip`,
    half are mirrored left to right; unless `upright`, half are mirrored top to bottom and half lie on their side too.
    Outside of a picture is its mean colour. Returns the pictures [B, C, h, w], and the affine map [B, 2, 3].
    """
    height, width = shape or x.shape[-2:]
    low, high = (math.log(factor) for factor in scale)
    factor = torch.exp(low + (high - low) * torch.rand(len(x), generator=rng))
    turn = torch.diag_embed(1 - 2.0 * (torch.rand(len(x), 2, generator=rng) < torch.tensor([flip, not upright]) / 2))
    if not upright:
        turn = torch.where(torch.rand(len(x), 1, 1, generator=rng) < 0.5, turn.flip(2), turn)
    sides, window = torch.tensor(x.shape[:-3:-1]), torch.tensor([float(width), float(height)])
    linear = turn * window / sides[:, None] / factor[:, None, None]  # from the window's [-1, 1] to the picture's
    room = (1 - linear.abs().sum(2)).abs() + 2 * shift
    offset = room * (2 * torch.rand(len(x), 2, generator=rng) - 1)
    affine = torch.cat([linear, offset[:, :, None]], dim=2)
    return sample(x, affine, (height, width)), affine


def sample(x: Tensor, affine: Tensor, shape: tuple[int, int]) -> Tensor:
    """Pictures [B, C, h, w] that see `x` through the map `affine` [B, 2, 3]; outside of `x` is its mean colour."""

    def seen(x: Tensor, affine: Tensor) -> Tensor:
        mean = x.mean(dim=(2, 3), keepdim=True)
        return F.grid_sample(x - mean, _grid(affine, shape), align_corners=False).add_(mean).clamp_(0, 1)

    return _in_cache(seen, x, affine.to(x))


def _grid(affine: Tensor, shape: tuple[int, int]) -> Tensor:
    """[B, h, w, 2]: what `affine_grid` gives, by sums along rows and columns; its products of matrices are slower."""
    down, across = ((torch.arange(n, dtype=affine.dtype, device=affine.device) * 2 + 1) / n - 1 for n in shape)
    grid = affine.new_empty(len(affine), *shape, 2)
    for i in (0, 1):
        rows = affine[:, i, 1, None] * down + affine[:, i, 2, None]
        torch.add(rows[:, :, None], (affine[:, i, 0, None] * across)[:, None], out=grid[..., i])
    return grid


def _after(first: Tensor, second: Tensor) -> Tensor:
    """The map of two changes in a row: where the second looks, the first had looked further."""
    square = torch.cat([second, torch.tensor([[[0.0, 0.0, 1.0]]]).expand(len(second), 1, 3)], dim=1)
    return first @ square


def _in_cache(change: Callable[..., Tensor], x: Tensor, *drawn: Tensor) -> Tensor:
    """`change(x, *drawn)`, for a few pictures at a time, so that what lies between its steps stays in the cache.

    All of `drawn` have B as their first axis.
    """
    size = max(1, CACHED // max(1, x[:1].numel()))
    if size >= len(x):
        return change(x, *drawn)
    out = None
    for start in range(0, len(x), size):
        some = slice(start, start + size)
        changed = change(x[some], *(values[some] for values in drawn))
        out = changed.new_empty(len(x), *changed.shape[1:]) if out is None else out
        out[some] = changed
    return x if out is None else out


def _column(values: Tensor, x: Tensor) -> Tensor:
    """[B] as [B, 1, 1, 1], beside `x` on its device."""
    return values[:, None, None, None].to(x.device)


def _partners(x: Tensor, rng: torch.Generator, alpha: float) -> tuple[Tensor, Tensor]:
    """Who mixes with whom [B], and the share [B] that each keeps of itself."""
    partner = torch.randperm(len(x), generator=rng)
    seed = int(
        torch.randint(2**62, (), generator=rng)
    )  # torch's Beta takes no generator; numpy's takes a seed from ours
    share = np.random.default_rng(seed).beta(alpha, alpha, len(x))
    return partner, torch.from_numpy(share.astype(np.float32))


def _boxes(x: Tensor, rng: torch.Generator, tall: Tensor, wide: Tensor) -> Tensor:
    """True inside a box of `tall` × `wide` pixels [B] around a random centre, clipped at the border: [B, 1, H, W]."""

    def span(n: int, length: Tensor) -> Tensor:
        first = torch.rand(len(length), generator=rng) * n - length / 2
        place = torch.arange(n) + 0.5
        return (place >= first[:, None]) & (place < (first + length)[:, None])

    rows, columns = span(x.shape[-2], tall), span(x.shape[-1], wide)
    return (rows[:, None, :, None] & columns[:, None, None, :]).to(x.device)
