"""Documents without answers: read once, split by document or divided themselves, and cut into windows by the task.

Many documents are split as rows are, by a hash of their content (or group). Of fewer than `FEW`, a tenth would be none
or one: each is divided into contiguous stretches, the first to train on, the last to test on. The task is fitted to
what is trained on alone; only then does it cut each split into windows, which are its examples.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from sounding.contract.inputs import Assembled, Divisible
from sounding.contract.layouts import WithLegend
from sounding.contract.modality import Modality
from sounding.contract.records import Example
from sounding.contract.split_names import NAMES, Shares
from sounding.contract.task import Task
from sounding.data.columns import GUESSED, Columns
from sounding.data.ingest import DEMO
from sounding.data.reading import DocumentReader, GivenInputs, Source, Unanswered, listed_values
from sounding.data.rejected import in_order, kept, too_many
from sounding.data.report import Duplicates, Report
from sounding.data.rows import Rows
from sounding.data.scan import Scan, ahead, scan
from sounding.data.sources import Listing, find
from sounding.data.splits import SHARE, assign
from sounding.data.summary import digest_of, duplicates_of, remarks_of, with_files
from sounding.errors import DataError
from sounding.randomness import stream
from sounding.wording import counted, percent

FEW = 10
"""Fewer documents than this are divided themselves, where their kind can be."""


class Documents(Sequence[Any]):
    """The values of some documents, or of one stretch of each, read when they are asked for."""

    def __init__(
        self,
        source: Source,
        input: Modality,
        rows: np.ndarray,
        shares: tuple[float, ...] = (),
        stretch: int = 0,
    ) -> None:
        self._source, self._input, self._rows = source, input, rows
        self._shares, self._stretch = shares, stretch

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: Any) -> Any:
        if not isinstance(index, int | np.integer):
            return Documents(self._source, self._input, self._rows[index], self._shares, self._stretch)
        value = self._source.read(int(self._rows[index])).input
        if not self._shares:
            return value
        assert isinstance(self._input, Divisible)  # who divides has asked
        return self._input.divide(value, self._shares)[self._stretch]

    def __iter__(self) -> Iterator[Any]:
        return ahead(self.__getitem__, range(len(self)))


class DocumentExamples(Sequence[Example]):
    """Documents as examples without answers, which a task is fitted to."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    def __len__(self) -> int:
        return len(self._documents)

    def __getitem__(self, index: Any) -> Any:
        found = self._documents[index]
        return DocumentExamples(found) if isinstance(found, Documents) else Example(found)

    def __iter__(self) -> Iterator[Example]:
        return (Example(value) for value in self._documents)


class Deferred(Sequence[Example]):
    """Examples that are made when they are first looked at."""

    def __init__(self, make: Callable[[], Sequence[Example]]) -> None:
        self._make = make
        self._made: Sequence[Example] | None = None

    def __len__(self) -> int:
        return len(self._examples())

    def __getitem__(self, index: Any) -> Any:
        return self._examples()[index]

    def _examples(self) -> Sequence[Example]:
        if self._made is None:
            self._made = self._make()
        return self._made


@dataclass(frozen=True)
class DocumentSplits:
    """Which documents, or which stretch of them, each split has. `origin` says in words where that comes from."""

    rows: tuple[np.ndarray, np.ndarray, np.ndarray]
    origin: str
    shares: tuple[float, ...] = ()
    stretches: tuple[int, int, int] = (-1, -1, -1)
    """For each split the number of its stretch among `shares`; -1 for whole documents."""

    def of(self, side: int, source: Source, input: Modality) -> Documents:
        """The documents of a split."""
        stretch = self.stretches[side]
        return Documents(source, input, self.rows[side], self.shares if stretch >= 0 else (), max(0, stretch))


@dataclass(frozen=True)
class IngestedDocuments:
    """The windows of each split, those of all documents (`unseen`, or of the test alone if the data give one)."""

    windows: tuple[Sequence[Example], Sequence[Example], Sequence[Example]]
    unseen: Sequence[Example]
    report: Report
    problems: tuple[DataError, ...]


