"""A table as one series or several: which column holds the times, which the numbers, which the names of series.

    wide   a column of times, and a column for each thing that was measured
    long   a column of names as well: one series for each of them

Gaps become rows whose numbers are missing. Columns of words are left out, which is said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sounding.contract.inputs import AssembledValues, TableCells
from sounding.errors import DataError, did_you_mean
from sounding.modalities.series.frequency import Frequency
from sounding.modalities.series.known import with_known
from sounding.modalities.series.numbers import has_commas, is_missing, looks_numeric, numbers
from sounding.modalities.series.times import NAMES, Regular, Times, looks_like_times, regular, times
from sounding.modalities.series.values import Stretch
from sounding.wording import counted, listed

IDS = (
    *("unique_id", "series", "series_id", "id", "item", "item_id", "store", "store_id", "sensor", "sensor_id"),
    *("station", "group", "name", "product", "sku", "country", "region", "meter", "device", "ticker", "symbol"),
)
"""Usual names of a column that tells several series apart."""
_GAPS = 20
"""At most so many times the rows that are there may be missing."""


@dataclass(frozen=True)
class Roles:
    """The columns that are used: the times, the names of series ("" for none), the numbers, those known ahead."""

    time: str
    name: str
    numbers: tuple[str, ...]
    known: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def used(self) -> Mapping[str, str]:
        """The columns that are not forecast, by the roles that every table has."""
        found = {"input": self.time, "group": self.name}
        return {role: name for role, name in found.items() if name}


def assembled(table: TableCells, columns: Sequence[str] = (), known: Sequence[str] = ()) -> AssembledValues:
    """The series of a table: those of `columns`, where a model knows already which it forecasts.

    The columns `known` are known ahead: rows at the end of a series that hold nothing but these are its future.
    """
    if not table.places:
        raise DataError("there are no rows", where=table.name, fix="Put a row for each time in it")
    roles = _roles(table, columns, known)
    found = times(roles.time, table.columns[roles.time], table.places.__getitem__)
    used = (*roles.numbers, *roles.known)
    values = np.stack([numbers(name, table.columns[name], table.places.__getitem__) for name in used], axis=1)
    notes = [*found.notes, *roles.notes, *_decimal_commas(table, roles)]
    made: list[Stretch] = []
    for name, rows in _rows_of(table, roles).items():
        series, said = _series(table, roles, name, rows, found, values)
        made.append(series)
        notes += said
    _same_frequency(table, made)
    span = min(int(each.times[0]) for each in made), max(int(each.times[-1]) for each in made)
    made = [replace(each, span=span) for each in made]
    notes = [_told(made), *listed(notes, 12, "\n").split("\n")] if notes else [_told(made)]
    named = [(f"{table.name} ({each.name})" if each.name else table.name, each) for each in made]
    return AssembledValues(named, roles.used, tuple(notes))


def _told(made: Sequence[Stretch]) -> str:
    first = made[0]
    rows = sum(map(len, made))
    some = f"{counted(len(first.columns), 'column')} ({listed(list(first.columns), 8)})"
    many = f"{len(made):,} series of {some}, {rows:,} times in all" if len(made) > 1 else f"{rows:,} times of {some}"
    step = str(first.frequency)
    ahead = listed(list(first.known_columns), 8)
    known = f"; known ahead: {ahead}, here for {counted(first.ahead, 'step')} after the end" if ahead else ""
    return f"{many}, {step} apart, from {first.time(0)} to {first.time(len(first) - 1)}{known}"


# ---- which column is what


def _roles(table: TableCells, wanted: Sequence[str], ahead: Sequence[str]) -> Roles:
    for name in (table.asked.get("input"), table.asked.get("group"), *_asked_numbers(table), *ahead):
        if name and name not in table.columns:
            fix = did_you_mean(name, list(table.columns))
            raise DataError(f"there is no column {name!r}", where=table.name, fix=fix)
    time = table.asked.get("input") or _time_column(table)
    known = _asked_numbers(table) or list(wanted)
    missing = [name for name in known if name not in table.columns]
    if missing:
        what = f"there is no column {missing[0]!r}, which the model forecasts"
        raise DataError(what, where=table.name, fix=f"Add it; the file has {', '.join(table.columns)}")
    if both := [name for name in ahead if name in (time, *known)]:
        what = f"{both[0]} is to be known ahead, and {'holds the times' if both[0] == time else 'forecast as well'}"
        raise DataError(what, where=table.name, fix="Name it once: in known, or with --target or --input")
    name = table.asked.get("group") or _name_column(table, time, [*known, *ahead])
    if known:
        return Roles(time, name, tuple(known), tuple(ahead))
    rest = [column for column in table.columns if column not in (time, name, *ahead)]
    empty = [column for column in rest if all(map(is_missing, table.columns[column]))]
    numeric = [column for column in rest if column not in empty and looks_numeric(table.columns[column])]
    if not numeric:
        what = f"no column beside {time} holds numbers"
        raise DataError(what, where=table.name, fix=f"Give one; the file has {', '.join(table.columns)}")
    notes = []
    if words := [column for column in rest if column not in numeric and column not in empty]:
        notes.append(f"left out, since they hold no numbers: {listed(words, 5)}")
    if empty:
        notes.append(f"left out, since they are empty: {listed(empty, 5)}")
    return Roles(time, name, tuple(numeric), tuple(ahead), tuple(notes))


def _asked_numbers(table: TableCells) -> list[str]:
    asked = table.asked.get("target", "")
    if asked in table.columns:
        return [asked]
    return [name.strip() for name in asked.split(",") if name.strip()]


def _time_column(table: TableCells) -> str:
    lower = {name.strip().lower(): name for name in table.columns}
    usual = [lower[name] for name in NAMES if name in lower]
    for name in (*usual, *table.columns):
        if looks_like_times(name, table.columns[name]):
            return name
    for name in usual[:1]:
        if not looks_numeric(table.columns[name]):
            return name  # what is wrong with it is said by its rows
    fix = f"Name it with --input NAME; the file has {', '.join(table.columns)}"
    raise DataError("no column holds times", where=table.name, fix=fix)


def _name_column(table: TableCells, time: str, known: Sequence[str]) -> str:
    """The column that tells several series apart, where times occur more than once and one makes them single."""
    cells = table.columns[time]
    if len(set(map(str, cells))) == len(cells):
        return ""
    rest = [name for name in table.columns if name != time and name not in known]
    usual = [name for name in rest if name.strip().lower() in IDS]
    words = [name for name in rest if name not in usual and not looks_numeric(table.columns[name])]
    for name in (*usual, *words):
        pairs = Counter(zip(map(str, table.columns[name]), map(str, cells), strict=True))
        if max(pairs.values()) == 1 and len(set(map(str, table.columns[name]))) < len(cells) / 2:
            return name
    return ""


def _decimal_commas(table: TableCells, roles: Roles) -> list[str]:
    found = [name for name in (*roles.numbers, *roles.known) if has_commas(table.columns[name])]
    return [f"decimal commas: {listed(found, 5)}"] if found else []


# ---- one series


def _rows_of(table: TableCells, roles: Roles) -> dict[str, np.ndarray]:
    """The rows of each series by its name."""
    if not roles.name:
        return {"": np.arange(len(table.places))}
    rows: dict[str, list[int]] = {}
    for i, cell in enumerate(table.columns[roles.name]):
        rows.setdefault(str(cell).strip(), []).append(i)
    return {name: np.array(found) for name, found in rows.items()}


def _series(
    table: TableCells, roles: Roles, name: str, rows: np.ndarray, found: Times, values: np.ndarray
) -> tuple[Stretch, list[str]]:
    """The series in some rows of a table, with rows for the times that are not there, and what is to be said of it."""

    def place(i: int) -> str:
        return table.places[int(rows[i])]

    of = name and f"{roles.name} {name}"
    order = regular(replace(found, values=found.values[rows]), place, roles.time, of)
    whole = _filled(order, values[rows], place)
    made = Stretch(whole, (*roles.numbers, *roles.known), order.start, order.frequency, name, table.name)
    if roles.known:
        made = with_known(made, roles.known, of)
    there = values[rows][order.steps < len(made), : len(roles.numbers)]
    return made, [*order.notes, *_missing(made, there, of), *_constant(made, of)]


def _filled(order: Regular, values: np.ndarray, place: Any) -> np.ndarray:
    n = int(order.steps[-1]) + 1
    if n > _GAPS * len(values):
        what = f"of {n:,} times only {len(values):,} are there"
        raise DataError(what, where=place(0), fix="Give the rows between, or a file of one frequency")
    whole = np.full((n, values.shape[1]), np.nan)
    whole[order.steps] = values
    return whole


def _missing(made: Stretch, values: np.ndarray, of: str) -> list[str]:
    counts = np.isnan(values).sum(axis=0)
    if not counts.sum():
        return []
    some = [f"{name} {n:,}" for name, n in zip(made.columns, counts.tolist(), strict=True) if n]
    inside = f" in {of}" if of else ""
    cells = counted(int(counts.sum()), "cell", "are")
    return [
        f"{cells} missing{inside} ({listed(some, 4)}): carried forward where the model reads, never counted as truth"
    ]


def _constant(made: Stretch, of: str) -> list[str]:
    found = []
    for name, column in zip(made.columns, made.values.T, strict=True):
        known = column[~np.isnan(column)]
        if len(known) and known.min() == known.max():
            found.append(f"{name} ({known[0]:g})")
    inside = f" in {of}" if of else ""
    return [f"constant{inside}: {listed(found, 4)}; there is nothing to learn from it"] if found else []


def _same_frequency(table: TableCells, made: Sequence[Stretch]) -> None:
    kinds: dict[Frequency, str] = {}
    for each in made:
        kinds.setdefault(each.frequency, each.name)
    if len(kinds) > 1:
        (one, first), (two, second) = list(kinds.items())[:2]
        what = f"the series differ in their frequency: {first} has rows {one} apart, and {second} {two}"
        raise DataError(what, where=table.name, fix="Put series of one frequency into a file")
