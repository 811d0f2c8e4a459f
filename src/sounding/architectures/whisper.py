"""Whisper (Radford et al., arXiv 2212.04356): a Transformer that hears a spectrogram and writes what is said.

    SpectrogramEncoder   two convolutions, the second of which leaves half of the frames, and blocks of attention
    Whisper              such an encoder, and a decoder that looks at what it gives

Legend of shapes: B batch, R rows that are written (B, or beams of each), N frames, M bands, S vectors (half of the
frames), T tokens, D width, V vocabulary, H heads, P any.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from sounding.architectures.dropout import Dropout
from sounding.architectures.encoder_decoder import attended
from sounding.architectures.rewriter import Source
from sounding.architectures.transformer import Block, LanguageModel, Look, TransformerConfig, start
from sounding.errors import UsageError


class SpectrogramEncoder(nn.Module):
    """Spectrograms [B, N, M] → vectors [B, S, D] that know what is before and after them.

    Of the config its blocks are made; `context` is the number of vectors that there are positions for. Positions are
    sines ahead of cosines, kept as weights that are not trained, as Whisper's files have them.
    """

    def __init__(self, config: TransformerConfig, bands: int) -> None:
        super().__init__()
        self.config = config
        self.first = nn.Conv1d(bands, config.width, 3, padding=1)
        self.second = nn.Conv1d(config.width, config.width, 3, stride=2, padding=1)
        self.positions = nn.Embedding(config.context, config.width)
        self.blocks = nn.ModuleList(Block(config, layer) for layer in range(config.layers))
        self.norm = nn.LayerNorm(config.width, eps=config.norm_epsilon)
        self.dropout = Dropout(config.dropout)
        start(self)
        self.positions.weight.data.copy_(_sinusoids(config.context, config.width))
        self.positions.requires_grad_(False)

    def forward(self, x: Float[Tensor, "B N M"]) -> Float[Tensor, "B S D"]:
        """The vectors. Raises UsageError for more frames than there are positions for."""
        if x.shape[1] > 2 * self.config.context:
            what = f"{x.shape[1]:,} frames, and the model has positions for {2 * self.config.context:,}"
            raise UsageError(what, fix="Give it shorter windows")
        x = F.gelu(self.second(F.gelu(self.first(x.transpose(1, 2))))).transpose(1, 2)
        x = self.dropout(x + self.positions.weight[: x.shape[1]])
        look = Look()
        for block in self.blocks:
            x = block(x, look)
        return self.norm(x)


class Whisper(nn.Module):
    """Spectrograms, and the text up to each place → scores of the token there. The decoder is causal with a memory.

    `front` makes spectrograms of what is given, where that is something else. It has no weights that are learnt.
    """

    pointer = None
    """Nothing that is heard can be copied."""

    def __init__(
        self, encoder: TransformerConfig, decoder: TransformerConfig, bands: int, *, tied: bool = True
    ) -> None:
        super().__init__()
        self.front: nn.Module = nn.Identity()
        self.encoder = SpectrogramEncoder(encoder, bands)
        self.decoder = LanguageModel(decoder, tied=tied)

    def forward(self, x: Tensor) -> Float[Tensor, "B S D"]:
        """The encoded sound, which is the same for all tokens; a whole window is looked at, silence and all."""
        return self.encoder(self.front(x))

    def remember(self, x: Tensor, lengths: Int[Tensor, " B"] | None = None) -> Source:
        """The same as a decoder looks at it."""
        return self.source(self(x))

    def source(self, encoded: Float[Tensor, "B S D"]) -> Source:
        """Encoded sounds as a decoder looks at them. Their vectors stand for no tokens: all of these are 0."""
        none = torch.zeros(encoded.shape[:2], dtype=torch.int64, device=encoded.device)
        return Source(none, encoded, self.decoder.transformer.remember(encoded))

    def decoded(self, target: Int[Tensor, "R T"], source: Source) -> Float[Tensor, "R T D"]:
        """The decoder's vectors."""
        return self.decoder.transformer(target, memory=source.memory)

    def scores(self, vectors: Float[Tensor, "*P D"], source: Source | None = None) -> Float[Tensor, "*P V"]:
        """Logits from the decoder's vectors."""
        return self.decoder.scores(vectors)

    def looked(
        self, target: Int[Tensor, "B T"], source: Source, heads: Sequence[tuple[int, int]]
    ) -> tuple[Float[Tensor, "B T D"], Float[Tensor, "B H T S"]]:
        """The decoder's vectors, and where each of the `heads` (layer, head) looks from each token."""
        layers = sorted({layer for layer, _ in heads})
        vectors, weights = attended(self.decoder.transformer, target, source.memory, layers)
        found = dict(zip(layers, weights, strict=True))
        return vectors, torch.stack([found[layer][:, head] for layer, head in heads], dim=1)


def _sinusoids(places: int, width: int) -> Float[Tensor, "{places} {width}"]:
    """Sines ahead of cosines of wavelengths from 2π to 20,000π, both of these among them: unlike in the paper of the
    Transformer, whose longest is not reached.
    """
    half = width // 2
    speeds = torch.exp(-math.log(10_000.0) / max(1, half - 1) * torch.arange(half))
    angles = torch.arange(places)[:, None] * speeds
    return F.pad(torch.cat([angles.sin(), angles.cos()], dim=1), (0, width - 2 * half))
