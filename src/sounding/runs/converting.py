"""Weights in another program's format, converted when they are first used and kept in the user's cache."""

from __future__ import annotations

from pathlib import Path

from safetensors.torch import save

from sounding.architectures.checkpoints import ctranslate2, is_checkpoint
from sounding.errors import DataError
from sounding.files import sha256, write, write_json
from sounding.machine.setting import cache_folder


def converted(folder: Path) -> Path:
    """A folder as Hugging Face has it of Whisper as CTranslate2 keeps it, named by the content of its weights.

    Raises DataError for files that cannot be read, RunError where the cache cannot be written.
    """
    place = cache_folder() / "weights" / f"whisper-{sha256(folder / ctranslate2.FILE)[:16]}"
    if is_checkpoint(place):
        return place
    found = ctranslate2.read(folder)
    try:
        tokenizer = (folder / ctranslate2.TOKENIZER).read_bytes()
    except OSError as error:
        raise DataError(f"there is no tokenizer ({error})", where=str(folder), fix="Take all of its files") from None
    write(place / "tokenizer.json", tokenizer)
    write(place / "model.safetensors", save(found.tensors, {"format": "pt"}))
    write_json(place / "generation_config.json", found.generation)
    write_json(place / "config.json", found.config)  # last: with it the folder is whole
    return place
