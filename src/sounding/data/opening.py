"""The user's data, opened: training, validation and test examples that are read when they are needed, and a report.

open_data(task, source) → Dataset      reads every row once, refuses or splits, fits the task's modalities
Examples                               rows as a sequence; what was read is kept while memory lasts
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, overload

import numpy as np

from sounding.contract.answers import Spelled
from sounding.contract.modality import Row
from sounding.contract.records import Example
from sounding.contract.task import Learning, Task
from sounding.data.cache import Cache
from sounding.data.columns import GUESSED, Columns
from sounding.data.documents import ingest_documents
from sounding.data.ingest import Ingested, ingest
from sounding.data.reading import Source
from sounding.data.record import RowRecord
from sounding.data.rejected import kept
from sounding.data.report import Report
from sounding.data.scan import WORKERS, Labels, Scan, ahead
from sounding.data.splits import TEST
from sounding.errors import DataError
from sounding.randomness import stream
from sounding.wording import counted, listed

_CHUNK = 16  # rows that a thread reads at once
_SHOWN = 5  # places, and characters, that a note names


class Answers(Sequence[Any]):
    """The answers of some rows, each read when it is asked for: all masks of a source may be more than memory holds."""

    def __init__(self, source: Source, rows: np.ndarray) -> None:
        self._source, self._rows = source, rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: Any) -> Any:
        rows = self._rows[index]
        return Answers(self._source, rows) if isinstance(index, slice) else self._source.target(int(rows))


class Examples(Sequence[Example]):
    """Some rows of a source, in some order. An index gives an example, a slice or a list of indices gives Examples.

    Reading raises DataError with the place of a row that cannot be read any more. Any thread may read.
    """

    def __init__(
        self, source: Source, rows: np.ndarray, labels: Labels | None = None, cache: Cache | None = None
    ) -> None:
        self._source, self._rows = source, np.asarray(rows, dtype=np.int64)
        self._labels, self._cache = labels, cache

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> Example: ...
    @overload
    def __getitem__(self, index: slice | Sequence[int] | np.ndarray) -> Examples: ...
    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, int | np.integer):
            return self._read(int(self._rows[index]))
        index = index if isinstance(index, slice) else np.asarray(index, dtype=np.int64)
        return Examples(self._source, self._rows[index], self._labels, self._cache)

    def __iter__(self) -> Iterator[Example]:
        cuts = [range(start, min(len(self), start + _CHUNK)) for start in range(0, len(self), _CHUNK)]
        for chunk in ahead(self._chunk, cuts):
            yield from chunk

    def take(self, indices: Sequence[int] | np.ndarray, workers: int = WORKERS) -> list[Example]:
        """The examples at `indices`, those that are not in memory read in parallel."""
        rows = self._rows[np.asarray(indices, dtype=np.int64)].tolist()
        found = [self._cache.get(row) if self._cache is not None else None for row in rows]
        missing = [k for k, example in enumerate(found) if example is None]
        if len(missing) <= _CHUNK or workers < 2:
            return [self._read(row) if example is None else example for row, example in zip(rows, found, strict=True)]
        cuts = [missing[start : start + _CHUNK] for start in range(0, len(missing), _CHUNK)]
        read = ahead(lambda cut: [self._read(rows[k]) for k in cut], cuts, workers)
        for cut, examples in zip(cuts, read, strict=True):
            for k, example in zip(cut, examples, strict=True):
                found[k] = example
        return found  # type: ignore[return-value]  # every gap was filled

    @property
    def targets(self) -> Sequence[Any]:
        """The answers alone, without reading the inputs."""
        if self._labels is not None and self._labels.known:
            return self._labels.of(self._rows)
        return Answers(self._source, self._rows)

    def digests(self) -> list[bytes]:
        """A digest of the content of each input, as duplicates are told by; inputs are not decoded for it."""
        rows = self._rows.tolist()
        cuts = [rows[start : start + _CHUNK] for start in range(0, len(rows), _CHUNK)]
        return [digest for cut in ahead(lambda cut: [self._source.content(row) for row in cut], cuts) for digest in cut]

    def where(self, index: int) -> str:
        """The place of an example in the user's files."""
        return self._source.where(int(self._rows[index]))

    def original(self, index: int) -> Any:
        """The input of an example as a person sees it, before it was brought to what the model works on."""
        return self._source.original(int(self._rows[index]))

    def row(self, index: int) -> Row | None:
        """The row that an example is read from, its cells unread; None for examples in memory."""
        return self._source.row(int(self._rows[index]))

    def _chunk(self, indices: range) -> list[Example]:
        return [self._read(row) for row in self._rows[indices.start : indices.stop].tolist()]

    def _read(self, row: int) -> Example:
        kept = self._cache.get(row) if self._cache is not None else None
        if kept is not None:
            return kept
        example = self._source.read(row)
        if self._cache is not None:
            self._cache.put(row, example)
        return example


