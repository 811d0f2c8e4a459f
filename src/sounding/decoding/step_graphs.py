"""Networks that go on with texts, as they are written down for other programs: what is carried from token to token are
tensors, given and given back. Their names are those of the ONNX models that Optimum writes.

    GrowingCache   keys and values as tensors
    step_graph     of a language model: tokens, behind what was read → logits, and what was read with them
    source_graphs  the same of a net that reads one text and writes another, and what reads

Legend of shapes: B rows of the batch, T tokens, S positions that were read, G heads of keys and values, E their width,
V vocabulary.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sounding.architectures.attention import KeyValueCache
from sounding.architectures.encoder_decoder import EncoderDecoder
from sounding.architectures.rewriter import Source
from sounding.architectures.transformer import LanguageModel, Memory, TransformerConfig
from sounding.contract.graph import Axes, Graph
from sounding.decoding.stepped import CacheShape

BATCH, TOKENS, PAST, SOURCES, READ = 2, 3, 5, 2, 7
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
    inputs: dict[str, Axes] = {"input_ids": ("batch", "tokens"), "padding": ("batch",), **_past(shape)}
    outputs: dict[str, Axes] = {"logits": ("batch", "tokens", model.transformer.config.vocabulary), **_present(shape)}
    return Graph(_Step(model), (ids, padding, *(past.clone() for _ in range(2 * shape.layers))), inputs, outputs)


class _Encoding(nn.Module):
    def __init__(self, model: EncoderDecoder) -> None:
        super().__init__()
        self.model = model

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        source = self.model.remember(*tensors)
        hidden = () if self.model.pointer is None else (source.encoded,)
        return *hidden, *itertools.chain.from_iterable(source.memory.layers)


class _SourceStep(nn.Module):
    def __init__(self, model: EncoderDecoder) -> None:
        super().__init__()
        self.model, self.layers = model, model.decoder.transformer.config.layers

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        ids, lengths, *more = tensors
        copied, more = ([], more) if self.model.pointer is None else (more[:2], more[2:])
        read, past = more[: 2 * self.layers], more[2 * self.layers :]
        mask = (torch.arange(read[0].shape[2], device=ids.device) < lengths[:, None])[:, None, None]
        memory = Memory(list(zip(read[::2], read[1::2], strict=True)), mask)
        read_ids, encoded = copied or (lengths, lengths)  # which nothing asks for, where nothing is copied
        source = Source(read_ids, encoded, memory)
        cache = GrowingCache(past)
        vectors = self.model.decoder.transformer(ids, cache=cache, memory=memory)
        return self.model.scores(vectors, source), *cache.tensors


def source_graphs(model: EncoderDecoder) -> dict[str, Graph]:
    """What reads texts [M, S], and what writes: from ids [B, T] behind those that were written, and what the first
    gave, to logits [B, T, V] (log-probabilities, where tokens may be copied). B is M, or so many rows for each text.
    """
    config = model.decoder.transformer.config
    shape = cache_shape(config)
    ids, lengths = torch.zeros(SOURCES, READ, dtype=torch.int64), torch.tensor([READ, READ - 1])
    read: dict[str, Axes] = {"source_ids": ("texts", "read"), "source_lengths": ("texts",)}
    keys_values = dict.fromkeys(_names("memory", shape), ("texts", shape.heads, "read", shape.width))
    hidden: dict[str, Axes] = {"encoder_hidden_states": ("texts", "read", config.width)}
    encoded: dict[str, Axes] = {**({} if model.pointer is None else hidden), **keys_values}
    encoder = Graph(_Encoding(model), (ids, lengths), read, encoded)
    with torch.no_grad():
        found = encoder.module(ids, lengths)
    past = torch.zeros(SOURCES * BATCH, shape.heads, PAST, shape.width)
    written = torch.zeros(SOURCES * BATCH, TOKENS, dtype=torch.int64)
    copied = {} if model.pointer is None else {"source_ids": read["source_ids"]}
    inputs = {"input_ids": ("batch", "tokens"), "source_lengths": ("texts",), **copied, **encoded, **_past(shape)}
    outputs = {"logits": ("batch", "tokens", config.vocabulary), **_present(shape)}
    arguments = (written, lengths, *(ids for _ in copied), *found, *(past.clone() for _ in range(2 * shape.layers)))
    return {"encoder": encoder, "decoder": Graph(_SourceStep(model), arguments, inputs, outputs)}


def _past(shape: CacheShape) -> dict[str, Axes]:
    return dict.fromkeys(_names("past_key_values", shape), ("batch", shape.heads, "past", shape.width))


def _present(shape: CacheShape) -> dict[str, Axes]:
    return dict.fromkeys(_names("present", shape), ("batch", shape.heads, "past + tokens", shape.width))


def _names(stem: str, shape: CacheShape) -> list[str]:
    return [f"{stem}.{layer}.{kind}" for layer in range(shape.layers) for kind in ("key", "value")]
