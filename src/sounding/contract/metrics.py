"""Metrics are judge-then-reduce: judge one record into statistics, reduce many statistics into one number.

`judge(record)` gives a float or a fixed-size array; stacked they are [n, …], and `reduce([n, …]) → float`.
`hit(record)` gives (confidence, right?) pairs, one for each thing that was decided (a class, a box, a word), for
calibration; a metric whose records decide nothing that is right or wrong has none.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sounding.contract.records import Record
from sounding.errors import UsageError

Hits = Sequence[tuple[float, bool]]
Bounds = tuple[float, float]
"""The least and the largest value that there can be."""
UNBOUNDED: Bounds = (-math.inf, math.inf)
SHARE: Bounds = (0.0, 1.0)
POSITIVE: Bounds = (0.0, math.inf)
CORRELATION: Bounds = (-1.0, 1.0)
"""Also of a difference of two shares."""


def exact(record: Record) -> Hits:
    """One decision a record: the answer, right or wrong. For answers that are one choice, not for texts or boxes."""
    return [] if record.confidence is None else [(record.confidence, record.value == record.truth)]


@dataclass(frozen=True)
class Metric:
    """One way to judge records.

    A `proportion` is the mean of zeros and ones, and takes a Wilson interval; of records that it does not count it says
    NaN (then `reduce` is `mean_of_counted`). `bounds` hold every value, and so its interval. Over rows of which it says
    nothing the value is NaN; `needs` says in words which rows those lack ("a true box of 96² pixels or more"). One that
    `leads` is told before the headline, which would hide it. One that is `graded` says of a single answer how good it
    is, between its bounds: where a model leaves out what it is least sure of, answers are judged by that (`shortfall`),
    and not by what of them is right or wrong.
    """

    name: str
    judge: Callable[[Record], Any]
    reduce: Callable[[np.ndarray], float]
    definition: str
    unit: str = ""
    proportion: bool = False
    higher_is_better: bool = True
    hit: Callable[[Record], Hits] | None = None
    bounds: Bounds = UNBOUNDED
    needs: str = ""
    leads: bool = False
    graded: bool = False

    def __post_init__(self) -> None:
        if self.proportion:
            object.__setattr__(self, "bounds", SHARE)

    def statistics(self, records: Sequence[Record]) -> np.ndarray:
        """What `judge` says of each record, stacked: [n, …]."""
        return np.asarray([self.judge(record) for record in records])

    def passes_over(self, statistics: np.ndarray) -> np.ndarray:
        """Which records [n] it does not count, by what `judge` says of them: those with NaN, where it counts some."""
        if self.proportion or self.reduce is mean_of_counted:
            return np.isnan(statistics)
        return np.zeros(len(statistics), bool)

    def value(self, records: Sequence[Record]) -> float:
        """The metric over `records`, without an interval."""
        return float(self.reduce(self.statistics(records)))


def shortfall(metric: Metric, record: Record) -> float:
    """How much the answer of one record lacks to the best that there can be, from 0 to 1, by a graded metric."""
    least, most = metric.bounds
    share = (metric.value([record]) - least) / (most - least)
    return 1 - share if metric.higher_is_better else share


def mean(values: np.ndarray) -> float:
    """The mean of one statistic [n] for each record."""
    return float(values.mean())


def mean_of_counted(values: np.ndarray) -> float:
    """The mean of one statistic [n] over the records that count, which are those without NaN; NaN where none does."""
    counted = values[~np.isnan(values)]
    return float(counted.mean()) if len(counted) else math.nan


# ---- metrics that several applications share


def accuracy() -> Metric:
    """The share of records whose answer is the truth."""
    definition = "share of rows whose predicted answer is the true one"
    return Metric("accuracy", _right, mean, definition, proportion=True, hit=exact)


def top_k(k: int, options: Sequence[Any]) -> Metric:
    """The share of records whose truth is among the `k` options of highest score.

    Options of the same score rank in their order. Raises UsageError for records without scores.
    """
    place = {option: index for index, option in enumerate(options)}

    def judge(record: Record) -> float:
        if record.scores is None:
            raise UsageError(f"top-{k} needs a score for each option", fix="Let predict fill Prediction.scores")
        index = place.get(record.truth)
        if index is None:  # a truth that no training row had cannot be found
            return 0.0
        scores = np.asarray(record.scores)
        before = (scores > scores[index]).sum() + (scores[:index] == scores[index]).sum()
        return float(before < k)

    definition = f"share of rows whose true answer is among the {k} most probable"
    return Metric(f"top-{k} accuracy", judge, mean, definition, proportion=True, hit=exact)


def macro_f1(options: Sequence[Any]) -> Metric:
    """The F1 score of each class that occurs in the truth, averaged with equal weights (van Rijsbergen 1979).

    A truth outside `options` counts as one more class, which is never predicted.
    """
    place = {option: index for index, option in enumerate(options)}
    k = len(place) + 2  # the options, truths outside them, answers outside them

    def judge(record: Record) -> tuple[int, int]:
        return place.get(record.truth, k - 2), place.get(record.value, k - 1)

    def reduce(pairs: np.ndarray) -> float:
        true, predicted = np.bincount(pairs[:, 0], minlength=k), np.bincount(pairs[:, 1], minlength=k)
        both = np.bincount(pairs[pairs[:, 0] == pairs[:, 1], 0], minlength=k)
        present = true > 0
        return float((2 * both[present] / (true + predicted)[present]).mean())

    definition = "F1 score of each true class (2 TP / (2 TP + FP + FN)), averaged over classes"
    return Metric("macro F1", judge, reduce, definition, hit=exact, bounds=SHARE)


def mean_loss() -> Metric:
    """The mean loss of the records in nats: minus the log-probability that the model gave to the truth."""
    definition = "mean of minus the log-probability given to the true answer"
    return Metric(
        "nll", lambda record: record.loss, mean, definition, unit="nats", higher_is_better=False, bounds=POSITIVE
    )


def row_loss() -> Metric:
    """The loss of one record: what tells a good answer from a bad one where nothing else is known of answers."""
    return Metric("loss", lambda record: record.loss, mean, "higher is worse", unit="nats", higher_is_better=False)


def _right(record: Record) -> float:
    return float(record.value == record.truth)
