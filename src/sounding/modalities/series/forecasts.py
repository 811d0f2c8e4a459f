"""How a series goes on, as an answer: what came, or what a model foretells with its intervals.

Legend of shapes: B batch, T steps, C columns, L intervals.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sounding.contract.answers import Answer, Averaged, Drawn, Tabular
from sounding.drawing.rendering import Rendering
from sounding.modalities.series.drawing import forecast_drawn
from sounding.modalities.series.series import Series
from sounding.modalities.series.values import LEVELS, Forecast, Stretch
from sounding.wording import counted, in_columns

if TYPE_CHECKING:
    from torch import Tensor

SHOWN = LEVELS[-1]
"""The interval that tables and lines of JSON hold."""
STEPS, COLUMNS = 24, 4
"""Steps and columns that a terminal shows."""


class Forecasts(Answer, Averaged, Drawn, Tabular):
    """The steps that come next, in the columns of `series`, by whose statistics they are encoded."""

    row_columns = ("time", "column", "forecast", f"low {SHOWN:.0%}", f"high {SHOWN:.0%}")
    noun = "forecast"

    def __init__(self, series: Series | None = None) -> None:
        self.series = series or Series()

    def read(self, cell: Any, root: Path = Path()) -> Stretch:
        """As the history is read."""
        return self.series.read(cell, root)

    def accepts(self, cell: Any) -> bool:
        """Nothing that a table's cell may hold."""
        return isinstance(cell, Stretch)

    def encode(self, values: Sequence[Stretch]) -> Tensor:
        """Standardised values [B, horizon, C], float32; NaN where one is missing."""
        import torch

        found = np.stack([self.series.standardised(value) for value in values])
        return torch.from_numpy(found.astype(np.float32))

    def constant_baseline(self, values: Sequence[Stretch]) -> Stretch:
        """The mean of each column at every step."""
        with np.errstate(all="ignore"):
            mean = np.nanmean(np.stack([np.nanmean(value.values, axis=0) for value in values]), axis=0)
        first = values[0]
        return Stretch(np.broadcast_to(np.nan_to_num(mean), first.values.shape).copy(), first.columns)

    def state(self) -> dict[str, Any]:
        """That of the series."""
        return {"series": self.series.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` gave; runs of before that have the series alone."""
        if "series" in state:
            self.series.restore(state["series"])

    # ---- shown

    def describe(self, value: Stretch) -> str:
        """From what to what each column goes, and when; of what never changes, what it is."""
        if len(value) > 1 and (value.values == value.values[0]).all():
            return ", ".join(f"{name} {x:.4g}" for name, x in zip(value.columns, value.values[0], strict=True))
        parts = [
            f"{name} {column[0]:.4g} … {column[-1]:.4g}"
            for name, column in zip(value.columns, value.values.T, strict=True)
        ]
        more = f" and {len(parts) - 3} more" if len(parts) > 3 else ""
        return f"{value.time(0)} to {value.time(len(value) - 1)}: {', '.join(parts[:3])}{more}"

    def to_json(self, value: Stretch) -> Any:
        """The times, and by column the values with the ends of the interval."""
        found: dict[str, Any] = {"series": value.name} if value.name else {}
        found["times"] = [value.time(step) for step in range(len(value))]
        found["forecast"] = _columns(value.columns, value.values)
        if isinstance(value, Forecast):
            found["interval"] = SHOWN
            found |= {"low": _columns(value.columns, value.low[-1]), "high": _columns(value.columns, value.high[-1])}
        return found

    def answers(self, value: Stretch, confidence: float | None, scores: np.ndarray | None) -> list[dict[str, Any]]:
        """A dictionary for each time, with the value of each column."""
        return [
            {"time": value.time(step), **{name: _number(x) for name, x in zip(value.columns, row, strict=True)}}
            for step, row in enumerate(value.values)
        ]

    def fields(self, value: Stretch, scores: np.ndarray | None) -> Mapping[str, Callable[[], Any]]:
        """`times`, `values` [T, C], and `low` and `high` [L, T, C] of the intervals."""
        known = {"times": lambda: [value.time(step) for step in range(len(value))], "values": lambda: value.values}
        if isinstance(value, Forecast):
            known |= {"low": lambda: value.low, "high": lambda: value.high}
        return known

    def rows(self, value: Stretch, scores: np.ndarray | None) -> list[dict[str, Any]]:
        """A row for each time and column."""
        found = []
        for step, row in enumerate(value.values):
            for k, name in enumerate(value.columns):
                ends = [value.low[-1, step, k], value.high[-1, step, k]] if isinstance(value, Forecast) else [None] * 2
                cells = (value.time(step), name, _number(row[k]), *(_number(end) for end in ends))
                found.append(dict(zip(self.row_columns, cells, strict=True)))
        return found

    def lines(self, value: Stretch) -> list[str]:
        """The first steps as a table: time, and of each column the median with its interval."""
        shown = range(min(STEPS, len(value)))
        columns = [(name, k) for k, name in enumerate(value.columns[:COLUMNS])]
        head = ["time", *(f"{name} [{SHOWN:.0%}]".replace("%", " %") for name, _ in columns)]
        rows = [[value.time(step), *(_with_interval(value, step, k) for _, k in columns)] for step in shown]
        left = [counted(len(value) - STEPS, "step")] if len(value) > STEPS else []
        left += [counted(len(value.columns) - COLUMNS, "column")] if len(value.columns) > COLUMNS else []
        more = [f"and {' and '.join(left)} more: --out FILE.csv"] if left else []
        return [*in_columns([head, *rows]), *more]

    def drawing(self, value: Stretch) -> Rendering | None:
        """What was given, the median and its intervals."""
        return forecast_drawn(value) if isinstance(value, Forecast) else None

    def forecast(self, given: Stretch, quantiles: np.ndarray) -> Forecast:
        """From what a network gives after `given`, standardised [1 + 2 L, T, C]: the median, lower and upper ends."""
        mean, deviation = self.series.statistics(given.name)
        found = quantiles.astype(np.float64) * deviation + mean
        levels = len(LEVELS)
        next_time = int(given.frequency.times(given.start, 1, len(given))[0])
        end = given.values[-min(len(given), 2 * found.shape[1]) :]
        return Forecast(
            found[0],
            given.columns,
            next_time,
            given.frequency,
            given.name,
            given.source,
            low=found[1 : 1 + levels],
            high=found[1 + levels :],
            before=end,
        )


def _columns(names: Sequence[str], values: np.ndarray) -> dict[str, list[float | None]]:
    return {name: [_number(x) for x in column] for name, column in zip(names, values.T, strict=True)}


def _with_interval(value: Stretch, step: int, column: int) -> str:
    median = f"{value.values[step, column]:.4g}"
    if not isinstance(value, Forecast):
        return median
    return f"{median} [{value.low[-1, step, column]:.4g}, {value.high[-1, step, column]:.4g}]"


def _number(x: float | None) -> float | None:
    return None if x is None or np.isnan(x) else float(f"{x:.6g}")
