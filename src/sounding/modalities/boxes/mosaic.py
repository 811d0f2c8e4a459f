"""Mosaics: four pictures put together to one, so that a detector sees more things, at more sizes and places.

Bochkovskiy, Wang and Liao, "YOLOv4: Optimal Speed and Accuracy of Object Detection", arXiv 2004.10934. The crossing of
the four fields is drawn once for a batch, which keeps every copy a plain slice; who lies where is drawn for each.

Legend of shapes: B batch, C channels, H height, W width.
"""

from __future__ import annotations

import torch
from torch import Tensor

from sounding.modalities.pictures.augmentation import warp
from sounding.modalities.pictures.changes import Tile, Tiled

MIDDLE = (0.3, 0.7)
"""Where the crossing of the four fields may lie, as shares of the sides."""


def mosaic(
    x: Tensor,
    rng: torch.Generator,
    *,
    scale: tuple[float, float] = (0.5, 1.0),
    flip: bool = False,
    upright: bool = True,
) -> tuple[Tensor, Tiled]:
    """Each picture [B, C, H, W] becomes four windows onto pictures of the batch, one of them onto itself.

    `scale`, `flip` and `upright` are those of `warp`: at scale 1 a field shows a part of its picture at its own size.
    """
    height, width = x.shape[-2:]
    low, high = MIDDLE
    down, across = (low + (high - low) * torch.rand(2, generator=rng)).tolist()
    rows, columns = (0, round(down * height), height), (0, round(across * width), width)
    out, tiles = torch.empty_like(x), []
    own = int(torch.randint(4, (), generator=rng))
    for field in range(4):
        (top, bottom), (left, right) = rows[field // 2 :][:2], columns[field % 2 :][:2]
        partner = torch.arange(len(x)) if field == own else torch.randperm(len(x), generator=rng)
        shape = (bottom - top, right - left)
        seen, affine = warp(x[partner], rng, scale=scale, flip=flip, upright=upright, shape=shape)
        out[:, :, top:bottom, left:right] = seen
        window = (left / width, top / height, right / width, bottom / height)
        tiles.append(Tile(partner, _of_the_whole(affine, window), window))
    return out, Tiled(tuple(tiles))


def _of_the_whole(affine: Tensor, window: tuple[float, float, float, float]) -> Tensor:
    """The map [B, 2, 3] of a window's coordinates as a map of the coordinates of the whole, both in [-1, 1]."""
    left, top, right, bottom = window
    size = torch.tensor([right - left, bottom - top])
    centre = torch.tensor([left + right - 1, top + bottom - 1])
    turned = affine[:, :, :2] / size
    return torch.cat([turned, affine[:, :, 2:] - (turned * centre).sum(2, keepdim=True)], dim=2)
