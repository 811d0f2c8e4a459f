"""The Transformer (Vaswani et al., arXiv 1706.03762): encoders such as BERT, decoders such as GPT and Llama.

The two together, which read one text and write another, are in encoder_decoder.py.

    TransformerConfig   what tells one from another; the published layouts are values of it
    Block               attention, (attention to a memory,) feed-forward network, each with a shortcut around it
    Transformer         embeddings and blocks: tokens → a vector for each of them
    LanguageModel       a Transformer that gives each token's successor, or what was masked, its probability

Legend of shapes: B batch, T tokens, S tokens of a memory, D width, V vocabulary, E width of a head.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from sounding.architectures.activations import activation
from sounding.architectures.attention import Attention, Distances, KeyValueCache, Rotary
from sounding.architectures.dropout import Dropout
from sounding.architectures.exporting import is_exporting
from sounding.errors import UsageError, did_you_mean

POSITIONS = ("rotary", "learned", "sinusoidal", "sinusoidal_halves", "relative", "none")
NORMS = ("layer", "rms")


@dataclass(frozen=True)
class TransformerConfig:
    """The shape of a Transformer. The defaults are a small one of today, with rotary positions and norms ahead.

    BERT (arXiv 1810.04805): learned positions, norms behind, two token types, a norm of the embeddings; BART the same
    without types. GPT-2: learned positions, norms ahead, gelu_tanh, causal. Marian: sinusoidal_halves, norms behind,
    scaled embeddings. Llama (arXiv 2302.13971): rotary, root mean square norms, a gated silu,
    no biases, causal, shared keys and values. T5: relative positions, root mean square norms, no biases.
    """

    vocabulary: int
    width: int = 256
    layers: int = 4
    heads: int = 4
    key_value_heads: int = 0  # 0: as many as heads
    head_width: int = 0  # 0: width / heads
    feed_forward: int = 0  # units between the two layers of a feed-forward network; 0: four widths
    activation: str = "gelu"
    gated: bool = False  # a feed-forward network whose units are multiplied by others (Shazeer, arXiv 2002.05202)
    causal: bool = False  # no position looks ahead
    memory: bool = False  # the blocks also look at another text, encoded: a translator's decoder
    positions: str = "rotary"  # sinusoidal: a sine and its cosine in turn; …_halves: all sines first, as Marian has it
    rotary_base: float = 10_000.0
    distance_buckets: int = 32  # numbers that relative positions have (`attention.Distances`)
    distance_reach: int = 128  # positions, from which on all are equally far
    context: int = 512  # positions that there are; where they are not learned more may come
    position_offset: int = 0  # the first position's number (RoBERTa, BART: 2)
    token_types: int = 0
    embedding_scale: float = 1.0  # what the tokens' embeddings are multiplied by (section 3.4 of the paper: √width)
    embedding_norm: bool = False
    norm: str = "layer"
    norm_epsilon: float = 1e-5
    norm_first: bool = True  # norms ahead of attention and feed-forward network, and one at the end
    bias: bool = True
    projection_bias: bool | None = None  # of queries, keys and values; None: as `bias`
    normalised_queries: bool = False  # queries and keys of one length (arXiv 2010.04245)
    dropout: float = 0.0

    def __post_init__(self) -> None:
        """Raises UsageError for a shape that does not go together."""
        for name, value, known in (("positions", self.positions, POSITIONS), ("norm", self.norm, NORMS)):
            if value not in known:
                raise UsageError(f"{name}={value} is not known", fix=did_you_mean(value, known))
        for name in ("vocabulary", "width", "layers", "heads", "context"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name}={getattr(self, name)} is out of its range", fix="Give 1 or more")
        if not self.head_width and self.width % self.heads:
            raise UsageError(f"a width of {self.width} does not divide into {self.heads} heads")
        if self.heads % (self.key_value_heads or self.heads):
            raise UsageError(f"{self.heads} heads cannot share {self.key_value_heads} heads of keys and values")


class FeedForward(nn.Module):
    """Two linear layers with an activation between them, for each position alone; gated, with a third."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        inner = config.feed_forward or 4 * config.width
        self.up = nn.Linear(config.width, inner, config.bias)
        self.gate = nn.Linear(config.width, inner, config.bias) if config.gated else None
        self.act = activation(config.activation)
        self.down = nn.Linear(inner, config.width, config.bias)

    def forward(self, x: Float[Tensor, "B T D"]) -> Float[Tensor, "B T D"]:
        """The new vectors."""
        inner = self.act(self.up(x)) if self.gate is None else self.act(self.gate(x)) * self.up(x)
        return self.down(inner)


