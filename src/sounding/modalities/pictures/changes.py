"""What augmentations do to pictures, in a form that boxes and masks can follow.

Legend of shapes: B batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sounding.contract.change import Change, ClassPreserving

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Moved(ClassPreserving):
    """Each picture was sampled through an affine map: shifted, scaled, turned, mirrored, cropped.

    `affine` [B, 2, 3]: where output coordinates in [-1, 1] were sampled from, as in `affine_grid`. `shape`: height and
    width of the output, where they are not those of the input.
    """

    affine: Tensor
    shape: tuple[int, int] | None = None


@dataclass(frozen=True)
class Tile:
    """One field of a mosaic: example i shows example `partner[i]` there.

    `window`: the field's left, top, right and bottom edge as shares of the output's sides. `affine` [B, 2, 3]: where
    output coordinates in [-1, 1] were sampled from in the partner; it holds inside of the window.
    """

    partner: Tensor
    affine: Tensor
    window: tuple[float, float, float, float]


@dataclass(frozen=True)
class Tiled(Change):
    """The output was put together from fields of several pictures, side by side."""

    tiles: tuple[Tile, ...]
