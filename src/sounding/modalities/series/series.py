"""Series as inputs: the end of a history, of which a model reads the last `context` steps.

A value is a `Stretch` in the user's units. Encoded, each column is standardised by the mean and the deviation that its
training part had, so that what acts on encoded inputs (attacks, noise) is counted in standard deviations.

Legend of shapes: B batch, T steps, C columns, P segments.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from sounding.contract.inputs import (
    Assembled,
    AssembledValues,
    Attributable,
    Continuous,
    Corruptible,
    Corruption,
    Divisible,
    TableCells,
    Threat,
)
from sounding.drawing.rendering import Marks, Rendering
from sounding.errors import DataError
from sounding.modalities.series.assembling import assembled
from sounding.modalities.series.corruptions import CORRUPTIONS
from sounding.modalities.series.drawing import columns_drawn
from sounding.modalities.series.frequency import Frequency
from sounding.modalities.series.values import Stretch, carried

PARTS = 8
"""Stretches of time that a history falls into, to be explained."""
FARTHEST = 100.0
"""Standard deviations beyond which an encoded value is cut off."""
LEAST = 20
"""Training steps below which nothing is learnt."""
READ = 7.5
"""Horizons that are read where nobody says how much: as many as the best of our benchmarks."""


class Series(Attributable, Corruptible, Continuous, Divisible, Assembled):
    """Consecutive time steps of numeric columns. A segment is an eighth of the time in one column."""

    columns = ("date", "time", "datetime", "timestamp", "ds")
    suffixes = (".csv", ".tsv", ".parquet", ".pq", ".jsonl")
    noun = "series"
    asked = "FILE"
    baselines = ("training mean", "own mean")
    value_range = (-FARTHEST, FARTHEST)
    threats = (
        Threat("0.05 standard deviations", "linf", 0.05),
        Threat("0.2 standard deviations", "linf", 0.2),
    )
    always: ClassVar[bool] = True
    held: ClassVar[float | None] = 0.2

    def __init__(self, horizon: int = 0, context: int = 0) -> None:
        self._asked = horizon, context
        self.horizon, self.context = horizon, context
        self.names: tuple[str, ...] = ()
        self.frequency = Frequency()
        self._statistics: dict[str, tuple[np.ndarray, np.ndarray]] = {}

    # ---- reading

    def accepts(self, cell: Any) -> bool:
        """A stretch, or an array of numbers."""
        return isinstance(cell, Stretch | np.ndarray)

    def assemble(self, table: TableCells) -> AssembledValues:
        """The series of a table; those of the columns that the model knows, once it does."""
        found = assembled(table, self.names)
        if self.names:
            for where, value in found.values:
                self._check(value, where)
        return found

    def read(self, cell: Any, root: Path = Path()) -> Stretch:
        """A stretch, or an array [T, C] whose columns are those of the training."""
        if isinstance(cell, Stretch):
            self._check(cell)
            return cell
        array = np.asarray(cell, np.float64) if isinstance(cell, np.ndarray | list) else None
        if array is not None and array.ndim == 1:
            array = array[:, None]
        if array is None or array.ndim != 2 or not array.size or np.isinf(array).any():
            raise DataError(f"a {type(cell).__name__} is no series", fix="Give a table, or an array [times, columns]")
        names = self.names or tuple(f"column {k + 1}" for k in range(array.shape[1]))
        value = Stretch(array, names, span=(0, len(array) - 1))
        self._check(value)
        return value

    def _check(self, value: Stretch, where: str = "") -> None:
        if self.names and value.values.shape[1] != len(self.names):
            what = f"the series has {value.values.shape[1]} columns, and the model forecasts {len(self.names)}"
            raise DataError(what, where=where, fix=f"Give {', '.join(self.names)}")
        known = self.names and value.frequency != Frequency() and self.frequency != Frequency()
        if known and value.frequency != self.frequency:
            what = f"the rows are {value.frequency} apart, and the model learnt from rows {self.frequency} apart"
            raise DataError(what, where=where, fix="Give rows as far apart as those of the training")

    # ---- state

    def fit(self, values: Iterable[Stretch]) -> None:
        """Means and deviations of the columns, the frequency, and how much is read and foretold if nobody said."""
        sums: dict[str, np.ndarray] = {}
        longest, told = 0, 0
        for value in values:
            self.names, self.frequency = value.columns, value.frequency
            known = ~np.isnan(value.values)
            plain = np.where(known, value.values, 0.0)
            found = np.stack([known.sum(axis=0), plain.sum(axis=0), (plain**2).sum(axis=0)])
            sums[value.name] = sums.get(value.name, 0.0) + found
            longest, told = max(longest, len(value)), value.horizon or told
        if not sums:
            raise DataError("there is no series to learn from", fix="Give a table with a column of times")
        sums.setdefault("", np.sum(list(sums.values()), axis=0))
        self._statistics = {name: _mean_and_deviation(each) for name, each in sums.items()}
        horizon, context = self._asked
        if not told and longest < LEAST:
            what = f"only {longest} times are left to learn from, and at least {LEAST} are needed"
            raise DataError(what, fix=f"Give a longer history: some {round(LEAST / (1 - 2 * 0.2))} times or more")
        self.horizon = horizon or told or max(1, min(self.frequency.horizon, longest // 6))
        self.context = context or (longest if told else self._usual_context(longest))
        if not told and self.context + self.horizon > longest:
            what = f"a context of {self.context:,} and a horizon of {self.horizon:,} steps need more than the "
            fix = "Give a shorter horizon or context (horizon=N context=N), or a longer history"
            raise DataError(f"{what}{longest:,} times that are left to learn from", fix=fix)

    def _usual_context(self, longest: int) -> int:
        wanted = max(round(READ * self.horizon), 2 * self.frequency.season)
        return max(2, min(wanted, longest // 3, longest - self.horizon))

    def notes(self) -> list[str]:
        """How much is read and foretold."""
        season = self.frequency.season
        usual = f"; a season is {season} of them" if season > 1 else ""
        return [f"horizon={self.horizon} context={self.context}: steps of {self.frequency}{usual}"]

    def state(self) -> dict[str, Any]:
        """Names, frequency, horizon, context, and the statistics of each series."""
        return {
            "columns": list(self.names),
            "frequency": self.frequency.to_json(),
            "horizon": self.horizon,
            "context": self.context,
            "statistics": {name: [m.tolist(), s.tolist()] for name, (m, s) in self._statistics.items()},
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` gave."""
        self.names, self.frequency = tuple(state["columns"]), Frequency(*state["frequency"])
        self.horizon, self.context = state["horizon"], state["context"]
        self._statistics = {name: (np.array(m), np.array(s)) for name, (m, s) in state["statistics"].items()}

    def statistics(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Mean and deviation [C] of a series' training part; those of all series for one that is new."""
        return self._statistics.get(name) or self._statistics[""]

    def standardised(self, value: Stretch) -> np.ndarray:
        """The values [T, C] in standard deviations of the training part."""
        mean, deviation = self.statistics(value.name)
        return (value.values - mean) / deviation

    # ---- tensors

    def encode(self, values: Sequence[Stretch]) -> Tensor:
        """The last steps [B, context, C], standardised, float32; what is missing carried forward.

        A history that is too short begins with its first value again and again.
        """
        rows = [self._read(value) for value in values]
        x = np.nan_to_num(carried(np.stack(rows))) if rows else np.zeros((0, self.context, len(self.names)))
        return torch.from_numpy(x.clip(-FARTHEST, FARTHEST).astype(np.float32))

    def _read(self, value: Stretch) -> np.ndarray:
        found = self.standardised(value)[-self.context :]
        missing = self.context - len(found)
        return np.concatenate([np.full((missing, found.shape[1]), np.nan), found]) if missing else found

    def decode(self, x: Tensor) -> list[Stretch]:
        """Histories of rows that know no time and no name, since tensors have none."""
        mean, deviation = self.statistics("")
        found = x.detach().cpu().numpy().astype(np.float64) * deviation + mean
        return [Stretch(each, self.names, span=(0, len(each) - 1)) for each in found]

    # ---- divided in time

    def divide(self, value: Stretch, shares: Sequence[float]) -> list[Stretch]:
        """Parts of the time of the whole table. Each knows all that was before it, and asks only for its own steps."""
        first, last = value.span if value.span != (0, 0) else (value.start, int(value.times[-1]))
        before, whole = value.frequency.passed(first, np.array([value.start, last])).tolist()
        n = whole + 1
        ends = [round(float(share) * n) - before for share in np.cumsum(shares)]
        ends[-1] = len(value)
        parts, begin = [], 0
        for end in ends:
            stop = min(max(end, begin), len(value))
            parts.append(replace(value, values=value.values[:stop], begins=begin))
            begin = stop
        return parts

    # ---- explained and disturbed

    def _edges(self, value: Stretch) -> np.ndarray:
        """Where the stretches of time begin and end that a model reads: at most PARTS of them."""
        read = min(self.context or len(value), len(value))
        return np.linspace(len(value) - read, len(value), min(PARTS, read) + 1).round().astype(int)

    def segments(self, value: Stretch) -> int:
        """Stretches of time times columns."""
        return (len(self._edges(value)) - 1) * value.values.shape[1]

    def segment_name(self, value: Stretch, part: int) -> str:
        """The column, and from when to when."""
        when, column = divmod(part, value.values.shape[1])
        first, last = self._edges(value)[when : when + 2]
        return f"{value.columns[column]}, {value.time(int(first))} to {value.time(int(last) - 1)}"

    def mask(self, value: Stretch, mask: np.ndarray, baseline: str) -> Stretch:
        """What is masked becomes constant: the mean of the training part, or that of what is read."""
        edges = self._edges(value)
        kept = np.asarray(mask, bool).reshape(len(edges) - 1, -1)
        values = np.array(value.values)
        if kept.all():
            return value
        fill = self.statistics(value.name)[0]
        if baseline == "own mean":
            read = carried(value.values[edges[0] :])
            fill = np.where(np.isnan(read).all(axis=0), fill, np.nan_to_num(read).mean(axis=0))
        for when, columns in enumerate(kept):
            part = values[edges[when] : edges[when + 1]]
            part[:, ~columns] = fill[~columns]
        return replace(value, values=values)

    def aggregate(self, saliency: Tensor, value: Stretch) -> np.ndarray:
        """The sum of saliency [T, C] over each segment [P]."""
        edges = self._edges(value)
        steps = edges + (saliency.shape[0] - len(value))
        found = saliency.numpy()
        sums = [found[max(0, a) : b].sum(axis=0) for a, b in pairwise(steps)]
        return np.concatenate(sums)

    @property
    def corruptions(self) -> Mapping[str, Corruption]:
        """Missing stretches, spikes, drift and noise."""
        return CORRUPTIONS

    # ---- showing

    def describe(self, value: Stretch) -> str:
        """How much of what, and up to when."""
        who = " ".join(filter(None, (value.source, value.name)))
        return f"{who + ': ' if who else ''}{len(value):,} times up to {value.time(len(value) - 1)}"

    def to_json(self, value: Stretch) -> Any:
        """The values by column, and the first time."""
        columns = {name: _plain(column) for name, column in zip(value.columns, value.values.T, strict=True)}
        return {"series": value.name, "from": value.time(0), "values": columns}

    def render(self, value: Stretch, weights: np.ndarray | None = None, answer: Marks | None = None) -> Rendering:
        """A line for each column, over stretches in the colours of their weights."""
        edges = self._edges(value)
        shown = value.cut(int(edges[0]), len(value))
        return columns_drawn(shown, edges - edges[0], weights, self.segment_name)


def _mean_and_deviation(sums: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of columns, from how many values are known [C], their sum and that of their squares; 1 without spread."""
    n = np.maximum(sums[0], 1)
    mean = sums[1] / n
    deviation = np.sqrt(np.maximum(sums[2] / n - mean**2, 0))
    return mean, np.where(deviation > 1e-9 * np.maximum(1.0, abs(mean)), deviation, 1.0)


def _plain(column: np.ndarray) -> list[float | None]:
    return [None if np.isnan(value) else float(f"{value:.6g}") for value in column]
