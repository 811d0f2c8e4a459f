"""How well scores tell pairs of one from pairs of two: false matches against false non-matches, after ISO/IEC 19795-1.

A pair is *genuine* when both sides are the same (person, speaker, writer), else it is an *impostor*; it is accepted
when its score is at least a threshold.

    FMR     false match rate: share of impostors that are accepted (FAR in older papers)
    FNMR    false non-match rate: share of genuine pairs that are not (1 - TAR)
    EER     where the two are equal

Thresholds are set on one set of people and judged on another. The metrics judge pair by pair and take the whole curve
anew in every resample; with groups of people that share nobody as clusters, their intervals are honest.

Legend of shapes: n pairs, T thresholds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from sounding.contract.metrics import SHARE, Hits, Metric, mean, mean_of_counted
from sounding.contract.records import Record

ERRORS = 30
"""Doddington's rule: a rate is known to within 30 % (at 90 % confidence) once 30 errors were seen."""
MOST_LENIENT = 0.5
SHRUNK = 0.1


@dataclass(frozen=True)
class Curve:
    """Error rates at each threshold: `thresholds` [T] falling from +inf, `fmr` [T] rising, `fnmr` [T] falling."""

    thresholds: np.ndarray
    fmr: np.ndarray
    fnmr: np.ndarray


def curve(scores: np.ndarray, genuine: np.ndarray) -> Curve:
    """The curve of n pairs: `scores` [n], and whether each is `genuine` [n]. Rates without such pairs are NaN."""
    scores, genuine = np.asarray(scores, float), np.asarray(genuine, bool)
    order = np.argsort(-scores, kind="stable")
    ranked, hits = scores[order], genuine[order]
    last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True)[: len(ranked)])
    accepted, matched = np.arange(1, len(ranked) + 1)[last], np.cumsum(hits)[last]
    own, other = int(genuine.sum()), int((~genuine).sum())
    fmr = np.append(0.0, accepted - matched) / other if other else np.full(len(accepted) + 1, np.nan)
    fnmr = 1 - np.append(0.0, matched) / own if own else np.full(len(accepted) + 1, np.nan)
    return Curve(np.append(np.inf, ranked[last]), fmr, fnmr)


def equal_error_rate(scores: np.ndarray, genuine: np.ndarray) -> float:
    """Where FMR and FNMR cross, by a straight line between the two thresholds around; NaN without both kinds."""
    c = curve(scores, genuine)
    gap = c.fnmr - c.fmr  # falls from 1 to -1
    if np.isnan(gap).any():
        return math.nan
    i = int(np.argmax(gap <= 0))
    share = gap[i - 1] / (gap[i - 1] - gap[i])
    return float(c.fmr[i - 1] + share * (c.fmr[i] - c.fmr[i - 1]))


def true_accept_rate(scores: np.ndarray, genuine: np.ndarray, rate: float) -> float:
    """TAR@FAR: the largest share of genuine pairs accepted by a threshold that accepts at most `rate` of impostors."""
    c = curve(scores, genuine)
    return math.nan if np.isnan(c.fmr).any() else float((1 - c.fnmr)[c.fmr <= rate].max())


def area(scores: np.ndarray, genuine: np.ndarray) -> float:
    """The chance that a genuine pair scores higher than an impostor, ties counting half (Mann and Whitney 1947)."""
    c = curve(scores, genuine)
    return float(np.trapezoid(1 - c.fnmr, c.fmr))


# ---- what is set on validation people


def supported(rate: float, comparisons: int) -> float:
    """`rate`, or the least false match rate that so many impostor comparisons can support: 30 of them false."""
    return max(rate, min(MOST_LENIENT, ERRORS / max(1, comparisons)))


def threshold(impostors: np.ndarray, rate: float) -> float:
    """The least threshold at which at most `rate` of the `impostors` [n] are accepted, in single precision."""
    falling = -np.sort(-np.asarray(impostors, np.float32))
    allowed = int(rate * len(falling) + 1e-9)
    if allowed >= len(falling):
        return -math.inf
    return float(np.nextafter(falling[allowed], np.float32(np.inf)))


