"""Masks that follow their pictures: scaled, filled up, warped; by nearest neighbour, since ids have no mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sounding.modalities.masks.class_ids import VOID

if TYPE_CHECKING:
    from torch import Tensor


def nearest(array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """An array [H, W] at another shape: the pixel that lies under the middle of each new one."""
    if array.shape == tuple(shape):
        return array
    rows, columns = (((np.arange(n) + 0.5) * m / n).astype(int) for n, m in zip(shape, array.shape, strict=True))
    return array[rows[:, None], columns]


def padded(value: np.ndarray, tall: int, wide: int) -> np.ndarray:
    """The mask filled up below and to the right with what counts for nothing."""
    return np.pad(value, ((0, tall - value.shape[0]), (0, wide - value.shape[1])), constant_values=VOID)


def sampled(value: np.ndarray, affine: Tensor, shape: tuple[int, int] | None) -> np.ndarray:
    """The mask where `affine` [2, 3] looks, at `shape`; one is added first, so that 0 is what lies outside."""
    import torch
    import torch.nn.functional as F

    h, w = shape or value.shape
    grid = F.affine_grid(affine[None].float().cpu(), [1, 1, h, w], align_corners=False)
    plane = torch.from_numpy(value.astype(np.float32) + 1)[None, None]
    seen = F.grid_sample(plane, grid, mode="nearest", padding_mode="zeros", align_corners=False)[0, 0].numpy()
    return np.where(seen == 0, VOID, seen - 1).astype(np.uint8)
