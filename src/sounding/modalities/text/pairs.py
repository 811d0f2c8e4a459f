"""The tokenizers of published nets that read one text and write another: one for each of the two.

What the decoder begins and ends a text with stands around every text of the second: its `prefix` and `suffix`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from tokenizers import AddedToken

from sounding.errors import DataError
from sounding.files import unreadable
from sounding.modalities.text import sentencepiece
from sounding.modalities.text.specials import specials_of
from sounding.modalities.text.tokenizer import PRETRAINED, Tokenizer

SOURCE, TARGET, VOCABULARY, OWN = "source.spm", "target.spm", "vocab.json", "target_vocab.json"
"""Marian's files; OWN is there where what is written has a vocabulary of its own."""
UNKNOWN, END = "<unk>", "</s>"


def tokenizers_in(folder: Path, start: int, first: int | None, end: int) -> tuple[Tokenizer, Tokenizer]:
    """The tokenizers in the folder of a published net, for what is read and for what is written.

    Texts that are written stand between `start` (and `first`, where there is one) and `end`. Where there is no `first`
    and the tokenizer puts its own token for the beginning ahead of a text (BART's), so it does behind `start`.
    Raises DataError for files that are missing or damaged, and for ids that the tokenizer lacks.
    """
    if (folder / SOURCE).exists():
        return _marian(folder, start, first, end)
    source = Tokenizer.read(folder)
    own = [number for number in source.prefix if number == source.specials.start]
    ahead = [start, *(own if first is None else [first])]
    return source, source.between(ahead, [end])


def _marian(folder: Path, start: int, first: int | None, end: int) -> tuple[Tokenizer, Tokenizer]:
    vocabulary = _vocabulary(folder / VOCABULARY)
    written = _vocabulary(folder / OWN) if (folder / OWN).exists() else vocabulary
    ahead = [start] if first is None else [start, first]
    source, target = _side(folder, SOURCE, vocabulary), _side(folder, TARGET, written)
    return source.between([], [vocabulary.index(END)]), target.between(ahead, [end])


def _side(folder: Path, file: str, vocabulary: Sequence[str]) -> Tokenizer:
    """One of Marian's two: the pieces of a file, numbered as in a vocabulary. What is unknown is one token."""
    library = sentencepiece.library(sentencepiece.read(folder / file), vocabulary, vocabulary.index(UNKNOWN))
    languages = [token for token in vocabulary if token.startswith(">>") and token.endswith("<<")]
    library.add_tokens([AddedToken(token, normalized=False) for token in languages])  # what a text is translated into
    return Tokenizer(library, PRETRAINED, specials_of(library.get_vocab(), folder))


def _vocabulary(path: Path) -> list[str]:
    """The tokens of a file in the order of their ids."""
    try:
        ids = json.loads(path.read_text(encoding="utf-8"))
        tokens = sorted(ids, key=ids.get)
        whole = sorted(ids.values()) == list(range(len(ids))) and UNKNOWN in ids and END in ids
    except OSError as error:
        raise unreadable(str(path), error) from None
    except (ValueError, TypeError, AttributeError):
        whole = False
    if not whole:
        what = f"this is no vocabulary of Marian: each token with its number from 0 on, {UNKNOWN} and {END} among them"
        raise DataError(what, where=str(path), fix="Download it again")
    return tokens
