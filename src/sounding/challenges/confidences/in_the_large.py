"""Calibration in the large: whether a model is right as often, on average, as it says (Cox 1958; Miller et al. 1991).

    mean_gap     mean confidence minus the share that is right
    p_of_mean    how often a calibrated model shows a gap as large, by chance alone

An error over bins grows with every bin's noise, so on a few dozen decisions it cannot tell a shift of all confidences
from chance. Their mean can: it pools what all decisions say.

Legend of shapes: n decisions, G groups.
"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np

from sounding.challenges.confidences.confidence import REDRAWS, Decisions
from sounding.contract.evidence import Estimate
from sounding.contract.metrics import CORRELATION, mean
from sounding.evaluation.intervals import bootstrap
from sounding.randomness import stream

_WORK = 5e7
"""Steps that the exact distribution may take; beyond, there are so many decisions that a normal one is as good."""


def mean_gap(d: Decisions, seed: int = 0) -> Estimate:
    """Mean confidence minus the share that is right: above 0 the model is too sure, below 0 not sure enough."""
    return bootstrap(d.confidences - d.hits, mean, d.groups, seed, resamples=1000, bounds=CORRELATION)


def p_of_mean(d: Decisions, seed: int = 0) -> float:
    """The two-sided p-value of the gap if each answer were right exactly as often as the confidence in it says.

    Of independent decisions the number that is right has a Poisson-binomial distribution, which is computed. Decisions
    of a group may be right or wrong together: then the gaps of each group are also turned round together, at random
    (the wild cluster bootstrap, as in `null_of`), and the larger p-value is given.
    """
    alone = two_sided(d.confidences, int(d.hits.sum()))
    if not d.tied:
        return alone
    _, groups = np.unique(d.groups, return_inverse=True)
    gaps = np.bincount(groups.reshape(-1), d.confidences - d.hits)
    rng = stream("calibration in the large", seed, "groups")
    turned = np.abs((rng.integers(0, 2, (REDRAWS, len(gaps))) * 2.0 - 1) @ gaps)
    together = (1 + int((turned >= abs(gaps.sum()) - 1e-12).sum())) / (REDRAWS + 1)
    return max(alone, together)


def two_sided(shares: np.ndarray, hits: int) -> float:
    """Twice the smaller tail of a sum of independent trials with chances `shares` [n], at `hits` that came true."""
    if hits > len(shares) - hits:  # count what is rarer: fewer terms
        shares, hits = 1 - shares, len(shares) - hits
    least, upto = _upto(shares, hits - 1), _upto(shares, hits)
    return min(1.0, 2 * min(upto, 1 - least))


def _upto(shares: np.ndarray, count: int) -> float:
    """The chance of at most `count` hits in trials with chances `shares` [n]."""
    if count < 0:
        return 0.0
    if len(shares) * (count + 1) > _WORK:
        return _refined_normal(shares, count)
    chances = np.zeros(count + 1)
    chances[0] = 1.0
    for share in shares:
        chances[1:] = chances[1:] * (1 - share) + chances[:-1] * share
        chances[0] *= 1 - share
    return min(1.0, float(chances.sum()))


def _refined_normal(shares: np.ndarray, count: int) -> float:
    """The same by a normal distribution that is corrected for its skewness (Volkova 1996)."""
    variance = float((shares * (1 - shares)).sum())
    skewness = float((shares * (1 - shares) * (1 - 2 * shares)).sum()) / variance**1.5
    x = (count + 0.5 - float(shares.sum())) / math.sqrt(variance)
    normal = NormalDist()
    return min(1.0, max(0.0, normal.cdf(x) + skewness * (1 - x * x) * normal.pdf(x) / 6))
