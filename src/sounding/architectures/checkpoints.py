"""Transformers as Hugging Face publishes them: config.json and safetensors, into our modules and back.

    model_type     what it is                                             source
    bert           encoder; with or without its head over masked words    arXiv 1810.04805
    roberta        the same with other positions and head                 arXiv 1907.11692
    distilbert     half as deep, without token types                      arXiv 1910.01108
    gpt2           decoder                                                Radford et al. 2019
    llama, qwen2   decoders: rotary, RMS norms, gated, shared keys        arXiv 2302.13971, arXiv 2407.10671

The layout is told by the config, and every tensor has to be there in the shape that the config promises. Pickles are
refused: they can run any code when they are opened. What no layout needs (poolers, heads of other tasks) is left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from sounding.architectures.transformer import LanguageModel, TransformerConfig
from sounding.errors import DataError, did_you_mean

ACTIVATIONS = {
    "gelu": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "relu": "relu",
    "silu": "silu",
}
"""Hugging Face's names of activations, and ours."""


@dataclass(frozen=True)
class Checkpoint:
    """Weights by our names (those of a `LanguageModel`), the shape of their net, and where they are from.

    `transform`: whether a layer stands ahead of the scores of words (BERT's head); `scores`: whether there are scores.
    """

    config: TransformerConfig
    weights: dict[str, Tensor]
    layout: str
    tied: bool
    transform: bool
    scores: bool
    origin: str

    def model(self) -> LanguageModel:
        """The net with these weights; scores are random where the checkpoint has none."""
        model = shaped(shape_of(self))
        model.load_state_dict(self.weights, strict=False)
        return model


@dataclass(frozen=True)
class Layout:
    """How a `model_type` names things: `names` are (theirs, ours) with {n} for the number of a block.

    `shape` makes our config of theirs; `prefix` may stand before all names of the trunk. `head` are the names of what
    gives scores, `fused` names matrices that hold several of ours, side by side and transposed.
    """

    prefix: str
    names: Sequence[tuple[str, str]]
    head: Sequence[tuple[str, str]]
    shape: Callable[[Mapping[str, Any]], TransformerConfig]
    fused: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    transposed: Sequence[str] = ()


# ---- shapes


def _bert(c: Mapping[str, Any], **other: Any) -> TransformerConfig:
    shape = {
        "vocabulary": c["vocab_size"],
        "width": c["hidden_size"],
        "layers": c["num_hidden_layers"],
        "heads": c["num_attention_heads"],
        "feed_forward": c["intermediate_size"],
        "activation": _activation(c["hidden_act"]),
        "positions": "learned",
        "context": c["max_position_embeddings"],
        "token_types": c.get("type_vocab_size", 0),
        "norm_epsilon": c.get("layer_norm_eps", 1e-12),
        "dropout": c.get("hidden_dropout_prob", 0.1),
    }
    if c.get("position_embedding_type", "absolute") != "absolute":
        raise DataError(f"positions are {c['position_embedding_type']}, and only absolute ones are known")
    return TransformerConfig(**{**shape, "norm_first": False, "embedding_norm": True, **other})


def _roberta(c: Mapping[str, Any]) -> TransformerConfig:
    offset = c.get("pad_token_id", 1) + 1
    return _bert(c, position_offset=offset, context=c["max_position_embeddings"] - offset)


def _distilbert(c: Mapping[str, Any]) -> TransformerConfig:
    theirs = {
        "hidden_size": c["dim"],
        "num_hidden_layers": c["n_layers"],
        "num_attention_heads": c["n_heads"],
        "intermediate_size": c["hidden_dim"],
        "hidden_act": c["activation"],
        "hidden_dropout_prob": c.get("dropout", 0.1),
    }
    return _bert({**c, **theirs})


def _gpt2(c: Mapping[str, Any]) -> TransformerConfig:
    return TransformerConfig(
        vocabulary=c["vocab_size"],
        width=c["n_embd"],
        layers=c["n_layer"],
        heads=c["n_head"],
        feed_forward=c.get("n_inner") or 4 * c["n_embd"],
        activation=_activation(c["activation_function"]),
        causal=True,
        positions="learned",
        context=c["n_positions"],
        norm_epsilon=c["layer_norm_epsilon"],
        dropout=c.get("resid_pdrop", 0.1),
    )


