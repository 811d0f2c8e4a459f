"""Networks of inverted residual blocks, small and quick, for which weights learnt on ImageNet can be had.

    mobilenet_v2         Sandler et al., arXiv 1801.04381
    efficientnet_lite0   EfficientNet-B0 (Tan and Le, arXiv 1905.11946) without squeeze-and-excitation, with ReLU6

Both give exactly what their originals give from the same weights: MobileNetV2 as in torchvision, EfficientNet-Lite0 as
in TensorFlow, which pads uneven borders below and to the right. The dropouts of the originals are left out.

Legend of shapes: B batch, C channels, H height, W width, D width and h w sides of a map, K outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from sounding.architectures.cnn import LARGE_SIDE
from sounding.architectures.layers import initialise

STEM, LAST = 32, 1280
"""Channels after the stem, and of the map that the linear layer sees the mean of."""

Stage = tuple[int, int, int, int, int]
"""How often a block widens its input, its width, how many of them, the stride of the first, the side of the kernel."""

MOBILENET_V2: Sequence[Stage] = (
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 32, 3, 2, 3),
    (6, 64, 4, 2, 3),
    (6, 96, 3, 1, 3),
    (6, 160, 3, 2, 3),
    (6, 320, 1, 1, 3),
)
EFFICIENTNET_LITE0: Sequence[Stage] = (
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)


class MobileNet(nn.Module):
    """A stem that halves the side, inverted residual blocks, a last convolution, the mean of its map, a linear layer.

    For a `side` up to 64 pixels the stem does not halve, so that as much is left of a small picture as of one twice as
    large. The maps are what the blocks of one resolution end with, but for the finest: `widths[i]` channels and
    1/`strides[i]` of the side (rounded up). Without `outputs` there is neither last convolution nor linear layer: a
    backbone. `same` pads as TensorFlow does; `eps` is that of the normalisations.
    """

    def __init__(
        self,
        stages: Sequence[Stage],
        channels: int,
        outputs: int = 0,
        *,
        side: int = 224,
        same: bool = False,
        eps: float = 1e-5,
    ) -> None:
        super().__init__()
        stride = 2 if side > LARGE_SIDE else 1
        self.stem = _unit(channels, STEM, 3, stride, same=same)
        self.blocks, width, ends = nn.ModuleList(), STEM, list[tuple[int, int, int]]()
        for expansion, wider, repeats, first, kernel in stages:
            if first > 1:
                ends.append((len(self.blocks) - 1, width, stride))
            stride *= first
            for i in range(repeats):
                step = first if i == 0 else 1
                self.blocks.append(InvertedResidual(width, wider, expansion, kernel, step, same=same))
                width = wider
        ends.append((len(self.blocks) - 1, width, stride))
        self.ends, self.widths, self.strides = ([end[i] for end in ends[1:]] for i in range(3))
        if outputs:
            self.last = _unit(width, LAST, 1)
            self.head = nn.Linear(LAST, outputs)
        initialise(self)
        if outputs:
            self.head.weight.data *= 0.1  # training begins near even odds
        for layer in self.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.eps = eps

    def features(self, x: Float[Tensor, "B C H W"]) -> list[Float[Tensor, "B _ _ _"]]:
        """The maps, finest first."""
        maps = []
        x = self.stem(x)
        for i, block in enumerate(self.blocks):
            x = block(x)
            if i in self.ends:
                maps.append(x)
        return maps

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B K"]:
        """The outputs, no activation on them."""
        return self.head(self.last(self.features(x)[-1]).mean((2, 3)))


def mobilenet_v2(channels: int, outputs: int = 0, *, side: int = 224) -> MobileNet:
    """MobileNetV2 of width 1. Without `outputs` a backbone."""
    return MobileNet(MOBILENET_V2, channels, outputs, side=side)


def efficientnet_lite0(channels: int, outputs: int = 0, *, side: int = 224) -> MobileNet:
    """EfficientNet-Lite0. Without `outputs` a backbone."""
    return MobileNet(EFFICIENTNET_LITE0, channels, outputs, side=side, same=True, eps=1e-3)


NETWORKS: Mapping[str, Callable[..., MobileNet]] = MappingProxyType(
    {"mobilenet_v2": mobilenet_v2, "efficientnet_lite0": efficientnet_lite0}
)
"""The networks by name."""


class InvertedResidual(nn.Module):
    """1×1 to more channels, one filter for each of them, 1×1 to fewer, linear; added to its input where that fits.

    The shortcut joins the narrow ends (arXiv 1801.04381, §3.3).
    """

    def __init__(
        self, channels: int, width: int, expansion: int, kernel: int, stride: int, *, same: bool = False
    ) -> None:
        super().__init__()
        wide = channels * expansion
        self.expand = _unit(channels, wide, 1) if expansion > 1 else nn.Identity()
        self.depthwise = _unit(wide, wide, kernel, stride, groups=wide, same=same)
        self.project = _unit(wide, width, 1)[:2]
        self.shortcut = stride == 1 and channels == width

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D h w"]:
        """The side is divided by the stride (rounded up)."""
        y = self.project(self.depthwise(self.expand(x)))
        return x + y if self.shortcut else y


class SameConv2d(nn.Conv2d):
    """A convolution padded as TensorFlow's "SAME": what cannot be halved between two borders goes below and right."""

    def forward(self, input: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D h w"]:
        """The side is divided by the stride (rounded up)."""
        pads: list[int] = []
        for axis in (1, 0):  # F.pad begins with the last dimension
            side, stride, kernel = input.shape[2 + axis], self.stride[axis], self.kernel_size[axis]
            total = max((-(-side // stride) - 1) * stride + kernel - side, 0)
            pads += [total // 2, total - total // 2]
        return super().forward(F.pad(input, pads))


def _unit(
    channels: int, width: int, kernel: int, stride: int = 1, *, groups: int = 1, same: bool = False
) -> nn.Sequential:
    """Convolution, batch normalisation, ReLU6."""
    if same and stride > 1:
        conv: nn.Conv2d = SameConv2d(channels, width, kernel, stride, groups=groups, bias=False)
    else:  # at stride 1 both ways of padding are one
        conv = nn.Conv2d(channels, width, kernel, stride, padding=kernel // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(width), nn.ReLU6())