def ingest_documents(
    task: Task,
    source: Any,
    columns: Columns = GUESSED,
    *,
    allow_bad: float | None = None,
    say: Callable[[str], None] | None = None,
    fit: bool = True,
) -> IngestedDocuments:
    """Read every document of a path, of "demo", or of a list; fit the input unless it is fitted; cut the windows.

    Raises DataError for a source that is none. What makes the documents unfit for a training is among the `problems`,
    and nothing is cut then.
    """
    say = say or (lambda _: None)
    opened, listing, name = _opened(task, source, columns, fit)
    total = len(opened) + len(listing.rejected)
    noun, _ = task.document_nouns
    if not total:
        raise DataError(f"there are no {noun}s", where=name, fix=f"Put at least one {noun} in it")
    say(f"reading {counted(total, noun)}")
    found = scan(opened, task.document, Unanswered())
    rejected = in_order([*listing.rejected, *found.rejected.values()])
    problems = too_many(rejected, total, allow_bad, columns="another column with --input", noun=f"{noun}s")
    rows = kept(found)
    splits = _split(task.document, found, rows, columns.shares)
    windows: tuple[Sequence[Example], ...] = ((), (), ())
    notes: list[str] = []
    if not problems:
        windows, notes, problems = _cut(task, opened, splits, fit, say)
    report = Report(
        source=name,
        rows=total,
        rejected=rejected,
        allow_bad=allow_bad,
        problems=tuple(str(problem) for problem in problems),
        splits={side: len(windows[k]) for k, side in enumerate(NAMES)},
        documents={side: len(splits.rows[k]) for k, side in enumerate(NAMES)},
        nouns=task.document_nouns,
        split_origin=splits.origin,
    )
    report = _with_contents(report, opened, found, rows, splits)
    read = opened.notes() if isinstance(opened, DocumentReader) else []
    report = with_files(report, listing, found, opened, (*read, *(task.document.notes() if fit else ()), *notes))
    train, validation, test = windows
    whole = Documents(opened, task.document, rows)
    unseen = test if "test" in found.splits else Deferred(lambda: task.measured(task.windows(whole)))
    return IngestedDocuments((train, validation, test), unseen, report, tuple(problems))


def _opened(task: Task, source: Any, columns: Columns, fit: bool) -> tuple[Source, Listing, str]:
    if isinstance(source, str) and source == "demo":
        return GivenInputs(task.demo(stream("demo", 0), DEMO)), Listing(Rows()), "demo"
    if isinstance(source, str | Path):
        listing = find(task, Path(source), columns)
        if fit and isinstance(task.document, WithLegend):
            task.document.learn_legend(listing.rows, listing.root)
        return DocumentReader(listing.rows, task.document), listing, str(source)
    if not isinstance(source, Sequence | np.ndarray):
        what = f"documents cannot be taken from a {type(source).__name__}"
        raise DataError(what, fix='Give a path, "demo", or a list of texts or Examples')
    if isinstance(task.document, Assembled) and isinstance(source, np.ndarray):
        source = [source]  # its rows are the times of one series
    if len(source) and all(isinstance(item, Example) for item in source):
        return GivenInputs(source), Listing(Rows()), "in memory"
    rows = listed_values(source, task.document)
    if fit and isinstance(task.document, WithLegend):
        task.document.learn_legend(rows, Path())
    return DocumentReader(rows, task.document), Listing(Rows()), "in memory"


