"""One more token of each text, in as few operations as it takes: nine tenths of the time go to reading the weights.

    Packed       a linear layer whose weights are laid out for the few rows of a step
    SingleStep   the blocks of a decoder for one position, beside a cache that its model has filled
    single_step  that of a model, which is made once

A general forward pass does the same (`LanguageModel`), and reads prompts. Here queries, keys and values are one matrix,
no mask is made where nothing is padded, heads that share keys are not copied, and no module stands between operations.
Of a decoder with a memory, the rows that share a source are queries of one attention.

Legend of shapes: B rows of the batch, D width, H heads, G heads of keys and values, S positions, E width of a head,
V vocabulary, I inputs, O outputs, M memories (R = M, or several rows for each).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from weakref import WeakKeyDictionary

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from sounding.architectures.attention import Attention, KeyValueCache, Rotary, unit
from sounding.architectures.transformer import Block, LanguageModel, Look, Memory, sinusoids

LARGEST = 300_000_000
"""Parameters up to which a second copy of the weights is made."""
WIDE = 2
"""A single row goes faster through turned weights where there are this many times as many outputs as inputs."""


class Packed:
    """A linear layer, or several with the same input as one. Weights are copied into the layouts that are fastest.

    With `narrow` the products of several rows are computed in bfloat16, and given back in fp32. Those of a single row
    are not: what reading half as many bytes saves goes into converting.
    """

    def __init__(self, *layers: nn.Linear, narrow: bool = False) -> None:
        self.weight = layers[0].weight.detach()
        self.bias = None if layers[0].bias is None else layers[0].bias.detach()
        if len(layers) > 1:
            self.weight = torch.cat([layer.weight.detach() for layer in layers])
            self.bias = None if self.bias is None else torch.cat([layer.bias.detach() for layer in layers])
        outputs, inputs = self.weight.shape
        self._turned = self.weight.t().contiguous() if outputs >= WIDE * inputs else None
        self._narrow = torch.bfloat16 if narrow else torch.float32
        self._blocked = _blocked(self.weight.to(self._narrow))
        self._bias = None if self.bias is None else self.bias.to(self._narrow)

    def __call__(self, x: Float[Tensor, "B I"]) -> Float[Tensor, "B O"]:
        """The outputs."""
        single = x.shape[0] == 1  # len() of a tensor costs as much as a small product
        if single and self._turned is not None:
            return x @ self._turned if self.bias is None else torch.addmm(self.bias, x, self._turned)
        if single or self._blocked is None:
            return F.linear(x, self.weight, self.bias)
        y = torch.ops.mkldnn._linear_pointwise(x.to(self._narrow), self._blocked, self._bias, "none", [], "")
        return y.float()


def _blocked(weight: Float[Tensor, "O I"]) -> Tensor | None:
    """The weights in oneDNN's blocks, which it else makes at each call; None where torch comes without it."""
    if not torch.backends.mkldnn.is_available():
        return None
    try:
        return torch.ops.mkldnn._reorder_linear_weight(weight)
    except (AttributeError, RuntimeError, NotImplementedError):
        return None


