"""Texts that tell when they were said: tokens that stand for times, between which what is said stands, as Whisper
writes them (Radford et al., arXiv 2212.04356, section 2.3, and the rules of its published program).

Legend of shapes: R texts, N tokens, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass

import numpy as np

from sounding.decoding.constraints import Constraints, going_on
from sounding.postprocessing.functions import log_softmax


@dataclass(frozen=True)
class TimedConstraints(Constraints):
    """A text begins with a time, ends with one, and times stand in pairs: the end of one stretch, and the beginning of
    the next. They do not go back. Where all times together are likelier than any other token, it is one of them.

    Tokens from `times` on are times.
    """

    times: int = 0
    latest_first: int | None = None  # tokens behind `times` that the first time may be, at most; None: any

    def __bool__(self) -> bool:
        return True

    def scores(self, scores: np.ndarray, texts: np.ndarray, written: int, ends: Collection[int]) -> np.ndarray:
        """The scores [R, V] of what may follow the `texts` [R, N], prompts with `written` tokens behind them."""
        allowed = super().scores(scores, texts, written, ends).copy()
        for row, text in zip(allowed, texts[:, texts.shape[1] - written :].tolist(), strict=True):
            self._follow(row, text, ends)
        if not written:
            allowed[:, : self.times] = -np.inf
            if self.latest_first is not None:
                allowed[:, self.times + self.latest_first + 1 :] = -np.inf
        shares = np.exp(log_softmax(allowed))
        likely = shares[:, self.times :].sum(axis=1) > shares[:, : self.times].max(axis=1)
        allowed[likely, : self.times] = -np.inf
        return going_on(allowed, scores)

    def _follow(self, row: np.ndarray, text: list[int], ends: Collection[int]) -> None:
        """Forbid, among scores [V], what may not follow what is written."""
        is_time = [token >= self.times for token in text]
        last, before = bool(is_time) and is_time[-1], len(is_time) < 2 or is_time[-2]
        if last and before:
            row[self.times :] = -np.inf
        elif last:
            kept = row[sorted(ends)].copy()
            row[: self.times] = -np.inf
            row[sorted(ends)] = kept
        known = [token for token in text if token >= self.times]
        if known:
            row[self.times : known[-1] + (not (last and not before))] = -np.inf


def timed(constraints: Constraints, times: int, latest_first: int | None) -> TimedConstraints:
    """The same constraints for texts that tell times."""
    return TimedConstraints(**asdict(constraints), times=times, latest_first=latest_first)
