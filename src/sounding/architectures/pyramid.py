"""A feature pyramid: maps of several resolutions that all know what the coarsest one knows.

A backbone's fine maps see where things are, and its coarse ones what they are. Each map is brought to one width, and
what the coarser ones found is added to the finer ones on the way down (Lin et al., arXiv 1612.03144).

Legend of shapes: B batch, C channels of the picture, H height, W width, D width of the pyramid.
"""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from sounding.architectures.layers import ConvNorm, initialise


class Pyramid(nn.Module):
    """Maps of `width` channels at each of the backbone's strides from `finest` on, finest first.

    `backbone` has `features(x) → maps`, `widths` and `strides`. Maps finer than `finest` are computed and not used.
    Raises ValueError where the backbone has no map so coarse.
    """

    def __init__(self, backbone: Any, width: int, finest: int = 8, act: str = "relu") -> None:
        super().__init__()
        chosen = [i for i, stride in enumerate(backbone.strides) if stride >= finest]
        if not chosen:
            raise ValueError(f"no map of the backbone has a stride of {finest} or more: {backbone.strides}")
        self.backbone, self.width, self.first = backbone, width, chosen[0]
        self.strides = [backbone.strides[i] for i in chosen]
        self.sides = nn.ModuleList(ConvNorm(backbone.widths[i], width, 1, act="identity") for i in chosen)
        self.smooth = nn.ModuleList(ConvNorm(width, width, act=act) for _ in chosen)
        for layer in (self.sides, self.smooth):
            initialise(layer, act)

    def forward(self, x: Float[Tensor, "B C H W"]) -> list[Float[Tensor, "B D _ _"]]:
        """One map for each of `strides`, finest first."""
        maps = [side(found) for side, found in zip(self.sides, self.backbone.features(x)[self.first :], strict=True)]
        for i in reversed(range(len(maps) - 1)):
            maps[i] = maps[i] + F.interpolate(maps[i + 1], size=maps[i].shape[-2:])
        return [smooth(found) for smooth, found in zip(self.smooth, maps, strict=True)]
