"""One pass over all rows: every cell is opened once, and what cannot be opened is written down, not dropped.

What stays of a row is small: two digests, a fingerprint, its label's number, its group. The values are let go, but for
those that a cache has room for: what comes next (the modalities are fitted, a fitted model is measured) need not read
these again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeVar

import numpy as np

from sounding.contract.answers import Composite
from sounding.contract.inputs import Fingerprinted
from sounding.contract.modality import Modality
from sounding.contract.records import Example
from sounding.data.alike import Alike
from sounding.data.amounts import Amounts
from sounding.data.cache import Cache
from sounding.data.reading import Reader, Source
from sounding.data.report import RejectedRow
from sounding.errors import DataError

WORKERS = 2
AHEAD = 2  # chunks that each worker may be ahead of the one that is waited for
CHUNK = 32  # rows
MOST_LABELS = 65_536  # more different answers than this are no categories, and are read again where they are needed

A = TypeVar("A")
B = TypeVar("B")


class Labels:
    """The answers of all rows where they are categories: a number for each row, and the value for each number."""

    def __init__(self, n: int) -> None:
        self.codes = np.full(n, -1, np.int32)
        self.values: list[Hashable] = []
        self.known = True
        self._numbers: dict[Hashable, int] = {}

    def put(self, i: int, value: Any) -> None:
        """Note the answer of row i; gives up for good on a value that is no category."""
        if not self.known:
            return
        if not isinstance(value, str | int | float | tuple | frozenset) or len(self.values) >= MOST_LABELS:
            self.known, self.values, self._numbers = False, [], {}
            return
        number = self._numbers.setdefault(value, len(self.values))
        if number == len(self.values):
            self.values.append(value)
        self.codes[i] = number

    def of(self, rows: Sequence[int] | np.ndarray) -> list[Hashable]:
        """The answers of some rows."""
        return [self.values[code] for code in self.codes[rows].tolist()]


@dataclass
class Scan:
    """What the pass over n rows found. Rows in `rejected` have no other entry.

    `contents` and `answers` [n, 16] uint8 are digests of the cells, `prints` [n, D] float16 fingerprints of the inputs
    or None; `sizes` [n] are bytes of the inputs; `remarks` are the warnings, those that are alike together; `amounts`
    says how much of each class the answers hold, where that is more than one. `too_much` has the rows that must not be
    trained on. `values` holds rows as they were read, as many as memory does.
    """

    contents: np.ndarray
    answers: np.ndarray
    labels: Labels
    groups: list[str]
    splits: list[str]
    sizes: np.ndarray
    rejected: dict[int, RejectedRow] = field(default_factory=dict)
    too_much: dict[int, RejectedRow] = field(default_factory=dict)
    prints: np.ndarray | None = None
    remarks: Alike = field(default_factory=Alike)
    amounts: Amounts = field(default_factory=Amounts)
    values: Cache = field(default_factory=lambda: Cache(0))

    @property
    def whole(self) -> Cache:
        """The values where all are there; else none, so that there is room for those which are asked for again."""
        return self.values if len(self.values) + len(self.rejected) >= len(self.contents) else Cache()


@dataclass(frozen=True)
class _Seen:
    example: Example
    content: bytes
    answer: bytes
    size: int
    group: str
    split: str
    fingerprint: np.ndarray | None
    remarks: tuple[str, ...]
    amounts: Mapping[str, int]
    too_much: RejectedRow | None


def scan(source: Source, input: Modality, target: Modality, values: Cache | None = None) -> Scan:
    """Read every row once, in two threads; `values` keeps what it has room for. Nothing but DataError is taken for a
    bad row.
    """
    n = len(source)
    contents, answers, sizes = np.zeros((n, 16), np.uint8), np.zeros((n, 16), np.uint8), np.zeros(n, np.int64)
    found = Scan(contents, answers, Labels(n), [""] * n, [""] * n, sizes, values=Cache(0) if values is None else values)
    names: dict[str, str] = {}  # equal strings are kept once

    def scan_chunk(start: int) -> list[_Seen | RejectedRow]:
        return [_scan_row(source, i, input, target) for i in range(start, min(n, start + CHUNK))]

    for number, chunk in enumerate(ahead(scan_chunk, range(0, n, CHUNK))):
        for i, seen in enumerate(chunk, number * CHUNK):
            if isinstance(seen, RejectedRow):
                found.rejected[i] = seen
            else:
                found.groups[i] = names.setdefault(seen.group, seen.group)
                found.splits[i] = names.setdefault(seen.split, seen.split)
                _note(found, i, seen, source)
    return found


def ahead(f: Callable[[A], B], items: Iterable[A], workers: int = WORKERS) -> Iterator[B]:
    """`map` in threads, in order, that never runs more than a few items ahead of what was taken."""
    waiting: deque[Future[B]] = deque()
    iterator = iter(items)
    pool = ThreadPoolExecutor(workers, thread_name_prefix="reading")
    try:
        waiting.extend(pool.submit(f, item) for item in islice(iterator, workers * AHEAD))
        while waiting:
            result = waiting.popleft().result()
            waiting.extend(pool.submit(f, item) for item in islice(iterator, 1))
            yield result
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _scan_row(source: Source, i: int, input: Modality, target: Modality) -> _Seen | RejectedRow:
    try:
        row = source.scan_row(i)
        example = row.example
        remarks = tuple(filter(None, (input.remark(example.input), target.remark(example.target))))
        amounts = target.amounts(example.target) if isinstance(target, Composite) else {}
        fingerprint = input.fingerprint(example.input) if isinstance(input, Fingerprinted) else None
    except DataError as error:
        return RejectedRow(error.where or source.where(i), error.what, error.fix)
    too_much = _too_much(input, example.input, source.where(i))
    group, split = example.group, row.split
    return _Seen(example, row.content, row.answer, row.size, group, split, fingerprint, remarks, amounts, too_much)


def _too_much(input: Modality, value: Any, where: str) -> RejectedRow | None:
    """Why a value must not be trained on, if so."""
    try:
        input.require_learnable(value)
    except DataError as error:
        return RejectedRow(error.where or where, error.what, error.fix)
    return None


def _note(found: Scan, i: int, seen: _Seen, source: Source) -> None:
    found.contents[i] = np.frombuffer(seen.content, np.uint8)
    found.answers[i] = np.frombuffer(seen.answer, np.uint8)
    found.sizes[i] = seen.size
    found.labels.put(i, seen.example.target)
    if isinstance(source, Reader):  # what is in memory is there already
        found.values.put(i, seen.example)
    if seen.fingerprint is not None:
        if found.prints is None:
            found.prints = np.full((len(source), len(seen.fingerprint)), np.nan, np.float16)
        found.prints[i] = seen.fingerprint
    found.amounts.put(i, seen.amounts)
    if seen.too_much is not None:
        found.too_much[i] = seen.too_much
    for remark in seen.remarks:
        found.remarks.add(source.where(i), remark)
