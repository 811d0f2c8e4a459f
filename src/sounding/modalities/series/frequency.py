"""How far apart the times of a series lie: a number of seconds, months, weekdays, or rows that know no time.

Times are whole seconds since 1970 without a time zone, or the numbers of rows: int64 [T].
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SECONDS, MONTHS, WEEKDAYS, ROWS = "second", "month", "weekday", "row"
MINUTE, HOUR, DAY = 60, 3600, 86_400
WEEK = 7 * DAY
_SEASONS = {MINUTE: 60, HOUR: 24, DAY: 7, WEEK: 52}
"""Seconds of a step → steps after which such series usually repeat."""
_HORIZONS = {HOUR: 48, DAY: 28, WEEK: 13}


@dataclass(frozen=True)
class Frequency:
    """Steps of `count` times a unit."""

    unit: str = ROWS
    count: int = 1

    def times(self, start: int, n: int, first: int = 0) -> np.ndarray:
        """The times [n] of the steps from number `first` on, counted from `start`."""
        steps = np.arange(first, first + n, dtype=np.int64) * self.count
        if self.unit == MONTHS:
            return _months_later(start, steps)
        if self.unit == WEEKDAYS:
            day, rest = divmod(start, DAY)
            days = np.busday_offset(np.datetime64(day, "D"), steps, roll="forward")
            return days.astype(np.int64) * DAY + rest
        return start + steps

    def passed(self, start: int, times: np.ndarray) -> np.ndarray:
        """How many whole steps lie between `start` and each of the times [T]."""
        if self.unit == MONTHS:
            return np.asarray((_month(times) - _month(np.array([start]))[0]) // self.count)
        if self.unit == WEEKDAYS:
            days = (times // DAY).astype("datetime64[D]")
            return np.asarray(np.busday_count(np.datetime64(start // DAY, "D"), days) // self.count)
        return (times - start) // self.count

    def steps(self, start: int, times: np.ndarray) -> np.ndarray:
        """How many steps each of the times [T] lies after `start`; -1 for one that lies on no step."""
        found = self.passed(start, times)
        if not len(found):
            return found
        known = self.times(start, int(found.max()) + 1) if found.min() >= 0 else self.times(start, 1)
        there = (found >= 0) & (known[np.clip(found, 0, len(known) - 1)] == times)
        return np.where(there, found, -1)

    @property
    def season(self) -> int:
        """Steps after which such series usually repeat: a day of hours, a week of days, a year of months; or 1."""
        if self.unit == MONTHS:
            return max(1, 12 // self.count)
        if self.unit == WEEKDAYS:
            return 5 if self.count == 1 else 1
        if self.unit != SECONDS:
            return 1
        if self.count in _SEASONS:
            return _SEASONS[self.count]
        return DAY // self.count if self.count < DAY and DAY % self.count == 0 else 1

    @property
    def horizon(self) -> int:
        """Steps that are usually asked for."""
        if self.unit == MONTHS:
            return max(1, 12 // self.count)
        if self.unit == WEEKDAYS:
            return 20
        return _HORIZONS.get(self.count, 2 * self.season if self.season > 1 else 12) if self.unit == SECONDS else 24

    def __str__(self) -> str:
        if self.unit != SECONDS:
            return f"{self.count} {self.unit}{'s' * (self.count > 1)}"
        for name, size in (("week", WEEK), ("day", DAY), ("hour", HOUR), ("minute", MINUTE), ("second", 1)):
            if self.count % size == 0:
                n = self.count // size
                return f"{n} {name}{'s' * (n > 1)}"
        raise AssertionError("every count is a multiple of one second")

    def to_json(self) -> list[str | int]:
        """Unit and count."""
        return [self.unit, self.count]


def said(time: int, frequency: Frequency) -> str:
    """A time as people write it: 2016-07-01, 2016-07-01 05:00; the number of a row."""
    if frequency.unit == ROWS:
        return str(time)
    moment = np.datetime64(int(time), "s")
    whole = str(moment).replace("T", " ")
    if time % DAY == 0 and (frequency.unit != SECONDS or frequency.count % DAY == 0):
        return whole[:10]
    return whole if time % MINUTE else whole[:16]


def _month(times: np.ndarray) -> np.ndarray:
    return times.astype("datetime64[s]").astype("datetime64[M]").astype(np.int64)


def _months_later(start: int, steps: np.ndarray) -> np.ndarray:
    """The same day of later months, or their last day where they are shorter; a last day stays the last day."""
    moment = np.datetime64(int(start), "s")
    month, day = moment.astype("datetime64[M]"), moment.astype("datetime64[D]")
    within = int((day - month.astype("datetime64[D]")).astype(np.int64))
    months = month + steps
    firsts = months.astype("datetime64[D]")
    lengths = ((months + 1).astype("datetime64[D]") - firsts).astype(np.int64)
    last = within + 1 == int(((month + 1).astype("datetime64[D]") - month.astype("datetime64[D]")).astype(np.int64))
    days = firsts + (lengths - 1 if last else np.minimum(within, lengths - 1))
    return days.astype(np.int64) * DAY + start % DAY
