"""What there is before anything is trained: rows read once, rejected or kept, put into splits, and reported on.

A survey never stops at a bad row. What makes the data unfit for a training it collects as problems: who opens data to
train raises the first of them, who checks data prints them all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from sounding.contract.layouts import WithLegend
from sounding.contract.records import Example
from sounding.contract.split_names import NAMES
from sounding.contract.task import Task
from sounding.data.columns import GUESSED, Columns
from sounding.data.duplicates import Duplicates, disagreeing, duplicates
from sounding.data.reading import Given, Reader, Source
from sounding.data.rejected import (
    categories,
    in_order,
    kept,
    label_conflicts,
    refuse_lonely,
    refuse_strange,
    refuse_unknown,
    refuse_untrained,
    too_many,
    unfit,
)
from sounding.data.report import LISTED, File, Report
from sounding.data.rows import ChainedRows
from sounding.data.scan import Scan, scan
from sounding.data.sources import Listing, find
from sounding.data.splits import Assignment, assign, torn_groups
from sounding.errors import DataError
from sounding.randomness import stream

DEMO = 400
"""Examples of a task's own demonstration."""


@dataclass(frozen=True)
class Survey:
    """Rows that can be read, and what is known of them.

    `rows` [n] are the numbers of the rows used in `source`, `sides` [n] their splits as indices into NAMES.
    """

    source: Source
    rows: np.ndarray
    sides: np.ndarray
    scan: Scan
    report: Report
    problems: tuple[DataError, ...]


def survey(
    task: Task,
    source: Any,
    columns: Columns = GUESSED,
    *,
    allow_bad: float = 0.0,
    say: Callable[[str], None] | None = None,
    fit: bool = True,
) -> Survey:
    """Read every row of a path, of "demo", or of a list of examples. Raises DataError for a source that is none.

    Without `fit` the rows are for a task that is fitted: nothing need be left to train on, and answers it does not know
    are rejected. With it, the target modality is fitted to all answers, to see what they are. `say` hears what is done.
    """
    say = say or (lambda _: None)
    opened, listing, name = _opened(task, source, columns, fit)
    total = len(opened) + len(listing.rejected)
    if not total:
        raise DataError("there are no rows", where=name, fix="Put at least a few rows of each answer in it")
    say(f"reading {total:,} rows")
    found = scan(opened, task.input, task.target)
    problems = label_conflicts(task, found, opened) if fit else []
    rows, split = _divided(task, found, opened, fit)
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
    )
    report = _with_files(report, listing, found, task.target.notes())
    report = _with_rows(report, task, found, opened, rows, split)
    return Survey(opened, rows, split.sides, found, report, tuple(problems))


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
    return Given(source), Listing(ChainedRows([])), name


def _divided(task: Task, found: Scan, source: Source, fit: bool) -> tuple[np.ndarray, Assignment]:
    """The rows that are used and their splits, after the rows are rejected that no split can use."""
    finite = categories(task, found)
    if finite:
        (refuse_lonely if fit else refuse_unknown)(task, found, source)
    rows = kept(found)
    splits, groups = ([column[row] for row in rows] for column in (found.splits, found.groups))
    split = assign(splits, found.contents[rows], groups, found.labels.of(rows) if finite else None)
    if finite and fit:
        refuse_untrained(task, found, source, rows, split.sides)
    elif not finite and len(rows):
        refuse_strange(task, found, source, rows, split.sides if fit else None)
    used = np.isin(rows, kept(found))
    return rows[used], Assignment(split.sides[used], split.origin)


# ---- the report


def _with_files(report: Report, listing: Listing, found: Scan, notes: Sequence[str]) -> Report:
    """The report with what is known of files and columns."""
    return replace(
        report,
        columns=str(listing.chosen or ""),
        column_names=listing.chosen.names if listing.chosen else {},
        files=listing.files or _folder(listing, found),
        ignored=listing.ignored,
        notes=(*listing.notes, *notes),
    )


def _with_rows(report: Report, task: Task, found: Scan, source: Source, rows: np.ndarray, split: Assignment) -> Report:
    """The report with what is known of the rows that are used."""
    return replace(
        report,
        splits={side: int((split.sides == k).sum()) for k, side in enumerate(NAMES)},
        split_origin=split.origin,
        classes=_classes(task, found, rows, split.sides),
        digest=_digest(found, rows, split.sides),
        duplicates=_duplicates(found, source, rows, split.sides),
        remarks=tuple(_remarks(found, source, rows, split.sides)),
    )


def _classes(task: Task, found: Scan, rows: np.ndarray, sides: np.ndarray) -> dict[str, dict[str, int]]:
    if not categories(task, found):
        return {}
    times = Counter(zip(found.labels.of(rows), sides.tolist(), strict=True))
    present = {label for label, _ in times}
    ordered = [option for option in task.target.classes or () if option in present]
    return {
        task.target.describe(label): {name: times[label, side] for side, name in enumerate(NAMES)} for label in ordered
    }


def _duplicates(found: Scan, source: Source, rows: np.ndarray, sides: np.ndarray) -> Duplicates:
    prints = None if found.prints is None else found.prints[rows]
    return duplicates(found.contents[rows], prints, sides, lambda i: source.where(int(rows[i])))


def _remarks(found: Scan, source: Source, rows: np.ndarray, sides: np.ndarray) -> Iterator[str]:
    yield from found.remarks
    if found.odd > len(found.remarks):
        yield f"and {found.odd - len(found.remarks):,} more odd rows"
    clashes = disagreeing(found.contents[rows], found.answers[rows])
    for a, b in clashes[:LISTED]:
        yield f"{source.where(int(rows[a]))}: same input as {source.where(int(rows[b]))}, but another answer"
    if len(clashes) > LISTED:
        yield f"and {len(clashes) - LISTED:,} more rows with the input of another and a different answer"
    torn = torn_groups(sides.tolist(), [found.groups[row] for row in rows])
    if torn:
        some = ", ".join(torn[:3]) + ", …" * (len(torn) > 3)
        yield f"{len(torn):,} groups have rows in more than one split ({some}), which makes the test easier"


def _folder(listing: Listing, found: Scan) -> tuple[File, ...]:
    """All files of a folder as one: how many, and a digest over their names, sizes and contents."""
    if listing.folder is None:
        return ()
    digest, size = blake2b(digest_size=16), 0
    order = sorted(range(len(listing.rows)), key=listing.rows.where)
    for i in order:
        bytes = int(found.sizes[i])
        size += bytes
        digest.update(
            f"{listing.rows.where(i)}\0{bytes}\0".encode(errors="surrogateescape") + found.contents[i].tobytes()
        )
    return (File(listing.folder.name, len(order), size, digest.hexdigest(), len(order)),)


def _digest(found: Scan, rows: np.ndarray, sides: np.ndarray) -> str:
    """Of rows, answers and splits: a sum over the rows, so that their order has no influence."""
    total = 0
    for row, side in zip(rows.tolist(), sides.tolist(), strict=True):
        whole = found.contents[row].tobytes() + found.answers[row].tobytes() + bytes([side])
        total += int.from_bytes(blake2b(whole, digest_size=16).digest(), "big")
    return f"{total % 2**128:032x}"
