"""Whisper as CTranslate2 keeps it (faster-whisper's folders), brought into the layout of Hugging Face.

model.bin, little endian, as CTranslate2's own writer lays it out (`Model.save` in its python/ctranslate2/specs/
model_spec.py, version 6): the version; the name of the kind of model and its revision; the number of variables; and of
each its name, rank, dimensions, type, bytes and values. Then pairs of names, the first of which stands for the second.
A name is its length with the zero byte that ends it, in two bytes, and the characters. Queries, keys and values are one
matrix there, and so are keys and values of what a decoder looks at.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from sounding.errors import DataError

FILE, TOKENIZER = "model.bin", "tokenizer.json"
KIND = "WhisperSpec"
VERSIONS = range(4, 7)
GELU = 3
"""The number of the activation that Whisper has."""
LATEST_FIRST = 50
"""No text begins later than a second after its window, in Whisper's published program."""
_TYPES = {0: torch.float32, 1: torch.int8, 2: torch.int16, 3: torch.int32, 4: torch.float16, 5: torch.bfloat16}
_PLAIN = (torch.float32, torch.float16, torch.bfloat16)


class Folder(NamedTuple):
    """A model as Hugging Face has it: its two configs, and its tensors by name."""

    config: dict[str, Any]
    generation: dict[str, Any]
    tensors: dict[str, Tensor]


def is_one(folder: Path) -> bool:
    """Whether a folder holds Whisper as CTranslate2 keeps it."""
    try:
        with (folder / FILE).open("rb") as file:
            return KIND.encode() in file.read(64)
    except OSError:
        return False


def variables(path: Path) -> dict[str, Tensor]:
    """The variables of a model.bin by name. Raises DataError for a file that is damaged or of another kind."""
    try:
        found = _Reader(path.read_bytes()).variables()
    except OSError as error:
        raise DataError(f"the weights cannot be read ({error})", where=str(path), fix="Download it again") from None
    except (struct.error, UnicodeDecodeError, KeyError, ValueError, RuntimeError):
        raise DataError("the file of weights is damaged", where=str(path), fix="Download it again") from None
    except DataError as error:
        raise error.at(str(path)) from None
    return found


class _Reader:
    """Goes through the bytes of a file."""

    def __init__(self, data: bytes) -> None:
        self.data, self.place = memoryview(bytearray(data)), 0

    def number(self, code: str) -> int:
        (found,) = struct.unpack_from(f"<{code}", self.data, self.place)
        self.place += struct.calcsize(code)
        return int(found)

    def taken(self, length: int) -> memoryview:
        self.place += length
        if self.place > len(self.data):
            raise ValueError("the file ends early")
        return self.data[self.place - length : self.place]

    def name(self) -> str:
        return bytes(self.taken(self.number("H"))).rstrip(b"\0").decode("utf-8")

    def variables(self) -> dict[str, Tensor]:
        version, kind, _ = self.number("I"), self.name(), self.number("I")
        if version not in VERSIONS or kind != KIND:
            known = f"{KIND} of format {VERSIONS[0]} to {VERSIONS[-1]}"
            what = f"this is a {kind} of format {version}, and what is read is a {known}"
            raise DataError(what, fix="Name a folder of Whisper's weights")
        found = dict(self._variable() for _ in range(self.number("I")))
        for _ in range(self.number("I")):
            alias, name = self.name(), self.name()
            found[alias] = found[name]
        return found

    def _variable(self) -> tuple[str, Tensor]:
        name, rank = self.name(), self.number("B")
        shape = [self.number("I") for _ in range(rank)]
        kind = _TYPES[self.number("B")]
        values = self.taken(self.number("I"))
        return name, torch.frombuffer(values, dtype=kind).reshape(shape)


def read(folder: Path) -> Folder:
    """The model in a folder of model.bin, config.json and tokenizer.json.

    Raises DataError for a file that is missing or damaged, and for weights that were made small numbers.
    """
    found = variables(folder / FILE)
    weights = ((name, tensor) for name, tensor in found.items() if name.endswith("weight"))
    narrow = next((name for name, tensor in weights if tensor.dtype not in _PLAIN), "")
    if narrow:
        what = f"{_told(found[narrow])} in {narrow}, and weights are read as they were learnt"
        raise DataError(what, where=str(folder), fix="Take the model in float16: --quantization float16")
    if (number := int(found["decoder/activation"])) != GELU:
        raise DataError(f"its activation is number {number}, and Whisper has {GELU}", where=str(folder))
    told, added = _json(folder / "config.json"), _json(folder / TOKENIZER).get("added_tokens", [])
    special = {token["content"]: token["id"] for token in added}
    tensors = _renamed(found)
    try:
        return Folder(_config(found, special), _generation(told, special, len(found[_TOKENS])), tensors)
    except KeyError as error:
        raise DataError(f"the tokenizer has no {error}", where=str(folder / TOKENIZER)) from None


