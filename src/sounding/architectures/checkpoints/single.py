"""The layouts of encoders and of decoders: BERT, RoBERTa, DistilBERT, GPT-2, Llama, Qwen2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from sounding.architectures.checkpoints.layout import Config, Layout, Names, activation, inside
from sounding.architectures.checkpoints.shape import SingleShape
from sounding.architectures.transformer import TransformerConfig
from sounding.errors import DataError

# ---- shapes


def _bert(c: Config, **other: Any) -> TransformerConfig:
    shape = {
        "vocabulary": c["vocab_size"],
        "width": c["hidden_size"],
        "layers": c["num_hidden_layers"],
        "heads": c["num_attention_heads"],
        "feed_forward": c["intermediate_size"],
        "activation": activation(c["hidden_act"]),
        "positions": "learned",
        "context": c["max_position_embeddings"],
        "token_types": c.get("type_vocab_size", 0),
        "norm_epsilon": c.get("layer_norm_eps", 1e-12),
        "dropout": c.get("hidden_dropout_prob", 0.1),
    }
    if c.get("position_embedding_type", "absolute") != "absolute":
        raise DataError(f"positions are {c['position_embedding_type']}, and only absolute ones are known")
    return TransformerConfig(**{**shape, "norm_first": False, "embedding_norm": True, **other})


def _roberta(c: Config) -> TransformerConfig:
    offset = c.get("pad_token_id", 1) + 1
    return _bert(c, position_offset=offset, context=c["max_position_embeddings"] - offset)


def _distilbert(c: Config) -> TransformerConfig:
    theirs = {
        "hidden_size": c["dim"],
        "num_hidden_layers": c["n_layers"],
        "num_attention_heads": c["n_heads"],
        "intermediate_size": c["hidden_dim"],
        "hidden_act": c["activation"],
        "hidden_dropout_prob": c.get("dropout", 0.1),
    }
    return _bert({**c, **theirs})


def _gpt2(c: Config) -> TransformerConfig:
    return TransformerConfig(
        vocabulary=c["vocab_size"],
        width=c["n_embd"],
        layers=c["n_layer"],
        heads=c["n_head"],
        feed_forward=c.get("n_inner") or 4 * c["n_embd"],
        activation=activation(c["activation_function"]),
        causal=True,
        positions="learned",
        context=c["n_positions"],
        norm_epsilon=c["layer_norm_epsilon"],
        dropout=c.get("resid_pdrop", 0.1),
    )


def _llama(c: Config, projection_bias: bool | None = None) -> TransformerConfig:
    rotary = c.get("rope_parameters") or c.get("rope_scaling") or {}
    kind = rotary.get("rope_type", rotary.get("type", "default"))
    if kind != "default":
        raise DataError(
            f"rotary positions are scaled ({kind}), which is not known", fix="Take a model without rope_scaling"
        )
    if c.get("use_sliding_window"):
        raise DataError("attention slides over a window, which is not known", fix="Set use_sliding_window to false")
    bias = c.get("attention_bias", False) if projection_bias is None else projection_bias
    if c.get("mlp_bias") or (c.get("attention_bias") and projection_bias is None):
        raise DataError("its layers have biases, which are not known in this layout")
    return TransformerConfig(
        vocabulary=c["vocab_size"],
        width=c["hidden_size"],
        layers=c["num_hidden_layers"],
        heads=c["num_attention_heads"],
        key_value_heads=c.get("num_key_value_heads") or c["num_attention_heads"],
        head_width=c.get("head_dim") or 0,
        feed_forward=c["intermediate_size"],
        activation=activation(c["hidden_act"]),
        gated=True,
        causal=True,
        rotary_base=float(rotary.get("rope_theta") or c.get("rope_theta", 10_000.0)),
        context=c["max_position_embeddings"],
        norm="rms",
        norm_epsilon=c["rms_norm_eps"],
        bias=False,
        projection_bias=bool(bias),
    )


def _qwen2(c: Config) -> TransformerConfig:
    return _llama(c, projection_bias=True)


# ---- names


def _bert_names(block: str, attention: Sequence[str], feed: Sequence[str]) -> list[tuple[str, str]]:
    """Names of BERT's family, whose parts of a block are called otherwise in each."""
    ours = ("attention.query", "attention.key", "attention.value", "attention.output", "attention_norm")
    parts = zip((*attention, *feed), (*ours, "feed_forward.up", "feed_forward.down", "feed_forward_norm"), strict=True)
    return [
        ("embeddings.word_embeddings", "embeddings.tokens"),
        ("embeddings.position_embeddings", "embeddings.positions"),
        ("embeddings.token_type_embeddings", "embeddings.types"),
        ("embeddings.LayerNorm", "embeddings.norm"),
        *inside(f"{block}.{{n}}", "blocks.{n}", parts),
    ]


