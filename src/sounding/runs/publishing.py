"""A Transformer that began with published weights, written back as it was published: `transformers` loads the folder.

best/transformers/
├── config.json          that of the weights it began with
├── model.safetensors    the weights by the names of that layout
└── tokenizer.json       and what else stood beside it of the tokenizer, and of how texts are written
"""

from __future__ import annotations

import json
from pathlib import Path

from safetensors.torch import save
from torch import nn

from sounding.architectures.checkpoints import written
from sounding.architectures.encoder_decoder import EncoderDecoder
from sounding.architectures.transformer import LanguageModel
from sounding.architectures.whisper import Whisper
from sounding.contract.task import Task
from sounding.files import write, write_json
from sounding.modalities.audio.whisper_transcript import WhisperTranscript
from sounding.modalities.text.pairs import OWN, SOURCE, TARGET, VOCABULARY
from sounding.modalities.text.text import Text
from sounding.modalities.text.tokenizer import Tokenizer

FOLDER = "transformers"
_BESIDE = (
    "tokenizer_config.json",
    "special_tokens_map.json",
    "generation_config.json",
    "preprocessor_config.json",
    *(SOURCE, TARGET, VOCABULARY, OWN),
)


def publish(folder: Path, task: Task, model: nn.Module, origin: Path) -> None:
    """Write a model into `folder`/transformers, as the checkpoint in `origin` that it began with is laid out.

    Nothing is written of a model that became a part of another, such as a classifier.
    """
    tokenizer = _tokenizer(task, model)
    if tokenizer is None:
        return
    assert isinstance(model, LanguageModel | EncoderDecoder | Whisper)
    config = json.loads((origin / "config.json").read_text(encoding="utf-8"))
    tensors = written(model, config)
    for name in ("torch_dtype", "dtype"):
        if name in config:
            config[name] = "float32"
    place = folder / FOLDER
    write(place / "model.safetensors", save(tensors, {"format": "pt"}))
    tokenizer.save(place / "tokenizer.json")
    for name in _BESIDE:
        if (origin / name).exists():
            write(place / name, (origin / name).read_bytes())
    write_json(place / "config.json", config)


def _tokenizer(task: Task, model: nn.Module) -> Tokenizer | None:
    """The tokenizer that goes with a model as it was published; None for one that became a part of another."""
    if isinstance(model, Whisper) and isinstance(task.target, WhisperTranscript):
        return task.target.tokenizer
    if isinstance(model, LanguageModel | EncoderDecoder) and isinstance(task.input, Text):
        return task.input.tokenizer
    return None
