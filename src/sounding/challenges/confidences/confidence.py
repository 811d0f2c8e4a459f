"""Confidences and whether they came true: how far apart they are, and the temperature that brings them together.

Plain functions over arrays; `calibration` makes the section of the card from them.

Legend of shapes: n decisions, K options.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from sounding.contract.evidence import Estimate
from sounding.contract.metrics import SHARE
from sounding.contract.records import Record
from sounding.contract.task import Task
from sounding.evaluation.bounded import limited
from sounding.evaluation.intervals import bootstrap
from sounding.randomness import stream

BINS = 15
REDRAWS = 1000
COLDEST, HOTTEST = 0.05, 20.0
TINY = 1e-12

Mass = Literal["equal mass", "equal width"]


@dataclass(frozen=True)
class Decisions:
    """What was decided: `confidences` [n], whether each was right `hits` [n], and what ties some together `groups` [n].

    `scores` [n, K] and `truths` [n] (places among the options) where each record chose the best of a finite list.
    """

    confidences: np.ndarray
    hits: np.ndarray
    groups: list[str]
    scores: np.ndarray | None = None
    truths: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.hits)

    @property
    def tied(self) -> bool:
        """Whether some decisions share a group, so that they may be right or wrong together."""
        return len(set(self.groups)) < len(self.groups)

    def take(self, rows: np.ndarray) -> Decisions:
        """The decisions at `rows`, repeats and all."""
        scores = None if self.scores is None else self.scores[rows]
        truths = None if self.truths is None else self.truths[rows]
        return Decisions(self.confidences[rows], self.hits[rows], [self.groups[i] for i in rows], scores, truths)


def decisions(task: Task, records: Sequence[Record]) -> Decisions:
    """What the headline metric of rows says was decided in each record, with how sure the model was.

    Nothing where it does not say.
    """
    hit = task.row_metrics[0].hit
    if hit is None:
        return Decisions(np.zeros(0), np.zeros(0, bool), [])
    found = [(c, h, r.group or f"row {i}") for i, r in enumerate(records) for c, h in hit(r) if c is not None]
    confidences = np.clip(np.array([c for c, _, _ in found], float), 0.0, 1.0)
    decided = Decisions(confidences, np.array([h for _, h, _ in found], bool), [group for _, _, group in found])
    options = task.target.classes
    if options is None or len(found) != len(records) or any(r.scores is None for r in records):
        return decided
    place = {option: i for i, option in enumerate(options)}
    each = [np.asarray(r.scores, float) for r in records]
    if any(row.shape != (len(place),) for row in each) or any(r.truth not in place for r in records):
        return decided
    scores = np.stack(each)
    if not np.allclose(scores.max(1), confidences, atol=1e-4):  # the confidence is about something else
        return decided
    return replace(decided, scores=scores, truths=np.array([place[r.truth] for r in records]))


# ---- errors


def expected_calibration_error(
    confidences: np.ndarray, hits: np.ndarray, bins: int = BINS, mass: Mass = "equal mass"
) -> float:
    """Mean |accuracy − confidence| over bins, weighted by their share of decisions (Naeini et al. 2015).

    Bins hold equal numbers of decisions (equal confidences stay together), or are equally wide (Guo et al. 2017).
    """
    return _binned_error(bin_of(confidences, bins, mass), np.asarray(confidences) - np.asarray(hits), bins)


def calibration_error(d: Decisions, mass: Mass = "equal mass", seed: int = 0, resamples: int = 1000) -> Estimate:
    """The ECE with an interval that allows for its bias.

    Chance only ever adds to an ECE, and resampling adds once more: percentiles lie too high. The lower end is therefore
    moved down by twice the shift that resampling shows, and to 0 where the error lies inside its null. In simulations
    of 100 to 1000 decisions this covers the error of the whole population in 92 to 99 % of samples; percentiles do not.
    """
    stats = np.stack([bin_of(d.confidences, BINS, mass), d.confidences - d.hits], axis=1)
    e = bootstrap(stats, lambda some: _binned_error(some[:, 0].astype(int), some[:, 1]), d.groups, seed, resamples)
    if e.low is None or e.high is None:
        return e
    half, shift = (e.high - e.low) / 2, max(0.0, (e.high + e.low) / 2 - e.value)
    inside = e.value <= np.quantile(null_of(d, mass, seed), 0.95)
    low = 0.0 if inside else max(0.0, e.value - half - 2 * shift)
    return limited(replace(e, low=low, high=e.value + half, interval=f"bias-corrected {e.interval}"), SHARE)


def null_errors(
    confidences: np.ndarray, bins: int = BINS, mass: Mass = "equal mass", redraws: int = REDRAWS, seed: int = 0
) -> np.ndarray:
    """[redraws]: the ECE if answers were right as often as the confidences say (Bröcker and Smith 2007).

    Each redraw is right or wrong independently: for decisions tied in groups see `null_of`.
    """
    rng, places = stream("calibration null", seed), bin_of(confidences, bins, mass)
    order = np.argsort(places, kind="stable")
    sorted_bins, said = places[order], np.asarray(confidences)[order]
    starts = np.flatnonzero(np.r_[True, sorted_bins[1:] != sorted_bins[:-1]])
    errors = []
    for _ in range(redraws):
        gaps = np.add.reduceat(said - (rng.random(len(said)) < said), starts)
        errors.append(np.abs(gaps).sum() / len(said))
    return np.array(errors)


def null_of(d: Decisions, mass: Mass = "equal mass", seed: int = 0) -> np.ndarray:
    """[REDRAWS]: the ECE of `d` by chance alone, when answers are right as often as the confidences say.

    Decisions of a group may be right or wrong together, and then chance does more than `null_errors` knows. So the gaps
    (confidence − hit) of each group are also kept or turned round together, at random (wild cluster bootstrap, Cameron,
    Gelbach and Miller 2008), and the null with the higher 95th percentile is given. The few groups that never were
    wrong have gaps too small to go by; hence the two.
    """
    alone = null_errors(d.confidences, mass=mass, seed=seed)
    if not d.tied:
        return alone
    _, groups = np.unique(d.groups, return_inverse=True)
    gaps = np.zeros((int(groups.max()) + 1, BINS))
    np.add.at(gaps, (groups.reshape(-1), bin_of(d.confidences, mass=mass)), d.confidences - d.hits)
    rng = stream("calibration null", seed, "groups")
    signs = (rng.integers(0, 2, len(gaps)) * 2.0 - 1 for _ in range(REDRAWS))
    together = np.array([np.abs(turned @ gaps).sum() for turned in signs]) / len(d)
    return max(alone, together, key=lambda errors: float(np.quantile(errors, 0.95)))


def bin_of(confidences: np.ndarray, bins: int = BINS, mass: Mass = "equal mass") -> np.ndarray:
    """[n]: the bin of each confidence; bins are open below and closed above, as is usual."""
    c = np.asarray(confidences, float)
    edges = np.linspace(0, 1, bins + 1) if mass == "equal width" else np.quantile(c, np.linspace(0, 1, bins + 1))
    return np.clip(np.searchsorted(edges[1:-1], c, side="left"), 0, bins - 1)


def _binned_error(places: np.ndarray, gaps: np.ndarray, bins: int = BINS) -> float:
    return float(np.abs(np.bincount(places, gaps, minlength=bins)).sum() / len(gaps))


def brier(d: Decisions) -> np.ndarray:
    """[n]: squared distance of the probabilities from the truth, summed over options (Brier 1950)."""
    if d.scores is None or d.truths is None:
        return (d.confidences - d.hits) ** 2
    return ((d.scores - np.eye(d.scores.shape[1])[d.truths]) ** 2).sum(1)


def log_loss(d: Decisions) -> np.ndarray:
    """[n]: minus the log of the probability given to what turned out true, in nats."""
    if d.scores is None or d.truths is None:
        given = np.where(d.hits, d.confidences, 1 - d.confidences)
    else:
        given = d.scores[np.arange(len(d)), d.truths]
    return -np.log(np.maximum(given, TINY))


# ---- temperature


def fit_temperature(d: Decisions) -> float:
    """The T of least log loss (Guo et al. 2017), by golden section on log T: the loss has one valley in it.

    Where every answer is right, the loss would fall for ever as T does. So one decision in n + 2 is taken to have gone
    to the best other answer, as Platt (1999) does for his targets: of 300 right answers the model may say 0.997.
    """
    low, high = np.log(COLDEST), np.log(HOTTEST)
    golden = (5**0.5 - 1) / 2
    loss = _loss_at(d)
    a, b = high - golden * (high - low), low + golden * (high - low)
    at_a, at_b = loss(a), loss(b)
    while high - low > 1e-4:
        if at_a < at_b:
            high, b, at_b = b, a, at_a
            a = high - golden * (high - low)
            at_a = loss(a)
        else:
            low, a, at_a = a, b, at_b
            b = low + golden * (high - low)
            at_b = loss(b)
    return float(np.exp((low + high) / 2))


def _loss_at(d: Decisions) -> Callable[[float], float]:
    """The mean log loss of `at_temperature`, with Platt's share of other answers, as a function of log T."""
    table, true = d.scores, d.truths
    if table is None or true is None:  # right against wrong
        said = np.clip(d.confidences, TINY, 1 - TINY)
        table, true = np.stack([1 - said, said], axis=1), d.hits.astype(int)
    logs = np.log(np.maximum(table, TINY))
    logs -= logs.max(1, keepdims=True)
    rows, share = np.arange(len(d)), 1 / (len(d) + 2)
    others = logs.copy()
    others[rows, true] = -np.inf
    other = others.max(1) if logs.shape[1] > 1 else logs[:, 0]
    towards = float(((1 - share) * logs[rows, true] + share * other).mean())

    def loss(log_t: float) -> float:
        t = float(np.exp(log_t))
        return float(np.log(np.exp(logs / t).sum(1)).mean()) - towards / t

    return loss


def at_temperature(d: Decisions, temperature: float) -> Decisions:
    """The decisions with every probability raised to 1/T and normalised over the options (or over right and wrong)."""
    if d.scores is None:
        said = np.clip(d.confidences, TINY, 1 - TINY)
        return replace(d, confidences=1 / (1 + ((1 - said) / said) ** (1 / temperature)))
    logs = np.log(np.maximum(d.scores, TINY)) / temperature
    powers = np.exp(logs - logs.max(1, keepdims=True))
    scores = powers / powers.sum(1, keepdims=True)
    return replace(d, confidences=scores.max(1), scores=scores)
