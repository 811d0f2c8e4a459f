"""What a text may not be: shorter than asked for, one that says the same n tokens again, or certain tokens at all.

Legend of shapes: R texts, N tokens, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from sounding.errors import UsageError

NOTHING = -1
"""Stands in a text where it has no token: ahead of a short prompt."""
STRETCH = 8
"""Tokens, at most, of a stretch that is counted in a row: loops of trained models are shorter."""


@dataclass(frozen=True)
class Constraints:
    """Scores of tokens that would break a rule become -inf; all others stay as they are, sums to 1 or not.

    Where every token would break one, none does: a text has to go on somehow.
    """

    shortest: int = 0  # tokens, at least, before one that ends the text
    no_repeat: int = 0  # no so many tokens in a row twice, those of the prompt among them; 0: as often as may be
    in_a_row: int = 0  # no tokens, up to `STRETCH` of them, more often than this one behind the other; 0: as often
    never: tuple[int, ...] = ()  # tokens that are not written
    not_first: tuple[int, ...] = ()  # tokens that are not written first, behind the prompt

    def __post_init__(self) -> None:
        """Raises UsageError for a number that means nothing."""
        for name in ("shortest", "no_repeat", "in_a_row"):
            if getattr(self, name) < 0:
                raise UsageError(f"{name}={getattr(self, name)} is out of its range", fix="Give 0 or more")

    def __bool__(self) -> bool:
        return bool(self.shortest or self.no_repeat or self.in_a_row or self.never or self.not_first)

    def scores(self, scores: np.ndarray, texts: np.ndarray, written: int, ends: Collection[int]) -> np.ndarray:
        """The scores [R, V] of what may follow the `texts` [R, N], prompts with `written` tokens behind them.

        Shorter prompts have `NOTHING` ahead. The tokens that end a text are never said to be repeated.
        """
        early = written < self.shortest and bool(ends)
        begins = written == 0 and bool(self.not_first)
        if not (early or begins or self.no_repeat or self.in_a_row or self.never):
            return scores
        allowed = scores.copy()
        allowed[:, list(self.never)] = -np.inf
        if begins:
            allowed[:, list(self.not_first)] = -np.inf
        if early:
            allowed[:, sorted(ends)] = -np.inf
        if self.no_repeat and texts.shape[1] >= self.no_repeat:
            rows, again = self._repeated(texts, ends)
            allowed[rows, again] = -np.inf
        if self.in_a_row:
            for stretch in range(1, min(STRETCH, (texts.shape[1] + 1) // (self.in_a_row + 1)) + 1):
                rows = self._looping(texts, stretch)
                allowed[rows, texts[rows, -stretch]] = -np.inf
        return going_on(allowed, scores)

    def _repeated(self, texts: np.ndarray, ends: Collection[int]) -> tuple[np.ndarray, np.ndarray]:
        """Rows, and tokens with which they would say `no_repeat` tokens again."""
        n = self.no_repeat
        stretches = np.lib.stride_tricks.sliding_window_view(texts, n, axis=1)
        before = texts[:, texts.shape[1] - n + 1 :]
        again = (stretches[:, :, :-1] == before[:, None]).all(axis=2) & (stretches[:, :, -1] != NOTHING)
        for end in ends:
            again &= stretches[:, :, -1] != end
        rows, places = again.nonzero()
        return rows, stretches[rows, places, -1]

    def _looping(self, texts: np.ndarray, stretch: int) -> np.ndarray:
        """Rows that would say their last `stretch` tokens once too often with the first of these."""
        tail = texts[:, texts.shape[1] - (self.in_a_row + 1) * stretch + 1 :]
        same = (tail[:, stretch:] == tail[:, : tail.shape[1] - stretch]).all(axis=1)
        return np.flatnonzero(same & (tail[:, 0] != NOTHING))


def going_on(allowed: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """The scores [R, V] that are left, or all of them in rows where nothing is."""
    stuck = np.isneginf(allowed.max(axis=1))
    allowed[stuck] = scores[stuck]
    return allowed


def aligned(prompts: Sequence[Sequence[int]]) -> np.ndarray:
    """Prompts that end together [R, N], `NOTHING` ahead of the shorter ones."""
    longest = max(map(len, prompts), default=0)
    rows = np.full((len(prompts), longest), NOTHING, np.int64)
    for row, prompt in zip(rows, prompts, strict=True):
        row[longest - len(prompt) :] = prompt
    return rows
