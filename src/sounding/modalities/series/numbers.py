"""Cells of a table as numbers: what is missing becomes NaN, what is none is named with its place."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from sounding.errors import DataError

MISSING = frozenset(("", "na", "n/a", "nan", "null", "none", "-", "?", "."))
"""How tables say, in small letters, that a number is missing."""
_COMMA = re.compile(r"[+-]?\d+(,\d+)?")
MOSTLY = 0.5
"""A column is one of numbers where more than this share of its cells are numbers or missing, and some are numbers."""


def is_missing(cell: Any) -> bool:
    """Whether a cell says that there is no number."""
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return True
    return isinstance(cell, str) and cell.strip().lower() in MISSING


def number(cell: Any, comma: bool = False) -> float | None:
    """The number of a cell that is not missing; None where it is none. With `comma`, 12,5 is twelve and a half."""
    if isinstance(cell, bool) or not isinstance(cell, str | int | float):
        return float(cell) if isinstance(cell, bool | np.number) else None
    try:
        return float(cell.strip().replace(",", ".") if comma and isinstance(cell, str) else cell)
    except ValueError:
        return None


def has_commas(cells: Sequence[Any]) -> bool:
    """Whether all that is there is written with decimal commas, and some of it has one."""
    known = [cell.strip() for cell in cells if isinstance(cell, str) and not is_missing(cell)]
    return any("," in cell for cell in known) and all(_COMMA.fullmatch(cell) for cell in known)


def looks_numeric(cells: Sequence[Any]) -> bool:
    """Whether a column is meant to hold numbers, though some of its cells may be none."""
    known = [cell for cell in cells if not is_missing(cell)]
    comma = has_commas(known)
    numbers = sum(number(cell, comma) is not None for cell in known)
    return bool(known) and numbers > MOSTLY * len(known)


def numbers(name: str, cells: Sequence[Any], place: Callable[[int], str]) -> np.ndarray:
    """The column as float64 [T], NaN for what is missing.

    Raises DataError for a cell that is no number or is infinite; `place(i)` is where cell i stands.
    """
    comma = has_commas(cells)
    found = np.full(len(cells), np.nan)
    for i, cell in enumerate(cells):
        if is_missing(cell):
            continue
        value = number(cell, comma)
        if value is None:
            raise _no_number(name, cell, place(i))
        if math.isinf(value):
            what = f"{name} is infinite ({cell})"
            raise DataError(what, where=place(i), fix="Write the number, or leave the cell empty: it is missing then")
        found[i] = value
    return found


def _no_number(name: str, cell: Any, where: str) -> DataError:
    what = f"{name} is {str(cell)[:40]!r}, which is no number"
    fix = "Correct it, or leave the cell empty: it is missing then"
    if isinstance(cell, str) and _COMMA.fullmatch(cell.strip()):
        fix = "Other cells of the column have decimal points: write all with points, or all with commas"
    return DataError(what, where=where, fix=fix)
