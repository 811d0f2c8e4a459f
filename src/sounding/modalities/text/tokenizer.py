"""Text to token ids and back. A tokenizer is trained on the user's texts (kinds.py), or read from a tokenizer.json.

Ids are int64 and 0 is padding in every tokenizer that is trained here. One that was read keeps its own ids; batches of
its texts are padded with 0 all the same, since their lengths say what is text.

Legend of shapes: T tokens.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import tokenizers
from tokenizers import processors

from sounding.errors import DataError
from sounding.files import unreadable, write
from sounding.modalities.text.kinds import trained
from sounding.modalities.text.specials import MASK, OURS, PAD, UNKNOWN, Specials, specials_of

FILE = "tokenizer.json"
PRETRAINED = "pretrained"
"""The kind of a tokenizer that was read from a file."""
_STRETCH = 2**16  # characters that the library is given at once: it needs some hundred bytes for each token
_NO_THREADS = "TOKENIZERS_PARALLELISM"
_NOT_KNOWN = "\ufffd"


class Encoded(NamedTuple):
    """A text as `ids` [T] int64, and the characters `offsets` [T, 2] that each token stands for: start and end."""

    ids: np.ndarray
    offsets: np.ndarray


class Tokenizer:
    """Text to ids and back.

    `kind` is one of `kinds.KINDS`, or "pretrained". `prefix` and `suffix` are the ids that a tokenizer which was read
    puts around every text ([CLS] and [SEP], say); `encode` leaves them out.
    """

    def __init__(self, library: tokenizers.Tokenizer, kind: str, specials: Specials = OURS) -> None:
        self.kind, self.specials = kind, specials
        self.mask_text = "" if specials.mask is None else str(library.id_to_token(specials.mask))
        library = _with_special(library, self.mask_text, False)
        library.no_padding()
        library.no_truncation()
        self.prefix, self.suffix = _ends(library)
        library.encode_special_tokens = True  # "[PAD]" in a text of the user's is text, and only "[MASK]" is the mask
        self._library = library
        self._left_out = specials.ids - {specials.mask}

    # ---- making one

    @classmethod
    def train(
        cls, kind: str, texts: Iterable[str], vocabulary: int = 20_000, frequency: int = 1, lower: bool = False
    ) -> Self:
        """A tokenizer with at most `vocabulary` tokens, each seen `frequency` times or more; `lower` ignores case.

        The texts are streamed. Raises UsageError for a kind that does not exist.
        """
        with _one_thread():
            return cls(trained(kind, texts, vocabulary, frequency, lower), kind)

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """The tokenizer of a tokenizer.json, or of the folder that one lies in; the files beside it name its special
        tokens. Raises DataError for what is none.
        """
        path = Path(path)
        path = path / FILE if path.is_dir() else path
        try:
            library = tokenizers.Tokenizer.from_str(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            what = f"there is no {path.name}, which says how texts become tokens"
            fix = "Make it with transformers: AutoTokenizer.from_pretrained(MODEL).save_pretrained(FOLDER)"
            raise DataError(what, where=str(path.parent), fix=fix) from None
        except OSError as error:
            raise unreadable(str(path), error) from None
        except Exception as error:  # the library raises nothing narrower
            what = f"this is not a tokenizer of the tokenizers library ({error})"
            raise DataError(what, where=str(path), fix="Give a tokenizer.json as Hugging Face models have") from None
        return cls(library, PRETRAINED, specials_of(library.get_vocab(), path.parent))

    def between(self, ahead: Sequence[int], behind: Sequence[int]) -> Self:
        """The same tokenizer with these tokens around every text, as its `prefix` and `suffix`.

        Raises DataError for an id that it lacks.
        """
        for number in (*ahead, *behind):
            if self._library.id_to_token(number) is None:
                what = f"texts are put between tokens of which {number:,} is one, and the tokenizer has none of that id"
                raise DataError(what, fix="Take config and tokenizer of one model")
        library = tokenizers.Tokenizer.from_str(self._library.to_str())
        around = {name: list(ids) for name, ids in (("ahead", ahead), ("behind", behind)) if ids}
        special = [
            {"id": name, "ids": ids, "tokens": [library.id_to_token(number) for number in ids]}
            for name, ids in around.items()
        ]
        single = [*(["ahead"] if ahead else []), "$A", *(["behind"] if behind else [])]
        library.post_processor = processors.TemplateProcessing(single=single, special_tokens=special)
        return type(self)(library, self.kind, self.specials)

    # ---- text and ids

    def __len__(self) -> int:
        """How many ids there are: the rows of an embedding."""
        return self._library.get_vocab_size()

    def encode(self, text: str) -> Encoded:
        """The ids of a text and the characters that each stands for, nothing added."""
        stretches = list(_stretches(text))
        found = [self._encoding(text[start:end]) for start, end in stretches]
        ids = np.concatenate([np.asarray(each.ids, np.int64) for each in found])
        offsets = [
            np.asarray(each.offsets, np.int64).reshape(-1, 2) + start for (start, _), each in zip(stretches, found)
        ]
        return Encoded(ids, np.concatenate(offsets))

    def ids(self, text: str) -> np.ndarray:
        """The ids [T] of a text alone, which is faster."""
        found = [np.asarray(self._encoding(text[start:end]).ids, np.int64) for start, end in _stretches(text)]
        return found[0] if len(found) == 1 else np.concatenate(found)

    def batch(self, texts: Sequence[str]) -> list[np.ndarray]:
        """The ids of each text.

        One after the other: the library's batches are no faster on one thread, and on more they take these from torch
        and warn in every process that is forked.
        """
        return [self.ids(text) for text in texts]

    def decode(self, ids: Iterable[int]) -> str:
        """The text of ids: for the kinds bpe, bytes and characters exactly what was encoded.

        Special tokens are left out, but for the mask; what was unknown is a replacement character.
        """
        kept = [int(number) for number in ids if int(number) not in self._left_out or int(number) == UNKNOWN]
        if self.kind == PRETRAINED:
            return self._library.decode([n for n in kept if n not in self._left_out], skip_special_tokens=False)
        if UNKNOWN not in kept and MASK not in kept:
            return self._library.decode(kept, skip_special_tokens=False)
        tokens = [_NOT_KNOWN if number == UNKNOWN else self.token(number) for number in kept]
        decoder = self._library.decoder
        return " ".join(tokens) if decoder is None else decoder.decode(tokens)

    def token(self, number: int) -> str:
        """How a token is written in the vocabulary; empty where there is none."""
        return self._library.id_to_token(int(number)) or ""

    def id(self, token: str) -> int | None:
        """The id of a token as the vocabulary writes it; None where it has none."""
        return self._library.token_to_id(token)

    def knows(self, word: str) -> bool:
        """Whether a word is one token, alone or after a space: it was frequent where the tokenizer was trained."""
        found = [self.ids(word), self.ids(f" {word}")]
        return any(len(ids) == 1 and ids[0] != self.specials.unknown for ids in found)

    @property
    def ignores_case(self) -> bool:
        """Whether capitals and small letters are the same to it."""
        normalizer = self._library.normalizer
        return normalizer is not None and normalizer.normalize_str("Aa") == normalizer.normalize_str("aa")

    def _encoding(self, text: str) -> tokenizers.Encoding:
        return self._library.encode(text, add_special_tokens=False)

    # ---- keeping it

    def state(self) -> dict[str, Any]:
        """As JSON can hold it."""
        numbers = {role: getattr(self.specials, role) for role in Specials.__dataclass_fields__}
        return {"kind": self.kind, "specials": numbers, "json": self._library.to_str()}

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> Self:
        """The tokenizer that gave `state`."""
        library = tokenizers.Tokenizer.from_str(state["json"])
        return cls(library, state["kind"], Specials(**state["specials"]))

    def __reduce__(self) -> tuple[Any, ...]:
        return Tokenizer.restored, (self.state(),)

    def save(self, path: Path) -> None:
        """Write it as the tokenizer.json that other programs read."""
        write(path, _with_special(self._library, self.mask_text, True).to_str(pretty=True) + "\n")


def _with_special(library: tokenizers.Tokenizer, token: str, special: bool) -> tokenizers.Tokenizer:
    """The library's tokenizer with one of its added tokens called special, or not: those are not looked for in texts
    where `encode_special_tokens` is set.
    """
    if not token:
        return library
    whole = json.loads(library.to_str())
    for added in whole["added_tokens"]:
        if added["content"] == token:
            added["special"] = special
    return tokenizers.Tokenizer.from_str(json.dumps(whole))


def _ends(library: tokenizers.Tokenizer) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The ids that a tokenizer puts before and after a text."""
    bare, whole = (library.encode("a", add_special_tokens=ends).ids for ends in (False, True))
    added = len(whole) - len(bare)
    if not added or not bare:
        return (), ()
    start = next((i for i in range(added + 1) if whole[i : i + len(bare)] == bare), 0)
    return tuple(whole[:start]), tuple(whole[start + len(bare) :])


def _stretches(text: str) -> Iterator[tuple[int, int]]:
    """Cuts a long text where a word begins after a line break, else after a space, so that few tokens are torn."""
    start = 0
    while len(text) - start > _STRETCH:
        end = start + _STRETCH
        for mark in ("\n", " "):
            cut = text.rfind(mark, start + _STRETCH // 2, end)
            if cut > 0 and not text[cut + 1].isspace():
                end = cut + (mark == "\n")
                break
        yield start, end
        start = end
    yield start, len(text)


@contextmanager
def _one_thread() -> Iterator[None]:
    """The library trains on one thread, unless the user has said otherwise: it is as fast, its floats do not depend on
    the order of threads, and it does not warn when the process is forked later.
    """
    said = os.environ.get(_NO_THREADS)
    os.environ.setdefault(_NO_THREADS, "false")
    try:
        yield
    finally:
        if said is None:
            del os.environ[_NO_THREADS]


__all__ = ["PAD", "PRETRAINED", "Encoded", "Specials", "Tokenizer"]
