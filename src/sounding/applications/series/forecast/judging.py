"""How forecasts are judged: errors in standard deviations of the training part, and how often intervals hold the truth.

Legend of shapes: n records, T steps, C columns, L levels.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from sounding.applications.series.forecast.intervals import QUANTILES
from sounding.contract.metrics import POSITIVE, SHARE, Hits, Metric
from sounding.contract.records import Record
from sounding.modalities.series.series import Series
from sounding.modalities.series.values import LEVELS, Forecast, Stretch

DECIDED = 3
"""Steps of each forecast whose intervals are set against the truth by the card's section on calibration."""
ERROR = "in standard deviations that the columns had in the training part, over all steps and columns"


def row_metrics(series: Series) -> tuple[Metric, ...]:
    """MSE first, MAE, and the loss of the quantiles."""

    def errors(record: Record) -> np.ndarray:
        off = series.standardised(record.value) - series.standardised(record.truth)
        known = off[~np.isnan(off)]
        return np.array([(known**2).sum(), np.abs(known).sum(), len(known)])

    def hits(record: Record) -> Hits:
        return _hits(record)

    def quantiles(record: Record) -> np.ndarray:
        return _pinball(series, record)

    definition = "times, level by level, how far the truth lies beyond a quantile (pinball loss), the median's included"
    return (
        Metric("MSE", errors, _ratio(0, 2), f"mean squared error {ERROR}", higher_is_better=False, hit=hits,
               bounds=POSITIVE),
        Metric("MAE", errors, _ratio(1, 2), f"mean absolute error {ERROR}", higher_is_better=False, hit=hits,
               bounds=POSITIVE),
        Metric("quantile loss", quantiles, _ratio(0, 1), f"2 {definition}, {ERROR}", higher_is_better=False,
               bounds=POSITIVE, needs="intervals"),
    )  # fmt: skip


def set_metrics(series: Series) -> tuple[Metric, ...]:
    """What share of the truth each interval holds, the widest first; and how wide that is."""

    def held(record: Record) -> np.ndarray:
        return _held(record)

    def widths(record: Record) -> np.ndarray:
        if not isinstance(record.value, Forecast):
            return np.array([math.nan, 1.0])
        wide = (record.value.high[-1] - record.value.low[-1]) / series.statistics(record.value.name)[1]
        return np.array([wide.mean(), 1.0])

    found = []
    for k in reversed(range(len(LEVELS))):
        level = f"{100 * LEVELS[k]:.0f} %"
        definition = f"share of the true values that lie within the {level} interval of their step"
        found.append(Metric(f"coverage of {level} intervals", held, _ratio(k, len(LEVELS)), definition, bounds=SHARE))
    widest = f"mean width of the {100 * LEVELS[-1]:.0f} % intervals, in standard deviations of the training part"
    found.append(Metric("interval width", widths, _ratio(0, 1), widest, higher_is_better=False, bounds=POSITIVE))
    return tuple(found)


def held_by_step(records: Sequence[Record]) -> np.ndarray:
    """The share of the truth that each interval holds at each step [L, T]; NaN where nothing is known."""
    inside, known = 0.0, 0.0
    for record in records:
        if isinstance(record.value, Forecast):
            there = ~np.isnan(record.truth.values)
            inside = inside + (_inside(record.value, record.truth) & there).sum(axis=2)
            known = known + there.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(inside / np.asarray(known))


def errors_by_step(series: Series, records: Sequence[Record]) -> np.ndarray:
    """Mean squared error of each step [T]."""
    off = np.stack([series.standardised(r.value) - series.standardised(r.truth) for r in records])
    with np.errstate(invalid="ignore"):
        return np.asarray(np.nanmean(off**2, axis=(0, 2)))


def _ratio(above: int, below: int) -> Callable[[np.ndarray], float]:
    """The sum of one statistic over that of another; NaN where there is nothing to divide by."""

    def reduce(stats: np.ndarray) -> float:
        total = stats[:, below].sum()
        return float(stats[:, above].sum() / total) if total > 0 else math.nan

    return reduce


def _inside(value: Forecast, truth: Stretch) -> np.ndarray:
    """Whether each interval holds the truth [L, T, C]."""
    return (value.low <= truth.values) & (truth.values <= value.high)


def _held(record: Record) -> np.ndarray:
    """[L + 1]: values that each interval holds, and how many are known."""
    if not isinstance(record.value, Forecast):
        return np.zeros(len(LEVELS) + 1)
    known = ~np.isnan(record.truth.values)
    inside = (_inside(record.value, record.truth) & known).sum(axis=(1, 2))
    return np.array([*inside, known.sum()], float)


def _hits(record: Record) -> Hits:
    """For some steps spread over the horizon, whether each interval held what it should hold with its probability."""
    if not isinstance(record.value, Forecast):
        return []
    inside, known = _inside(record.value, record.truth), ~np.isnan(record.truth.values)
    steps = np.unique(np.linspace(0, len(record.truth) - 1, DECIDED).round().astype(int))
    columns = (steps * 31 + len(record.group)) % known.shape[1]  # one column a step, all of them in turn
    return [
        (LEVELS[k], bool(inside[k, step, column]))
        for step, column in zip(steps, columns, strict=True)
        if known[step, column]
        for k in range(len(LEVELS))
    ]


def _pinball(series: Series, record: Record) -> np.ndarray:
    """[2]: twice the pinball loss summed over quantiles and values, over how many these are."""
    if not isinstance(record.value, Forecast):
        return np.array([math.nan, 0.0])
    value, deviation = record.value, series.statistics(record.value.name)[1]
    found = np.concatenate([value.values[None], value.low, value.high])
    off = (record.truth.values[None] - found) / deviation
    quantiles = np.array([0.5, *QUANTILES])[:, None, None]
    loss = 2 * np.maximum(quantiles * off, (quantiles - 1) * off)
    known = ~np.isnan(loss)
    return np.array([loss[known].sum(), known.sum()])
