"""Special tokens: those of our own tokenizers, and which of a given tokenizer's tokens are what."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from sounding.errors import DataError
from sounding.files import unreadable

PAD, UNKNOWN, MASK, START, END, SEPARATOR = range(6)
"""The ids of the special tokens of a tokenizer that was trained here."""
NAMES = ("[PAD]", "[UNK]", "[MASK]", "[START]", "[END]", "[SEP]")

_KEYS = {
    "pad": ("pad_token",),
    "unknown": ("unk_token",),
    "mask": ("mask_token",),
    "start": ("bos_token", "cls_token"),
    "end": ("eos_token", "sep_token"),
    "separator": ("sep_token", "eos_token"),
}
"""What Hugging Face's tokenizer_config.json calls them, the better name first."""
_USUAL = {
    "pad": ("[PAD]", "<pad>", "<|padding|>"),
    "unknown": ("[UNK]", "<unk>"),
    "mask": ("[MASK]", "<mask>"),
    "start": ("[CLS]", "<s>", "<bos>", "<|begin_of_text|>", "<|endoftext|>"),
    "end": ("[SEP]", "</s>", "<eos>", "<|end_of_text|>", "<|endoftext|>"),
    "separator": ("[SEP]", "</s>"),
}


@dataclass(frozen=True)
class Specials:
    """The ids of the special tokens; None for one that a tokenizer lacks."""

    pad: int | None = None
    unknown: int | None = None
    mask: int | None = None
    start: int | None = None
    end: int | None = None
    separator: int | None = None

    @property
    def ids(self) -> frozenset[int]:
        """All that there are."""
        found = (getattr(self, field.name) for field in fields(self))
        return frozenset(number for number in found if number is not None)


OURS = Specials(PAD, UNKNOWN, MASK, START, END, SEPARATOR)


def specials_of(vocabulary: Mapping[str, int], folder: Path) -> Specials:
    """Those of a given tokenizer: as the Hugging Face files in its folder say, else by their usual names."""
    told: dict[str, Any] = {}
    for name in ("special_tokens_map.json", "tokenizer_config.json"):
        told |= _read(folder / name)
    found = {}
    for role, keys in _KEYS.items():
        names = [_content(told.get(key)) for key in keys]
        known = [vocabulary[name] for name in (*names, *_USUAL[role]) if name in vocabulary]
        found[role] = known[0] if known else None
    return Specials(**found)


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise unreadable(str(path), error) from None
    except ValueError as error:
        raise DataError(f"this is not JSON ({error})", where=str(path), fix="Fetch the file again") from None
    return found if isinstance(found, dict) else {}


def _content(token: Any) -> str:
    """A token as these files write it: a string, or an object with its content."""
    found = token.get("content") if isinstance(token, dict) else token
    return found if isinstance(found, str) else ""
