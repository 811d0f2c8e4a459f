"""The layouts of encoders with a decoder: BART's family (Marian, BART, mBART), and what all of them have in common.

T5's is in t5.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from sounding.architectures.checkpoints.layout import Config, Layout, Names, activation, inside
from sounding.architectures.checkpoints.shape import PairShape, Writing
from sounding.architectures.transformer import TransformerConfig
from sounding.errors import DataError

ENCODER_TOKENS = "encoder.embeddings.tokens.weight"
DECODER_TOKENS = "decoder.transformer.embeddings.tokens.weight"
OUTPUT = "decoder.output.weight"
OUTPUT_BIAS = "decoder.output.bias"
SHARED = "shared.weight"
"""The embeddings of both sides, where the file has them once; a net of ours has none of this name."""

# ---- shapes


_PROJECTIONS = (("q_proj", "query"), ("k_proj", "key"), ("v_proj", "value"), ("out_proj", "output"))


def _sides(c: Config, **other: Any) -> tuple[TransformerConfig, TransformerConfig]:
    """The encoder and the decoder of BART's family."""
    shape = {
        "width": c["d_model"],
        "activation": activation(c["activation_function"]),
        "context": c["max_position_embeddings"],
        "embedding_scale": c["d_model"] ** 0.5 if c.get("scale_embedding") else 1.0,
        "dropout": c.get("dropout", 0.1),
        **other,
    }
    encoder = TransformerConfig(vocabulary=c["vocab_size"], **blocks(c, "encoder"), **shape)
    return encoder, TransformerConfig(_written(c), **blocks(c, "decoder"), **shape, causal=True, memory=True)


def blocks(c: Config, side: str) -> dict[str, Any]:
    """The shape of the blocks of a side."""
    return {
        "layers": c[f"{side}_layers"],
        "heads": c[f"{side}_attention_heads"],
        "feed_forward": c[f"{side}_ffn_dim"],
    }


def _written(c: Config) -> int:
    """The vocabulary of what is written."""
    own = None if is_shared(c) else c.get("decoder_vocab_size")
    return own or c["vocab_size"]


def is_shared(c: Config) -> bool:
    """Whether both sides have the same embeddings."""
    return bool(c.get("share_encoder_decoder_embeddings", True))


def is_tied(c: Config) -> bool:
    """Whether the scores are products with the embeddings."""
    return bool(c.get("tie_word_embeddings", True))


def _marian(c: Config) -> tuple[TransformerConfig, TransformerConfig]:
    return _sides(c, norm_first=False, positions="sinusoidal_halves")


def _bart(c: Config) -> tuple[TransformerConfig, TransformerConfig]:
    return _sides(c, norm_first=False, embedding_norm=True, positions="learned", position_offset=2)


def _mbart(c: Config) -> tuple[TransformerConfig, TransformerConfig]:
    return _sides(c, norm_first=True, embedding_norm=True, positions="learned", position_offset=2)


# ---- how it writes

_START = {"marian": "pad_token_id", "bart": "eos_token_id", "t5": "pad_token_id", "mt5": "pad_token_id"}
"""What a decoder begins with where the config does not say."""


def _writing(kind: str, c: Config, generation: Config) -> Writing:
    """How the decoder of a config begins and ends a text; what `generation` says goes first.

    Raises DataError where it is not said, or where a token is none of the decoder's.
    """
    told = {**c, **generation}
    start = token_in(told, "decoder_start_token_id")
    start = token_in(told, _START[kind]) if start is None and kind in _START else start
    first, end = token_in(told, "forced_bos_token_id"), token_in(told, "eos_token_id")
    if start is None:
        what = "the config does not say which token the decoder begins with"
        raise DataError(what, fix="Set decoder_start_token_id to its id: for mBART that of the language to be written")
    if end is None:
        raise DataError("the config does not say which token ends a text", fix="Set eos_token_id to its id")
    never = tuple(ids[0] for ids in told.get("bad_words_ids") or () if len(ids) == 1)
    found = Writing(start, first, end, tuple(token for token in never if token != end))
    words = _written(c)
    for token in (start, end, *([] if first is None else [first]), *never):
        if not 0 <= token < words:
            raise DataError(f"a text is to hold the token {token}, and there are {words:,}", fix="Correct the config")
    return found


def token_in(told: Config, name: str) -> int | None:
    """A token's id; the first, where there are several."""
    found = told.get(name)
    return found[0] if isinstance(found, list) and found else found or (0 if found == 0 else None)


# ---- names


def side(theirs: str, ours: str, number: str) -> Names:
    """The names of one side of BART's family."""
    block = f"{theirs}.layers.{{{number}}}", f"{ours}.blocks.{{{number}}}"
    parts = [
        *inside("self_attn", "attention", _PROJECTIONS),
        ("self_attn_layer_norm", "attention_norm"),
        *(inside("encoder_attn", "memory_attention", _PROJECTIONS) if number == "m" else ()),
        *([("encoder_attn_layer_norm", "memory_norm")] if number == "m" else ()),
        ("fc1", "feed_forward.up"),
        ("fc2", "feed_forward.down"),
        ("final_layer_norm", "feed_forward_norm"),
    ]
    return [
        (f"{theirs}.embed_tokens", f"{ours}.embeddings.tokens"),
        (f"{theirs}.embed_positions", f"{ours}.embeddings.positions"),
        (f"{theirs}.layernorm_embedding", f"{ours}.embeddings.norm"),
        (f"{theirs}.layer_norm", f"{ours}.norm"),
        *inside(*block, parts),
    ]


_NAMES = [("shared", "shared"), *side("encoder", "encoder", "n"), *side("decoder", "decoder.transformer", "m")]
_HEAD = [("lm_head", "decoder.output")]
_ALONE = {"final_logits_bias": OUTPUT_BIAS}

LAYOUTS: Mapping[str, Layout] = {
    "marian": Layout("model.", _NAMES, _HEAD, _marian, alone=_ALONE),
    "bart": Layout("model.", _NAMES, _HEAD, _bart, alone=_ALONE),
    "mbart": Layout("model.", _NAMES, _HEAD, _mbart, alone=_ALONE),
}


def assembled(
    kind: str,
    c: Config,
    generation: Config,
    sides: tuple[TransformerConfig, TransformerConfig],
    found: dict[str, Tensor],
) -> PairShape:
    """The shape of the net that `found`, the tensors by our names, are of. What is shared or tied is put in.

    Files keep shared embeddings once, under any of the names that they have.
    """
    tied = is_tied(c)
    one = found.pop(SHARED, None)
    shared = is_shared(c) and not _differ(found.get(ENCODER_TOKENS), found.get(DECODER_TOKENS))
    if shared:
        names = (DECODER_TOKENS, ENCODER_TOKENS, *([OUTPUT] if tied else []))
        one = next((found[name] for name in names if name in found), None) if one is None else one
        if one is not None:
            found[ENCODER_TOKENS] = found[DECODER_TOKENS] = one
    if tied and DECODER_TOKENS not in found and OUTPUT in found:
        found[DECODER_TOKENS] = found[OUTPUT]
    if tied and DECODER_TOKENS in found:
        found[OUTPUT] = found[DECODER_TOKENS]
    encoder, decoder = sides
    if decoder.bias:
        found.setdefault(OUTPUT_BIAS, torch.zeros(decoder.vocabulary))
    return PairShape(encoder, decoder, shared, tied, _writing(kind, c, generation), decoder.bias)


def _differ(a: Tensor | None, b: Tensor | None) -> bool:
    return a is not None and b is not None and not torch.equal(a, b)
