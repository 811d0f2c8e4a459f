"""Which other application could learn from data that one cannot read: a table of texts, given to `classify`."""

from __future__ import annotations

from pathlib import Path

from sounding import catalog
from sounding.contract.task import Task
from sounding.data import Columns
from sounding.data.columns import NoColumnError
from sounding.data.guessing import candidates
from sounding.errors import DataError


def suggested(error: NoColumnError, task: Task, source: object, columns: Columns) -> DataError:
    """The error, with the likeliest application that can read the source."""
    if not isinstance(source, str | Path):
        return error
    others = {name: kind for name in catalog.names() if not isinstance(task, kind := catalog.find(name))}
    possible, _ = candidates(others, Path(source), columns)
    if not possible or not possible[0].likelihood:
        return error
    best = possible[0]
    what = f"{error.what}, but {best.name} could learn from it: sounding train {best.name} {source}"
    return DataError(what, where=error.where, fix=error.fix)
