"""Networks that go on with texts, as they are written down for other programs: what is carried from token to token are
tensors, given and given back. Their names are those of the ONNX models that Optimum writes.

    GrowingCache   keys and values as tensors
    step_graph     of a language model: tokens, behind what was read → logits, and what was read with them

Legend of shapes: B rows of the batch, T tokens, S positions that were read, G heads of keys and values, E their width,
V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sounding.architectures.attention import KeyValueCache
from sounding.architectures.transformer import LanguageModel, TransformerConfig
from sounding.contract.graph import Axes, Graph
from sounding.decoding.stepped import CacheShape

BATCH, TOKENS, PAST = 2, 3, 5
"""Of the arguments by which a step is followed: all different, and none 1."""


class GrowingCache(KeyValueCache):
    """Keys and values [B, G, S, E] of the layers in turn, which grow at each `extend`."""

    def __init__(self, past: Sequence[Tensor]) -> None:
        super().__init__(len(past) // 2, 0)
        self.tensors, self.length = list(past), past[0].shape[2]

    def extend(
        self, layer: int, k: Float[Tensor, "B G T E"], v: Float[Tensor, "B G T E"]
    ) -> tuple[Float[Tensor, "B G S E"], Float[Tensor, "B G S E"]]:
        """All keys and values of a layer, these behind those that were given."""
        for place, new in ((2 * layer, k), (2 * layer + 1, v)):
            self.tensors[place] = torch.cat([self.tensors[place], new], dim=2)
        return self.tensors[2 * layer], self.tensors[2 * layer + 1]


class _Step(nn.Module):
    def __init__(self, model: LanguageModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        ids, padded, *past = tensors
        cache = GrowingCache(past)
        vectors = self.model.transformer(ids, padded_left=padded, cache=cache)
        return self.model.scores(vectors), *cache.tensors


def cache_shape(config: TransformerConfig) -> CacheShape:
    """Of a decoder's keys and values."""
    return CacheShape(
        config.layers, config.key_value_heads or config.heads, config.head_width or config.width // config.heads
    )


def step_graph(model: LanguageModel) -> Graph:
    """From ids [B, T] behind S positions, of which `padding` [B] are nothing at the left of each row, to logits
    [B, T, V] of what follows each of them, and the keys and values of S + T positions.
    """
    shape = cache_shape(model.transformer.config)
    padding = torch.arange(BATCH)
    past = torch.zeros(BATCH, shape.heads, PAST, shape.width)
    ids = torch.zeros(BATCH, TOKENS, dtype=torch.int64)
    inputs: dict[str, Axes] = {"input_ids": ("batch", "tokens"), "padding": ("batch",)}
    outputs: dict[str, Axes] = {"logits": ("batch", "tokens", model.transformer.config.vocabulary)}
    inputs |= dict.fromkeys(_names("past_key_values", shape), ("batch", shape.heads, "past", shape.width))
    outputs |= dict.fromkeys(_names("present", shape), ("batch", shape.heads, "past + tokens", shape.width))
    return Graph(_Step(model), (ids, padding, *(past.clone() for _ in range(2 * shape.layers))), inputs, outputs)


def _names(stem: str, shape: CacheShape) -> list[str]:
    return [f"{stem}.{layer}.{kind}" for layer in range(shape.layers) for kind in ("key", "value")]