@dataclass(frozen=True)
class Dataset:
    """The three splits and the report on all rows. `unseen` is what a model made elsewhere may be measured on: the test
    rows if the data say which these are, else every row.

    Of documents, the splits are the windows that the task cut from them, and `documents` the training part of each,
    which the task is fitted to where the data set was made by hand. `record` tells the rows again, wherever they
    lie later; `left_out` counts rows that would be among the unseen, had they not been trained or chosen by.
    """

    train: Sequence[Example]
    validation: Sequence[Example]
    test: Sequence[Example]
    report: Report
    unseen: Sequence[Example]
    record: RowRecord | None = None
    left_out: int = 0
    documents: Sequence[Example] = ()


def open_data(
    task: Task,
    source: Any,
    columns: Columns = GUESSED,
    *,
    allow_bad: float | None = None,
    progress: Callable[[str], None] | None = None,
    fit: bool = True,
    former: RowRecord | None = None,
    trained: Sequence[RowRecord] = (),
) -> Dataset:
    """The examples in a path, in the word "demo", in a list of Examples, or in a Dataset; fits the task's modalities.

    For a task that learns from documents, a path may be a text file or a folder of these, and a list may hold texts.
    Reads every row once. Rows that cannot be used are listed in the report; if their share is above `allow_bad`, or the
    rest cannot be trained on, raises DataError with the places. With `fit=False` the task is taken as it is fitted
    already, and rows need not be enough to train on. `progress` hears in words what is being done.

    Rows of a `former` training keep their sides. `trained` are rows of trainings whose models are to be measured here:
    the unseen are without those that a model learnt from or was chosen by.
    """
    if isinstance(source, Dataset):
        if fit:
            task.fit(source.documents or source.train)
        return source
    if task.learns is Learning.DOCUMENTS:
        read = ingest_documents(task, source, columns, allow_bad=allow_bad, say=progress, fit=fit)
        if read.problems:
            raise read.problems[0]
        return Dataset(*read.windows, read.report, read.unseen)
    found = ingest(task, source, columns, allow_bad=allow_bad, say=progress, fit=fit, former=former)
    if found.problems:
        raise found.problems[0]
    if fit:
        found = fitted(task, found)
        if found.problems:
            raise found.problems[0]
    return _dataset(found, _reread(task, found.scan) if fit else found.scan.whole, trained)


def reopen_data(
    task: Task, source: Any, columns: Columns, record: RowRecord, report: Report, progress: Callable[[str], None] | None
) -> Dataset:
    """The very rows of a training that `record` tells, in its order, wherever they lie now; other rows are left alone.

    `report` is what was found when the training began. Raises DataError where rows of the training are missing.
    """
    found = ingest(task, source, columns, allow_bad=1.0, say=progress, fit=False)
    scanned = found.scan
    usable = kept(scanned)
    places = record.found(scanned.contents[usable], scanned.answers[usable])
    if missing := int((places < 0).sum()):
        what = f"{missing:,} of the {len(record):,} rows of the training are missing here, or were changed since"
        raise DataError(what, where=str(source), fix="Put them back, or train again")
    whole = Examples(found.source, usable[places], scanned.labels, scanned.whole)
    train, validation, test = (whole[np.flatnonzero(record.sides == side)] for side in range(3))
    return Dataset(train, validation, test, report, test, record)


