"""What a text may not be: shorter than asked for, one that says the same n tokens again, or certain tokens at all.

Legend of shapes: R texts, N tokens, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

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

    def scores(
        self, scores: Float[Tensor, "R V"], texts: Int[Tensor, "R N"], written: int, ends: Collection[int]
    ) -> Float[Tensor, "R V"]:
        """The scores of what may follow the `texts`, prompts with `written` tokens behind them.

        Shorter prompts have `NOTHING` ahead. The tokens that end a text are never said to be repeated.
        """
        early = written < self.shortest and bool(ends)
        begins = written == 0 and bool(self.not_first)
        if not (early or begins or self.no_repeat or self.in_a_row or self.never):
            return scores
        allowed = scores.clone()
        allowed[:, list(self.never)] = -math.inf
        if begins:
            allowed[:, list(self.not_first)] = -math.inf
        if early:
            allowed[:, sorted(ends)] = -math.inf
        if self.no_repeat and texts.shape[1] >= self.no_repeat:
            rows, again = self._repeated(texts, ends)
            allowed[rows, again] = -math.inf
        if self.in_a_row:
            for stretch in range(1, min(STRETCH, (texts.shape[1] + 1) // (self.in_a_row + 1)) + 1):
                rows = self._looping(texts, stretch)
                allowed[rows, texts[rows, -stretch]] = -math.inf
        return torch.where(allowed.isfinite().any(dim=1, keepdim=True), allowed, scores)

    def _repeated(self, texts: Int[Tensor, "R N"], ends: Collection[int]) -> tuple[Tensor, Tensor]:
        """Rows, and tokens with which they would say `no_repeat` tokens again."""
        n = self.no_repeat
        stretches = texts.unfold(1, n, 1)
        before = texts[:, texts.shape[1] - n + 1 :]
        again = (stretches[:, :, :-1] == before[:, None]).all(dim=2) & (stretches[:, :, -1] != NOTHING)
        for end in ends:
            again &= stretches[:, :, -1] != end
        rows, places = again.nonzero(as_tuple=True)
        return rows, stretches[rows, places, -1]

    def _looping(self, texts: Int[Tensor, "R N"], stretch: int) -> Tensor:
        """Rows that would say their last `stretch` tokens once too often with the first of these."""
        tail = texts[:, texts.shape[1] - (self.in_a_row + 1) * stretch + 1 :]
        same = (tail[:, stretch:] == tail[:, : tail.shape[1] - stretch]).all(dim=1)
        return (same & (tail[:, 0] != NOTHING)).nonzero(as_tuple=True)[0]


def aligned(prompts: Collection[Collection[int]], device: torch.device) -> Int[Tensor, "R N"]:
    """Prompts that end together, `NOTHING` ahead of the shorter ones."""
    longest = max(map(len, prompts), default=0)
    rows = [[*[NOTHING] * (longest - len(prompt)), *prompt] for prompt in prompts]
    return torch.tensor(rows, dtype=torch.int64, device=device).view(len(rows), longest)
