"""An anchor-free detector: every location of a feature pyramid says what it lies in, and how far the four edges are.

One head looks at all maps of the pyramid (Tian et al., "FCOS", arXiv 1904.01355), so that what it learns of a shape at
one size serves at the others; only its normalisations are each map's own, as in RTMDet (arXiv 2212.07784).

Legend of shapes: B batch, C channels of the picture, H height, W width, D width of the pyramid, h w sides of a map,
L locations on all maps, K classes.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sounding.architectures.activations import activation
from sounding.architectures.layers import initialise
from sounding.architectures.pyramid import Pyramid

RARE = 0.01
"""What a class is believed to have as a share of all locations at the start (arXiv 1708.02002, section 3.3)."""
REACH = 2.0
"""How far the edges of an untrained location's box are from it, in strides."""
FARTHEST = 4.0
"""The largest logarithm of an edge's distance, as a multiple of `REACH` strides: beyond lies no picture."""


class Detections(NamedTuple):
    """What each location says: `logits` [B, L, K], `corners` [B, L, 4] of its box, and its own `places` [B, L, 2].

    Corners (left, top, right, bottom) and places (x, y) are shares of the picture's width and height. Corners may lie
    outside of the picture.
    """

    logits: Tensor
    corners: Tensor
    places: Tensor


class Detector(nn.Module):
    """A pyramid and its head. `threshold` is the least score that a person is shown; a buffer, set after training."""

    threshold: Tensor

    def __init__(self, pyramid: Pyramid, classes: int, depth: int = 2, act: str = "relu") -> None:
        super().__init__()
        self.pyramid, self.classes = pyramid, classes
        levels = len(pyramid.strides)
        self.class_tower = Tower(pyramid.width, depth, levels, act)
        self.box_tower = Tower(pyramid.width, depth, levels, act)
        self.scores = nn.Conv2d(pyramid.width, classes, 3, padding=1)
        self.edges = nn.Conv2d(pyramid.width, 4, 3, padding=1)
        for last, bias in ((self.scores, -math.log((1 - RARE) / RARE)), (self.edges, 0.0)):
            assert last.bias is not None
            nn.init.normal_(last.weight, std=0.01)
            nn.init.constant_(last.bias, bias)
        self.register_buffer("threshold", torch.tensor(0.3))

    def forward(self, x: Float[Tensor, "B C H W"]) -> Detections:
        """The outputs of all locations, map by map, the finest first; fp32."""
        found = [self._level(level, seen) for level, seen in enumerate(self.pyramid(x))]
        logits, corners, places = (torch.cat(parts, dim=1) for parts in zip(*found, strict=True))
        sides = torch.tensor([x.shape[-1], x.shape[-2]], dtype=corners.dtype, device=x.device)
        return Detections(logits, corners / sides.repeat(2), places / sides)

    def _level(self, level: int, seen: Float[Tensor, "B D h w"]) -> Detections:
        """The outputs of one map, in pixels."""
        stride = self.pyramid.strides[level]
        logits = self.scores(self.class_tower(seen, level)).float()
        distances = self.edges(self.box_tower(seen, level)).float().clamp(max=FARTHEST).exp() * (REACH * stride)
        places = _places(seen.shape[-2], seen.shape[-1], stride, seen.device).expand(seen.shape[0], -1, -1)
        corners = places.repeat(1, 1, 2) + distances.flatten(2).mT * distances.new_tensor([-1, -1, 1, 1])
        return Detections(logits.flatten(2).mT, corners, places)


class Tower(nn.Module):
    """`depth` 3×3 convolutions that all maps share, each followed by the map's own normalisation."""

    def __init__(self, width: int, depth: int, levels: int, act: str) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1, bias=False) for _ in range(depth))
        self.norms = nn.ModuleList(nn.ModuleList(nn.BatchNorm2d(width) for _ in range(depth)) for _ in range(levels))
        self.act = activation(act)
        initialise(self, act)

    def forward(self, x: Float[Tensor, "B D h w"], level: int) -> Float[Tensor, "B D h w"]:
        """The map of `level`, looked at."""
        norms: Any = self.norms[level]
        for convolution, norm in zip(self.convolutions, norms, strict=True):
            x = self.act(norm(convolution(x)))
        return x


def _places(height: int, width: int, stride: int, device: torch.device) -> Tensor:
    """The middle x, y of each location of a map, in pixels of the picture: [h · w, 2], row by row."""
    y, x = torch.meshgrid(
        (torch.arange(height, device=device) + 0.5) * stride,
        (torch.arange(width, device=device) + 0.5) * stride,
        indexing="ij",
    )
    return torch.stack([x.flatten(), y.flatten()], dim=1)