def _llama(c: Mapping[str, Any], projection_bias: bool | None = None) -> TransformerConfig:
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
        activation=_activation(c["hidden_act"]),
        gated=True,
        causal=True,
        rotary_base=rotary.get("rope_theta", c.get("rope_theta", 10_000.0)),
        context=c["max_position_embeddings"],
        norm="rms",
        norm_epsilon=c["rms_norm_eps"],
        bias=False,
        projection_bias=bool(bias),
    )


def _qwen2(c: Mapping[str, Any]) -> TransformerConfig:
    return _llama(c, projection_bias=True)


def _activation(name: str) -> str:
    if name not in ACTIVATIONS:
        raise DataError(f"the activation {name!r} is not known", fix=did_you_mean(name, ACTIVATIONS))
    return ACTIVATIONS[name]


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
        *((f"{block}.{{n}}.{theirs}", f"blocks.{{n}}.{ours}") for theirs, ours in parts),
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
        "blocks.{n}.attention.query",
        "blocks.{n}.attention.key",
        "blocks.{n}.attention.value",
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

LAYOUTS: Mapping[str, Layout] = {
    "bert": Layout("bert.", _BERT, _BERT_HEAD, _bert),
    "roberta": Layout("roberta.", _BERT, _ROBERTA_HEAD, _roberta),
    "distilbert": Layout("distilbert.", _DISTILBERT, _DISTILBERT_HEAD, _distilbert),
    "gpt2": Layout("transformer.", _GPT2, _HEAD, _gpt2, _QKV, _CONV1D),
    "llama": Layout("model.", _LLAMA, _HEAD, _llama),
    "qwen2": Layout("model.", _LLAMA, _HEAD, _qwen2),
}


# ---- reading


def is_checkpoint(folder: Path) -> bool:
    """Whether a folder holds a model as Hugging Face writes it."""
    try:
        return "model_type" in json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError):
        return False


def read(folder: Path) -> Checkpoint:
    """The weights in a folder of config.json and safetensors, of one file or of several.

    Raises DataError for a missing or damaged file, a model_type that is not known, tensors that the config does not
    promise (named one by one), and pickles.
    """
    where = folder / "config.json"
    try:
        config = json.loads(where.read_text(encoding="utf-8"))
        kind = config["model_type"]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DataError(f"this is no config of a model ({error})", where=str(where), fix="Download it again") from None
    if kind not in LAYOUTS:
        raise DataError(f"no architecture {kind!r} is known", where=str(where), fix=f"Name one of {', '.join(LAYOUTS)}")
    layout = LAYOUTS[kind]
    try:
        shape = layout.shape(config)
    except KeyError as error:
        raise DataError(f"the config does not say {error}", where=str(where), fix="Download it again") from None
    except DataError as error:
        raise error.at(str(where)) from None
    found = _ours(_tensors(folder), layout, shape.layers)
    tied = bool(config.get("tie_word_embeddings", kind not in ("llama", "qwen2")))
    scores = "output.weight" in found or (tied and kind not in ("bert", "roberta", "distilbert"))
    transform = any(name.startswith("transform.") for name in found)
    if tied and (scores or transform):
        found["output.weight"], scores = found["transformer.embeddings.tokens.weight"], True
    checkpoint = Checkpoint(shape, found, kind, tied, transform, scores, f"{folder} ({kind})")
    _check(checkpoint, str(folder))
    return checkpoint


def _tensors(folder: Path) -> dict[str, Tensor]:
    names, index = ["model.safetensors"], folder / "model.safetensors.index.json"
    try:
        if index.exists():
            names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
        if any(Path(name).name != name for name in names):
            raise DataError("a file of weights lies outside of the folder", where=str(index))
        found: dict[str, Tensor] = {}
        for name in names:
            found |= load_file(folder / name)
        return found
    except (OSError, SafetensorError, ValueError, KeyError) as error:
        pickles = [path.name for path in folder.iterdir() if path.suffix in (".bin", ".pt", ".pth")]
        if pickles and not (folder / names[0]).exists():
            what = f"the weights are a pickle ({pickles[0]}), which can run any code when it is opened"
            fix = "Convert it where you trust its origin: transformers' save_pretrained writes safetensors"
            raise DataError(what, where=str(folder), fix=fix) from None
        raise DataError(f"the weights cannot be read ({error})", where=str(folder), fix="Download them again") from None