class Block(nn.Module):
    """Attention and feed-forward network, each added to what came in, with its norm ahead or behind."""

    def __init__(self, config: TransformerConfig, layer: int) -> None:
        super().__init__()
        self.layer, self.norm_first = layer, config.norm_first
        self.attention = _attention(config)
        self.attention_norm = _norm(config)
        self.memory_attention = _attention(config) if config.memory else None
        self.memory_norm = _norm(config) if config.memory else None
        self.feed_forward = FeedForward(config)
        self.feed_forward_norm = _norm(config)
        self.dropout = Dropout(config.dropout)

    def forward(self, x: Float[Tensor, "B T D"], look: Look) -> Float[Tensor, "B T D"]:
        """The new vectors; `look` says where attention may look."""
        words: dict[str, Any] = {"mask": look.mask, "causal": look.causal, "angles": look.angles, "bias": look.bias}
        words |= {"cache": look.cache, "layer": self.layer}
        x = self._added(x, self.attention_norm, lambda h: self.attention(h, **words))
        if self.memory_attention is not None and self.memory_norm is not None:
            attention, memory = self.memory_attention, look.memories[self.layer]
            x = self._added(x, self.memory_norm, lambda h: looked_up(attention, h, memory, look.memory_mask))
        return self._added(x, self.feed_forward_norm, self.feed_forward)

    def _added(self, x: Tensor, norm: nn.Module, part: Callable[[Tensor], Tensor]) -> Tensor:
        if self.norm_first:
            return x + self.dropout(part(norm(x)))
        return norm(x + self.dropout(part(x)))


def looked_up(
    attention: Attention, x: Float[Tensor, "R T D"], memory: tuple[Tensor, Tensor], mask: Tensor | None
) -> Float[Tensor, "R T D"]:
    """What each position takes from a memory [B, …]; rows that share one, such as beams, are its queries together."""
    return attention(x.reshape(memory[0].shape[0], -1, x.shape[2]), memory, mask=mask).reshape(x.shape)


@dataclass
class Look:
    """Where the attention of a pass may look, the same for all blocks."""

    mask: Bool[Tensor, " ..."] | None = None
    causal: bool = False
    angles: tuple[Tensor, Tensor] | None = None
    bias: Float[Tensor, "1 H T S"] | None = None
    cache: KeyValueCache | None = None
    memories: Sequence[tuple[Tensor, Tensor]] = ()
    memory_mask: Bool[Tensor, " ..."] | None = None


