"""Simple forecasts that a network has to beat: the season before again, ridge regression, exponential smoothing.

    SeasonalNaive     each step is what it was a season before
    Ridge             a linear map of what is given, less its last value; in closed form, one for all columns
    HoltWinters       level, damped trend and additive seasons, smoothed (Holt 1957, Winters 1960; Gardner and McKenzie
                      1985): parameters are those of a grid that do best on training windows

Each is `forecast(x [n, T, C]) → [n, H, C]`, in standard deviations.

Legend of shapes: n windows, T steps given, C columns, H horizon, S season.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

Pair = tuple[np.ndarray, np.ndarray]
PENALTIES = (1e-4, 1e-2, 1.0)
"""Of the squared weights, as shares of the mean square of what is given; the best on the last windows is taken."""
HELD = 5
"""One part in so many of the training windows, the last, chooses among them."""
LEVELS, TRENDS, SEASONS = (0.05, 0.2, 0.5, 0.9), (0.0, 0.05), (0.05, 0.2, 0.5)
DAMPING = 0.98


@dataclass(frozen=True)
class SeasonalNaive:
    """The last season again and again; the last value where less than a season is given."""

    season: int
    horizon: int

    def forecast(self, x: np.ndarray) -> np.ndarray:
        """[n, H, C]."""
        season = self.season if self.season <= x.shape[1] else 1
        places = np.arange(self.horizon) % season
        return x[:, x.shape[1] - season + places]


class Ridge:
    """Weights [T + 1, H] of the last T steps less the last of all, and of a constant."""

    def __init__(self, batches: Iterable[Pair], held: Iterable[Pair]) -> None:
        """From windows (x [n, T, C], y [n, H, C]; NaN where y is not known), and others that choose the penalty."""
        square: np.ndarray | float = 0.0
        cross: np.ndarray | float = 0.0
        for x, y in batches:
            given, wanted = _flat(x, y)
            square, cross = square + given.T @ given, cross + given.T @ wanted
        square, cross = np.asarray(square), np.asarray(cross)
        scale = np.trace(square) / len(square)
        chosen = list(held)
        best = np.inf
        for penalty in PENALTIES:
            weights = np.linalg.solve(square + penalty * scale * np.eye(len(square)), cross)
            error = sum(float(((given @ weights - wanted) ** 2).sum()) for given, wanted in (_flat(*b) for b in chosen))
            if error < best or not chosen:
                best, self.weights, self.penalty = error, weights, penalty

    def forecast(self, x: np.ndarray) -> np.ndarray:
        """[n, H, C]."""
        last = x[:, -1:]
        found = _with_constant((x - last).transpose(0, 2, 1)) @ self.weights
        return found.transpose(0, 2, 1) + last


def _flat(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every column of every window whose answer is known, less its last value."""
    last = x[:, -1:]
    given, wanted = ((part - last).transpose(0, 2, 1).reshape(-1, part.shape[1]) for part in (x, y))
    known = ~np.isnan(wanted).any(axis=1)
    return _with_constant(given[known]), wanted[known]


def _with_constant(x: np.ndarray) -> np.ndarray:
    return np.concatenate([x, np.ones((*x.shape[:-1], 1))], axis=-1)


@dataclass(frozen=True)
class HoltWinters:
    """Additive exponential smoothing: `level`, `trend` and `seasonal` are shares of what is new that is taken over.

    y(t + h) = l + (φ + … + φ^h) b + s(t + h − S), with l, b, s renewed at each step by the error of one step ahead.
    """

    level: float
    trend: float
    seasonal: float
    season: int
    horizon: int
    damping: float = DAMPING

    def forecast(self, x: np.ndarray) -> np.ndarray:
        """[n, H, C]; all windows and columns go through the recursion side by side."""
        steps = np.ascontiguousarray(x.transpose(1, 0, 2))  # [T, n, C]
        seasonal = self.season if 1 < self.season <= len(steps) // 2 else 1
        first = steps[:seasonal]
        level, trend = first.mean(axis=0), np.zeros_like(steps[0])
        seasons = first - level if seasonal > 1 else np.zeros_like(first)
        start = seasonal if seasonal > 1 else 1
        for t in range(start, len(steps)):
            place = t % seasonal
            expected = level + self.damping * trend
            off = steps[t] - expected - seasons[place]
            level = expected + self.level * off
            trend = self.damping * trend + self.level * self.trend * off
            if seasonal > 1:
                seasons[place] = seasons[place] + self.seasonal * (1 - self.level) * off
        found, grown = [], 0.0
        for h in range(1, self.horizon + 1):
            grown += self.damping**h
            found.append(level + grown * trend + seasons[(len(steps) + h - 1) % seasonal])
        return np.stack(found, axis=1)

    @classmethod
    def fitted(cls, x: np.ndarray, y: np.ndarray, season: int) -> HoltWinters:
        """That of a grid with the least squared error on windows (x [n, T, C], y [n, H, C])."""
        candidates = (
            cls(level, trend, seasonal, season, y.shape[1])
            for level, trend, seasonal in itertools.product(LEVELS, TRENDS, SEASONS)
        )
        return min(candidates, key=lambda each: float(np.nanmean((each.forecast(x) - y) ** 2)))