class SingleStep:
    """What follows the texts that a cache holds, where each goes on with one token.

    All is computed in fp32, with `narrow` all but the products of weights; autocast has no part in it.
    """

    def __init__(self, model: LanguageModel, narrow: bool = False) -> None:
        trunk = model.transformer
        self.config, self.embeddings = trunk.config, trunk.embeddings
        first = trunk.config.norm_first
        self.blocks = [_Block(block, first, narrow) for block in trunk.blocks if isinstance(block, Block)]
        self.norm, self.transform = trunk.norm, model.transform
        self.output = Packed(model.output, narrow=narrow)
        self.rotary, self.distances = trunk.rotary, trunk.distances

    @staticmethod
    def suits(model: LanguageModel) -> bool:
        """Whether a model can be stepped so: of plain fp32 layers, on a CPU, not too large."""
        parameters = list(model.parameters())
        plain = all(type(layer) is nn.Linear for layer in model.modules() if isinstance(layer, nn.Linear))
        here = all(p.device.type == "cpu" and p.dtype == torch.float32 for p in parameters)
        small = sum(p.numel() for p in parameters) <= LARGEST
        return plain and here and small and not model.training

    def __call__(
        self,
        ids: Int[Tensor, " B"],
        cache: KeyValueCache,
        padded: Int[Tensor, " B"] | None = None,
        memory: Memory | None = None,
    ) -> Float[Tensor, "B V"]:
        """Logits of what follows `ids`; `padded[b]` positions at the left of row b are padding."""
        return self.scores(self.vectors(ids, cache, padded, memory))

    def scores(self, vectors: Float[Tensor, "B D"]) -> Float[Tensor, "B V"]:
        """Logits from the vectors of the last positions."""
        with torch.autocast("cpu", enabled=False):
            return self.output(vectors if self.transform is None else self.transform(vectors))

    def vectors(
        self,
        ids: Int[Tensor, " B"],
        cache: KeyValueCache,
        padded: Int[Tensor, " B"] | None = None,
        memory: Memory | None = None,
    ) -> Float[Tensor, "B D"]:
        """What the blocks make of `ids`. A `memory` has a row for each row of `ids`, or for every so many in a row.

        `cache` and `memory` are in fp32.
        """
        with torch.autocast("cpu", enabled=False):
            return self._vectors(ids, cache, padded, memory)

    def _vectors(
        self, ids: Int[Tensor, " B"], cache: KeyValueCache, padded: Int[Tensor, " B"] | None, memory: Memory | None
    ) -> Float[Tensor, "B D"]:
        place = cache.length
        positions = torch.tensor([place]) if padded is None else place - padded
        mask = None if padded is None else (torch.arange(place + 1) >= padded[:, None])[:, None, None]
        angles = None if self.rotary is None else self._angles(positions)
        bias = None if self.distances is None else self.distances(1, place + 1)
        look = Look(mask, angles=angles, bias=bias, cache=cache)
        if memory is not None:
            look.memories, look.memory_mask = memory.layers, memory.mask
        x = self._embedded(ids, positions)
        for layer, block in enumerate(self.blocks):
            x = block(x, layer, look)
        return x if self.norm is None else self.norm(x)

    def _embedded(self, ids: Int[Tensor, " B"], positions: Int[Tensor, " ..."]) -> Float[Tensor, "B D"]:
        e = self.embeddings
        x = F.embedding(ids, e.tokens.weight)
        if self.config.embedding_scale != 1:
            x = x * self.config.embedding_scale
        if e.positions is not None:
            x = x + F.embedding(positions + self.config.position_offset, e.positions.weight)
        elif self.config.positions.startswith("sinusoidal"):
            x = x + sinusoids(positions, self.config.width, self.config.positions.endswith("halves"))
        if e.types is not None:
            x = x + e.types.weight[0]
        return x if e.norm is None else e.norm(x)

    def _angles(self, positions: Int[Tensor, " ..."]) -> tuple[Tensor, Tensor]:
        assert self.rotary is not None
        cos, sin = self.rotary.angles(positions)
        return cos[:, None], sin[:, None]


_MADE: WeakKeyDictionary[LanguageModel, tuple[object, SingleStep]] = WeakKeyDictionary()


def single_step(model: LanguageModel) -> SingleStep | None:
    """The step of a model, made anew when its weights have changed; None where there is none for such a model.

    It is a narrow one where autocast is on.
    """
    narrow = torch.is_autocast_enabled("cpu")
    if not SingleStep.suits(model):
        return None
    versions = [(p.data_ptr(), None if p.is_inference() else p._version) for p in model.parameters()]
    state = (narrow, versions)
    found = _MADE.get(model)
    if found is None or found[0] != state:
        found = _MADE[model] = (state, SingleStep(model, narrow))
    return found[1]


