"""Series as inputs: the end of a history, of which a model reads the last `context` steps.

A value is a `Stretch` in the user's units. Encoded, each column is standardised by the mean and the deviation that its
training part had, so that what acts on encoded inputs (attacks, noise) is counted in standard deviations.

Legend of shapes: B batch, T steps, C columns, P segments.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from sounding.contract.inputs import (
    Assembled,
    AssembledValues,
    Attributable,
    Continuous,
    Corruptible,
    Corruption,
    Divisible,
    Portable,
    Queried,
    TableCells,
    Threat,
)
from sounding.drawing.rendering import Marks, Rendering
from sounding.errors import DataError
from sounding.modalities.series.assembling import assembled
from sounding.modalities.series.corruptions import CORRUPTIONS
from sounding.modalities.series.frequency import Frequency
from sounding.modalities.series.known import of_array, require_ahead
from sounding.modalities.series.segments import Segments
from sounding.modalities.series.values import Stretch, carried
from sounding.wording import listed

if TYPE_CHECKING:
    from torch import Tensor

FARTHEST = 100.0
"""Standard deviations beyond which an encoded value is cut off."""
LEAST = 20
"""Training steps below which nothing is learnt."""
READ = 7.5
"""Horizons that are read where nobody says how much: as many as the best of our benchmarks."""


class Series(Attributable, Corruptible, Continuous, Divisible, Assembled, Queried, Portable):
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

    def __init__(self, horizon: int = 0, context: int = 0, known: Sequence[str] = ()) -> None:
        self._asked = horizon, context
        self.horizon, self.context = horizon, context
        self.names: tuple[str, ...] = ()
        self.known = tuple(known)
        """Columns that are known ahead."""
        self.frequency = Frequency()
        self._statistics: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        self._of_known = np.zeros(len(self.known)), np.ones(len(self.known))

    # ---- reading

    def accepts(self, cell: Any) -> bool:
        """A stretch, or an array of numbers."""
        return isinstance(cell, Stretch | np.ndarray)

    def assemble(self, table: TableCells) -> AssembledValues:
        """The series of a table; those of the columns that the model knows, once it does."""
        found = assembled(table, self.names, self.known)
        if self.names:
            for where, value in found.values:
                self._check(value, where)
        return found

    def read(self, cell: Any, root: Path = Path()) -> Stretch:
        """A stretch, or an array [T, C] whose columns are those of the training.

        With columns known ahead it is [T + A, C + K], these last; NaN stands for the future of the others.
        """
        if isinstance(cell, Stretch):
            self._check(cell)
            return cell
        array = np.asarray(cell, np.float64) if isinstance(cell, np.ndarray | list) else None
        if array is not None and array.ndim == 1:
            array = array[:, None]
        if array is None or array.ndim != 2 or not array.size or np.isinf(array).any():
            raise DataError(f"a {type(cell).__name__} is no series", fix="Give a table, or an array [times, columns]")
        names = (*self.names, *self.known) if self.names else tuple(f"column {k + 1}" for k in range(array.shape[1]))
        if self.known and len(names) == array.shape[1]:
            value = of_array(array, names, self.known)
        else:
            value = Stretch(array, self.names or names)
        value = replace(value, span=(0, len(value) - 1))
        self._check(value)
        return value

    def query(self, value: Stretch) -> Stretch:
        """The value. Raises DataError where what is known ahead does not reach as far as the forecast."""
        if self.known:
            require_ahead(value, self.horizon)
        return value

    def _check(self, value: Stretch, where: str = "") -> None:
        if self.names and value.values.shape[1] != len(self.names):
            what = f"the series has {value.values.shape[1]} columns, and the model forecasts {len(self.names)}"
            raise DataError(what, where=where, fix=f"Give {', '.join((*self.names, *self.known))}")
        if value.known_columns != self.known:
            what = f"the series does not tell what is known ahead: {listed(list(self.known), 4)}"
            raise DataError(what, where=where, fix="Give these columns as well")
        known = self.names and value.frequency != Frequency() and self.frequency != Frequency()
        if known and value.frequency != self.frequency:
            what = f"the rows are {value.frequency} apart, and the model learnt from rows {self.frequency} apart"
            raise DataError(what, where=where, fix="Give rows as far apart as those of the training")

    # ---- state

    def fit(self, values: Iterable[Stretch]) -> None:
        """Means and deviations of the columns, the frequency, and how much is read and foretold if nobody said."""
        sums: dict[str, np.ndarray] = {}
        longest, told = 0, 0
        given = []
        for value in values:
            given.append(value.known[: len(value)])
            self.names, self.frequency = value.columns, value.frequency
            sums[value.name] = sums.get(value.name, 0.0) + _sums(value.values)
            longest, told = max(longest, len(value)), value.horizon or told
        if not sums:
            raise DataError("there is no series to learn from", fix="Give a table with a column of times")
        sums.setdefault("", np.sum(list(sums.values()), axis=0))
        self._statistics = {name: _mean_and_deviation(each) for name, each in sums.items()}
        if self.known:
            self._of_known = _mean_and_deviation(_sums(np.concatenate(given)))
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
            "known": {"columns": list(self.known), "statistics": [each.tolist() for each in self._of_known]},
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` gave."""
        self.names, self.frequency = tuple(state["columns"]), Frequency(*state["frequency"])
        self.horizon, self.context = state["horizon"], state["context"]
        self._statistics = {name: (np.array(m), np.array(s)) for name, (m, s) in state["statistics"].items()}
        known = state.get("known") or {"columns": (), "statistics": ((), ())}
        self.known = tuple(known["columns"])
        self._of_known = np.array(known["statistics"][0]), np.array(known["statistics"][1])

    def statistics(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Mean and deviation [C] of a series' training part; those of all series for one that is new."""
        return self._statistics.get(name) or self._statistics[""]

    def standardised(self, value: Stretch) -> np.ndarray:
        """The values [T, C] in standard deviations of the training part."""
        mean, deviation = self.statistics(value.name)
        return (value.values - mean) / deviation

    # ---- tensors

    def encode(self, values: Sequence[Stretch]) -> Tensor:
        """What `arrays` gives, as a tensor."""
        import torch

        return torch.from_numpy(self.arrays(values)[0])

    def arrays(self, values: Sequence[Stretch]) -> tuple[np.ndarray]:
        """The last steps [B, context, C], standardised, float32; what is missing carried forward.

        A history that is too short begins with its first value again and again. With columns that are known ahead they
        are [B, context + horizon, C + K], of which nobody reads what stands for the future of the others.
        """
        width = len(self.names) + len(self.known)
        if not len(values):
            return (np.zeros((0, self.context + self._ahead, width), np.float32),)
        rows = np.stack([self._read(value) for value in values])
        rows[:, : self.context] = carried(rows[:, : self.context])
        if self.known:
            rows[..., len(self.names) :] = carried(rows[..., len(self.names) :])
        return (np.nan_to_num(rows).clip(-FARTHEST, FARTHEST).astype(np.float32),)

    @property
    def axes(self) -> Mapping[str, tuple[str | int, ...]]:
        """Batch, steps, columns."""
        return {"values": ("batch", self.context + self._ahead, len(self.names) + len(self.known))}

    @property
    def steps(self) -> Sequence[str]:
        """From a table to the tensor."""
        ahead = f", then for the next {self._ahead} steps those of {', '.join(self.known)}" if self.known else ""
        return (
            f"rows in the order of their times, one every {self.frequency}: the columns {', '.join(self.names)}{ahead}",
            "less the mean and divided by the deviation of each column (state.json: input, statistics; `` for a series "
            "that training did not know)",
            f"the last {self.context} steps; a shorter history begins with its first value again and again",
            f"what is missing is the value before it; at most {FARTHEST} deviations; float32",
        )

    @property
    def _ahead(self) -> int:
        """Steps after the last of which something is read."""
        return self.horizon if self.known else 0

    def _read(self, value: Stretch) -> np.ndarray:
        """What is read, standardised [context + ahead, C + K]."""
        mean, deviation = self._all_statistics(value.name)
        found = (value.cut(max(0, len(value) - self.context), len(value)).joined(self._ahead) - mean) / deviation
        missing = self.context + self._ahead - len(found)
        return np.concatenate([np.full((missing, found.shape[1]), np.nan), found]) if missing else found

    def _all_statistics(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Mean and deviation [C + K] of a series' columns and of those known ahead."""
        mean, deviation = self.statistics(name)
        return np.concatenate([mean, self._of_known[0]]), np.concatenate([deviation, self._of_known[1]])

    def decode(self, x: Tensor) -> list[Stretch]:
        """Histories of rows that know no time and no name, since tensors have none."""
        mean, deviation = self._all_statistics("")
        found = x.detach().cpu().numpy().astype(np.float64) * deviation + mean
        span, names = (0, self.context - 1), self.names
        bare = Stretch(np.zeros((self.context, len(names))), names, span=span, known_columns=self.known)
        return [bare.parted(each) for each in found]

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

    def _segments(self, value: Stretch) -> Segments:
        return Segments.of(value, self.context, self._ahead)

    def segments(self, value: Stretch) -> int:
        """Stretches of time times columns; and what each column that is known ahead holds for the steps to come."""
        return len(self._segments(value))

    def segment_name(self, value: Stretch, part: int) -> str:
        """The column, and from when to when."""
        return self._segments(value).name(part)

    def mask(self, value: Stretch, mask: np.ndarray, baseline: str) -> Stretch:
        """What is masked becomes constant: the mean of the training part, or that of what is read."""
        fill, own = self._all_statistics(value.name)[0], baseline == "own mean"
        return self._segments(value).masked(np.asarray(mask, bool), fill, own)

    def aggregate(self, saliency: Tensor, value: Stretch) -> np.ndarray:
        """The sum of saliency [T, C] over each segment [P]."""
        return self._segments(value).summed(saliency.numpy())

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
        """The values by column, and the first time; nothing of what is no series yet."""
        if not isinstance(value, Stretch):
            return None
        columns = {name: _plain(column) for name, column in zip(value.columns, value.values.T, strict=True)}
        return {"series": value.name, "from": value.time(0), "values": columns}

    def render(self, value: Stretch, weights: np.ndarray | None = None, answer: Marks | None = None) -> Rendering:
        """A line for each column, over stretches in the colours of their weights."""
        return self._segments(value).drawn(weights)


def _sums(values: np.ndarray) -> np.ndarray:
    """Of columns [T, C], how many values are known, their sum and that of their squares [3, C]."""
    known = ~np.isnan(values)
    plain = np.where(known, values, 0.0)
    return np.stack([known.sum(axis=0), plain.sum(axis=0), (plain**2).sum(axis=0)])


def _mean_and_deviation(sums: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of columns [C], from their `_sums`; a deviation of 1 without spread."""
    n = np.maximum(sums[0], 1)
    mean = sums[1] / n
    deviation = np.sqrt(np.maximum(sums[2] / n - mean**2, 0))
    return mean, np.where(deviation > 1e-9 * np.maximum(1.0, abs(mean)), deviation, 1.0)


def _plain(column: np.ndarray) -> list[float | None]:
    return [None if np.isnan(value) else float(f"{value:.6g}") for value in column]
