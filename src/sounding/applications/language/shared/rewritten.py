"""Texts that a model reads to write another, and what it wrote."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Self

import numpy as np

from sounding.applications.language.shared.alignment import Alignment
from sounding.contract.answers import Answer, Drawn, Worded
from sounding.contract.records import Example
from sounding.drawing.rendering import Rendering
from sounding.modalities.text.known_words import LOOKED_AT, KnownWords
from sounding.modalities.text.text import Text
from sounding.modalities.text.tokenizer import Tokenizer
from sounding.modalities.text.words import word_count
from sounding.wording import counted, listed

SHOWN = 3
"""Odd rows whose places are told."""


class Rewritten(str):
    """A text that was written for another one, its `source`; `ended`: it was not broken off at its limit.

    `alignment`: what was looked at for each of its words, where somebody asked for it.
    """

    __slots__ = ("alignment", "ended", "source")
    source: str
    ended: bool
    alignment: Alignment | None

    @classmethod
    def of(cls, text: str, source: str, ended: bool = True, alignment: Alignment | None = None) -> Self:
        """The text that was written for `source`."""
        made = cls(text)
        made.source, made.ended, made.alignment = source, ended, alignment
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return Rewritten.of, (str(self), self.source, self.ended, self.alignment)


class Read(Text):
    """A text that is read to write another one, its first `context` tokens between START and END.

    Its tokenizer is trained by the task, since the text that is written may have the same.
    """

    def __init__(self, tokenizer: str, vocabulary: int, context: int) -> None:
        super().__init__(tokenizer, vocabulary, context, ends=True)
        self.known: KnownWords | None = None  # those of the training texts, where it began with no other weights

    @property
    def arguments(self) -> Mapping[str, Any]:
        """How many tokens there are, and how many are read; their kind is told by the state."""
        return {"tokenizer": "words", "vocabulary": self.vocabulary, "context": self.longest}

    def fit(self, values: Iterable[str]) -> None:
        """Nothing: see `learnt`."""
        return None

    def learnt(self, tokenizer: Tokenizer, notes: Sequence[str] = ()) -> None:
        """Take the tokenizer that the task has trained on the texts, and what is to be said of them."""
        self._tokenizer, self.kind = tokenizer, tokenizer.kind
        self._notes = list(notes)

    def state(self) -> dict[str, Any]:
        """With the words of the training texts."""
        return super().state() | ({} if self.known is None else {"known_words": self.known.state()})

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` gave."""
        super().restore(state)
        self.known = KnownWords.restored(state["known_words"]) if "known_words" in state else None

    def unlike(self, text: str) -> str:
        """That most words of a text are new to the training texts; nothing where it is as these are."""
        new, looked_up = (0, 0) if self.known is None else self.known.new(text)
        if self.known is None or not self.known.unlike(new, looked_up):
            return ""
        first = "first " if looked_up == LOOKED_AT else ""
        return (
            f"{new:,} of the {first}{counted(looked_up, 'word')} of this text did not occur in the training texts; "
            "what is written for such words is a guess"
        )

    @property
    def given(self) -> bool:
        """Whether the tokenizer is that of weights which are begun with."""
        return self._given

    @property
    def ahead(self) -> tuple[int, ...]:
        """The tokens ahead of a text: START, or what published weights are used to."""
        return self._around()[0]

    @property
    def end(self) -> int:
        """The token behind a text."""
        return self._around()[1][0]

    @property
    def room(self) -> int:
        """How many tokens of a text are read."""
        return sum(self._kept())

    def _visible(self, text: str) -> str:
        return text  # whole, so that it can be said how much of it is read


class Written(Read, Answer, Drawn, Worded):
    """A text that was written for another one. `key` is what a pipeline calls it."""

    def __init__(self, tokenizer: str, vocabulary: int, context: int, key: str) -> None:
        super().__init__(tokenizer, vocabulary, context)
        self.key = key

    def answers(self, value: str, confidence: float | None, scores: np.ndarray | None) -> list[dict[str, Any]]:
        """What was written, as the pipeline of the task calls it."""
        return [{self.key: str(value)}]

    def fields(self, value: str, scores: np.ndarray | None) -> Mapping[str, Callable[[], Any]]:
        """`text`: what was written; `ended`: whether it came to an end; `alignment`, where that was asked for."""
        return {
            "text": lambda: str(value),
            "ended": lambda: getattr(value, "ended", True),
            "alignment": lambda: getattr(value, "alignment", None),
        }

    def drawing(self, value: str) -> Rendering | None:
        """What was looked at for each word, where that was asked for."""
        alignment = getattr(value, "alignment", None)
        return None if alignment is None else alignment.render()

    def word_count(self, value: str) -> int:
        """How many words were written."""
        return word_count(value)

    def describe(self, value: str) -> str:
        """All of the text: an answer is what was asked for."""
        return str(value)

    def to_json(self, value: str) -> Any:
        """The text."""
        return str(value)


def places(examples: Sequence[Example], rows: Sequence[int]) -> str:
    """Where some of these rows stand: by file and line where that is known."""
    where = getattr(examples, "where", lambda row: f"example {row + 1}")
    return listed([where(row) for row in rows[: SHOWN + 1]], SHOWN)
