"""What there is before anything is trained: rows read once, rejected or kept, put into splits, and reported on.

Ingesting never stops at a bad row. What makes the data unfit for a training it collects as problems: who opens data to
train raises the first of them, who checks data prints them all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sounding.contract.answers import Composite
from sounding.contract.layouts import WithLegend, split_origin
from sounding.contract.records import Example
from sounding.contract.split_names import NAMES, Shares
from sounding.contract.task import Task
from sounding.data.cache import Cache
from sounding.data.columns import GUESSED, Columns
from sounding.data.reading import Given, Reader, Source
from sounding.data.record import RowRecord
from sounding.data.rejected import (
    categories,
    in_order,
    kept,
    label_conflicts,
    reject_lonely,
    reject_too_much,
    reject_unknown,
    reject_unseen_class,
    reject_untrained,
    too_many,
    unfit,
)
from sounding.data.report import Report
from sounding.data.rows import Rows
from sounding.data.scan import Scan, scan
from sounding.data.sources import Listing, find
from sounding.data.splits import Assignment, assign
from sounding.data.summary import digest_of, duplicates_of, remarks_of, with_files
from sounding.errors import DataError
from sounding.randomness import stream

KEPT = 2**28
"""Bytes of values, as they were read before anything was fitted, that are kept to fit the modalities to."""
DEMO = 400
"""Examples of a task's own demonstration."""


@dataclass(frozen=True)
class Ingested:
    """Rows that can be read, and what is known of them.

    `rows` [n] are the numbers of the rows used in `source`, `sides` [n] their splits as indices into NAMES.
    """

    source: Source
    rows: np.ndarray
    sides: np.ndarray
    scan: Scan
    report: Report
    problems: tuple[DataError, ...]


def ingest(
    task: Task,
    source: Any,
    columns: Columns = GUESSED,
    *,
    allow_bad: float | None = None,
    say: Callable[[str], None] | None = None,
    fit: bool = True,
    former: RowRecord | None = None,
) -> Ingested:
    """Read every row of a path, of "demo", or of a list of examples. Raises DataError for a source that is none.

    Without `fit` the rows are for a task that is fitted: nothing need be left to train on, and answers it does not know
    are rejected. With it, the target modality is fitted to all answers, to see what they are. `say` hears what is done.
    Rows of a `former` training keep their sides.
    """
    say = say or (lambda _: None)
    opened, listing, name = _opened(task, source, columns, fit)
    total = len(opened) + len(listing.rejected)
    if not total:
        raise DataError("there are no rows", where=name, fix="Put at least a few rows of each answer in it")
    say(f"reading {total:,} rows")
    found = scan(opened, task.input, task.target, Cache(min(KEPT, Cache().budget)) if fit else Cache())
    problems = label_conflicts(task, found, opened) if fit else []
    composed = split_origin(listing.rows)
    shares = None if composed else columns.shares
    rows, split = _divided(task, found, opened, fit, shares, columns.record or former)
    rejected = in_order([*listing.rejected, *found.rejected.values()])
    problems = [*too_many(rejected, total, allow_bad), *problems]
    if fit and len(rows):
        problems += unfit(task, found, rows, split.sides)
    say("looking for duplicates")
    report = Report(
        source=name,
        rows=total,
        rejected=rejected,
        allow_bad=allow_bad,
        problems=tuple(str(problem) for problem in problems),
        splits={side: int((split.sides == k).sum()) for k, side in enumerate(NAMES)},
        split_origin=composed or split.origin,
        classes=_classes(task, found, rows, split.sides),
        amounts=found.amounts.by_split(rows, split.sides),
        unit=task.target.unit if isinstance(task.target, Composite) else "",
        digest=digest_of(found, rows, split.sides.tolist()),
        duplicates=duplicates_of(found, opened, rows, split.sides),
        remarks=tuple(remarks_of(found, opened, rows, split.sides)),
    )
    notes = (*(task.input.notes() if fit else ()), *task.target.notes())
    report = with_files(report, listing, found, opened, notes)
    return Ingested(opened, rows, split.sides, found, report, tuple(problems))


def _opened(task: Task, source: Any, columns: Columns, fit: bool) -> tuple[Source, Listing, str]:
    name = "in memory"
    if isinstance(source, str) and source == "demo":
        source, name = task.demo(stream("demo", 0), DEMO), "demo"
    elif isinstance(source, str | Path):
        listing = find(task, Path(source), columns)
        if fit and isinstance(task.target, WithLegend):
            task.target.learn_legend(listing.rows, listing.root)
        return Reader(listing.rows, task.input, task.target), listing, str(source)
    if not isinstance(source, Sequence) or not all(isinstance(example, Example) for example in source):
        what = f"rows cannot be taken from a {type(source).__name__}"
        raise DataError(what, fix='Give a path, "demo", or a list of Examples')
    return Given(source), Listing(Rows()), name


def _divided(
    task: Task, found: Scan, source: Source, fit: bool, shares: Shares | None, former: RowRecord | None
) -> tuple[np.ndarray, Assignment]:
    """The rows that are used and their splits, after the rows are rejected that no split can use."""
    finite = categories(task, found)
    if finite:
        (reject_lonely if fit else reject_unknown)(task, found, source)
    rows = kept(found)
    splits, groups = ([column[row] for row in rows] for column in (found.splits, found.groups))
    targets = found.labels.of(rows) if finite else None
    parts = found.amounts.classes_of(rows) if isinstance(task.target, Composite) else None
    known = None if former is None else former.known(found.contents[rows])
    split = assign(splits, found.contents[rows], groups, targets, parts=parts, shares=shares, known=known)
    if fit:
        reject_too_much(found, rows, split.sides)
    if finite and fit:
        reject_untrained(task, found, source, rows, split.sides)
    elif not finite and len(rows):
        reject_unseen_class(task, found, source, rows, split.sides if fit else None)
    used = np.isin(rows, kept(found))
    return rows[used], Assignment(split.sides[used], split.origin)


def _classes(task: Task, found: Scan, rows: np.ndarray, sides: np.ndarray) -> dict[str, dict[str, int]]:
    if not categories(task, found):
        return {}
    times = Counter(zip(found.labels.of(rows), sides.tolist(), strict=True))
    present = {label for label, _ in times}
    ordered = [option for option in task.target.classes or () if option in present]
    return {
        task.target.describe(label): {name: times[label, side] for side, name in enumerate(NAMES)} for label in ordered
    }