def picked(rows: Sequence[Example], indices: np.ndarray) -> Sequence[Example]:
    """The rows at `indices`, still unread where they were."""
    if isinstance(rows, Examples):
        return rows[indices]
    if isinstance(rows, list | tuple):
        return [rows[int(i)] for i in indices]
    return Picked(rows, np.asarray(indices, np.int64))


class Picked(Sequence[Example]):
    """Some of the examples of a sequence that makes them when they are asked for, such as windows."""

    def __init__(self, examples: Sequence[Example], indices: np.ndarray) -> None:
        self._examples, self._indices = examples, indices

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return Picked(self._examples, self._indices[index])
        return self._examples[int(self._indices[index])]


def fitted(task: Task, found: Ingested) -> Ingested:
    """Fit the task on the training rows in a drawn order: a modality that looks at the first thousand sees all kinds.

    They are as the scan read them; nothing of that is kept, since what a modality has learnt may change what it reads.
    What it decided is said in the report; nothing is fitted where there are problems already.
    """
    rows = found.rows[found.sides == 0]
    if found.problems:
        return found
    try:
        task.fit(Examples(found.source, stream("fit").permutation(rows), found.scan.labels, found.scan.values))
    except DataError as error:
        return replace(found, problems=(error,), report=replace(found.report, problems=(str(error),)))
    notes = dict.fromkeys((*found.report.notes, *task.input.notes(), *_unseen_units(task, found)))
    return replace(found, report=replace(found.report, notes=tuple(notes)))


def _unseen_units(task: Task, found: Ingested) -> Iterator[str]:
    """A note on rows of validation and test whose answers are written with what no training answer has."""
    if not isinstance(task.target, Spelled):
        return
    rows, units = [], dict[str, None]()
    for row in found.rows[found.sides != 0].tolist():
        if odd := task.target.unseen_units(found.source.target(row)):
            rows.append(found.source.where(row))
            units.update(dict.fromkeys(odd))
    if rows:
        held, some = counted(len(rows), "held-out row", "have"), listed(list(map(repr, units)), _SHOWN)
        yield f"{held} {some}, which no training row has, so that it cannot be got right: {listed(rows, _SHOWN)}"


def _reread(task: Task, scanned: Scan) -> Cache:
    """The rows that need not be read again now that the modalities are fitted, where answers are categories."""
    cache = Cache()
    if scanned.labels.known:
        for row, example in scanned.values.items():
            if (value := task.input.reread(example.input)) is not None:
                cache.put(row, replace(example, input=value))
    return cache


def _dataset(found: Ingested, cache: Cache, trained: Sequence[RowRecord] = ()) -> Dataset:
    scanned, rows = found.scan, found.rows
    whole = Examples(found.source, rows, scanned.labels, cache)
    train, validation, test = (whole[np.flatnonzero(found.sides == side)] for side in range(3))
    record = RowRecord(scanned.contents[rows], scanned.answers[rows], found.sides)
    given = any(scanned.splits[row] == "test" for row in rows)
    wanted = np.flatnonzero(found.sides == TEST) if given else np.arange(len(rows))
    fresh = _fresh(record, wanted, trained)
    if len(wanted) and not len(fresh):
        what = f"the model learnt from all {len(wanted):,} rows, or was chosen by them"
        raise DataError(what, where=found.report.source, fix="Give rows that it never saw")
    return Dataset(train, validation, test, found.report, whole[fresh], record, len(wanted) - len(fresh))


def _fresh(record: RowRecord, wanted: np.ndarray, trained: Sequence[RowRecord]) -> np.ndarray:
    """Those of the `wanted` rows that no training learnt from or chose by: first its own test rows, in its order."""
    used, tested = np.zeros(len(record), bool), np.zeros(0, np.int64)
    for other in trained:
        own = other.found(record.contents, record.answers)
        known, mine = other.known(record.contents), own[(own >= 0) & (other.sides == TEST)]
        known[mine] = TEST  # a copy of a row that was trained on is a test row all the same, where it was one
        used |= (known == 0) | (known == 1)
        tested = mine if other is trained[0] else tested
    ordered = [*tested[np.isin(tested, wanted)], *wanted[~np.isin(wanted, tested)]]
    return np.array([row for row in ordered if not used[row]], np.int64)