class _Block:
    """Attention and feed-forward network of one position."""

    def __init__(self, block: Block, norm_first: bool, narrow: bool) -> None:
        self.norm_first, self.norms = norm_first, (block.attention_norm, block.feed_forward_norm)
        self.attention, feed = block.attention, block.feed_forward
        packed = partial(Packed, narrow=narrow)
        self.projections = packed(self.attention.query, self.attention.key, self.attention.value)
        self.output, self.up, self.down = packed(self.attention.output), packed(feed.up), packed(feed.down)
        self.gate, self.act = None if feed.gate is None else packed(feed.gate), feed.act
        self.looking = None if block.memory_attention is None else _Looking(block.memory_attention, narrow)
        self.memory_norm = block.memory_norm

    def __call__(self, x: Float[Tensor, "B D"], layer: int, look: Look) -> Float[Tensor, "B D"]:
        """The new vectors. `look` says where attention may look, `layer` which part of its cache and memories."""
        first, second = self.norms
        x = self._added(x, first, lambda h: self._attended(h, layer, look))
        if self.looking is not None and self.memory_norm is not None:
            attend, memory = self.looking, look.memories[layer]
            x = self._added(x, self.memory_norm, lambda h: attend(h, *memory, look.memory_mask))
        return self._added(x, second, self._fed)

    def _added(self, x: Tensor, norm: nn.Module, part: Callable[[Tensor], Tensor]) -> Tensor:
        return x + part(norm(x)) if self.norm_first else norm(x + part(x))

    def _attended(self, x: Float[Tensor, "B D"], layer: int, look: Look) -> Float[Tensor, "B D"]:
        assert look.cache is not None
        a = self.attention
        heads, groups = a.heads, a.key_value_heads
        q, k, v = self.projections(x).view(x.shape[0], -1, a.head_width).split([heads, groups, groups], dim=1)
        if a.normalised:
            q, k = unit(q), unit(k)
        if look.angles is not None:
            q, k = Rotary.turn(q, *look.angles), Rotary.turn(k, *look.angles)
        keys, values = look.cache.extend(layer, k[:, :, None], v[:, :, None])
        # The queries of heads that share keys stand where the queries of several positions would.
        q = q.reshape(x.shape[0], groups, heads // groups, a.head_width)
        bias = None if look.bias is None else look.bias.view(1, groups, heads // groups, -1)
        taken = _taken(q, keys, values, look.mask, bias)
        return self.output(taken.reshape(x.shape[0], -1))

    def _fed(self, x: Float[Tensor, "B D"]) -> Float[Tensor, "B D"]:
        inner = self.act(self.up(x)) if self.gate is None else self.act(self.gate(x)) * self.up(x)
        return self.down(inner)


class _Looking:
    """Attention of one position of each row to a memory."""

    def __init__(self, attention: Attention, narrow: bool) -> None:
        self.query = Packed(attention.query, narrow=narrow)
        self.output = Packed(attention.output, narrow=narrow)
        self.attention = attention

    def __call__(
        self, x: Float[Tensor, "B D"], keys: Tensor, values: Tensor, mask: Tensor | None
    ) -> Float[Tensor, "B D"]:
        """What each row takes from the memory [M, G, S, E] of its text."""
        a, memories = self.attention, keys.shape[0]
        groups, heads, width = a.key_value_heads, a.heads // a.key_value_heads, a.head_width
        q = self.query(x).view(memories, -1, groups, heads, width)
        rows = q.shape[1]
        q = unit(q) if a.normalised else q
        taken = _taken(q.transpose(1, 2).reshape(memories, groups, rows * heads, width), keys, values, mask)
        return self.output(taken.view(memories, groups, rows, heads, width).transpose(1, 2).reshape(x.shape[0], -1))


def _taken(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, bias: Tensor | None = None) -> Tensor:
    """softmax(q kᵀ / √E + bias) v; the fused kernel is slower than two products where there are many small ones."""
    if q.shape[0] == 1 and bias is None:
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    scores = (q * q.shape[-1] ** -0.5) @ k.transpose(2, 3)
    if bias is not None:
        scores = scores + bias
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    return scores.softmax(dim=-1) @ v
