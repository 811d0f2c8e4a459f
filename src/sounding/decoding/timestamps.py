"""Texts that tell when they were said: tokens that stand for times, between which what is said stands, as Whisper
writes them (Radford et al., arXiv 2212.04356, section 2.3, and the rules of its published program).

Legend of shapes: R texts, N tokens, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import asdict, dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sounding.decoding.constraints import Constraints


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

    def scores(
        self, scores: Float[Tensor, "R V"], texts: Int[Tensor, "R N"], written: int, ends: Collection[int]
    ) -> Float[Tensor, "R V"]:
        """The scores of what may follow the `texts`, prompts with `written` tokens behind them."""
        allowed = super().scores(scores, texts, written, ends).clone()
        for row, text in zip(allowed, texts[:, texts.shape[1] - written :].tolist(), strict=True):
            self._follow(row, text, ends)
        if not written:
            allowed[:, : self.times] = -math.inf
            if self.latest_first is not None:
                allowed[:, self.times + self.latest_first + 1 :] = -math.inf
        told = allowed.log_softmax(dim=1)
        likely = told[:, self.times :].logsumexp(dim=1) > told[:, : self.times].amax(dim=1)
        allowed[:, : self.times].masked_fill_(likely[:, None], -math.inf)
        return torch.where(allowed.isfinite().any(dim=1, keepdim=True), allowed, scores)

    def _follow(self, row: Float[Tensor, " V"], text: list[int], ends: Collection[int]) -> None:
        """Forbid what may not follow what is written."""
        is_time = [token >= self.times for token in text]
        last, before = bool(is_time) and is_time[-1], len(is_time) < 2 or is_time[-2]
        if last and before:
            row[self.times :] = -math.inf
        elif last:
            kept = row[sorted(ends)].clone()
            row[: self.times] = -math.inf
            row[sorted(ends)] = kept
        known = [token for token in text if token >= self.times]
        if known:
            row[self.times : known[-1] + (not (last and not before))] = -math.inf


def timed(constraints: Constraints, times: int, latest_first: int | None) -> TimedConstraints:
    """The same constraints for texts that tell times."""
    return TimedConstraints(**asdict(constraints), times=times, latest_first=latest_first)
