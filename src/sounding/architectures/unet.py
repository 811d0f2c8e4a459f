"""A net that gives every pixel its own outputs: a backbone that looks closer and closer, and a way back up.

    UNet       backbone, context at its deepest map, then map by map back to the finest, where the outputs are made
    Context    what stands far around each place, at the deepest map
    Up         one step of the way back: the deeper map brought to the size of the finer one, and added to it

The way back is U-Net's (Ronneberger et al., arXiv 1505.04597) with the sums of feature pyramids (Lin et al., arXiv
1612.03144; Kirillov et al., arXiv 1901.02446) in place of concatenation: a third of the work. Outputs are made at the
finest map of the backbone and brought to the picture's size bilinearly, since convolutions at full resolution cost most
and change little. Any height and width will do: nothing has to be a multiple of 32.

Legend of shapes: B batch, C channels, H height, W width, h w sides of a map, D channels of a map, K outputs.
"""

from __future__ import annotations

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from sounding.architectures.activations import activation
from sounding.architectures.layers import ConvNorm, initialise

REACHES = (1, 2, 4)
"""Dilations of the context's convolutions: together they reach seven places of the deepest map to each side."""


class UNet(nn.Module):
    """A backbone and the way back up: outputs [B, K, H, W] for pictures [B, C, H, W] of any size.

    `width` is the largest number of channels on the way back; a map that has fewer keeps its own. `detail` is the
    channels of one convolution more, at twice the resolution of the backbone's finest map, where that has less than
    half of the picture's: thin things (poles, wires) are found there.
    """

    def __init__(
        self,
        backbone: nn.Module,
        channels: int,
        outputs: int,
        width: int = 64,
        *,
        detail: int = 0,
        act: str = "relu",
    ) -> None:
        super().__init__()
        stride: int = backbone.strides[0]  # type: ignore[index,assignment]
        widths: list[int] = list(backbone.widths)  # type: ignore[arg-type]
        self.stride = stride // 2 if detail and stride > 2 else stride
        self.detail = ConvNorm(channels * self.stride**2, detail, act=act) if self.stride < stride else None
        widths = [detail, *widths] if self.detail else widths
        kept = [min(width, w) for w in widths]
        self.context = Context(widths[-1], kept[-1], act)
        self.ups = nn.ModuleList(Up(kept[i + 1], widths[i], kept[i], act) for i in reversed(range(len(widths) - 1)))
        self.head = nn.Conv2d(kept[0], outputs, 1)
        initialise(self, act)
        self.head.weight.data *= 0.1  # begins near even odds
        self.backbone = backbone  # has begun its weights itself

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B K H W"]:
        """The outputs of every pixel, no activation on them."""
        height, width = x.shape[-2:]
        *finer, y = self.backbone.features(x)  # type: ignore[operator]
        finer = [self.detail(squares(x, self.stride)), *finer] if self.detail else finer
        y = self.context(y)
        for up, skip in zip(self.ups, reversed(finer), strict=True):
            y = up(y, skip)
        y = self.head(y)
        if self.stride > 1:  # by the exact factor, so that the last row is not stretched over the border
            y = F.interpolate(y, scale_factor=float(self.stride), mode="bilinear", align_corners=False)
        return y[..., :height, :width]


def squares(x: Float[Tensor, "B C H W"], side: int) -> Float[Tensor, "B D h w"]:
    """Each square of side × side pixels as one place; the last are filled up with what stands at the border."""
    if side == 1:
        return x
    down, across = (-length % side for length in x.shape[-2:])
    if down or across:
        x = F.pad(x, (0, across, 0, down), mode="replicate")
    return F.pixel_unshuffle(x, side)


class Context(nn.Module):
    """Fewer channels, and in each place what stands far around it and in the picture as a whole.

    Depthwise convolutions that reach out in steps (dilations, arXiv 1706.05587), added up, and a gate on each channel
    from its mean over the map (arXiv 1905.02244).
    """

    def __init__(self, channels: int, width: int, act: str = "relu") -> None:
        super().__init__()
        self.narrow = ConvNorm(channels, width, 1, act=act)
        self.around = nn.ModuleList(
            nn.Conv2d(width, width, 3, padding=reach, dilation=reach, groups=width, bias=False) for reach in REACHES
        )
        self.norm = nn.BatchNorm2d(width)
        self.mixed = ConvNorm(width, width, 1, act=act)
        self.gate = nn.Conv2d(width, width, 1)

    def forward(self, x: Float[Tensor, "B C h w"]) -> Float[Tensor, "B D h w"]:
        """The map with its surroundings."""
        x = self.narrow(x)
        for around in self.around:
            x = x + around(x)
        x = self.mixed(self.norm(x))
        gate: Tensor = self.gate(x.mean((2, 3), keepdim=True)).sigmoid()
        return x * gate


class Up(nn.Module):
    """Adds a deeper map of `channels` to a finer one of `skip` channels, at `width` channels, and looks at the sum."""

    def __init__(self, channels: int, skip: int, width: int, act: str = "relu") -> None:
        super().__init__()
        self.deeper = ConvNorm(channels, width, 1, act="identity")
        self.finer = ConvNorm(skip, width, 1, act="identity")
        self.act = activation(act)
        self.look = ConvNorm(width, width, act=act)

    def forward(self, x: Float[Tensor, "B C _ _"], skip: Float[Tensor, "B _ h w"]) -> Float[Tensor, "B D h w"]:
        """The sum at the size of the finer map."""
        deeper = F.interpolate(self.deeper(x), size=skip.shape[-2:], mode="bilinear", align_corners=False)
        return self.look(self.act(deeper + self.finer(skip)))
