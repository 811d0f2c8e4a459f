"""Which rows a training cannot use although each can be read, and why a whole set of rows cannot be used.

Rows are rejected one by one, by place; problems are errors that keep a training from starting.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from sounding.contract.answers import Composite, Labelled
from sounding.contract.split_names import NAMES
from sounding.contract.task import Task
from sounding.data.alike import rejections
from sounding.data.reading import Source
from sounding.data.report import RejectedRow
from sounding.data.scan import Scan
from sounding.errors import DataError
from sounding.wording import percent

_SHOWN = 10  # lines on rejected rows that an error lists
ALLOWED = 0.01
"""Share of rows that may be unusable where nobody says how many; a single one always may."""


def kept(found: Scan) -> np.ndarray:
    """The numbers of the rows that are not rejected."""
    used = np.ones(len(found.contents), bool)
    used[list(found.rejected)] = False
    return np.flatnonzero(used)


def categories(task: Task, found: Scan) -> bool:
    """Whether the answers are a finite list, as the target modality says after it was fitted."""
    return found.labels.known and task.target.classes is not None


# ---- rows


def reject_lonely(task: Task, found: Scan, source: Source) -> None:
    """Reject the only row of an answer: there is none to learn from and another to be measured on."""
    rows = kept(found)
    labels = found.labels.of(rows)
    times = Counter(labels)
    if len(times) < 2:
        return  # that there is one answer only is another problem
    for row, label in zip(rows.tolist(), labels, strict=True):
        if times[label] == 1:
            said = task.target.describe(label)
            what = f"{said!r} has only this one row, and needs one to learn from and one to be measured on"
            found.rejected[row] = RejectedRow(source.where(row), what, f"Add rows of {said!r}, or remove this one")


def reject_unknown(task: Task, found: Scan, source: Source) -> None:
    """Reject rows whose answer a task that is fitted already does not know."""
    rows, known = kept(found), set(task.target.classes or ())
    for row, label in zip(rows.tolist(), found.labels.of(rows), strict=True):
        if label not in known:
            what = f"the model does not know the answer {task.target.describe(label)!r}"
            found.rejected[row] = RejectedRow(source.where(row), what, "Correct it, or remove the row")


def reject_too_much(found: Scan, rows: np.ndarray, sides: np.ndarray) -> None:
    """Reject training rows that are too much to learn from; validation and test rows are measured on."""
    for row in rows[sides == 0].tolist():
        if row in found.too_much:
            found.rejected[row] = found.too_much[row]


def reject_untrained(task: Task, found: Scan, source: Source, rows: np.ndarray, sides: np.ndarray) -> None:
    """Reject rows of validation and test whose answer no training row has."""
    labels = found.labels.of(rows)
    trained = {label for label, side in zip(labels, sides, strict=True) if side == 0}
    for row, label, side in zip(rows.tolist(), labels, sides, strict=True):
        if trained and label not in trained:
            what = f"no training row has the answer {task.target.describe(label)!r} of this {NAMES[side]} row"
            found.rejected[row] = RejectedRow(source.where(row), what, "Correct it, or add training rows of it")


def reject_unseen_class(
    task: Task, found: Scan, source: Source, rows: np.ndarray, sides: np.ndarray | None = None
) -> None:
    """Reject rows whose answer holds what no training row has, where answers are made of parts (boxes).

    With `sides`, the target is fitted to the training rows first.
    """
    if not isinstance(task.target, Composite):
        return
    train = np.zeros(len(rows), bool) if sides is None else sides == 0
    if train.any():
        try:
            task.target.fit(source.target(row) for row in rows[train].tolist())
        except DataError:
            return  # nothing can be learnt at all, which is another problem
    for row in rows[~train].tolist():
        try:
            what, fix = task.target.unseen_class(source.target(row)), "Correct it, or add training rows of it"
        except DataError as error:
            what, fix = error.what, error.fix
        if what:
            found.rejected[row] = RejectedRow(source.where(row), what, fix)


def in_order(rejected: Sequence[RejectedRow]) -> tuple[RejectedRow, ...]:
    """By file, and within a file by line (2 before 10)."""

    def key(rejection: RejectedRow) -> tuple[str, int]:
        name, _, line = rejection.where.replace(":row ", ":").rpartition(":")
        return (name, int(line)) if line.isdecimal() else (rejection.where, 0)

    return tuple(sorted(rejected, key=key))


# ---- problems


def label_conflicts(task: Task, found: Scan, source: Source) -> list[DataError]:
    """Fits the target to all answers, those outside training too, and asks it what looks like a mistake."""
    rows = kept(found)
    if not len(rows) or (not found.labels.known and not isinstance(task.target, Labelled)):
        return []
    known = found.labels.known
    try:
        task.target.fit(
            iter(found.labels.of(rows)) if known else (_answer(found, source, row) for row in rows.tolist())
        )
    except DataError as error:
        return [error]
    conflicts = task.target.label_conflicts() if isinstance(task.target, Labelled) else []
    return [DataError(conflict, fix="Write them alike, or rename one of them") for conflict in conflicts]


def _answer(found: Scan, source: Source, row: int) -> Any:
    """The answer of a row as the scan read it."""
    seen = found.values.get(row)
    return source.target(row) if seen is None else seen.target


def too_many(
    rejected: Sequence[RejectedRow],
    total: int,
    allow_bad: float | None,
    go_on: str = "train",
    columns: str = "other columns with --input and --target",
    noun: str = "rows",
) -> list[DataError]:
    """The error that lists rejected rows, if they are more than the share `allow_bad` of all, or all.

    Without a share a hundredth of all may be rejected, and one in any case.

    `go_on` is what could be done without them, `columns` what else could be named, `noun` what they are called.
    """
    share = len(rejected) / total
    allowed = max(1, int(ALLOWED * total)) if allow_bad is None else allow_bad * total + 1e-9
    if len(rejected) <= min(allowed, total - 1):
        return []
    lines = list(rejections(rejected).lines(noun))
    listed = "".join(f"\n  {line}" for line in lines[:_SHOWN])
    more = f"\n  and {len(lines) - _SHOWN:,} more" if len(lines) > _SHOWN else ""
    if len(rejected) == total:
        fix = f"Mend them, or name {columns}:{listed}{more}"
        what = f"none of the {total:,} {noun} can be used" if total > 1 else "there is nothing that can be used"
        return [DataError(what, fix=fix)]
    enough = math.ceil(share * 1000) / 1000
    fix = f"Mend them, or {go_on} without them (--allow-bad {enough:g}):{listed}{more}"
    return [DataError(f"{len(rejected):,} of {total:,} {noun} cannot be used ({percent(share, 2)})", fix=fix)]


def unfit(task: Task, found: Scan, rows: np.ndarray, sides: np.ndarray) -> list[DataError]:
    """Why the rows that are left cannot be learnt from or measured on."""
    problems = []
    if categories(task, found) and len(values := set(found.labels.of(rows))) == 1:
        said = task.target.describe(next(iter(values)))
        problems.append(DataError(f"every row has the same answer, {said!r}", fix="Add rows of at least one other"))
    empty = [name for k, name in enumerate(NAMES) if not (sides == k).any()]
    groups = {found.groups[row] for row in rows}
    if empty and "" not in groups and len(groups) < 3:
        what = f"{len(groups)} groups are too few to train, validate and test on different ones"
        problems.append(DataError(what, fix="Add groups, name another column with --group, or give the splits"))
    elif empty:
        what = f"no row is left for {' and '.join(empty)} ({len(rows):,} rows in all)"
        problems.append(DataError(what, fix="Add rows, ten of each answer or more"))
    return problems
