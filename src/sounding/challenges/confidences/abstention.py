"""What a model gains by answering only where it is sure: risk against coverage.

Answers are kept from the surest down. *Coverage* is the share that is kept, *risk* the share of those that is wrong;
or, where answers are more or less good, the mean of what each of them lacks to the best (a number from 0 to 1).
Answers of equal confidence have no order among them: each takes the mean risk of its equals, so that a model whose
confidence is constant gains nothing, in whatever order its rows come.

Plain functions; `prediction_sets` and `graded` make the section of the card from them.

Legend of shapes: n decisions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sounding.contract.evidence import Estimate
from sounding.contract.metrics import CORRELATION, SHARE
from sounding.evaluation.intervals import bootstrap, wilson


def risks(confidences: np.ndarray, hits: np.ndarray) -> np.ndarray:
    """[n]: the share that is wrong among the 1, 2, … n surest answers."""
    return _risks(ranked(confidences, hits))


def aurc(confidences: np.ndarray, hits: np.ndarray) -> float:
    """The area under risk over coverage: the mean of `risks` (Geifman and El-Yaniv 2017); lower is better."""
    return float(risks(confidences, hits).mean())


def least_aurc(wrong: int, n: int) -> float:
    """The area that is left when every right answer is surer than every wrong one (Geifman et al. 2019)."""
    return float((np.arange(1, wrong + 1) / np.arange(n - wrong + 1, n + 1)).sum() / n) if n else 0.0


def least_area(lacking: np.ndarray) -> float:
    """The same for answers of which each is `lacking` [n] something: the area when the best are the surest."""
    return float((np.sort(lacking).cumsum() / np.arange(1, len(lacking) + 1)).mean())


def least_risk_at(lacking: np.ndarray, coverage: float) -> float:
    """The risk at a coverage when the best are the surest."""
    return float(np.sort(lacking)[: _kept(len(lacking), coverage)].mean())


# ---- with intervals


def ranked(confidences: np.ndarray, hits: np.ndarray) -> np.ndarray:
    """[n, 2]: the place of each answer's confidence, surest first, and whether it is wrong: what can be resampled."""
    return placed(confidences, ~np.asarray(hits, bool))


def placed(confidences: np.ndarray, lacking: np.ndarray) -> np.ndarray:
    """[n, 2]: the same of answers of which each is `lacking` [n] something, from 0 to 1."""
    _, places = np.unique(-np.asarray(confidences, float), return_inverse=True)
    return np.stack([places.reshape(-1), np.asarray(lacking, float)], axis=1)


def estimate_accuracy_at(
    stats: np.ndarray, coverage: float, groups: Sequence[str] | None = None, seed: int = 0, resamples: int = 2000
) -> Estimate:
    """The share that is right among the surest `coverage` of the answers.

    The interval is the bootstrap's, and at least Wilson's for as many rows as are kept. The bootstrap moves the border
    of what is kept, which Wilson does not; Wilson does not shrink to nothing when every kept answer is right.
    """
    found = bootstrap(stats, lambda some: 1 - _risk_at(some, coverage), groups, seed, resamples, bounds=SHARE)
    edge = wilson(found.value * (kept := _kept(found.n, coverage)), kept)
    ends = [e for e in (found, edge) if e.low is not None and e.high is not None]
    low, high = min(e.low for e in ends if e.low is not None), max(e.high for e in ends if e.high is not None)
    name = "wilson" if found.low is None else f"{found.interval}, at least wilson"
    return replace(found, low=max(0.0, low), high=min(1.0, high), interval=name)