def _ours(found: Mapping[str, Tensor], layout: Layout, layers: int) -> dict[str, Tensor]:
    """The tensors under our names; those that have none are left out."""
    names = {theirs: f"transformer.{ours}" for theirs, ours in _each(layout.names, layers)} | dict(layout.head)
    fused = {}
    for theirs, ours in layout.fused.items():
        for n in range(layers):
            fused[theirs.format(n=n)] = [f"transformer.{name.format(n=n)}" for name in ours]
    weights: dict[str, Tensor] = {}
    for name, tensor in found.items():
        part, _, kind = name.removeprefix(layout.prefix).rpartition(".")
        kind = {"gamma": "weight", "beta": "bias"}.get(kind, kind)  # as old checkpoints of TensorFlow have it
        if kind not in ("weight", "bias"):
            continue
        tensor = tensor.float()
        if kind == "weight" and any(part.endswith(each) for each in layout.transposed):
            tensor = tensor.T.contiguous()
        if part in fused:
            weights |= {f"{ours}.{kind}": some for ours, some in zip(fused[part], tensor.chunk(len(fused[part])))}
        elif part in names:
            weights[f"{names[part]}.{kind}"] = tensor
    return weights


def _each(names: Sequence[tuple[str, str]], layers: int) -> list[tuple[str, str]]:
    """The names with the number of each block."""
    found = []
    for theirs, ours in names:
        numbers = range(layers) if "{n}" in theirs else range(1)
        found += [(theirs.format(n=n), ours.format(n=n)) for n in numbers]
    return found


def _check(checkpoint: Checkpoint, where: str) -> None:
    """Raise DataError unless the weights are those that a net of this shape has."""
    with torch.device("meta"):
        own = shaped(shape_of(checkpoint))
    for name, tensor in own.state_dict().items():
        if not checkpoint.scores and name.startswith("output."):
            continue
        given = checkpoint.weights.get(name)
        if given is None or given.shape != tensor.shape:
            found = "is missing" if given is None else f"has the shape {list(given.shape)}"
            what = f"{name} {found}, and the config promises {list(tensor.shape)}"
            raise DataError(what, where=where, fix="Take config and weights of one model")
        if not given.isfinite().all():
            raise DataError(f"{name} holds values that are no finite numbers", where=where, fix="Download it again")


# ---- writing


def written(model: LanguageModel, layout: str, config: Mapping[str, Any]) -> dict[str, Tensor]:
    """The weights of a net under the names of a layout; `config` is the config.json that goes with them.

    Low-rank matrices beside the weights are left out: what they learnt is in these once they are merged.
    """
    known = LAYOUTS[layout]
    own = {name: tensor for name, tensor in model.state_dict().items() if name.endswith((".weight", ".bias"))}
    layers = model.transformer.config.layers
    theirs = {f"transformer.{ours}": f"{known.prefix}{name}" for name, ours in _each(known.names, layers)}
    head: dict[str, str] = {}
    for name, ours in known.head:
        head.setdefault(ours, name)
    found: dict[str, Tensor] = {}
    for name, several in known.fused.items():
        for n in range(layers):
            for kind in ("weight", "bias"):
                parts = [own.pop(f"transformer.{each.format(n=n)}.{kind}") for each in several]
                found[f"{known.prefix}{name.format(n=n)}.{kind}"] = torch.cat(parts)
    for name, tensor in own.items():
        part, _, kind = name.rpartition(".")
        if part == "output" and kind == "weight" and config.get("tie_word_embeddings", True):
            continue
        found[f"{theirs.get(part) or head[part]}.{kind}"] = tensor
    return {
        name: tensor.T.contiguous() if name.endswith("weight") and _is_transposed(name, known) else tensor.contiguous()
        for name, tensor in found.items()
    }


def _is_transposed(name: str, layout: Layout) -> bool:
    return any(re.search(rf"\.{re.escape(each)}\.weight$", name) for each in layout.transposed)


# ---- the shape as a word


def shape_of(checkpoint: Checkpoint) -> str:
    """The shape of a checkpoint's net as a word that a recipe can hold."""
    scores = {
        "tied": checkpoint.tied,
        "transform": checkpoint.transform,
        "bias": "output.bias" in checkpoint.weights,
    }
    parts = {"layout": checkpoint.layout, "scores": scores, "config": asdict(checkpoint.config)}
    return json.dumps(parts, separators=(",", ":"))


def shaped(shape: str, **changes: Any) -> LanguageModel:
    """A new net of the shape that a word tells; `changes` are of its config (dropout)."""
    return LanguageModel(config_of(shape, **changes), **json.loads(shape)["scores"])


def config_of(shape: str, **changes: Any) -> TransformerConfig:
    """The config of the net that a word tells, with `changes`."""
    return TransformerConfig(**{**json.loads(shape)["config"], **changes})
