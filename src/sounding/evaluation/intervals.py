"""How sure a number is: intervals for proportions, means, and any metric that is reduced from per-example statistics.

    wilson              hits of n                         the usual interval of an accuracy
    clopper_pearson     hits of n, never too short        for guarantees (certificates, coverage); longer than needed
    proportion          zeros and ones, maybe in groups   Wilson, or clustered when rows come in groups
    bootstrap           any reduce over any statistics    examples, or whole groups, drawn again with replacement
    paired_difference   two models on the same rows       the same draws on both sides
    mean_t              a few seeds or draws              Student's t

Rows of one patient, speaker or document are not independent: given `groups`, whole groups are drawn (a row whose group
is "" stands alone). A bootstrap of a handful of things is too short, so below ten the interval is Student's t over a
leave-one-out jackknife instead, and says so ("t over 6 clusters").

What has bounds (a metric between 0 and 1) has an interval within them, and one of some width even where no draw differs
(`bounded.py`): every function takes the `bounds`. Known limit: percentiles inherit the bias of the metric itself
(macro-F1 with very rare classes).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import NormalDist

import numpy as np

from sounding.contract.evidence import Estimate
from sounding.contract.metrics import SHARE, UNBOUNDED, Bounds, mean
from sounding.errors import DataError, UsageError
from sounding.evaluation.bounded import limited, limited_change, score_interval
from sounding.evaluation.quantiles import beta_quantile, t_quantile
from sounding.randomness import stream
from sounding.wording import counted

FEWEST = 10
"""With fewer independent things than this, Student's t replaces the bootstrap."""

NONE = "none"
"""The beginning of the method where there is no interval."""

Reduce = Callable[[np.ndarray], float]
Rows = np.ndarray
"""Indices of the rows that were drawn, with repeats."""


def why_no_interval(found: Estimate) -> str:
    """Why an estimate of rows has no interval, in words."""
    if found.n <= 1:
        return "one row, or one group of rows, shows no spread"
    if found.n < FEWEST:
        return f"it is undefined where one of {found.n} rows or groups is left out"
    return "it is undefined on more than a tenth of the resamples"


# ---- proportions


def wilson(hits: float, n: int, level: float = 0.95) -> Estimate:
    """The score interval of a proportion (Wilson 1927): never outside [0, 1], never of width 0."""
    _check(hits, n)
    return Estimate(hits / n, *score_interval(hits / n, n, level), n=n, level=level, interval="wilson")


def clopper_pearson(hits: int, n: int, level: float = 0.95) -> Estimate:
    """The exact interval of a proportion (Clopper and Pearson 1934): covers at least `level`, often 97 % or more."""
    _check(hits, n)
    tail = (1 - level) / 2
    low = 0.0 if hits == 0 else beta_quantile(tail, hits, n - hits + 1)
    high = 1.0 if hits == n else beta_quantile(1 - tail, hits + 1, n - hits)
    return Estimate(hits / n, low, high, n=n, level=level, interval="clopper-pearson")


def proportion(
    hits: Sequence[float] | np.ndarray,
    groups: Sequence[str] | None = None,
    seed: int = 0,
    resamples: int = 2000,
    level: float = 0.95,
) -> Estimate:
    """The mean of zeros and ones: Wilson, or clustered when `groups` tie rows together.

    When clustered rows are all right (or all wrong) nothing tells how alike the rows of a cluster are, so each cluster
    counts once: Wilson over clusters.
    """
    values = np.asarray(hits, float)
    labels = _labels(groups, len(values))
    if labels is None:
        return wilson(float(values.sum()), len(values), level)
    if values.min() == values.max():
        k = int(labels.max()) + 1
        edge = wilson(k * float(values[0]), k, level)
        return Estimate(edge.value, edge.low, edge.high, k, level, f"wilson over {counted(k, 'cluster')}")
    return bootstrap(values, mean, groups, seed, resamples, level, SHARE)