_BERT = _bert_names(
    "encoder.layer",
    [f"attention.{part}" for part in ("self.query", "self.key", "self.value", "output.dense", "output.LayerNorm")],
    ["intermediate.dense", "output.dense", "output.LayerNorm"],
)
_DISTILBERT = _bert_names(
    "transformer.layer",
    ("attention.q_lin", "attention.k_lin", "attention.v_lin", "attention.out_lin", "sa_layer_norm"),
    ("ffn.lin1", "ffn.lin2", "output_layer_norm"),
)
_GPT2 = [
    ("wte", "embeddings.tokens"),
    ("wpe", "embeddings.positions"),
    ("h.{n}.ln_1", "blocks.{n}.attention_norm"),
    ("h.{n}.attn.c_proj", "blocks.{n}.attention.output"),
    ("h.{n}.ln_2", "blocks.{n}.feed_forward_norm"),
    ("h.{n}.mlp.c_fc", "blocks.{n}.feed_forward.up"),
    ("h.{n}.mlp.c_proj", "blocks.{n}.feed_forward.down"),
    ("ln_f", "norm"),
]
_LLAMA = [
    ("embed_tokens", "embeddings.tokens"),
    ("layers.{n}.input_layernorm", "blocks.{n}.attention_norm"),
    ("layers.{n}.self_attn.q_proj", "blocks.{n}.attention.query"),
    ("layers.{n}.self_attn.k_proj", "blocks.{n}.attention.key"),
    ("layers.{n}.self_attn.v_proj", "blocks.{n}.attention.value"),
    ("layers.{n}.self_attn.o_proj", "blocks.{n}.attention.output"),
    ("layers.{n}.post_attention_layernorm", "blocks.{n}.feed_forward_norm"),
    ("layers.{n}.mlp.gate_proj", "blocks.{n}.feed_forward.gate"),
    ("layers.{n}.mlp.up_proj", "blocks.{n}.feed_forward.up"),
    ("layers.{n}.mlp.down_proj", "blocks.{n}.feed_forward.down"),
    ("norm", "norm"),
]
_QKV = {
    "h.{n}.attn.c_attn": (
        "transformer.blocks.{n}.attention.query",
        "transformer.blocks.{n}.attention.key",
        "transformer.blocks.{n}.attention.value",
    )
}
_BERT_HEAD = [
    ("cls.predictions.transform.dense", "transform.0"),
    ("cls.predictions.transform.LayerNorm", "transform.2"),
    ("cls.predictions.decoder", "output"),
    ("cls.predictions", "output"),  # its bias lies one level higher
]
_ROBERTA_HEAD = [
    ("lm_head.dense", "transform.0"),
    ("lm_head.layer_norm", "transform.2"),
    ("lm_head.decoder", "output"),
    ("lm_head", "output"),
]
_DISTILBERT_HEAD = [
    ("vocab_transform", "transform.0"),
    ("vocab_layer_norm", "transform.2"),
    ("vocab_projector", "output"),
]
_HEAD = [("lm_head", "output")]
_CONV1D = ("attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj")


def _of_trunk(names: Names) -> Names:
    """Names of a Transformer, as a `LanguageModel` has them."""
    return [(theirs, f"transformer.{ours}") for theirs, ours in names]


LAYOUTS: Mapping[str, Layout] = {
    "bert": Layout("bert.", _of_trunk(_BERT), _BERT_HEAD, _bert),
    "roberta": Layout("roberta.", _of_trunk(_BERT), _ROBERTA_HEAD, _roberta),
    "distilbert": Layout("distilbert.", _of_trunk(_DISTILBERT), _DISTILBERT_HEAD, _distilbert),
    "gpt2": Layout("transformer.", _of_trunk(_GPT2), _HEAD, _gpt2, _QKV, _CONV1D),
    "llama": Layout("model.", _of_trunk(_LLAMA), _HEAD, _llama),
    "qwen2": Layout("model.", _of_trunk(_LLAMA), _HEAD, _qwen2),
}

ENCODERS = ("bert", "roberta", "distilbert")
TOKENS, OUTPUT = "transformer.embeddings.tokens.weight", "output.weight"


def assembled(kind: str, c: Config, config: TransformerConfig, found: dict[str, Tensor]) -> tuple[SingleShape, bool]:
    """The shape of the net that `found`, the tensors by our names, are of, and whether there are scores of words.

    What is tied is put in.
    """
    tied = bool(c.get("tie_word_embeddings", kind not in ("llama", "qwen2")))
    scores = OUTPUT in found or (tied and kind not in ENCODERS)
    transform = any(name.startswith("transform.") for name in found)
    if tied and (scores or transform):
        found[OUTPUT], scores = found[TOKENS], True
    return SingleShape(config, tied, transform, "output.bias" in found), scores
