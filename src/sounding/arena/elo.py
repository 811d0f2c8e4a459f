"""A difference of strength in Elo from paired games: its interval, and a test that ends a match as soon as it is known.

share of the points = 1 / (1 + 10^(−difference / 400))                      (Elo 1978)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from sounding.arena.pairs import checked, likely_means, log_likelihood, mean_share
from sounding.contract.evidence import Bound, Estimate
from sounding.errors import UsageError


def share_of(difference: float) -> float:
    """The expected share of the points of a player who is so many Elo better."""
    return 1 / (1 + 10 ** (-difference / 400))


def elo_of(share: float) -> float:
    """The difference in Elo at which a share of the points is expected; infinite at 0 and 1."""
    if share <= 0 or share >= 1:
        return math.inf if share >= 1 else -math.inf
    return -400 * math.log10(1 / share - 1)


def elo_difference(counts: np.ndarray | Sequence[float], level: float = 0.95) -> Estimate:
    """How many Elo the one is better, by the `counts` [5] of pairs with 0, ½, 1, 1½ and 2 points.

    The interval is that of the mean share by the likelihood of pairs (`pairs.py`). The difference to somebody who lost
    or won all games has no end on one side: its value is then a bound, "at least" or "at most". `n` counts the pairs.
    """
    found = checked(counts)
    share, pairs, method = mean_share(found), int(found.sum()), "likelihood of pairs"
    low, high = (elo_of(end) for end in likely_means(found, level))
    if share == 1:
        return Estimate(low, n=pairs, level=level, interval=method, bound=Bound.LOWER)
    if share == 0:
        return Estimate(high, n=pairs, level=level, interval=method, bound=Bound.UPPER)
    return Estimate(elo_of(share), low, high, pairs, level, method)


@dataclass(frozen=True)
class Verdict:
    """What a sequential test says: `better` (by `high` Elo rather than `low`), `not better`, or that it is `open`."""

    ratio: float  # the log likelihood ratio of the two assumptions
    least: float  # at or below it, the one is not better
    most: float  # at or above it, the one is better
    pairs: int

    @property
    def verdict(self) -> Literal["better", "not better", "open"]:
        """What is known."""
        if self.ratio >= self.most:
            return "better"
        return "not better" if self.ratio <= self.least else "open"


def sequential_test(
    counts: np.ndarray | Sequence[float], low: float, high: float, alpha: float = 0.05, beta: float = 0.05
) -> Verdict:
    """Is the one better by `high` Elo rather than by `low`? After each pair the question may be asked again.

    Wald's sequential probability ratio test, of the most probable distributions of pairs with these two means: it says
    "better" wrongly in at most `alpha`, "not better" wrongly in at most `beta` of the matches, about.
    """
    if not low < high:
        raise UsageError(f"a test of {low:g} against {high:g} Elo asks nothing", fix="Give the smaller number first")
    if not (0 < alpha < 0.5 and 0 < beta < 0.5):
        raise UsageError(f"errors of {alpha:g} and {beta:g} are no odds", fix="Give shares between 0 and 0.5")
    found = checked(counts)
    ratio = log_likelihood(found, share_of(high)) - log_likelihood(found, share_of(low))
    return Verdict(ratio, math.log(beta / (1 - alpha)), math.log((1 - beta) / alpha), int(found.sum()))
