"""Tokenizers as SentencePiece writes them (.spm, .model), read without its library (arXiv 1808.06226).

The file is a protocol buffer, of which these fields are read (sentencepiece_model.proto):

    1 pieces, each   1 piece · 2 score · 3 kind (1 normal, 2 unknown, 3 control, 4 defined by the user, 6 byte)
    2 training       3 kind of the model (1 unigram, 2 bpe)
    3 normalization  2 a table of what is replaced · 3 a space ahead of the text · 4 spaces are made one
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers

from sounding.errors import DataError
from sounding.files import unreadable

NORMAL, UNKNOWN, CONTROL, DEFINED, BYTE = 1, 2, 3, 4, 6
UNIGRAM = 1
FAR = -10_000.0
"""The score of a piece that a text is not divided into while there is another way."""
_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5


@dataclass(frozen=True)
class Pieces:
    """Pieces with their scores, and how a text is normalized ahead of its division."""

    scores: Mapping[str, float]
    bytewise: bool  # what is no piece is divided into bytes
    table: bytes
    space_ahead: bool
    one_space: bool


def read(path: Path) -> Pieces:
    """The pieces of a file. Raises DataError for what is none, and for other models than unigrams."""
    try:
        return _pieces(path.read_bytes())
    except OSError as error:
        raise unreadable(str(path), error) from None
    except (ValueError, IndexError, struct.error, TypeError, AttributeError):
        raise DataError("this is no model of SentencePiece", where=str(path), fix="Download it again") from None
    except DataError as error:
        raise error.at(str(path)) from None


def _pieces(data: bytes) -> Pieces:
    model = _message(data)
    rows = [_message(row) for row in model.get(1, [])]
    kind = _last(_message(_last(model, 2, b"")), 3, UNIGRAM)
    if kind != UNIGRAM:
        what = "the pieces are merges (BPE), and those of a unigram model are read"
        raise DataError(what, fix="Make a tokenizer.json: transformers' AutoTokenizer and its save_pretrained do")
    kinds = {_last(row, 1, b"").decode(): _last(row, 3, NORMAL) for row in rows}
    scores = {
        _last(row, 1, b"").decode(): struct.unpack("<f", _last(row, 2, bytes(4)))[0]
        for row in rows
        if _last(row, 3, NORMAL) in (NORMAL, DEFINED, BYTE)
    }
    if not scores:
        raise ValueError("no pieces")
    normal = _message(_last(model, 3, b""))
    table, ahead, one = _last(normal, 2, b""), bool(_last(normal, 3, 1)), bool(_last(normal, 4, 1))
    return Pieces(scores, BYTE in kinds.values(), table, ahead, one)


def _last(message: Mapping[int, list[Any]], number: int, default: Any) -> Any:
    """The value of a field that stands there once; the last one counts."""
    return message.get(number, [default])[-1]


def _message(data: bytes) -> dict[int, list[Any]]:
    """The fields of a message by number: integers, or the bytes of all else."""
    found: dict[int, list[Any]] = {}
    for number, value in _fields(data):
        found.setdefault(number, []).append(value)
    return found


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, wire = tag >> 3, tag & 7
        if wire == _VARINT:
            value, at = _varint(data, at)
            yield number, value
            continue
        if wire == _BYTES:
            size, at = _varint(data, at)
        elif wire in (_EIGHT, _FOUR):
            size = 8 if wire == _EIGHT else 4
        else:
            raise ValueError(f"no wire type {wire}")
        if at + size > len(data):
            raise ValueError("the end is missing")
        yield number, data[at : at + size]
        at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """An integer in groups of seven bits, the lowest first, and the place behind it."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def library(pieces: Pieces, vocabulary: Sequence[str], unknown: int) -> tokenizers.Tokenizer:
    """A tokenizer of the `tokenizers` library that divides texts into these pieces.

    `vocabulary` are the tokens in the order of their ids, which need not be that of the pieces; those that are no
    pieces keep their id, and stand in a text only where nothing else can.
    """
    scored = [(token, pieces.scores.get(token, FAR)) for token in vocabulary]
    made = tokenizers.Tokenizer(models.Unigram(scored, unk_id=unknown, byte_fallback=pieces.bytewise))
    steps: list[normalizers.Normalizer] = [normalizers.Precompiled(pieces.table)] if pieces.table else []
    if pieces.one_space:
        steps += [normalizers.Strip(), normalizers.Replace(tokenizers.Regex(" {2,}"), " ")]
    made.normalizer = normalizers.Sequence(steps)
    ahead = "always" if pieces.space_ahead else "never"
    made.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=ahead)
    made.decoder = decoders.Metaspace(prepend_scheme=ahead)
    return made
