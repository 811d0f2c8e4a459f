"""Texts of which a model tells how they go on: whole documents, windows of them, prompts and what was written."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from sounding.contract.answers import Answer, Worded
from sounding.modalities.text.passage import Passage
from sounding.modalities.text.specials import PAD
from sounding.modalities.text.text import Text
from sounding.modalities.text.words import word_count

AUTO = "auto"
FEW = 5_000_000
"""Characters of training text up to which tokens are characters, unless another kind is asked for …"""
SCRIPT = 1000
"""… and unless there are more different ones than this."""


class Passages(Text, Answer, Worded):
    """A text, read by a model up to its last `context` tokens: what comes after it depends on these most.

    `tokenizer` may be "auto": characters where there are few texts of few characters, else byte-level BPE.
    """

    def __init__(self, tokenizer: str = AUTO, vocabulary: int = 8192, context: int = 256) -> None:
        super().__init__("characters" if tokenizer == AUTO else tokenizer, vocabulary, longest=0)
        self.auto, self.context = tokenizer == AUTO, context

    @property
    def arguments(self) -> Mapping[str, Any]:
        """How many tokens are read."""
        return {"context": self.context}

    def fit(self, values: Iterable[str]) -> None:
        """Choose a kind of tokens, if that is left open, and train their tokenizer."""
        values = iter(values)
        if self.auto and not self._given:
            looked: list[str] = []
            letters: set[str] = set()
            size = 0
            for text in values:
                looked.append(text)
                letters.update(text)
                size += len(text)
                if size > FEW:
                    break
            self.kind = "characters" if size <= FEW and len(letters) <= SCRIPT else "bpe"
            values = itertools.chain(looked, values)
        super().fit(values)

    def ids(self, value: str) -> np.ndarray:
        """The tokens of a text [T], all of them, nothing around."""
        return value.ids if isinstance(value, Passage) else self.tokenizer.ids(value)

    def passage(self, ids: np.ndarray) -> Passage:
        """The text of some tokens."""
        return Passage.of(self.tokenizer.decode(ids), ids)

    def length(self, value: str) -> int:
        """The tokens of a text that are read."""
        return min(self.context, len(self.ids(value)))

    def arrays(self, values: Sequence[str]) -> tuple[np.ndarray, ...]:
        """The last `context` ids of each text, padded on the right to the longest; an empty text has none."""
        rows = [self.ids(value)[-self.context :] for value in values]
        lengths = np.array([len(row) for row in rows], np.int64)
        ids = np.full((len(rows), int(lengths.max(initial=0))), PAD, np.int64)
        for row, found in zip(ids, rows, strict=True):
            row[: len(found)] = found
        return ids, lengths

    @property
    def steps(self) -> Sequence[str]:
        """The tokenizer; what is read."""
        return super().steps[0], f"of the tokens the last {self.context} are read"

    def token_texts(self, value: str) -> list[str]:
        """The characters of each token that is read."""
        return [self.tokenizer.decode([id]) for id in self.ids(value)[-self.context :].tolist()]

    # ---- as an answer

    def answers(self, value: str, confidence: float | None, scores: np.ndarray | None) -> list[dict[str, Any]]:
        """What was written, as the text-generation pipeline calls it; the prompt is not repeated."""
        return [{"generated_text": str(value)}]

    def fields(self, value: str, scores: np.ndarray | None) -> Mapping[str, Callable[[], Any]]:
        """`text`: what was written."""
        return {"text": lambda: str(value)}

    def word_count(self, value: str) -> int:
        """How many words were written."""
        return word_count(value)

    def describe(self, value: str) -> str:
        """All of the text: an answer is what was asked for."""
        return str(value)

    def to_json(self, value: str) -> str:
        """The text."""
        return str(value)