def estimate_gain_at(
    stats: np.ndarray, coverage: float, groups: Sequence[str] | None = None, seed: int = 0, resamples: int = 2000
) -> Estimate:
    """How much higher the accuracy of the surest `coverage` is than that of all answers, on the same draws."""

    def gained(some: np.ndarray) -> float:
        return float(some[:, 1].mean()) - _risk_at(some, coverage)

    found = bootstrap(stats, gained, groups, seed, resamples, bounds=CORRELATION)
    if (unseen := _unseen(stats, found.n)) is None:
        return found
    less, more = unseen * (1 / coverage - 1), unseen  # the rare answers all among the kept, or all among the others
    low, high = (-more, less) if stats[0, 1] else (-less, more)
    return replace(found, low=low, high=high, interval="wilson")


def estimate_aurc(
    stats: np.ndarray, groups: Sequence[str] | None = None, seed: int = 0, resamples: int = 2000
) -> Estimate:
    """`aurc` with an interval. Where all answers are right (or all wrong) it is that of the risk of a random order."""
    found = bootstrap(stats, _area, groups, seed, resamples, bounds=SHARE)
    if (unseen := _unseen(stats, found.n)) is None:
        return found
    low, high = (1 - unseen, 1.0) if stats[0, 1] else (0.0, unseen)
    return replace(found, low=low, high=high, interval="wilson")


def estimate_excess(
    stats: np.ndarray, groups: Sequence[str] | None = None, seed: int = 0, resamples: int = 2000
) -> Estimate:
    """The area above `least_aurc`: what a better order of the same answers would save (Geifman et al. 2019)."""

    def excess(some: np.ndarray) -> float:
        return _area(some) - least_area(some[:, 1])

    found = bootstrap(stats, excess, groups, seed, resamples, bounds=SHARE)
    if (unseen := _unseen(stats, found.n)) is None:
        return found
    return replace(found, low=0.0, high=unseen, interval="wilson")


def estimate_saved(
    stats: np.ndarray, groups: Sequence[str] | None = None, seed: int = 0, resamples: int = 2000
) -> Estimate:
    """How much smaller the area is than in an order of chance, whose risk is the same at every coverage."""
    return bootstrap(
        stats, lambda some: float(some[:, 1].mean()) - _area(some), groups, seed, resamples, bounds=CORRELATION
    )


def estimate_risk_at(
    stats: np.ndarray, coverage: float, groups: Sequence[str] | None = None, seed: int = 0, resamples: int = 2000
) -> Estimate:
    """The risk at a coverage, where answers lack more or less."""
    return bootstrap(stats, lambda some: _risk_at(some, coverage), groups, seed, resamples, bounds=SHARE)


def curve(
    stats: np.ndarray, coverages: Sequence[float], groups: Sequence[str] | None = None, seed: int = 0
) -> list[Estimate]:
    """The risk at each of `coverages`, each with its own interval: that of the accuracy there, seen from below."""
    found = (estimate_accuracy_at(stats, coverage, groups, seed, resamples=200) for coverage in coverages)
    return [
        replace(
            e,
            value=1 - e.value,
            low=None if e.high is None else 1 - e.high,
            high=None if e.low is None else 1 - e.low,
        )
        for e in found
    ]


# ---- parts


def _risks(stats: np.ndarray) -> np.ndarray:
    places = stats[:, 0].astype(int)
    counts, wrong = np.bincount(places), np.bincount(places, stats[:, 1])
    here = counts > 0
    return np.repeat(wrong[here] / counts[here], counts[here]).cumsum() / np.arange(1, len(stats) + 1)


def _area(stats: np.ndarray) -> float:
    return float(_risks(stats).mean())


def _risk_at(stats: np.ndarray, coverage: float) -> float:
    return float(_risks(stats)[_kept(len(stats), coverage) - 1])


def _kept(n: int, coverage: float) -> int:
    return min(n, max(1, math.ceil(coverage * n - 1e-9)))


def _unseen(stats: np.ndarray, n: int) -> float | None:
    """Where all answers are right (or all wrong): how large the share of the others may be. Resampling sees none."""
    alike = stats[:, 1].min() == stats[:, 1].max()
    return wilson(0, n).high if alike and stats[0, 1] in (0, 1) else None
