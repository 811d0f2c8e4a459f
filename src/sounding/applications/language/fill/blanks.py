"""Texts in which some tokens are masked, and the tokens that are missing.

`[MASK]` stands for a missing word in what a person types, whatever the tokenizer calls it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sounding.contract.answers import Answer, Averaged
from sounding.contract.inputs import Corruption, Queried
from sounding.errors import DataError
from sounding.modalities.text.passage import Passage
from sounding.modalities.text.segments import segment_spans
from sounding.modalities.text.text import Text

TYPED = "[MASK]"
BEST = 5
"""How many words an answer ranks."""


class Blanks(Text, Queried):
    """A text in which some tokens are missing. Whatever is done to it, the masks stay."""

    def read(self, cell: Any, root: Path = Path()) -> str:
        """The text of a cell, as `Text.read`; a mask is what the tokenizer calls so."""
        text = super().read(cell, root)
        return text if self._tokenizer is None else text.replace(TYPED, self.tokenizer.mask_text)

    def query(self, value: str) -> str:
        """A text in which a word is missing. Raises DataError for one in which none is."""
        self.require_mask(value)
        return value

    def require_mask(self, value: str) -> None:
        """Raise DataError for a text in which nothing is missing."""
        if self.tokenizer.mask_text not in value:
            fix = f"Write {TYPED} in its place: 'a {TYPED} film'"
            raise DataError("no word is missing in the text", fix=fix)

    def _ids(self, value: str) -> np.ndarray:
        return value.ids if isinstance(value, Passage) else super()._ids(value)

    def _gap(self) -> str:
        return "_"  # a hidden word is no question

    def mask(self, value: str, mask: np.ndarray, baseline: str) -> str:
        """As `Text.mask`, but for the masks themselves."""
        return super().mask(value, np.asarray(mask, bool) | self._asked(value), baseline)

    def _asked(self, value: str) -> np.ndarray:
        """[P]: which segments are, or hold a part of, a mask."""
        spans, word = segment_spans(value), self.tokenizer.mask_text
        places = [start for start in range(len(value)) if value.startswith(word, start)]
        return np.array([any(a < place + len(word) and place < b for place in places) for a, b in spans])

    @property
    def corruptions(self) -> Mapping[str, Corruption]:
        """Those of a text, between the masks."""
        return {name: self._between(corrupt) for name, corrupt in super().corruptions.items()}

    def _between(self, corrupt: Corruption) -> Corruption:
        def corrupted(value: str, severity: int, rng: np.random.Generator) -> str:
            word = self.tokenizer.mask_text
            parts = str(value).split(word)
            return word.join(corrupt(part, severity, rng) if part.strip() else part for part in parts)

        return corrupted

    def neighbours(self, value: str, rng: np.random.Generator) -> Iterator[str]:
        """Those of a text in which the masks stay."""
        word = self.tokenizer.mask_text
        return (other for other in super().neighbours(value, rng) if other.count(word) == value.count(word))


class Missing(Text, Answer, Averaged):
    """The tokens that are missing in a text, in their order; of an answer, with the probability of all tokens."""

    def _ids(self, value: str) -> np.ndarray:
        return value.ids if isinstance(value, Passage) else self.tokenizer.ids(value)

    def ranked(self, scores: np.ndarray) -> list[tuple[str, float]]:
        """The most probable words with their probabilities, best first, from those of all tokens [V]."""
        best = np.argsort(-scores, kind="stable")[:BEST]
        return [
            (self.tokenizer.decode([int(id)]).strip() or self.tokenizer.token(id), float(scores[id])) for id in best
        ]

    def answers(self, value: str, confidence: float | None, scores: np.ndarray | None) -> list[dict[str, Any]]:
        """The most probable words for the first mask, shaped as the fill-mask pipeline shapes them."""
        if scores is None:
            return [{"token_str": str(value), "score": confidence}]
        return [{"token_str": word, "score": score} for word, score in self.ranked(scores)]

    def fields(self, value: str, scores: np.ndarray | None) -> Mapping[str, Callable[[], Any]]:
        """`words`: the most probable ones for the first mask."""
        return {"words": lambda: [word for word, _ in self.ranked(scores)] if scores is not None else [str(value)]}

    def constant_baseline(self, values: Sequence[str]) -> Passage:
        """The commonest token, as often as tokens are missing anywhere."""
        ids = [self._ids(value) for value in values]
        most = int(np.bincount(np.concatenate(ids)).argmax())
        return self.passage(np.full(max(map(len, ids)), most))

    def passage(self, ids: Sequence[int] | np.ndarray) -> Passage:
        """Some tokens that are missing, with spaces between them."""
        ids = np.asarray(ids, np.int64)
        return Passage.of(" ".join(self.tokenizer.decode([int(id)]).strip() for id in ids), ids)
