"""A stretch of a series: what a model is given, how it goes on, and what a forecast says."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np

from sounding.modalities.series.frequency import Frequency, said

LEVELS = (0.5, 0.8, 0.9)
"""The shares of the truth that the intervals of a forecast are to hold."""


@dataclass(frozen=True, eq=False)
class Stretch:
    """Consecutive time steps: `values` [T, C] in the user's units, NaN where one is missing.

    `name` tells one series of a table from the others; `source` is the file. Only rows from number `begins` on are
    asked for: those before were learnt from, and may be looked at. `span` is the time (first and last) of the whole
    table, by which several series are divided alike. `horizon`: how many steps are asked for after it; 0: the usual.

    `known` [T + A, K] are numbers in columns of their own (`known_columns`) that are known ahead (holidays, prices):
    from the first step on, and for A steps after the last.
    """

    values: np.ndarray
    columns: tuple[str, ...]
    start: int = 0
    frequency: Frequency = field(default_factory=Frequency)
    name: str = ""
    source: str = ""
    begins: int = 0
    span: tuple[int, int] = (0, 0)
    horizon: int = 0
    known: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))
    known_columns: tuple[str, ...] = ()

    __hash__: ClassVar[None] = None  # type: ignore[assignment]  # what is made of arrays is not counted

    def __len__(self) -> int:
        return len(self.values)

    @property
    def ahead(self) -> int:
        """A: for how many steps after the last the known columns go on."""
        return max(0, len(self.known) - len(self))

    @property
    def times(self) -> np.ndarray:
        """The time of each step [T]."""
        return self.frequency.times(self.start, len(self))

    def time(self, step: int) -> str:
        """The time of a step, which may come after the last."""
        return said(int(self.frequency.times(self.start, 1, step)[0]), self.frequency)

    def cut(self, first: int, last: int, horizon: int = 0) -> Stretch:
        """The steps from `first` to before `last`."""
        start = int(self.frequency.times(self.start, 1, first)[0]) if first else self.start
        known = self.known[first:]
        return replace(self, values=self.values[first:last], start=start, begins=0, horizon=horizon, known=known)

    def joined(self, ahead: int) -> np.ndarray:
        """All columns side by side [T + ahead, C + K], NaN where a number is not known."""
        whole = np.full((len(self) + ahead, self.values.shape[1] + len(self.known_columns)), np.nan)
        whole[: len(self), : self.values.shape[1]] = self.values
        if self.known_columns:
            found = self.known[: len(whole)]
            whole[: len(found), self.values.shape[1] :] = found
        return whole

    def parted(self, whole: np.ndarray) -> Stretch:
        """This stretch with the numbers that are `joined` in another."""
        columns = self.values.shape[1]
        known = whole[:, columns:] if self.known_columns else self.known
        return replace(self, values=whole[: len(self), :columns], known=known)


@dataclass(frozen=True, eq=False)
class Forecast(Stretch):
    """A stretch that a model foretells: its `values` are the medians.

    `low` and `high` [L, T, C] are the ends of the intervals of `LEVELS`; `before` [S, C] is the end of what was given.
    """

    low: np.ndarray = field(default_factory=lambda: np.zeros((0, 0, 0)))
    high: np.ndarray = field(default_factory=lambda: np.zeros((0, 0, 0)))
    before: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))

    __hash__ = None


def carried(values: np.ndarray) -> np.ndarray:
    """Values [..., T, C] with what is missing filled by the last known value before it, or else by the first after it.

    A column of which nothing is known stays NaN.
    """
    missing = np.isnan(values)
    if not missing.any():
        return values
    steps = np.arange(values.shape[-2])[:, None]
    last = np.maximum.accumulate(np.where(missing, -1, steps), axis=-2)
    first = np.where(missing, len(steps), steps).min(axis=-2, keepdims=True)
    places = np.where(last < 0, np.minimum(first, len(steps) - 1), last)
    return np.take_along_axis(values, places, axis=-2)
