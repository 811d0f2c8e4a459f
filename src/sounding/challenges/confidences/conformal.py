"""Prediction sets of a nominal coverage: split conformal prediction over an array of scores.

A *nonconformity* says how badly an answer fits a row. Those of the true answers on calibration rows give a threshold;
the set of a new row is every answer that fits no worse. If calibration and new rows are exchangeable, the set holds the
truth with probability 1 − alpha at least, whatever the model is worth (Vovk et al. 2005): a poor model gives large
sets, not false ones.

    lac     one threshold on the probability: the smallest sets on average (Sadinle, Lei and Wasserman 2019)
    aps     probabilities summed from the top: sets that grow where the row is hard (Romano, Sesia and Candès 2020)
    raps    aps with a penalty on unlikely answers, so that no set is huge (Angelopoulos et al. 2021)

Plain functions; `prediction_sets` makes the section of the card from them.

Legend of shapes: n calibration rows, m rows, K options.
"""

from __future__ import annotations

import math

import numpy as np

from sounding.contract.evidence import Estimate

PENALTIES = (0.001, 0.01, 0.1, 0.2, 0.5)
"""Penalties that are tried for `raps`, as in the paper."""
ROUNDING = 1e-12  # sums of probabilities that should be equal may differ by this


# ---- how badly each answer fits


def lac(scores: np.ndarray) -> np.ndarray:
    """[m, K]: one minus the probability of each answer."""
    return 1 - scores


def aps(scores: np.ndarray, u: np.ndarray) -> np.ndarray:
    """[m, K]: the probability of all answers more probable than each, and a share `u` [m] in [0, 1] of its own.

    With `u` drawn uniformly the coverage is exact; with u = 1 sets are never empty, larger, and cover too much.
    """
    order = np.argsort(-scores, axis=1, kind="stable")
    descending = np.take_along_axis(scores, order, axis=1)
    summed = descending.cumsum(1) - (1 - np.asarray(u)[:, None]) * descending
    return np.take_along_axis(summed, np.argsort(order, axis=1), axis=1)


def raps(scores: np.ndarray, u: np.ndarray, penalty: float, free: int) -> np.ndarray:
    """[m, K]: `aps`, and `penalty` for each place of an answer's rank beyond the first `free`."""
    ranks = np.argsort(np.argsort(-scores, axis=1, kind="stable"), axis=1) + 1
    return aps(scores, u) + penalty * np.maximum(ranks - free, 0)


def tuned(scores: np.ndarray, truths: np.ndarray, u: np.ndarray, alpha: float) -> tuple[float, int]:
    """The (penalty, free) of `raps` with the smallest sets, on rows that are not the calibration rows.

    `free` is the rank within which the truth lies for 1 − alpha of them (algorithm 4 of the paper).
    """
    ranks = of_truth(np.argsort(np.argsort(-scores, axis=1, kind="stable"), axis=1) + 1.0, truths)
    free = int(min(threshold(ranks, alpha), scores.shape[1]))
    sizes = []
    for penalty in PENALTIES:
        misfit = raps(scores, u, penalty, free)
        sizes.append(sets(misfit, threshold(of_truth(misfit, truths), alpha)).sum(1).mean())
    return PENALTIES[int(np.argmin(sizes))], free


# ---- the threshold, and the sets


def of_truth(misfit: np.ndarray, truths: np.ndarray) -> np.ndarray:
    """[n]: the nonconformity of the true answers (places among the options); infinite for a truth that is none (−1)."""
    found = misfit[np.arange(len(truths)), truths].astype(float)
    return np.where(truths < 0, np.inf, found)


def threshold(misfits: np.ndarray, alpha: float) -> float:
    """The ⌈(n + 1)(1 − alpha)⌉-th smallest nonconformity [n] of true answers; infinite where n is too small for it."""
    place = rank(len(misfits), alpha)
    return math.inf if place > len(misfits) else float(np.sort(misfits)[place - 1])


def sets(misfit: np.ndarray, limit: float) -> np.ndarray:
    """bool [m, K]: which answers are in the set of each row; all of them when the limit is infinite."""
    return misfit <= limit + ROUNDING


def rank(n: int, alpha: float) -> int:
    """Which of the sorted nonconformities of `n` calibration rows is the threshold, counted from 1."""
    return math.ceil((n + 1) * (1 - alpha) - 1e-9)


def fewest(alpha: float) -> int:
    """The least number of calibration rows for which a set that is not everything has this coverage."""
    return math.ceil(1 / alpha - 1e-9) - 1


# ---- what to expect


def expected_coverage(n: int, m: int, alpha: float, level: float = 0.95) -> Estimate:
    """Where the share of `m` test rows that are covered lies when rows are exchangeable, for `n` calibration rows.

    The coverage of one calibration is drawn from Beta(k, n + 1 − k) with k = `rank` (Vovk 2012), so the covered rows
    are beta-binomial; exact when no two nonconformities are equal, else coverage may be higher.
    """
    k = rank(n, alpha)
    j = np.arange(m)
    steps = np.log((m - j) * (k + j)) - np.log((j + 1) * (n + 1 - k + m - j - 1.0))
    logs = np.r_[0.0, steps.cumsum()]
    below = np.exp(logs - logs.max()).cumsum()
    low, high = np.searchsorted(below / below[-1], [(1 - level) / 2, (1 + level) / 2])
    mean = k / (n + 1)
    return Estimate(mean, min(float(low) / m, mean), max(min(int(high), m) / m, mean), n, level, "beta-binomial")
