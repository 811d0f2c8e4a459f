"""The Conformer (Gulati et al., arXiv 2005.08100): attention for what is far, convolution for what is near.

    ConformerConfig   what tells one from another
    Subsampling       two convolutions that make one vector of four frames of a spectrogram
    Conformer         vectors → vectors: half a feed-forward network, attention, convolution, the other half

Positions are rotary: attention depends on distances alone, as with the relative encodings of the paper. The convolution
is normalised by layer norm, so that padding and other rows have no part in it. Padding behind a row is zero wherever
something might look at it: a row gives the same alone and in a batch.

Legend of shapes: B batch, N frames, M bands, T vectors (a quarter of the frames), D width, C channels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from sounding.architectures.attention import Attention, Rotary
from sounding.architectures.dropout import Dropout
from sounding.architectures.pooling import within
from sounding.errors import UsageError

Size = TypeVar("Size", int, Tensor)


@dataclass(frozen=True)
class ConformerConfig:
    """The shape of a Conformer; `kernel` is how many vectors a convolution looks at."""

    width: int = 144
    layers: int = 4
    heads: int = 4
    feed_forward: int = 0  # units between the two layers of a feed-forward network; 0: four widths
    kernel: int = 15
    dropout: float = 0.1

    def __post_init__(self) -> None:
        """Raises UsageError for a shape that does not go together."""
        if self.width % self.heads or self.width // self.heads % 2:
            what = f"a width of {self.width} does not divide into {self.heads} heads of an even width"
            raise UsageError(what, fix="Give a width such as 144 for 4 heads")
        if self.kernel % 2 == 0:
            raise UsageError(f"a kernel of {self.kernel} has no middle", fix="Give an odd number")


class Subsampling(nn.Module):
    """Spectrograms [B, N, M] → vectors [B, T, D], T = ⌈N / 4⌉: two convolutions of stride 2 in time and frequency."""

    def __init__(self, bands: int, channels: int, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, channels, 3, 2, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, 2, padding=1)
        self.project = nn.Linear(channels * _halved(_halved(bands)), width)

    def forward(
        self, x: Float[Tensor, "B N M"], lengths: Int[Tensor, " B"]
    ) -> tuple[Float[Tensor, "B T D"], Int[Tensor, " B"]]:
        """The vectors, and how many of each row count."""
        x = (x * within(lengths, x.shape[1])[..., None])[:, None]
        for layer in (self.first, self.second):
            x, lengths = layer(x).relu(), _halved(lengths)
            x = x * within(lengths, x.shape[2])[:, None, :, None]
        return self.project(x.transpose(1, 2).flatten(2)), lengths


class Conformer(nn.Module):
    """Vectors → vectors that know what is before and after them."""

    def __init__(self, config: ConformerConfig) -> None:
        super().__init__()
        self.config = config
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.rotary = Rotary(config.width // config.heads)

    @property
    def outputs(self) -> int:
        """The width of what goes out."""
        return self.config.width

    def forward(self, x: Float[Tensor, "B T D"], lengths: Int[Tensor, " B"]) -> Float[Tensor, "B T D"]:
        """The new vectors; those of padding have no meaning."""
        inside = within(lengths, x.shape[1])
        angles = self.rotary.angles(torch.arange(x.shape[1], device=x.device))
        for block in self.blocks:
            x = block(x, inside, angles)
        return x


class Block(nn.Module):
    """Half a feed-forward network, attention, convolution, the other half; each is added to what came in."""

    def __init__(self, config: ConformerConfig) -> None:
        super().__init__()
        self.before, self.behind = _feed_forward(config), _feed_forward(config)
        self.attention_norm = nn.LayerNorm(config.width)
        self.attention = Attention(config.width, config.heads)
        self.convolution = Convolution(config)
        self.norm = nn.LayerNorm(config.width)
        self.dropout = Dropout(config.dropout)

    def forward(
        self, x: Float[Tensor, "B T D"], inside: Bool[Tensor, "B T"], angles: tuple[Tensor, Tensor]
    ) -> Float[Tensor, "B T D"]:
        """The new vectors; attention looks at those `inside` a row."""
        x = x + 0.5 * self.before(x)
        seen = self.attention(self.attention_norm(x), mask=inside[:, None, None], angles=angles)
        x = x + self.dropout(seen)
        x = x + self.convolution(x, inside)
        return self.norm(x + 0.5 * self.behind(x))


class Convolution(nn.Module):
    """A gate, a convolution of each channel by itself, a norm, and a mixture of the channels."""

    def __init__(self, config: ConformerConfig) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(config.width)
        self.gated = nn.Linear(config.width, 2 * config.width)
        self.depthwise = nn.Conv1d(
            config.width, config.width, config.kernel, padding=config.kernel // 2, groups=config.width
        )
        self.inner_norm = nn.LayerNorm(config.width)
        self.mixed = nn.Linear(config.width, config.width)
        self.dropout = Dropout(config.dropout)

    def forward(self, x: Float[Tensor, "B T D"], inside: Bool[Tensor, "B T"]) -> Float[Tensor, "B T D"]:
        """What is added to `x`."""
        x = nn.functional.glu(self.gated(self.norm(x)), dim=2) * inside[..., None]
        x = self.depthwise(x.transpose(1, 2)).transpose(1, 2)
        return self.dropout(self.mixed(nn.functional.silu(self.inner_norm(x))))


def _halved(size: Size) -> Size:
    """What a convolution of stride 2 leaves of a size."""
    return (size + 1) // 2


def _feed_forward(config: ConformerConfig) -> nn.Sequential:
    inner = config.feed_forward or 4 * config.width
    return nn.Sequential(
        nn.LayerNorm(config.width),
        nn.Linear(config.width, inner),
        nn.SiLU(),
        Dropout(config.dropout),
        nn.Linear(inner, config.width),
        Dropout(config.dropout),
    )