def _check(hits: float, n: int) -> None:
    if n <= 0:
        raise DataError("there is nothing to measure: 0 rows", fix="Give at least one row")
    if not 0 <= hits <= n:
        raise UsageError(f"{hits} hits of {n} are not a proportion", fix=f"Count between 0 and {n} hits")


# ---- means of a few


def mean_t(
    values: Sequence[float] | np.ndarray, of: str = "values", level: float = 0.95, bounds: Bounds = UNBOUNDED
) -> Estimate:
    """The mean of independent runs with Student's t interval, cut to `bounds`; `of` names them ("seeds", "draws").

    Fewer than three values give no interval: their spread is not known well enough to be worth printing.
    """
    x = np.asarray(values, float)
    if len(x) == 0:
        raise DataError(f"there is nothing to average: 0 {of}", fix="Measure at least one")
    mean = float(x.mean())
    if len(x) < 3 or not np.isfinite(x).all():
        return Estimate(mean, n=len(x), level=level)
    half = t_quantile(level, len(x) - 1) * float(x.std(ddof=1)) / math.sqrt(len(x))
    low, high = (float(np.clip(end, *bounds)) for end in (mean - half, mean + half))
    return Estimate(mean, low, high, len(x), level, f"t over {len(x)} {of}")


# ---- any metric


def bootstrap(
    stats: np.ndarray,
    reduce: Reduce,
    groups: Sequence[str] | None = None,
    seed: int = 0,
    resamples: int = 2000,
    level: float = 0.95,
    bounds: Bounds = UNBOUNDED,
) -> Estimate:
    """`reduce(stats)` with the percentile interval of `reduce` over resampled rows (or resampled groups).

    `stats` [n, …] are statistics of each row; `groups` [n] tie rows together. The percentiles are widened as a t
    quantile is wider than a normal one (Hesterberg 2015, "expanded percentile"), which matters below about 100 rows.
    `n` of the estimate counts what is independent: rows, or clusters. One row or one cluster gives no interval. Where
    `reduce` has `bounds`, the interval is within them (`bounded.limited`).
    """
    stats = np.asarray(stats)

    def measure(rows: Rows | slice) -> float:
        return float(reduce(stats[rows]))

    values = stats if reduce is mean and stats.ndim == 1 else None
    return limited(_interval(measure, len(stats), groups, seed, resamples, level, values), bounds)


def paired_difference(
    stats_a: np.ndarray,
    stats_b: np.ndarray,
    reduce: Reduce,
    groups: Sequence[str] | None = None,
    seed: int = 0,
    resamples: int = 2000,
    level: float = 0.95,
    bounds: Bounds = UNBOUNDED,
) -> Estimate:
    """`reduce(stats_a) - reduce(stats_b)` for two models judged on the same rows, drawn together.

    What makes a row hard for both cancels out, so the interval is shorter than two separate ones suggest. `bounds` are
    those of `reduce`, which bound the difference too (`bounded.limited_change`). Raises UsageError when the two sides
    differ in length.
    """
    a, b = np.asarray(stats_a), np.asarray(stats_b)
    if len(a) != len(b):
        raise UsageError(f"{len(a)} and {len(b)} rows cannot be paired", fix="Measure both models on the same rows")

    def measure(rows: Rows | slice) -> float:
        return float(reduce(a[rows])) - float(reduce(b[rows]))

    values = a.astype(float) - b if reduce is mean and a.ndim == 1 else None
    found = limited_change(_interval(measure, len(a), groups, seed, resamples, level, values), bounds)
    name = found.interval if found.low is None else f"paired {found.interval}"
    return Estimate(found.value, found.low, found.high, found.n, level, name)


