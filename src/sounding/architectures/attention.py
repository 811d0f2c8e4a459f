"""Attention: each position takes from others what its query finds in their keys (Vaswani et al., arXiv 1706.03762).

    attend          queries, keys and values → what is taken, by the faster of two ways; attention_weights: from where
    Rotary          positions as turns of queries and keys (Su et al., arXiv 2104.09864)
    Distances       positions as numbers that are added to the scores (Raffel et al., arXiv 1910.10683, section 2.1)
    KeyValueCache   keys and values of positions that are done, so that a text is continued token by token
    Attention       the layer: four projections around `attend`

Legend of shapes: B batch, H heads, G heads of keys and values, T queries, S keys, E width of a head, D width, P any.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

EXPLICIT = 1024
"""Keys up to which training in bfloat16 is faster by two matrix products than by the fused kernel, on a CPU."""
MANY, PART = 1024, 300
"""Queries from which on answers in bfloat16 are faster so, too, where so many queries are taken at a time."""


def attend(
    q: Float[Tensor, "B H T E"],
    k: Float[Tensor, "B H S E"],
    v: Float[Tensor, "B H S E"],
    mask: Bool[Tensor, " ..."] | None = None,
    causal: bool = False,
    bias: Float[Tensor, "1 H T S"] | None = None,
) -> Float[Tensor, "B H T E"]:
    """softmax(q kᵀ / √E + bias) v. `mask` (broadcast to [B, H, T, S]) is true where a query may look.

    With `causal` it may not look ahead, and the last query stands at the last key. A query that may look nowhere gives
    numbers without a meaning. The fused kernel's backward pass is slow in bfloat16 on a CPU: there training takes two
    products of matrices.
    """
    if causal and q.shape[2] != k.shape[2]:
        ahead = _not_ahead(q.shape[2], k.shape[2], q.device)
        mask, causal = ahead if mask is None else mask & ahead, False
    trained = torch.is_grad_enabled() and (q.requires_grad or k.requires_grad or v.requires_grad)
    if not (trained and q.dtype == torch.bfloat16 and q.device.type == "cpu" and k.shape[2] <= EXPLICIT):
        if causal and mask is not None:
            mask, causal = mask & _not_ahead(q.shape[2], k.shape[2], q.device), False
        if bias is None and mask is None and not (causal or trained) and _is_long(q):
            parts = (attention_weights(part, k) @ v for part in q.split(PART, dim=2))
            return torch.cat(list(parts), dim=2)
        if bias is None:
            return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=causal)
        if causal:
            mask = _not_ahead(q.shape[2], k.shape[2], q.device)
        bias = (bias if mask is None else bias + _penalty(mask, bias.dtype)).to(q.dtype)
        return F.scaled_dot_product_attention(q, k, v, attn_mask=bias)
    return attention_weights(q, k, mask, causal, bias) @ v


def attention_weights(
    q: Float[Tensor, "B H T E"],
    k: Float[Tensor, "B H S E"],
    mask: Bool[Tensor, " ..."] | None = None,
    causal: bool = False,
    bias: Float[Tensor, "1 H T S"] | None = None,
) -> Float[Tensor, "B H T S"]:
    """softmax(q kᵀ / √E + bias): what share each query takes of the value at each key; `mask` and `causal` as above."""
    scores = (q / math.sqrt(q.shape[3])) @ k.transpose(2, 3)
    if bias is not None:
        scores = scores + bias
    if causal:
        scores = scores + _penalty(_not_ahead(q.shape[2], k.shape[2], q.device), scores.dtype)
    if mask is not None:
        scores = scores + _penalty(mask, scores.dtype)
    return scores.softmax(dim=-1)


def _is_long(q: Float[Tensor, "B H T E"]) -> bool:
    return q.dtype == torch.bfloat16 and q.device.type == "cpu" and q.shape[2] >= MANY


def _not_ahead(queries: int, keys: int, device: torch.device) -> Bool[Tensor, "T S"]:
    return torch.ones(queries, keys, dtype=torch.bool, device=device).tril(keys - queries)


def _penalty(mask: Bool[Tensor, " ..."], dtype: torch.dtype) -> Float[Tensor, " ..."]:
    """0 where one may look, else the most negative number: rows that may look nowhere stay finite."""
    return torch.zeros(mask.shape, dtype=dtype, device=mask.device).masked_fill_(~mask, torch.finfo(dtype).min)


class Rotary(nn.Module):
    """Turns each pair of a query's or key's numbers by an angle that grows with its position.

    So a product of a query and a key depends on their distance alone. Pairs are a number of the first half and its
    counterpart in the second, as in the published weights of the Llama layout.
    """

    def __init__(self, width: int, base: float = 10_000.0) -> None:
        super().__init__()
        self.width, self.base = width, base

    def angles(self, positions: Int[Tensor, " ..."]) -> tuple[Float[Tensor, "... E"], Float[Tensor, "... E"]]:
        """Cosine and sine of the angle of each number, at each position; in fp32."""
        device = positions.device
        speeds = self.base ** (-torch.arange(0, self.width, 2, device=device, dtype=torch.float32) / self.width)
        angles = positions[..., None].float() * speeds
        angles = torch.cat([angles, angles], dim=-1)
        return angles.cos(), angles.sin()

    @staticmethod
    def turn(x: Float[Tensor, "*P E"], cos: Tensor, sin: Tensor) -> Float[Tensor, "*P E"]:
        """`x`, turned by the angles whose cosines and sines are given, broadcast to its shape."""
        first, second = x.chunk(2, dim=-1)
        return x * cos.to(x.dtype) + torch.cat([-second, first], dim=-1) * sin.to(x.dtype)


class Distances(nn.Module):
    """A number for each distance of a key from a query and each head, which is added to their score.

    Distances share `buckets` numbers: near ones have one each, farther ones share them by the logarithm, and all beyond
    `reach` have the last. `causal`: keys ahead are not looked at, and all buckets are for those behind.
    """

    def __init__(self, heads: int, buckets: int, reach: int, causal: bool) -> None:
        super().__init__()
        self.buckets, self.reach, self.causal = buckets, reach, causal
        self.table = nn.Embedding(buckets, heads)

    def forward(self, queries: int, keys: int) -> Float[Tensor, "1 H T S"]:
        """What is added to the scores of the last `queries` of so many positions, the `keys`."""
        places = torch.arange(keys, device=self.table.weight.device)
        return self.table(self._bucket(places - places[keys - queries :, None])).permute(2, 0, 1)[None]

    def _bucket(self, ahead: Int[Tensor, "T S"]) -> Int[Tensor, "T S"]:
        """The bucket of keys that stand so many positions ahead of a query, or behind it."""
        side = self.buckets if self.causal else self.buckets // 2
        far = (-ahead).clamp(min=0) if self.causal else ahead.abs()
        near = side // 2
        scale = (side - near) / math.log(self.reach / near)
        shared = near + (torch.log(far.clamp(min=1).float() / near) * scale).long()
        bucket = torch.where(far < near, far, shared.clamp(max=side - 1))
        return bucket if self.causal else bucket + side * (ahead > 0)


class KeyValueCache:
    """Keys and values of the positions that a decoder has seen, in one block for each layer: [B, G, room, E].

    A text is continued without computing its beginning again. `length` positions are taken of `room`.
    """

    def __init__(self, layers: int, room: int) -> None:
        self.room, self.length = room, 0
        self._keys: list[Tensor | None] = [None] * layers
        self._values: list[Tensor | None] = [None] * layers

    def extend(
        self, layer: int, k: Float[Tensor, "B G T E"], v: Float[Tensor, "B G T E"]
    ) -> tuple[Float[Tensor, "B G S E"], Float[Tensor, "B G S E"]]:
        """All keys and values of a layer, these behind those that were there. The last layer moves `length`.

        Raises IndexError where there is no more room.
        """
        start, end = self.length, self.length + k.shape[2]
        if end > self.room:
            raise IndexError(f"{end} positions in a cache of {self.room}")
        keys, values = self._keys[layer], self._values[layer]
        if keys is None or values is None:
            shape = (k.shape[0], k.shape[1], self.room, k.shape[3])
            keys, values = k.new_empty(shape), v.new_empty(shape)
            self._keys[layer], self._values[layer] = keys, values
        keys[:, :, start:end], values[:, :, start:end] = k, v
        if layer == len(self._keys) - 1:
            self.length = end
        return keys[:, :, :end], values[:, :, :end]

    def take(self, rows: Int[Tensor, " R"]) -> None:
        """Go on with these rows of the batch, in their order; one may come twice (a beam), or not at all."""
        self._keys = [self._taken(block, rows) for block in self._keys]
        self._values = [self._taken(block, rows) for block in self._values]

    def _taken(self, block: Tensor | None, rows: Int[Tensor, " R"]) -> Tensor | None:
        """Only positions that are taken are copied."""
        if block is None:
            return None
        chosen = block.new_empty((len(rows), *block.shape[1:]))
        chosen[:, :, : self.length] = block[:, :, : self.length].index_select(0, rows)
        return chosen

    def widen(self) -> None:
        """Hold keys and values in fp32 from now on, whatever they were computed in."""
        self._keys = [None if block is None else block.float() for block in self._keys]
        self._values = [None if block is None else block.float() for block in self._values]

    def forget(self, length: int) -> None:
        """Go back to the first `length` positions."""
        self.length = min(self.length, length)


class Attention(nn.Module):
    """Multi-head attention of a sequence to itself, or to another, its memory.

    Projections of queries, keys and values are layers of their own. With fewer heads of keys and values than of
    queries, several queries share one (Ainslie et al., arXiv 2305.13245). `normalised` gives queries and keys a length
    of √E (Henry et al., arXiv 2010.04245).
    """

    def __init__(
        self,
        width: int,
        heads: int,
        key_value_heads: int = 0,
        *,
        head_width: int = 0,
        bias: bool = True,
        output_bias: bool = True,
        normalised: bool = False,
    ) -> None:
        super().__init__()
        self.heads, self.key_value_heads = heads, key_value_heads or heads
        self.head_width = head_width or width // heads
        self.normalised = normalised
        self.query = nn.Linear(width, self.heads * self.head_width, bias)
        self.key = nn.Linear(width, self.key_value_heads * self.head_width, bias)
        self.value = nn.Linear(width, self.key_value_heads * self.head_width, bias)
        self.output = nn.Linear(self.heads * self.head_width, width, output_bias)

    def keys_values(self, source: Float[Tensor, "B S D"]) -> tuple[Float[Tensor, "B G S E"], Float[Tensor, "B G S E"]]:
        """Keys and values of what is looked at; those of an encoded text are the same for each token of its answer."""
        k = self._split(self.key(source), self.key_value_heads)
        v = self._split(self.value(source), self.key_value_heads)
        return (unit(k) if self.normalised else k), v

    def forward(
        self,
        x: Float[Tensor, "B T D"],
        memory: tuple[Float[Tensor, "B G S E"], Float[Tensor, "B G S E"]] | None = None,
        *,
        mask: Bool[Tensor, " ..."] | None = None,
        causal: bool = False,
        angles: tuple[Tensor, Tensor] | None = None,
        bias: Float[Tensor, "1 H T S"] | None = None,
        cache: KeyValueCache | None = None,
        layer: int = 0,
    ) -> Float[Tensor, "B T D"]:
        """What each position of `x` takes from `x` itself, or from the `keys_values` of a `memory`.

        `angles` are of the positions of `x`, `bias` is added to the scores; with a `cache` these come behind the ones
        that it holds for `layer`.
        """
        taken = attend(*self._queries_keys_values(x, memory, angles, cache, layer), mask, causal, bias)
        return self.output(taken.transpose(1, 2).flatten(2))

    def weights(
        self,
        x: Float[Tensor, "B T D"],
        memory: tuple[Float[Tensor, "B G S E"], Float[Tensor, "B G S E"]] | None = None,
        *,
        mask: Bool[Tensor, " ..."] | None = None,
        causal: bool = False,
        angles: tuple[Tensor, Tensor] | None = None,
        bias: Float[Tensor, "1 H T S"] | None = None,
    ) -> Float[Tensor, "B H T S"]:
        """The share of each position that each head takes for each position of `x`: what a picture shows."""
        q, k, _ = self._queries_keys_values(x, memory, angles, None, 0)
        return attention_weights(q, k, mask, causal, bias)

    def _queries_keys_values(
        self,
        x: Float[Tensor, "B T D"],
        memory: tuple[Tensor, Tensor] | None,
        angles: tuple[Tensor, Tensor] | None,
        cache: KeyValueCache | None,
        layer: int,
    ) -> tuple[Float[Tensor, "B H T E"], Float[Tensor, "B H S E"], Float[Tensor, "B H S E"]]:
        """One key and value for each head of queries."""
        q = self._split(self.query(x), self.heads)
        q = unit(q) if self.normalised else q
        k, v = self.keys_values(x) if memory is None else memory
        if angles is not None:
            q, k = Rotary.turn(q, *angles), Rotary.turn(k, *angles)
        if cache is not None:
            k, v = cache.extend(layer, k, v)
        if self.key_value_heads != self.heads:
            shared = self.heads // self.key_value_heads
            k, v = k.repeat_interleave(shared, dim=1), v.repeat_interleave(shared, dim=1)
        return q, k, v

    def _split(self, x: Float[Tensor, "B T D"], heads: int) -> Float[Tensor, "B H T E"]:
        return x.unflatten(-1, (heads, self.head_width)).transpose(1, 2)


def unit(x: Float[Tensor, "*P E"]) -> Float[Tensor, "*P E"]:
    """Each head's numbers scaled to a root mean square of 1."""
    return x * torch.rsqrt(x.square().mean(dim=-1, keepdim=True) + 1e-6)