def logistic(scores: np.ndarray, genuine: np.ndarray) -> tuple[float, float]:
    """(slope, offset) of least log loss of p(genuine) = 1 / (1 + exp(-(slope · score + offset))), by Newton's method.

    Targets are drawn in a little, as Platt (1999) does, so that pairs told apart without an error give no infinite
    slope; a slope below 0 is taken for 0: nothing was learnt then.
    """
    x, y = np.asarray(scores, float), np.asarray(genuine, bool)
    own, other = int(y.sum()), int((~y).sum())
    if not own or not other:
        return 0.0, math.log((own + 1) / (other + 1))
    goal = np.where(y, (own + 1) / (own + 2), 1 / (other + 2))
    centre, spread = x.mean(), x.std() or 1.0
    z = np.stack([(x - centre) / spread, np.ones_like(x)], axis=1)
    w = np.array([0.0, math.log(own / other)])
    for _ in range(100):
        p = 1 / (1 + np.exp(-np.clip(z @ w, -40, 40)))
        slope = z.T @ (p - goal)
        step = np.linalg.solve((z * (p * (1 - p))[:, None]).T @ z + 1e-6 * np.eye(2), slope)
        w = w - step * min(1.0, 5 / max(1e-12, float(np.abs(step).max())))
        if np.abs(step).max() < 1e-9:
            break
    if w[0] <= 0:
        return 0.0, math.log(own / other)
    return float(w[0] / spread), float(w[1] - w[0] * centre / spread)


@dataclass(frozen=True)
class Settings:
    """What is set on validation people: a logistic curve, a threshold and its rate, and thresholds for other rates."""

    slope: float
    offset: float
    threshold: float
    rate: float
    tail: list[float]


def settings(
    scores: np.ndarray, genuine: np.ndarray, impostors: np.ndarray, rate: float, rates: Sequence[float]
) -> Settings:
    """From n pairs (`scores`, `genuine`) and from all comparisons of different people (`impostors`).

    The threshold stands for `rate`, or for the least rate that the comparisons support; those for `rates` are infinite
    where a rate is not supported.
    """
    held = supported(rate, len(impostors))
    tail = [threshold(impostors, r) if supported(r, len(impostors)) <= r else math.inf for r in rates]
    return Settings(*logistic(scores, genuine), threshold(impostors, held), held, tail)


