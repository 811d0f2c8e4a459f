"""What paired games say of the mean result: the two games of an opening are not independent, pairs of games are.

A pair gives 0, ½, 1, 1½ or 2 points: five results (pentanomial). Of all ways in which these can be distributed around
an assumed mean, the one is taken under which what was seen is most probable. Twice the difference of two such log
likelihoods is distributed as chi-squared (Wilks), which gives intervals that need no normal approximation, and the
generalized sequential test (Van den Bergh, "A practical introduction to the GSPRT"; Fishtest uses it as well).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from sounding.errors import UsageError

SHARES = np.array([0, 0.25, 0.5, 0.75, 1])
"""Of the points of a pair."""


def pentanomial(pairs: np.ndarray | Sequence[Sequence[float]]) -> np.ndarray:
    """[5]: how many of the `pairs` [P, 2] of points (0, 0.5 or 1 a game) gave 0, ½, 1, 1½ and 2."""
    points = np.asarray(pairs, float).reshape(-1, 2)
    if not np.isin(points, (0, 0.5, 1)).all():
        raise UsageError("a game gives 0, 0.5 or 1 point", fix="Count points so")
    return np.bincount((2 * points.sum(axis=1)).astype(int), minlength=5)


def checked(counts: np.ndarray | Sequence[float]) -> np.ndarray:
    """The counts [5] as numbers. Raises UsageError for what are none."""
    found = np.asarray(counts, float)
    if found.shape != (5,) or (found < 0).any() or found.sum() == 0:
        what = f"{found.tolist()} are not the results of pairs of games"
        raise UsageError(what, fix="Count the pairs with 0, ½, 1, 1½ and 2 points: five numbers, not all 0")
    return found


def mean_share(counts: np.ndarray | Sequence[float]) -> float:
    """The share of the points."""
    found = checked(counts)
    return float(found @ SHARES / found.sum())


def log_likelihood(counts: np.ndarray | Sequence[float], mean: float) -> float:
    """Of the most probable distribution whose mean share is `mean`, between 0 and 1: sum of counts · log p.

    With Lagrange's multipliers p_i = counts_i / (N · (1 + x · (share_i − mean))), where x is such that the mean is
    right. All or no points may have a probability also where no pair gave them.
    """
    found = checked(counts)
    total = float(found.sum())
    seen = [(count, share - mean) for count, share in zip(found.tolist(), SHARES.tolist(), strict=True) if count > 0]
    if not 0 < mean < 1:
        return 0.0 if len(seen) == 1 and seen[0][1] == 0 else -math.inf
    x = _multiplier(seen, -1 / (1 - mean), 1 / mean)
    return sum(count * (math.log(count / total) - math.log1p(x * away)) for count, away in seen)


def _multiplier(seen: list[tuple[float, float]], low: float, high: float) -> float:
    """x between `low` and `high` with sum of count · away / (1 + x · away) = 0; `seen` are pairs of (count, away).

    Newton's steps, or halves where one leads out of what is possible: the sum falls as x grows. Where it does not come
    to 0, x is at the end, and what is left of the probability goes to pairs with no or with all points.
    """
    x = 0.0
    for _ in range(100):
        parts = [away / (1 + x * away) for _, away in seen]
        height = sum(count * part for (count, _), part in zip(seen, parts, strict=True))
        slope = sum(count * part * part for (count, _), part in zip(seen, parts, strict=True))
        low, high = (x, high) if height > 0 else (low, x)
        step = x + height / slope if slope > 0 else low
        following = step if low < step < high else (low + high) / 2
        if abs(following - x) <= 1e-14 * (1 + abs(x)) or following in (low, high):
            break
        x = following
    return x


def likely_means(counts: np.ndarray | Sequence[float], level: float = 0.95) -> tuple[float, float]:
    """The mean shares whose likelihood is not too far below the greatest one: an interval that holds with `level`."""
    found, mean = checked(counts), mean_share(counts)
    best = log_likelihood(found, mean)
    least = best - normal_quantile((1 + level) / 2) ** 2 / 2

    def edge(inside: float, outside: float) -> float:
        for _ in range(40):
            middle = (inside + outside) / 2
            inside, outside = (middle, outside) if log_likelihood(found, middle) >= least else (inside, middle)
        return inside

    return edge(mean, 0.0), edge(mean, 1.0)


def normal_quantile(share: float) -> float:
    """The normal quantile: 1.96 for 0.975."""
    return NormalDist().inv_cdf(share)
