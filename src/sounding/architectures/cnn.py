"""Convolutional networks for pictures: the residual family, and a fast net for small pictures.

    ResNet     blocks that learn a difference (He et al., arXiv 1512.03385); any side; its maps feed detectors and masks
    FastNet    few plain layers that learn small pictures in minutes on a CPU, after airbench (Jordan, arXiv 2404.00498)

Legend of shapes: B batch, C channels, H height, W width, D width and h w sides of a map, K outputs.
"""

from __future__ import annotations

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn

from sounding.architectures.activations import activation
from sounding.architectures.layers import ConvNorm, Decorrelate, Residual, initialise
from sounding.errors import UsageError

LARGE_SIDE = 64
"""Above this side in pixels a ResNet begins at a quarter of the resolution, else at the full one."""

FAST_SIDES = range(16, 65)
"""Sides in pixels at which FastNet learns more in a minute of CPU than a ResNet does; below, it halves too early."""


class ResNet(nn.Module):
    """A stem, four stages of residual blocks, the mean over the map, and a linear layer.

    Each stage but the first halves the side and doubles the width. For a `side` up to 64 the stem is one 3×3
    convolution at full resolution, which works from 8×8 pictures on; above, the first stage has a map at 1/`first` of
    the side: 7×7 at stride 2, and a pooling where that is 4. Shortcuts that halve take means first (ResNet-D, arXiv
    1812.01187), and each block begins as its shortcut: its last normalisation starts at zero (arXiv 1706.02677).
    Raises UsageError for another `first` than 1, 2 or 4.
    """

    STAGES = 4

    def __init__(
        self,
        channels: int,
        outputs: int,
        width: int = 32,
        depth: int = 1,
        *,
        act: str = "relu",
        side: int = 32,
        first: int = 4,
    ) -> None:
        super().__init__()
        self.widths = [width * 2**i for i in range(self.STAGES)]
        first = first if side > LARGE_SIDE else 1
        self.strides = [first * 2**i for i in range(self.STAGES)]
        self.stem = _stem(channels, width, first, act)
        inputs = [width, *self.widths]
        self.stages = nn.ModuleList(
            _stage(inputs[i], inputs[i + 1], depth, stride=1 if i == 0 else 2, act=act) for i in range(self.STAGES)
        )
        self.head = nn.Linear(self.widths[-1], outputs)
        initialise(self, act)

    def features(self, x: Float[Tensor, "B C H W"]) -> list[Float[Tensor, "B _ _ _"]]:
        """The map of every stage, finest first: `widths[i]` channels, 1/`strides[i]` of the side (rounded up)."""
        maps = []
        x = self.stem(x)
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B K"]:
        """The outputs, no activation on them."""
        return self.head(self.features(x)[-1].mean((2, 3)))


def _stem(channels: int, width: int, stride: int, act: str) -> nn.Module:
    if stride not in (1, 2, 4):
        raise UsageError(f"a resnet cannot begin at 1/{stride} of the resolution", fix="Give 1, 2 or 4")
    if stride == 1:
        return ConvNorm(channels, width, act=act)
    pooling = [nn.MaxPool2d(3, 2, padding=1)] if stride == 4 else []
    return nn.Sequential(ConvNorm(channels, width, 7, 2, act=act), *pooling)  # the names of weights are those of both


def _stage(channels: int, width: int, depth: int, *, stride: int, act: str) -> nn.Module:
    first = _block(channels, width, stride, act)
    return nn.Sequential(first, *(_block(width, width, 1, act) for _ in range(depth - 1)))


def _block(channels: int, width: int, stride: int, act: str) -> nn.Module:
    last = ConvNorm(width, width, act="identity")
    nn.init.zeros_(last.norm.weight)
    body = nn.Sequential(ConvNorm(channels, width, stride=stride, act=act), last)
    if stride == 1 and channels == width:
        return Residual(body, act=act)
    mean = nn.AvgPool2d(2, ceil_mode=True, count_include_pad=False) if stride == 2 else nn.Identity()
    return Residual(body, nn.Sequential(mean, ConvNorm(channels, width, 1, act="identity")), act=act)


class FastNet(nn.Module):
    """Decorrelated pixels, halving stages of two convolutions, the maximum over the map, and a linear layer.

    After airbench (arXiv 2404.00498): pooling ahead of each normalisation, GELU, and a head of small weights so that
    training begins near even odds. Works from 8×8 pictures on; see `FAST_SIDES`.
    """

    def __init__(
        self, channels: int, outputs: int, widths: Sequence[int] = (32, 128, 128), *, act: str = "gelu"
    ) -> None:
        super().__init__()
        self.stem = nn.Sequential(Decorrelate(channels), activation(act))
        stages: list[nn.Module] = []
        width = 8 * channels
        for wider in widths:
            stages += [ConvNorm(width, wider, act=act, pool=True), ConvNorm(wider, wider, act=act)]
            width = wider
        self.body = nn.Sequential(*stages)
        self.head = nn.Linear(width, outputs)
        initialise(self, act)
        self.head.weight.data *= 0.1

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B K"]:
        """The outputs, no activation on them."""
        return self.head(self.body(self.stem(x)).amax((2, 3)))
