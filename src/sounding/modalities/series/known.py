"""Columns that are known ahead: holidays, prices, promotions. They are no part of what is forecast.

A table has them beside the others, and in rows of their own behind the last number that is forecast: the future, as far
as somebody knows it.

Legend of shapes: T steps, A steps after them, C columns, K columns known ahead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sounding.errors import DataError, did_you_mean
from sounding.modalities.series.values import Stretch
from sounding.wording import counted, listed

_SHOWN = 4


def with_known(whole: Stretch, names: Sequence[str], of: str = "") -> Stretch:
    """A stretch [T + A, C + K] whose last columns are known ahead: its history ends with the last number of the others.

    Raises DataError where there is no such number; `of` says which of several series it is.
    """
    columns = whole.values.shape[1] - len(names)
    there = np.flatnonzero(~np.isnan(whole.values[:, :columns]).all(axis=1))
    if not len(there):
        what = f"no row{f' of {of}' if of else ''} holds a number in {listed(list(whole.columns[:columns]), _SHOWN)}"
        raise DataError(what, where=whole.source, fix="Give the history as well: a forecast goes on from there")
    values, known = whole.values[: there[-1] + 1, :columns], whole.values[:, columns:]
    return replace(whole, values=values, columns=whole.columns[:columns], known=known, known_columns=tuple(names))


def of_array(array: np.ndarray, names: Sequence[str], known: Sequence[str]) -> Stretch:
    """The stretch in an array [T + A, C + K] with columns of these names, of which some are known ahead.

    Raises DataError where one of those is not among the names.
    """
    if missing := [name for name in known if name not in names]:
        what = f"the array has no column {missing[0]!r}, which is to be known ahead"
        raise DataError(what, fix=did_you_mean(missing[0], names))
    rest = [name for name in names if name not in known]
    order = [names.index(name) for name in (*rest, *known)]
    return with_known(Stretch(array[:, order], (*rest, *known)), known)


def require_ahead(value: Stretch, horizon: int) -> None:
    """Raise DataError where what is known ahead does not reach over a whole forecast, or has gaps there."""
    ahead = value.known[len(value) : len(value) + horizon]
    names, last = listed(list(value.known_columns), _SHOWN), value.time(len(value) - 1)
    where = " ".join(filter(None, (value.source, f"({value.name})" if value.name else "")))
    if len(ahead) < horizon:
        there = counted(len(ahead), "row", "are")
        what = (
            f"a forecast of {counted(horizon, 'step')} needs {names} for each of them, and {there} there after {last}"
        )
        until, empty = value.time(len(value) + horizon - 1), listed(list(value.columns), _SHOWN)
        raise DataError(what, where=where, fix=f"Add rows up to {until} with {names}, and leave {empty} empty there")
    if np.isnan(ahead).any():
        step, column = np.argwhere(np.isnan(ahead))[0].tolist()
        what = f"{value.known_columns[column]} is missing for {value.time(len(value) + step)}, which is to be forecast"
        raise DataError(what, where=where, fix="Write it: what is known ahead has no gaps there")