def _told(tensor: Tensor) -> str:
    """What its numbers are, in words."""
    return f"there are numbers of {tensor.element_size()} bytes ({tensor.dtype})".replace("torch.", "")


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return found if isinstance(found, dict) else {}
    except (OSError, ValueError) as error:
        raise DataError(f"the file cannot be read ({error})", where=str(path), fix="Download it again") from None


# ---- config

_TOKENS = "decoder/embeddings/weight"
_MULTILINGUAL = 51_865
"""Tokens that Whisper has from which on it knows many languages."""


def _config(found: Mapping[str, Tensor], special: Mapping[str, int]) -> dict[str, Any]:
    tokens = found[_TOKENS]
    end = special["<|endoftext|>"]
    config = {
        "model_type": "whisper",
        "architectures": ["WhisperForConditionalGeneration"],
        "vocab_size": tokens.shape[0],
        "d_model": tokens.shape[1],
        "num_mel_bins": found["encoder/conv1/weight"].shape[1],
        "max_source_positions": len(found["encoder/position_encodings/encodings"]),
        "max_target_positions": len(found["decoder/position_encodings/encodings"]),
        "activation_function": "gelu",
        "dropout": 0.0,
        "scale_embedding": False,
        "decoder_start_token_id": special["<|startoftranscript|>"],
        **dict.fromkeys(("eos_token_id", "bos_token_id", "pad_token_id"), end),
    }
    for side in ("encoder", "decoder"):
        layers = {name.split("/")[1] for name in found if name.startswith(f"{side}/layer_") and name.count("/") > 2}
        config[f"{side}_layers"] = len(layers)
        config[f"{side}_attention_heads"] = int(found[f"{side}/num_heads"])
        config[f"{side}_ffn_dim"] = len(found[f"{side}/layer_0/ffn/linear_0/weight"])
    return config


def _generation(told: Mapping[str, Any], special: Mapping[str, int], vocabulary: int) -> dict[str, Any]:
    """How it writes, as far as CTranslate2's config says it."""
    several = vocabulary >= _MULTILINGUAL
    found: dict[str, Any] = {
        "is_multilingual": several,
        "no_timestamps_token_id": special["<|notimestamps|>"],
        "max_initial_timestamp_index": LATEST_FIRST,
        "decoder_start_token_id": special["<|startoftranscript|>"],
        **dict.fromkeys(("eos_token_id", "bos_token_id", "pad_token_id"), special["<|endoftext|>"]),
        "suppress_tokens": told.get("suppress_ids") or [],
        "begin_suppress_tokens": told.get("suppress_ids_begin") or [],
    }
    if told.get("alignment_heads"):
        found["alignment_heads"] = told["alignment_heads"]
    if several:
        tasks = {task: special[f"<|{task}|>"] for task in ("transcribe", "translate")}
        names = {name for name in special if name.startswith("<|") and 2 <= len(name) - 4 <= 3}
        found |= {"task_to_id": tasks, "lang_to_id": {name: special[name] for name in sorted(names)}}
    return found


# ---- names

_PARTS = {
    "self_attention/linear_0": ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
    "self_attention/linear_1": ("self_attn.out_proj",),
    "self_attention/layer_norm": ("self_attn_layer_norm",),
    "attention/linear_0": ("encoder_attn.q_proj",),
    "attention/linear_1": ("encoder_attn.k_proj", "encoder_attn.v_proj"),
    "attention/linear_2": ("encoder_attn.out_proj",),
    "attention/layer_norm": ("encoder_attn_layer_norm",),
    "ffn/linear_0": ("fc1",),
    "ffn/linear_1": ("fc2",),
    "ffn/layer_norm": ("final_layer_norm",),
    "conv1": ("conv1",),
    "conv2": ("conv2",),
    "layer_norm": ("layer_norm",),
    "embeddings": ("embed_tokens",),
    "position_encodings": ("embed_positions",),
}
"""A part of a side or of a block, and what Hugging Face calls it, or the parts that lie side by side in it."""
_KINDS = {"gamma": "weight", "beta": "bias", "encodings": "weight", "weight": "weight", "bias": "bias"}


def _renamed(found: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors under the names of Hugging Face, whose keys have no bias."""
    tensors = {}
    for name, tensor in found.items():
        side, _, rest = name.partition("/")
        part, _, kind = rest.rpartition("/")
        block = ""
        if part.startswith("layer_") and "/" in part:
            number, _, part = part.partition("/")
            block = f"layers.{number.removeprefix('layer_')}."
        theirs = _PARTS.get(part)
        if theirs is None or kind not in _KINDS:
            continue
        for new, values in zip(theirs, tensor.chunk(len(theirs)), strict=True):
            if not (new.endswith("k_proj") and kind == "bias"):
                tensors[f"model.{side}.{block}{new}.{_KINDS[kind]}"] = values.clone()
    return tensors
