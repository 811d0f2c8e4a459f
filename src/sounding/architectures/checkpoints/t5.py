"""The layout of T5 and mT5 (Raffel et al., arXiv 1910.10683), plain or with gates (v1.1, FLAN)."""

from __future__ import annotations

from collections.abc import Mapping

from sounding.architectures.checkpoints.layout import Config, Layout, Names, activation, inside
from sounding.architectures.transformer import TransformerConfig

_PROJECTIONS = (("q", "query"), ("k", "key"), ("v", "value"), ("o", "output"))


def _sides(c: Config) -> tuple[TransformerConfig, TransformerConfig]:
    kind = c.get("feed_forward_proj", "relu")
    name = kind.removeprefix("gated-")
    shape = {
        "vocabulary": c["vocab_size"],
        "width": c["d_model"],
        "heads": c["num_heads"],
        "head_width": c["d_kv"],
        "feed_forward": c["d_ff"],
        "activation": activation("gelu_new" if kind == "gated-gelu" else name),
        "gated": kind.startswith("gated-"),
        "positions": "relative",
        "distance_buckets": c.get("relative_attention_num_buckets", 32),
        "distance_reach": c.get("relative_attention_max_distance", 128),
        "context": c.get("n_positions", 512),
        "norm": "rms",
        "norm_epsilon": c.get("layer_norm_epsilon", 1e-6),
        "bias": False,
        "dropout": c.get("dropout_rate", 0.1),
    }
    layers = c["num_layers"]
    encoder = TransformerConfig(layers=layers, **shape)
    return encoder, TransformerConfig(layers=c.get("num_decoder_layers") or layers, **shape, causal=True, memory=True)


def _scales(c: Config) -> Mapping[str, float]:
    """T5 does not divide the scores of attention by the root of the width; where scores of words are products with the
    embeddings, it divides the decoder's vectors by that of theirs. Here a part that is there anyway is multiplied.
    """
    found = {"attention.query.weight": c["d_kv"] ** 0.5}
    if c.get("scale_decoder_outputs", c.get("tie_word_embeddings", True)):
        found["decoder.transformer.norm.weight"] = c["d_model"] ** -0.5
    return found


def _side(theirs: str, ours: str, number: str, gated: bool) -> Names:
    block = f"{theirs}.block.{{{number}}}.layer", f"{ours}.blocks.{{{number}}}"
    memory = number == "m"
    feed = f"{1 + memory}.DenseReluDense"
    ups = (("wi_0", "gate"), ("wi_1", "up")) if gated else (("wi", "up"),)
    parts = [
        *inside("0.SelfAttention", "attention", _PROJECTIONS),
        ("0.layer_norm", "attention_norm"),
        *(inside("1.EncDecAttention", "memory_attention", _PROJECTIONS) if memory else ()),
        *([("1.layer_norm", "memory_norm")] if memory else ()),
        *inside(feed, "feed_forward", (*ups, ("wo", "down"))),
        (f"{1 + memory}.layer_norm", "feed_forward_norm"),
    ]
    return [
        (f"{theirs}.embed_tokens", f"{ours}.embeddings.tokens"),
        (f"{theirs}.block.0.layer.0.SelfAttention.relative_attention_bias", f"{ours}.distances.table"),
        (f"{theirs}.final_layer_norm", f"{ours}.norm"),
        *inside(*block, parts),
    ]


KINDS = ("t5", "mt5")


def layout(c: Config) -> Layout:
    """The layout of a config."""
    gated = c.get("feed_forward_proj", "relu").startswith("gated-")
    sides = *_side("encoder", "encoder", "n", gated), *_side("decoder", "decoder.transformer", "m", gated)
    return Layout("", [("shared", "shared"), *sides], [("lm_head", "decoder.output")], _sides, scales=_scales)