class Embeddings(nn.Module):
    """A vector for each token, with that of its position and its type where the config has these."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.config = config
        self.tokens = nn.Embedding(config.vocabulary, config.width)
        places = config.context + config.position_offset
        self.positions = nn.Embedding(places, config.width) if config.positions == "learned" else None
        self.types = nn.Embedding(config.token_types, config.width) if config.token_types else None
        self.norm = _norm(config) if config.embedding_norm else None
        self.dropout = Dropout(config.dropout)

    def forward(self, ids: Int[Tensor, "B T"], positions: Int[Tensor, " ..."]) -> Float[Tensor, "B T D"]:
        """The vectors at the start of the blocks; `positions` [T] or [B, T] count from 0."""
        x = self.tokens(ids)
        if self.config.embedding_scale != 1:
            x = x * self.config.embedding_scale
        if self.positions is not None:
            x = x + self.positions(positions + self.config.position_offset)
        elif self.config.positions.startswith("sinusoidal"):
            x = x + sinusoids(positions, self.config.width, self.config.positions.endswith("halves")).to(x.dtype)
        if self.types is not None:
            x = x + self.types.weight[0]
        return self.dropout(x if self.norm is None else self.norm(x))


class Transformer(nn.Module):
    """Tokens → a vector for each of them."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.config = config
        self.embeddings = Embeddings(config)
        self.blocks = nn.ModuleList(Block(config, layer) for layer in range(config.layers))
        self.norm = _norm(config) if config.norm_first else None
        width = config.head_width or config.width // config.heads
        self.rotary = Rotary(width, config.rotary_base) if config.positions == "rotary" else None
        self.distances = _distances(config) if config.positions == "relative" else None
        start(self)

    def forward(
        self,
        ids: Int[Tensor, "B T"],
        lengths: Int[Tensor, " B"] | None = None,
        *,
        padded_left: Int[Tensor, " B"] | None = None,
        cache: KeyValueCache | None = None,
        memory: Memory | None = None,
    ) -> Float[Tensor, "B T D"]:
        """The vectors of `ids`, of which row b has `lengths[b]` tokens and then padding, which nobody looks at.

        With a `cache` the tokens continue those that it holds. A `memory` has a row for each row of `ids`, or for
        every so many in a row. Rows of a batch that is continued end together: their
        padding, `padded_left[b]` tokens of the whole, is at the left. Raises UsageError for more tokens than learned
        positions.
        """
        done = 0 if cache is None else cache.length
        if self.config.positions == "learned" and not is_exporting() and done + ids.shape[1] > self.config.context:
            what = f"{done + ids.shape[1]:,} tokens, and the model has positions for {self.config.context:,}"
            raise UsageError(what, fix="Shorten the text")
        positions = torch.arange(done, done + ids.shape[1], device=ids.device)
        mask = _within(lengths, ids.shape[1])
        if padded_left is not None:
            mask = (torch.arange(done + ids.shape[1], device=ids.device) >= padded_left[:, None])[:, None, None]
            positions = (positions - padded_left[:, None]).clamp(min=0)
        bias = None if self.distances is None else self.distances(ids.shape[1], done + ids.shape[1])
        look = Look(mask, self.config.causal, self._angles(positions), bias, cache)
        if memory is not None:
            look.memories, look.memory_mask = memory.layers, memory.mask
        x = self.embeddings(ids, positions)
        for block in self.blocks:
            x = block(x, look)
        return x if self.norm is None else self.norm(x)

    def remember(self, encoded: Float[Tensor, "B S D"], lengths: Int[Tensor, " B"] | None = None) -> Memory:
        """The keys and values of an encoded text, to which the blocks of a decoder look."""
        attentions = [module.memory_attention for module in self.blocks if isinstance(module, Block)]
        layers = [attention.keys_values(encoded) for attention in attentions if attention is not None]
        return Memory(layers, _within(lengths, encoded.shape[1]))

    def _angles(self, positions: Int[Tensor, " ..."]) -> tuple[Tensor, Tensor] | None:
        if self.rotary is None:
            return None
        cos, sin = self.rotary.angles(positions)
        return (cos, sin) if positions.ndim == 1 else (cos[:, None], sin[:, None])


@dataclass
class Memory:
    """What the blocks of a decoder look at: keys and values for each, and which of them are no padding."""

    layers: list[tuple[Tensor, Tensor]]
    mask: Bool[Tensor, "B 1 1 S"] | None = None

    def take(self, rows: Int[Tensor, " R"]) -> Memory:
        """That of these rows of the batch, in their order."""
        mask = None if self.mask is None else self.mask[rows]
        return Memory([(k[rows], v[rows]) for k, v in self.layers], mask)

    def widened(self) -> Memory:
        """The same in fp32, whatever it was computed in."""
        return Memory([(k.float(), v.float()) for k, v in self.layers], self.mask)