def _split(input: Modality, found: Scan, rows: np.ndarray, shares: Shares | None = None) -> DocumentSplits:
    """By document; but where few are left to train on and a split is missing, by stretches of each of these."""
    given = np.array([max(0, NAMES.index(found.splits[row] or "train")) for row in rows], np.int8)
    missing = [side for side in (1, 2) if not (given == side).any()]
    sides = [rows[given == side] for side in range(3)]
    divided = isinstance(input, Divisible) and (0 < len(sides[0]) < FEW or input.always)
    if not missing or not divided or not len(sides[0]):
        given_words, groups = ([column[row] for row in rows] for column in (found.splits, found.groups))
        split = assign(given_words, found.contents[rows], groups, shares=shares)
        first, second, third = (rows[split.sides == side] for side in range(3))
        return DocumentSplits((first, second, third), split.origin)
    usual = (input.held if isinstance(input, Divisible) else None) or SHARE
    held = dict.fromkeys(missing, usual) if shares is None else {1: shares.validation, 2: shares.test}
    parts = (1 - sum(held[side] for side in missing), *(held[side] for side in missing))
    stretches = [0, -1, -1]
    for number, side in enumerate(missing, 1):
        sides[side], stretches[side] = sides[0], number
    words = ", ".join(f"{percent(share)} {NAMES[side]}" for share, side in zip(parts, [0, *missing], strict=True))
    whole = len(missing) == 2
    origin = f"stretches of each document: {words}" if whole else f"given; stretches of the training documents: {words}"
    return DocumentSplits((sides[0], sides[1], sides[2]), origin, parts, (stretches[0], stretches[1], stretches[2]))


def _cut(
    task: Task, source: Source, splits: DocumentSplits, fit: bool, say: Callable[[str], None]
) -> tuple[tuple[Sequence[Example], ...], list[str], list[DataError]]:
    """The windows of each split, the input fitted before; which of them are measured, where these are not all; and why
    they cannot be learnt from or measured on.
    """
    train, validation, test = (splits.of(side, source, task.document) for side in range(3))
    noun, piece = task.document_nouns
    try:
        if fit:
            say(f"fitting the input to the training {noun}s")
            task.fit(DocumentExamples(train[stream("fit").permutation(len(train))]))
        say(f"cutting {piece}s")
        learnt, *held_out = (task.windows(documents) for documents in (train, validation, test))
    except DataError as error:
        return ((), (), ()), [], [error]
    measured = [task.measured(windows) for windows in held_out]
    notes = [
        f"{name}: {len(some):,} of {len(whole):,} {piece}s are measured, evenly spread over the {noun}s"
        for name, some, whole in zip(NAMES[1:], measured, held_out, strict=True)
        if len(some) < len(whole)
    ]
    windows = (learnt, *measured)
    empty = [name for k, name in enumerate(NAMES) if not len(windows[k])]
    if not fit or not empty:
        return windows, notes, []
    count = sum(len(rows) for rows in splits.rows) if not splits.shares else len(splits.rows[0])
    what = f"no {piece} is left for {' and '.join(empty)} ({counted(count, noun)} in all)"
    fix = "Give more text, or make the windows shorter"
    if not splits.shares and not isinstance(task.document, Divisible):
        fix = f"Give {FEW} {noun}s or more, or the splits themselves: train, validation and test"
    return windows, notes, [DataError(what, fix=fix)]


def _with_contents(report: Report, source: Source, found: Scan, rows: np.ndarray, splits: DocumentSplits) -> Report:
    """The report with the digest of the documents and their splits, copies among them, and what looks unusual."""
    if splits.shares:
        missing = [side for side in (1, 2) if splits.stretches[side] >= 0]
        code = len(NAMES) + sum(missing)  # 4, 5 or 6: validation, test or both are stretches of these
        sides = {row: side for side in (1, 2) if side not in missing for row in splits.rows[side].tolist()}
        codes = [sides.get(row, code) for row in rows.tolist()]
        return replace(
            report,
            digest=digest_of(found, rows, codes),
            duplicates=Duplicates(),
            remarks=tuple(found.remarks.lines(f"{report.nouns[0]}s")),
        )
    side_of = np.zeros(len(found.contents), np.int8)
    for side, members in enumerate(splits.rows):
        side_of[members] = side
    sides_of_rows = side_of[rows]
    return replace(
        report,
        digest=digest_of(found, rows, sides_of_rows.tolist()),
        duplicates=duplicates_of(found, source, rows, sides_of_rows),
        remarks=tuple(remarks_of(found, source, rows, sides_of_rows)),
    )
