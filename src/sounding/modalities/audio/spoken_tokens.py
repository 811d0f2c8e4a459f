"""The tokens that Whisper writes (Radford et al., arXiv 2212.04356, section 2.3): texts in bytes and pieces of words,
and special ones around them.

    <|startoftranscript|> <|en|> <|transcribe|> <|notimestamps|> and so on <|endoftext|>

Language and task are said where weights know many languages. In place of <|notimestamps|> a text may tell when it is
said: the tokens behind that one stand for times from 0 on, 20 ms apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import NamedTuple

from sounding.errors import DataError, UsageError, did_you_mean
from sounding.modalities.text.tokenizer import Tokenizer

STEP = 0.02
"""Seconds from one token of time to the next."""
DETECTED = "auto"
"""In place of a language: that which each recording is in."""
START, END, NO_TIMES = "<|startoftranscript|>", "<|endoftext|>", "<|notimestamps|>"
TRANSCRIBE, TRANSLATE = "<|transcribe|>", "<|translate|>"
_SPECIAL = re.compile(r"<\|.*\|>")
_LANGUAGE = re.compile(r"<\|([a-z]{2,3})\|>")


class Stretch(NamedTuple):
    """Tokens of a text between two times in seconds; `end` is None where it was broken off."""

    start: float
    end: float | None
    ids: tuple[int, ...]


class SpokenTokens:
    """A tokenizer with the special tokens of Whisper. `multilingual`: language and task are said.

    Raises DataError where it lacks one.
    """

    def __init__(self, tokenizer: Tokenizer, multilingual: bool) -> None:
        self.tokenizer, self.multilingual = tokenizer, multilingual
        needed = (START, END, NO_TIMES, *((TRANSCRIBE, TRANSLATE) if multilingual else ()))
        missing = [name for name in needed if tokenizer.id(name) is None]
        if missing:
            what = f"the tokenizer has no {missing[0]}, which Whisper writes"
            raise DataError(what, fix="Take all files of one model")

    def id(self, name: str) -> int:
        """The id of a token that there is."""
        number = self.tokenizer.id(name)
        assert number is not None
        return number

    @property
    def times(self) -> int:
        """The token of time 0; all from it on are times."""
        return self.id(NO_TIMES) + 1

    @cached_property
    def languages(self) -> dict[str, int]:
        """The token of each language by its code; none where all is in one."""
        if not self.multilingual:
            return {}
        named = ((_LANGUAGE.fullmatch(self.tokenizer.token(k)), k) for k in range(len(self.tokenizer)))
        return {match[1]: k for match, k in named if match}

    @cached_property
    def special(self) -> frozenset[int]:
        """The tokens that stand for no text, but for those of times."""
        return frozenset(
            k for k in range(len(self.tokenizer)) if _SPECIAL.fullmatch(self.tokenizer.token(k)) and k < self.times
        )

    @cached_property
    def digits(self) -> tuple[int, ...]:
        """The tokens with a digit in them."""
        tokens = (k for k in range(len(self.tokenizer)) if k < self.times and k not in self.special)
        return tuple(k for k in tokens if any(c.isdigit() and c.isascii() for c in self.tokenizer.token(k)))

    def prompt(self, language: str = "", english: bool = False, timed: bool = False) -> list[int]:
        """What stands ahead of a text: in the language of the code, to be written in English, telling its times.

        Raises UsageError for a language that is not known, or that has to be named.
        """
        said = self._said(language, english) if self.multilingual else []
        if not self.multilingual and (language not in ("", "en", DETECTED) or english):
            what = "these weights know English alone"
            raise UsageError(what, fix="Leave language and english out, or begin with weights of many languages")
        return [self.id(START), *said, *([] if timed else [self.id(NO_TIMES)])]

    def _said(self, language: str, english: bool) -> list[int]:
        """The tokens of a language, and of what is to be done."""
        if language not in self.languages:
            what = f"language={language} is not known" if language else "the language that is spoken is not named"
            fix = did_you_mean(language, self.languages) if language else "Give its code: language=de"
            raise UsageError(what, fix=fix)
        return [self.languages[language], self.id(TRANSLATE if english else TRANSCRIBE)]

    def text_ids(self, ids: Iterable[int]) -> list[int]:
        """The tokens that stand for text."""
        return [number for number in ids if number < self.times and number not in self.special]

    def text(self, ids: Iterable[int]) -> str:
        """The text of some tokens, of special ones nothing."""
        return self.tokenizer.decode(self.text_ids(ids))

    def stretches(self, ids: Sequence[int]) -> list[Stretch]:
        """The parts of a text that tells its times; what follows the last time is a part without an end."""
        found: list[Stretch] = []
        start, held = 0.0, []
        for number in ids:
            if number < self.times:
                held.append(number)
                continue
            time = (number - self.times) * STEP
            if held:
                found.append(Stretch(start, time, tuple(self.text_ids(held))))
            start, held = time, []
        return [*found, Stretch(start, None, tuple(self.text_ids(held)))] if held else found
