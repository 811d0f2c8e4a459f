"""Cells of a time column as times, and what can be wrong with their order."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import numpy as np

from sounding.errors import DataError
from sounding.modalities.series.frequency import DAY, HOUR, MONTHS, ROWS, SECONDS, WEEKDAYS, Frequency, said

NAMES = (
    *("time", "date", "datetime", "timestamp", "ds", "date_time", "time_stamp", "datum", "day", "month", "week"),
    *("year", "hour", "period", "t", "step", "index"),
)
"""Usual names of a time column."""
ORDINALS = ("t", "step", "index", "period", "time")
"""Names of columns whose whole numbers count the rows."""
_DATES = ("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%d-%m-%Y", "%m-%d-%Y", "%d.%m.%y", "%m/%d/%y", "%d/%m/%y")
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
_MORE = ("%Y%m%d", "%Y%m%d%H", "%b %Y", "%B %Y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%d-%b-%y")
FORMATS = (*(d + c for d in _DATES for c in _CLOCKS), *_MORE)
ISO = "YYYY-MM-DD"
_SEEN = 200  # cells by which a format is chosen, from all over the column
_CHANGED = 8  # steps of another length in a row that are a change of frequency and no gaps
_GAPS = 3  # gaps that are named
_MONTH = re.compile(r"\d{4}-\d{2}")
_QUARTER = re.compile(r"(\d{4})-?[qQ]([1-4])")
_EPOCH = datetime(1970, 1, 1)
_CALENDAR = {28 * DAY, 29 * DAY, 30 * DAY, 31 * DAY}

Place = Callable[[int], str]


@dataclass(frozen=True)
class Times:
    """The times [T] of a column as they stand there, whether they only count rows, and what was decided."""

    values: np.ndarray
    ordinal: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Regular:
    """Times in order: the start, the frequency, and the step [T] of each row; steps without a row are gaps."""

    start: int
    frequency: Frequency
    steps: np.ndarray
    notes: tuple[str, ...] = ()


def looks_like_times(name: str, cells: Sequence[Any]) -> bool:
    """Whether a column holds times: dates, or whole numbers under a usual name."""
    some = [cell for cell in _spread(cells) if cell not in (None, "")]
    if not some:
        return False
    if all(_ordinal(cell) is not None for cell in some):
        lower = name.strip().lower()
        return lower in ORDINALS or (lower in NAMES and all(_iso(cell) is not None for cell in map(str, some)))
    return any(all(_parsed(cell, form) is not None for cell in some) for form in _candidates(some))


def times(name: str, cells: Sequence[Any], place: Place) -> Times:
    """The times of a column. Raises DataError for an empty cell, one that is no time, and for several formats."""
    for i, cell in enumerate(cells):
        if cell is None or (isinstance(cell, str) and not cell.strip()):
            raise DataError(f"{name} is empty", where=place(i), fix="Every row needs a time: fill it in, or remove it")
    lower = name.strip().lower()
    if lower in ORDINALS and (counts := [_ordinal(cell) for cell in cells]) and None not in counts:
        return Times(np.array(counts, np.int64), ordinal=True)
    forms = _candidates(_spread(cells))
    best: list[int | None] = []
    fitting: dict[str, np.ndarray] = {}
    for form in forms:
        found = [_parsed(cell, form) for cell in cells]
        if None not in found:
            fitting[form] = np.array(found, np.int64)
        elif not best or found.count(None) < best.count(None):
            best, best_form = found, form
    if not fitting:
        raise _several(name, cells, best, best_form if best else ISO, place)
    form, notes = _chosen(fitting)
    notes += _zones(cells)
    return Times(fitting[form], notes=tuple(notes))


def regular(found: Times, place: Place, name: str = "the time", series: str = "") -> Regular:
    """The times as steps of one frequency. Raises DataError naming the row where they go back, repeat or change."""
    values, of = found.values, f" of {series}" if series else ""
    notes: list[str] = []
    if len(values) < 3:
        what = f"the series{of} has {len(values)} rows"
        raise DataError(what, where=place(0) if len(values) else "", fix="Give a longer history")
    jumps = np.diff(values)
    if (jumps < 0).all():
        raise DataError(f"the rows{of} stand in reverse order of {name}", where=place(0), fix="Sort them by time")
    if (jumps <= 0).any():
        raise _disordered(found, jumps, place, name, of)
    frequency = Frequency(ROWS, _common(jumps)) if found.ordinal else _frequency(values, jumps)
    steps = frequency.steps(int(values[0]), values)
    lengths = np.diff(steps)
    if (off := np.flatnonzero(steps < 0)).size:
        raise _irregular(values, int(off[0]), frequency, place, name, of)
    if (changed := _change(lengths)) is not None:
        raise _irregular(values, changed + 1, frequency, place, name, of)
    gaps = np.flatnonzero(lengths > 1)
    if gaps.size:
        missing = int((lengths[gaps] - 1).sum())
        where = ", ".join(f"after {said(int(values[i]), frequency)}" for i in gaps[:_GAPS])
        more = ", …" * (len(gaps) > _GAPS)
        rows, verb = ("1 row", "is") if missing == 1 else (f"{missing:,} rows", "are")
        notes.append(f"{rows}{of} {verb} not there ({where}{more}): these times count as missing")
    return Regular(int(values[0]), frequency, steps, tuple(notes))


# ---- one cell


def _ordinal(cell: Any) -> int | None:
    if isinstance(cell, bool):
        return None
    if isinstance(cell, int | np.integer):
        return int(cell)
    return int(cell) if isinstance(cell, str) and re.fullmatch(r"\s*-?\d{1,18}\s*", cell) else None


def _parsed(cell: Any, form: str) -> int | None:
    """Seconds since 1970 of a cell, by a format; in UTC where it says its zone."""
    if isinstance(cell, datetime):
        return _seconds(cell)
    if isinstance(cell, date):
        return (cell - _EPOCH.date()).days * DAY
    text = str(cell).strip()
    if form == ISO:
        return _iso(text)
    try:
        return _seconds(datetime.strptime(text, form))
    except ValueError:
        return None


def _iso(text: str) -> int | None:
    if match := _QUARTER.fullmatch(text):
        return _seconds(datetime(int(match[1]), 3 * int(match[2]) - 2, 1))
    if _MONTH.fullmatch(text):
        text += "-01"
    elif re.fullmatch(r"(1[5-9]|20)\d{2}", text):
        text += "-01-01"
    elif not re.match(r"\d{4}-", text):
        return None
    try:
        return _seconds(datetime.fromisoformat(text))
    except ValueError:
        return None


def _seconds(moment: datetime) -> int:
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    return int((moment - _EPOCH).total_seconds() // 1)


def _zones(cells: Sequence[Any]) -> list[str]:
    offsets = {_offset(cell) for cell in cells} - {None}
    if not offsets:
        return []
    changes = " (it changes, as with daylight saving)" if len(offsets) > 1 else ""
    return [f"the times say their zone{changes}: they are read in UTC"] if offsets != {0} else []


def _offset(cell: Any) -> int | None:
    moment = cell if isinstance(cell, datetime) else None
    if isinstance(cell, str) and re.search(r"(Z|[+-]\d{2}:?\d{2})$", cell.strip()) and ":" in cell:
        try:
            moment = datetime.fromisoformat(cell.strip())
        except ValueError:
            return None
    offset = moment.utcoffset() if moment is not None else None
    return None if offset is None else int(offset.total_seconds())


# ---- the format of a column


def _spread(cells: Sequence[Any]) -> list[Any]:
    return list(cells[:: max(1, len(cells) // _SEEN)])


def _candidates(cells: Sequence[Any]) -> list[str]:
    """The formats that at least one of some cells has, ISO first."""
    some = [ISO, *FORMATS]
    return [
        form for form in some if any(_parsed(cell, form) is not None for cell in cells[:: max(1, len(cells) // 20)])
    ]


def _chosen(fitting: dict[str, np.ndarray]) -> tuple[str, list[str]]:
    """The format after which the times rise most regularly; said where others fit."""
    first = next(iter(fitting))
    different = {form for form, found in fitting.items() if not np.array_equal(found, fitting[first])}
    if not different:
        return first, []

    def order(form: str) -> tuple[bool, float]:
        jumps = np.diff(fitting[form])
        same = Counter(jumps.tolist()).most_common(1)[0][1] / max(1, len(jumps)) if len(jumps) else 0.0
        return bool((jumps > 0).all()), same

    best = max(fitting, key=order)
    return best, [f"the dates are read as {best.replace('%', '')} (day and month could be the other way round)"]


def _several(name: str, cells: Sequence[Any], found: list[int | None], form: str, place: Place) -> DataError:
    odd = found.index(None)
    other = next((cells[i] for i, value in enumerate(found) if value is not None), "")
    what = f"{name} is {str(cells[odd])!r}, which is no time that can be read"
    if other != "":
        what = f"{name} is {str(cells[odd])!r}, and elsewhere it is written like {str(other)!r}"
    return DataError(what, where=place(odd), fix=f"Write all times in one format, best as {ISO} HH:MM")


# ---- order and frequency


def _common(jumps: np.ndarray) -> int:
    return int(Counter(jumps.tolist()).most_common(1)[0][0])


def _frequency(values: np.ndarray, jumps: np.ndarray) -> Frequency:
    """The frequency of most steps; calendar months and weekdays are such."""
    common = _common(jumps)
    if common in _CALENDAR or common > 31 * DAY:
        for count in (1, 2, 3, 4, 6, 12):
            if 27 * count * DAY < np.median(jumps) <= 31 * count * DAY or (count == 12 and common >= 365 * DAY):
                months = Frequency(MONTHS, count)
                if (months.steps(int(values[0]), values) >= 0).all():
                    return months
    if common == DAY and len(values) > 10:
        days = (values // DAY).astype("datetime64[D]")
        if np.is_busday(days).all() and (values % DAY == values[0] % DAY).all():
            return Frequency(WEEKDAYS, 1)
    return Frequency(SECONDS, common)


def _change(lengths: np.ndarray) -> int | None:
    """Where a stretch begins whose steps are all longer by the same factor; None where there is none."""
    begin = 0
    for i in range(1, len(lengths) + 1):
        if i == len(lengths) or lengths[i] != lengths[begin]:
            if lengths[begin] > 1 and i - begin >= _CHANGED:
                return begin
            begin = i
    return None


def _irregular(values: np.ndarray, at: int, frequency: Frequency, place: Place, name: str, of: str) -> DataError:
    exact = Frequency(SECONDS, 1) if frequency.unit != ROWS else frequency
    told = f"{said(int(values[at]), exact)} after {said(int(values[at - 1]), exact)}"
    what = f"the frequency{of} changes: most rows are {frequency} apart, and here {name} is {told}"
    return DataError(what, where=place(at), fix="Give rows that are equally far apart, or cut the file here")


def _disordered(found: Times, jumps: np.ndarray, place: Place, name: str, of: str) -> DataError:
    at = int(np.flatnonzero(jumps <= 0)[0]) + 1
    exact = Frequency(ROWS) if found.ordinal else Frequency(SECONDS, 1)
    here, before = (said(int(found.values[i]), exact) for i in (at, at - 1))
    if _clocks_put_back(found.values, jumps, at):
        what = f"{name}{of} goes back an hour to {here}, as clocks do when summer time ends"
        fix = "Write the times in UTC, or with their offset: 2018-10-28T02:00+01:00"
        return DataError(what, where=place(at), fix=fix)
    if jumps[at - 1] < 0:
        what = f"{name}{of} goes back from {before} to {here}"
        return DataError(
            what, where=place(at), fix="Sort the rows by time; several series need a column of their names"
        )
    what = f"{name}{of} is {here} twice ({place(at - 1)} as well)"
    fix = "Keep one row of each time; of several series name the column that tells them apart: --group NAME"
    return DataError(what, where=place(at), fix=fix)


def _clocks_put_back(values: np.ndarray, jumps: np.ndarray, at: int) -> bool:
    """Whether the only repetition is that of an hour in a Sunday's night in autumn."""
    moment = np.datetime64(int(values[at]), "s").astype(datetime)
    step = _common(jumps)
    night = moment.weekday() == 6 and moment.month in (10, 11) and moment.hour <= 3
    return bool(night and step <= HOUR and (jumps <= 0).sum() <= len(values) // (300 * DAY // HOUR) + 1)