def _interval(
    measure: Callable[[Rows | slice], float],
    n: int,
    groups: Sequence[str] | None,
    seed: int,
    resamples: int,
    level: float,
    values: np.ndarray | None = None,
) -> Estimate:
    """The value of `measure` over all rows, with the interval that suits how many independent things there are.

    `values` [n] are given where `measure` is their mean, which is taken of many draws at once.
    """
    if n == 0:
        raise DataError("there is nothing to measure: 0 rows", fix="Give at least one row")
    labels = _labels(groups, n)
    k = n if labels is None else int(labels.max()) + 1
    value = measure(slice(None))
    none = Estimate(
        value, n=k, level=level, interval=NONE if labels is None else f"{NONE} over {counted(k, 'cluster')}"
    )
    if k == 1 or not math.isfinite(value):
        return none
    if k < FEWEST:
        half = t_quantile(level, k - 1) * _jackknife_error(measure, labels, n, k)
        name = f"t over {k} {'rows' if labels is None else 'clusters'}"
        return Estimate(value, value - half, value + half, k, level, name) if math.isfinite(half) else none
    draws = _draws(measure if values is None else values, labels, n, k, seed, resamples)
    finite = draws[np.isfinite(draws)]
    if len(finite) < 0.9 * resamples:  # undefined on many draws (no positives, no words): percentiles would mislead
        return none
    tail = _expanded_tail(k, level)
    low, high = np.quantile(finite, [tail, 1 - tail])
    return Estimate(value, float(low), float(high), k, level, "bootstrap" if labels is None else "clustered bootstrap")


def _draws(
    measure: Callable[[Rows], float] | np.ndarray, labels: np.ndarray | None, n: int, k: int, seed: int, resamples: int
) -> np.ndarray:
    """`measure` of each draw, or the mean of these values."""
    rng = stream("bootstrap", seed)
    draws = np.empty(resamples)
    block = max(1, 100_000 // k)  # indices drawn at once: quick for few rows, small for many
    for start in range(0, resamples, block):
        drawn = rng.integers(k, size=(min(block, resamples - start), k))
        found = _means(measure, labels, drawn) if isinstance(measure, np.ndarray) else _each(measure, labels, n, drawn)
        draws[start : start + len(drawn)] = found
    return draws


def _each(measure: Callable[[Rows], float], labels: np.ndarray | None, n: int, drawn: np.ndarray) -> list[float]:
    if labels is None:
        return [measure(rows) for rows in drawn]
    everyone, k = np.arange(n), drawn.shape[1]  # every row of a cluster, as often as the cluster was drawn
    return [measure(everyone.repeat(np.bincount(clusters, minlength=k)[labels])) for clusters in drawn]


def _means(values: np.ndarray, labels: np.ndarray | None, drawn: np.ndarray) -> np.ndarray:
    """The mean of the values in each draw: all at once, which takes a fifth of the time."""
    if labels is None:
        return values[drawn].mean(axis=1)
    sums, sizes = np.bincount(labels, values), np.bincount(labels)
    return sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)


def _jackknife_error(measure: Callable[[Rows], float], labels: np.ndarray | None, n: int, k: int) -> float:
    """The standard error from leaving each cluster out once (Quenouille and Tukey; Efron and Stein 1981)."""
    of_row = np.arange(n) if labels is None else labels
    left = np.array([measure(np.flatnonzero(of_row != i)) for i in range(k)])
    return math.sqrt((k - 1) / k * float(((left - left.mean()) ** 2).sum()))


def _labels(groups: Sequence[str] | None, n: int) -> np.ndarray | None:
    """Cluster numbers [n] from 0; None when no two rows share a group."""
    if groups is None:
        return None
    if len(groups) != n:
        raise UsageError(f"{len(groups)} groups were given for {n} rows", fix="Give one group for each row")
    numbers: dict[object, int] = {}
    labels = [numbers.setdefault(group or (row,), len(numbers)) for row, group in enumerate(groups)]
    return None if len(numbers) == n else np.array(labels)


def _expanded_tail(k: int, level: float) -> float:
    return NormalDist().cdf(-t_quantile(level, k - 1) * math.sqrt(k / (k - 1)))
