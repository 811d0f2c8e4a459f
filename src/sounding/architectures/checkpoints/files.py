"""The files of a published net: its config.json, and its tensors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from sounding.errors import DataError

GENERATION = "generation_config.json"


def is_checkpoint(folder: Path) -> bool:
    """Whether a folder holds a model as Hugging Face writes it."""
    try:
        return "model_type" in json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError):
        return False


def config_in(folder: Path) -> dict[str, Any]:
    """The config of a model. Raises DataError for what is none."""
    where = folder / "config.json"
    try:
        config = json.loads(where.read_text(encoding="utf-8"))
        config["model_type"] + ""  # it is a word
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DataError(f"this is no config of a model ({error})", where=str(where), fix="Download it again") from None
    return config


def generation_in(folder: Path) -> Mapping[str, Any]:
    """What a file of its own says of how a model writes; nothing where there is none, DataError where it is damaged."""
    path = folder / GENERATION
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return {name: value for name, value in found.items() if value is not None and not name.startswith("_")}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError) as error:
        raise DataError(
            f"this does not say how texts are written ({error})", where=str(path), fix="Remove it"
        ) from None


def tensors_in(folder: Path) -> dict[str, Tensor]:
    """The tensors of a folder's safetensors, of one file or of several.

    Raises DataError for a missing or damaged file, and for pickles.
    """
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