def comparisons(embeddings: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """The cosines of all pairs of different `names` among `embeddings` [N, D] of length 1; every pair once."""
    who = np.unique(np.asarray(names), return_inverse=True)[1].reshape(-1)
    found = []
    for i in range(0, len(who), 512):
        cosines = embeddings[i : i + 512] @ embeddings.T
        later = np.arange(len(who)) > np.arange(i, i + len(cosines))[:, None]
        found.append(cosines[later & (who != who[i : i + 512, None])])
    return np.concatenate(found) if found else np.zeros(0, np.float32)


def within(embeddings: np.ndarray, names: Sequence[str]) -> tuple[np.ndarray, np.ndarray] | None:
    """The mean [D] of `embeddings` [N, D], and the matrix [D, D] that makes what differs within a name equally long in
    all directions: light and pose vary most, and tell least of who it is. None where too few share a name to know.

    Within-class covariance normalisation (Hatch, Kajarekar and Stolcke, Interspeech 2006), the covariance drawn
    towards a sphere by `SHRUNK` of its mean.
    """
    who = np.unique(np.asarray(names), return_inverse=True)[1].reshape(-1)
    times = np.bincount(who)
    own = np.zeros((len(times), embeddings.shape[1]))
    np.add.at(own, who, embeddings)
    left = (embeddings - (own / times[:, None])[who])[times[who] > 1]
    freedom = len(left) - int((times > 1).sum())
    if freedom < 2 * embeddings.shape[1]:
        return None
    values, axes = np.linalg.eigh(left.T @ left / freedom)
    return embeddings.mean(0), axes / np.sqrt(values + SHRUNK * values.mean())


# ---- metrics


@dataclass(frozen=True)
class Judge:
    """What one record says; `same(answer)` tells whether a truth or an answer says that both sides are the same."""

    same: Callable[[Any], bool]

    def odds(self, record: Record) -> float:
        """The log-odds of the same, or ±1 by the answer alone where there are no scores."""
        if record.scores is None:
            return 1.0 if self.same(record.value) else -1.0
        different, alike = np.maximum(np.asarray(record.scores, float), 1e-300)
        return float(math.log(alike) - math.log(different))

    def scored(self, record: Record) -> tuple[float, float]:
        """Score, and whether the pair is genuine."""
        return self.odds(record), float(self.same(record.truth))

    def answered(self, record: Record) -> float:
        """Whether the answer is right."""
        return float(self.same(record.value) == self.same(record.truth))

    def right(self, record: Record) -> float:
        """Whether even odds tell it."""
        return float((self.odds(record) >= 0) == self.same(record.truth))

    def sure(self, record: Record) -> Hits:
        """How sure even odds are, and whether rightly."""
        p = 1 / (1 + math.exp(-abs(self.odds(record))))
        return [] if record.confidence is None else [(p, bool(self.right(record)))]

    def false_match(self, record: Record) -> float:
        """Whether an impostor pair is answered as the same; NaN for genuine pairs."""
        return self._error(record, genuine=False)

    def false_non_match(self, record: Record) -> float:
        """Whether a genuine pair is answered as different; NaN for impostors."""
        return self._error(record, genuine=True)

    def _error(self, record: Record, genuine: bool) -> float:
        if record.scores is None or self.same(record.truth) != genuine:  # no threshold was set for a constant answer
            return math.nan
        return float(self.same(record.value) != genuine)


def metrics(same: Callable[[Any], bool], rate: float = 0.01) -> list[Metric]:
    """How pairs are judged: the answers by accuracy, FNMR and FMR, the scores by the curve and at even odds.

    `Record.scores` hold the probabilities of different and same; `Record.value` is the answer at the threshold that was
    set for a false match rate.
    """
    judge, told, at = Judge(same), "at the threshold in use, which was set on validation pairs", f"{rate:g}"
    by_score = (
        ("AUC", area, True, "chance that a genuine pair scores higher than an impostor"),
        ("EER", equal_error_rate, False, "error rate at the threshold of these pairs where false matches and false "
         "non-matches are as frequent"),
        (f"TAR@FAR={at}", partial(true_accept_rate, rate=rate), True, "share of genuine pairs accepted by the "
         f"threshold of these very pairs that accepts {at} of the impostors"),
    )  # fmt: skip
    at_threshold = (
        (
            "FNMR",
            judge.false_non_match,
            "a genuine pair",
            "false non-match rate: share of genuine pairs that are answered as different",
        ),
        (
            "FMR",
            judge.false_match,
            "an impostor pair",
            "false match rate: share of impostor pairs that are answered as the same",
        ),
    )
    return [
        Metric("accuracy", judge.answered, mean, f"share of pairs answered rightly as same or different, {told}",
               proportion=True, hit=judge.sure),
        *(Metric(name, error, mean_of_counted, f"{words}, {told}", proportion=True, higher_is_better=False,
                 hit=judge.sure, needs=needs, leads=True) for name, error, needs, words in at_threshold),
        *(Metric(name, judge.scored, _of_all(measure), words, higher_is_better=up, hit=judge.sure, bounds=SHARE,
                 needs="genuine pairs and impostors") for name, measure, up, words in by_score),
        Metric("even-odds accuracy", judge.right, mean, "share of pairs told rightly as same or different, at the even "
               "odds of a logistic curve fitted to the validation pairs", proportion=True, hit=judge.sure),
    ]  # fmt: skip


def _of_all(measure: Callable[[np.ndarray, np.ndarray], float]) -> Callable[[np.ndarray], float]:
    return lambda stats: measure(stats[:, 0], stats[:, 1] > 0)
