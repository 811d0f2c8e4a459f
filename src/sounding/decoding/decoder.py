"""What is the same for all that goes on with texts token by token (`contract.writing.Decoder`).

    Windowed   a decoder that computes each token once, of models that see so many tokens at most
    Sharing    which of the texts that are read each of the rows has that are written

All of it is arrays, so that a text is written by the same lines where there is no torch: what computes the network, a
module or an exported one, is the subclass's affair.

Legend of shapes: B rows of the batch, T tokens, V vocabulary.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from sounding.decoding.constraints import NOTHING, aligned
from sounding.errors import UsageError


class Windowed(ABC):
    """A decoder that keeps what it has computed of each token, for texts of up to `context` tokens.

    `room`: how many tokens the longest text may need. Beyond `context` tokens the beginning is forgotten: the model
    goes on behind the last half of what it could see.
    """

    def __init__(self, room: int, context: int) -> None:
        self.context, self.room = context, min(room, context)
        self.texts = np.zeros((0, 0), np.int64)
        self._padding = np.zeros(0, np.int64)
        self._space = 0

    @property
    def padded(self) -> np.ndarray | None:
        """How many tokens of padding stand at the left of each text [B]; None where there is none."""
        return self._padding if self._padding.any() else None

    def start(self, prompts: Sequence[Sequence[int]]) -> np.ndarray:
        """Logits of what follows each prompt. Raises UsageError for a prompt without a token."""
        require_begun(prompts)
        texts = aligned([prompt[-self.context :] for prompt in prompts])
        self._padding = (texts == NOTHING).sum(axis=1)
        self.texts = texts.clip(min=0)
        return self._begun()

    def step(self, ids: np.ndarray) -> np.ndarray:
        """Logits of what follows the texts with one more token each."""
        self.texts = np.concatenate([self.texts, ids[:, None]], axis=1)
        if self.texts.shape[1] <= self._space:
            return self._gone_on(ids)
        cut = self.texts.shape[1] - max(1, self.context // 2)
        self.texts, self._padding = self.texts[:, cut:], (self._padding - cut).clip(min=0)
        return self._begun()

    def take(self, rows: np.ndarray) -> None:
        """Go on with these rows."""
        self.texts, self._padding = self.texts[rows], self._padding[rows]
        self._take(rows)

    def _begun(self) -> np.ndarray:
        tokens = self.texts.shape[1]
        self._space = max(self.room if tokens < self.room else self.context, tokens)
        return self._read(self._space)

    @abstractmethod
    def _read(self, space: int) -> np.ndarray:
        """Read `texts`, all of them, and keep what is computed of up to so many tokens; logits of what follows."""

    @abstractmethod
    def _gone_on(self, ids: np.ndarray) -> np.ndarray:
        """Read the last token of `texts`, which is that of `ids`; logits of what follows."""

    @abstractmethod
    def _take(self, rows: np.ndarray) -> None:
        """Keep what is computed of these rows."""


class Sharing:
    """Which source each row that is written has: rows of one source follow one another, so that it is not copied."""

    def __init__(self, sources: int) -> None:
        self._sources, self._whose = sources, np.arange(sources)

    def take(self, rows: np.ndarray) -> np.ndarray | None:
        """Go on with these rows: which of the sources are needed for them, in their order; None: all as they are."""
        whose = self._whose[rows]
        firsts = np.flatnonzero(np.diff(whose, prepend=-1))
        counts = np.diff(firsts, append=len(whose))
        if len(counts) and (counts != counts[0]).any():  # rows are no beams of like number
            firsts, counts = np.arange(len(whose)), np.ones(len(whose), int)
        kept = whose[firsts]
        moved = len(kept) != self._sources or (kept != np.arange(self._sources)).any()
        self._sources, self._whose = len(kept), np.arange(len(kept)).repeat(counts)
        return kept if moved else None


def require_begun(prompts: Sequence[Sequence[int]]) -> None:
    """Raise UsageError for a prompt without a token."""
    if any(not len(prompt) for prompt in prompts):
        raise UsageError("there is nothing to go on from", fix="Give a prompt of one token or more")
