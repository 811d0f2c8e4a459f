"""One scale of strength for many players, by who won against whom (Bradley and Terry 1952), in Elo.

    probability that i wins against j = 1 / (1 + 10^((rating_j − rating_i) / 400)); a draw counts as half of a win

The ratings are the most likely ones, found by the steps of Hunter ("MM algorithms for generalized Bradley-Terry
models", Annals of Statistics 2004, equation 3) and finished by Newton's. Intervals come from the information matrix, as
if all games were independent and none drawn: with draws and paired openings they are longer than they need be.

Legend of shapes: K players.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sounding.arena.pairs import normal_quantile
from sounding.contract.evidence import Estimate
from sounding.errors import UsageError

SCALE = 400 / math.log(10)
"""Elo of one unit of log odds."""


@dataclass(frozen=True)
class Ratings:
    """The players on one scale, the `anchor` at 0."""

    anchor: str
    ratings: Mapping[str, Estimate]  # best first; n is the number of games
    covariance: np.ndarray  # [K, K] in Elo², in the order of `ratings`
    added_draws: float  # between each two that met, so that the ratings are finite; 0: none were needed

    def difference(self, one: str, other: str, level: float = 0.95) -> Estimate:
        """How many Elo the one is above the other."""
        names = list(self.ratings)
        i, j = names.index(one), names.index(other)
        variance = self.covariance[i, i] + self.covariance[j, j] - 2 * self.covariance[i, j]
        value = self.ratings[one].value - self.ratings[other].value
        return _estimate(value, float(variance), self.ratings[one].n, level)


def bradley_terry(
    names: Sequence[str], points: np.ndarray, anchor: str = "", level: float = 0.95, added_draws: float | None = None
) -> Ratings:
    """The ratings by `points` [K, K]: what the player of the row got in games against that of the column.

    Ratings are relative to the `anchor`, the first one where none is named. Where some players never lost a point to
    any of the others, the most likely ratings are infinite; then `added_draws` (1) games between each two that met are
    taken to have been drawn. Raises UsageError for players that no chain of games connects.
    """
    anchor = anchor or (names[0] if names else "")
    points = _checked(names, points, anchor)
    games = points + points.T
    if added_draws is None:
        added_draws = 0.0 if _reaches_all(points > 0) else 1.0
    padded = points + added_draws / 2 * (games > 0)
    if not _reaches_all(padded > 0):
        what = "some players have not lost a point to any of the others, and have no finite rating"
        raise UsageError(what, fix="Let more games be played, or add draws")
    logits = _most_likely(padded)
    logits -= logits[names.index(anchor)]
    covariance = _covariance(padded, logits, names.index(anchor))
    order = np.argsort(-logits, kind="stable")
    found = {
        names[k]: _estimate(SCALE * logits[k], covariance[k, k], round(float(games[k].sum())), level) for k in order
    }
    return Ratings(anchor, found, covariance[np.ix_(order, order)], added_draws)


def _checked(names: Sequence[str], points: np.ndarray, anchor: str) -> np.ndarray:
    found = np.asarray(points, float)
    k = len(names)
    if k < 2 or len(set(names)) < k or anchor not in names:
        fix = "Name two or more players differently, and one of them as the anchor"
        raise UsageError(f"{', '.join(names) or 'nobody'} cannot be rated against {anchor or 'nobody'}", fix=fix)
    if found.shape != (k, k) or (found < 0).any() or np.diag(found).any():
        raise UsageError(f"the points of {k} players are no table of {k} × {k}", fix="Count points of 0 or more")
    if not _reaches_all(found + found.T > 0):
        fix = "Let each play somebody who played the others"
        raise UsageError("no chain of games connects all players", fix=fix)
    return found


def _reaches_all(links: np.ndarray) -> bool:
    """Whether each of the K can be reached from each other by `links` [K, K]."""

    def from_first(steps: np.ndarray) -> bool:
        reached = np.arange(len(steps)) == 0
        for _ in range(len(steps)):
            reached = reached | steps[reached].any(axis=0)
        return bool(reached.all())

    return from_first(links) and from_first(links.T)


def _most_likely(points: np.ndarray) -> np.ndarray:
    """The log odds [K] at which everybody's expected points are those that were made."""
    games, made = points + points.T, points.sum(axis=1)
    strengths = np.ones(len(points))
    for _ in range(50):
        strengths = made / (games / (strengths[:, None] + strengths)).sum(axis=1)
        strengths /= np.exp(np.log(strengths).mean())
    logits = np.log(strengths)
    for _ in range(50):
        step = np.linalg.pinv(_information(games, logits)) @ (made - (games * _odds(logits)).sum(axis=1))
        logits = logits + np.clip(step, -1, 1)
        if np.abs(step).max() < 1e-10:
            break
    return logits


def _odds(logits: np.ndarray) -> np.ndarray:
    """[K, K]: the probability that the row wins against the column."""
    return 1 / (1 + np.exp(logits - logits[:, None]))


def _information(games: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """[K, K]: minus the second derivatives of the log likelihood."""
    odds = _odds(logits)
    weights = games * odds * (1 - odds)
    return np.diag(weights.sum(axis=1)) - weights


def _covariance(points: np.ndarray, logits: np.ndarray, anchor: int) -> np.ndarray:
    """[K, K] in Elo², of ratings of which that of the anchor is known."""
    others = np.arange(len(logits)) != anchor
    covariance = np.zeros((len(logits), len(logits)))
    information = _information(points + points.T, logits)[np.ix_(others, others)]
    covariance[np.ix_(others, others)] = SCALE**2 * np.linalg.inv(information)
    return covariance


def _estimate(value: float, variance: float, n: int, level: float) -> Estimate:
    half = normal_quantile((1 + level) / 2) * math.sqrt(variance)
    return Estimate(float(value), float(value) - half, float(value) + half, n, level, "information of games")