class LanguageModel(nn.Module):
    """A Transformer with a score for each word of the vocabulary at each position.

    `tied`: the scores are products with the tokens' own embeddings (Press and Wolf, arXiv 1608.05859). `transform`:
    another layer and a norm stand ahead of them, as in BERT.
    """

    def __init__(
        self, config: TransformerConfig, *, tied: bool = False, bias: bool = False, transform: bool = False
    ) -> None:
        super().__init__()
        self.transformer = Transformer(config)
        layers = [nn.Linear(config.width, config.width), activation(config.activation), _norm(config)]
        self.transform = nn.Sequential(*layers) if transform else None
        self.output = nn.Linear(config.width, config.vocabulary, bias)
        nn.init.zeros_(self.output.weight)
        if bias:
            nn.init.zeros_(self.output.bias)
        if tied:
            self.output.weight = self.transformer.embeddings.tokens.weight

    def forward(self, ids: Int[Tensor, "B T"], lengths: Int[Tensor, " B"] | None = None) -> Float[Tensor, "B T V"]:
        """Logits of what comes after each token, or stands at its place."""
        return self.scores(self.transformer(ids, lengths))

    def at(self, ids: Tensor, lengths: Tensor, row: Tensor, place: Tensor) -> Tensor:
        """Logits [n, V] of the tokens at the places [n] of the texts in `row` [n] alone."""
        return self.scores(self.transformer(ids, lengths)[row, place])

    def scores(self, vectors: Float[Tensor, "*P D"]) -> Float[Tensor, "*P V"]:
        """Logits from the vectors of some positions: those of a whole vocabulary cost more than all else."""
        return self.output(vectors if self.transform is None else self.transform(vectors))


def sinusoids(positions: Int[Tensor, " ..."], width: int, halves: bool = False) -> Float[Tensor, "... D"]:
    """Sines and cosines of wavelengths from 2π to 20,000π (arXiv 1706.03762, section 3.5).

    A sine and its cosine stand side by side, or with `halves` all sines ahead of all cosines.
    """
    speeds = torch.exp(-math.log(10_000.0) * torch.arange(0, width, 2, device=positions.device) / width)
    angles = positions[..., None].float() * speeds
    if halves:
        return torch.cat([angles.sin(), angles.cos()], dim=-1)[..., :width]
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(-2)[..., :width]


def start(model: nn.Module) -> None:
    """Draw initial weights: matrices of variance 1 / (4 fan-in), embeddings of 0.02², what a block adds is zero.

    With the last matrix of each branch at zero a block begins as the identity (Zhang et al., arXiv 1901.09321, without
    its scales), so that depth does not matter to the first steps.
    """
    for module in model.modules():
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=0.5 / module.in_features**0.5)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, std=0.02)
    for module in model.modules():
        last = module.output if isinstance(module, Attention) else getattr(module, "down", None)
        if isinstance(module, Attention | FeedForward) and isinstance(last, nn.Linear):
            nn.init.zeros_(last.weight)


def _attention(config: TransformerConfig) -> Attention:
    return Attention(
        config.width,
        config.heads,
        config.key_value_heads,
        head_width=config.head_width,
        bias=config.bias if config.projection_bias is None else config.projection_bias,
        output_bias=config.bias,
        normalised=config.normalised_queries,
    )


def _distances(config: TransformerConfig) -> Distances:
    return Distances(config.heads, config.distance_buckets, config.distance_reach, config.causal)


def _norm(config: TransformerConfig) -> nn.Module:
    kind = nn.LayerNorm if config.norm == "layer" else nn.RMSNorm
    return kind(config.width, eps=config.norm_epsilon)


def _within(lengths: Int[Tensor, " B"] | None, tokens: int) -> Bool[Tensor, "B 1 1 T"] | None:
    """Where the tokens are that are no padding; None where there is none."""
    if lengths is None or (not is_exporting() and bool((lengths >= tokens).all())):
        return None
    return (torch.arange(tokens, device=lengths.device) < lengths[:, None])[:, None, None]
