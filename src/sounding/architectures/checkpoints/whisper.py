"""The layout of Whisper (Radford et al., arXiv 2212.04356).

Its keys have no bias, and ours one of zero: what it would add is the same for all places that are looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from sounding.architectures.checkpoints.layout import Config, Layout, activation
from sounding.architectures.checkpoints.pair import DECODER_TOKENS, OUTPUT, blocks, is_tied, side, token_in
from sounding.architectures.checkpoints.shape import Dictating, SpeechShape
from sounding.architectures.transformer import TransformerConfig
from sounding.errors import DataError

KIND = "whisper"
MULTILINGUAL = 51_865
"""Tokens from which on weights know many languages, where their config does not say it."""
KEY_BIAS = "attention.key.bias"
"""How the names of ours end that its files have not."""


def _sides(c: Config) -> tuple[TransformerConfig, TransformerConfig]:
    if c["activation_function"] != "gelu":
        activation(c["activation_function"])  # that it is known at all
        raise DataError(f"the activation is {c['activation_function']}, and the convolutions of this layout have gelu")
    shape: dict[str, Any] = {"width": c["d_model"], "dropout": c.get("dropout", 0.0)}
    heard = blocks(c, "encoder") | {"context": c["max_source_positions"], "positions": "none"}
    written = blocks(c, "decoder") | {"context": c["max_target_positions"], "positions": "learned"}
    encoder = TransformerConfig(vocabulary=1, **heard, **shape)  # it reads no words
    return encoder, TransformerConfig(vocabulary=c["vocab_size"], **written, **shape, causal=True, memory=True)


LAYOUT = Layout(
    "model.",
    [
        *side("encoder", "encoder", "n"),
        *side("decoder", "decoder.transformer", "m"),
        ("encoder.conv1", "encoder.first"),
        ("encoder.conv2", "encoder.second"),
        ("encoder.embed_positions", "encoder.positions"),
    ],
    [("proj_out", "decoder.output")],
    _sides,
)


def assembled(
    c: Config, generation: Config, sides: tuple[TransformerConfig, TransformerConfig], found: dict[str, Tensor]
) -> SpeechShape:
    """The shape of the net that `found`, the tensors by our names, are of. What is tied or left out is put in."""
    encoder, decoder = sides
    for name in [name for name in found if name.endswith("attention.query.bias")]:
        found.setdefault(name.replace("query.bias", "key.bias"), torch.zeros_like(found[name]))
    tied = is_tied(c)
    if tied and DECODER_TOKENS in found:
        found[OUTPUT] = found[DECODER_TOKENS]
    return SpeechShape(encoder, decoder, c["num_mel_bins"], tied, _dictating({**c, **generation}, decoder))


def _dictating(told: Config, decoder: TransformerConfig) -> Dictating:
    """How a text is written down. Raises DataError where it is not said, or where a token is none of the decoder's."""
    start, end = token_in(told, "decoder_start_token_id"), token_in(told, "eos_token_id")
    if start is None or end is None:
        name = "decoder_start_token_id" if start is None else "eos_token_id"
        raise DataError(f"the config does not say {name}", fix=f"Set {name} to the id of that token")
    for number in (start, end):
        if not 0 <= number < decoder.vocabulary:
            what = f"a text is to hold the token {number}, and there are {decoder.vocabulary:,}"
            raise DataError(what, fix="Correct the config")
    half = range(decoder.layers // 2, decoder.layers)
    heads = told.get("alignment_heads") or [(layer, head) for layer in half for head in range(decoder.heads)]
    for layer, head in heads:
        if not (0 <= layer < decoder.layers and 0 <= head < decoder.heads):
            what = f"alignment_heads names head {head} of layer {layer}, which the decoder has not"
            raise DataError(what, fix="Take it out of generation_config.json")
    known = decoder.vocabulary
    never, first = (_known(told.get(name), known) for name in ("suppress_tokens", "begin_suppress_tokens"))
    latest = told.get("max_initial_timestamp_index")
    several = bool(told.get("is_multilingual", decoder.vocabulary >= MULTILINGUAL))
    return Dictating(start, end, never, first, tuple((layer, head) for layer, head in heads), latest, several)


def _known(tokens: Sequence[int] | None, vocabulary: int) -> tuple[int, ...]:
    return tuple(token for token in tokens or () if 0 <= token < vocabulary)


def written(own: Mapping[str, Tensor], c: Config) -> dict[str, Tensor]:
    """Our tensors without those that the files have not."""
    left = {OUTPUT} if is_tied(c) else set()
    return {name: tensor for name, tensor in own.items() if name not in left and not name.endswith(KEY_BIAS)}
