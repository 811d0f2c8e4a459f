"""The columns of a table that are used, row by row at random access, in a bounded part of memory.

Cells lie in Arrow arrays. While they fit into a budget they stay in memory; beyond it they are written to a temporary
Arrow file and mapped from there, which leaves it to the system how much of the file is in memory.
"""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from sounding.data.report import RejectedRow

BUDGET = 256 * 2**20
"""Bytes of cells that are kept in memory, over all tables of a data set."""


class Cells:
    """The cells of some columns, and the line of each row. `rejected` are the rows that could not be cut into cells.

    `decode(name, stored)` gives the cell that was stored so; `place(line)` says how an error calls a line.
    """

    def __init__(
        self, place: Callable[[int], str], decode: Callable[[str, Any], Any], rejected: Sequence[RejectedRow] = ()
    ) -> None:
        self._place, self._decode, self.rejected = place, decode, list(rejected)
        self._columns: dict[str, pa.ChunkedArray] = {}
        self._lines = pa.chunked_array([], pa.int64())
        self.names: tuple[str, ...] = ()
        self.held = 0
        """Bytes in memory."""

    def fill(self, names: Sequence[str], batches: Iterable[pa.RecordBatch], budget: int) -> Cells:
        """Take the rows of `batches`: the columns `names` in this order, then the lines."""
        table, spilled = _kept(batches, budget)
        self.names = tuple(names)
        if table is not None:
            self._columns = {name: table.column(k) for k, name in enumerate(names)}
            self._lines = table.column(len(names))
            self.held = 0 if spilled else table.nbytes
        return self

    def __len__(self) -> int:
        return len(self._lines)

    def where(self, i: int) -> str:
        """The place of row i, counted from 0: `reviews.csv:17`."""
        return self._place(self._lines[i].as_py())

    def cell(self, i: int, name: str) -> Any:
        """One cell. Raises DataError (without where) for a class id that has no name."""
        return self._decode(name, self._columns[name][i].as_py())


def batch(columns: Sequence[Any], lines: Sequence[int]) -> pa.RecordBatch:
    """Some rows: their columns as Arrow arrays, and their lines."""
    arrays = [*columns, pa.array(lines, pa.int64())]
    return pa.RecordBatch.from_arrays(arrays, [str(k) for k in range(len(arrays))])


def _kept(batches: Iterable[pa.RecordBatch], budget: int) -> tuple[pa.Table | None, bool]:
    """The batches as one table (None if there are none), and whether it is mapped from a temporary file."""
    kept: list[pa.RecordBatch] = []
    size, iterator = 0, iter(batches)
    for found in iterator:
        kept.append(found)
        size += found.nbytes
        if size > budget:
            return _spilled(kept, iterator), True
    return (pa.Table.from_batches(kept) if kept else None), False


def _spilled(kept: list[pa.RecordBatch], rest: Iterator[pa.RecordBatch]) -> pa.Table:
    folder = tempfile.TemporaryDirectory(prefix="sounding-", ignore_cleanup_errors=True)
    path = Path(folder.name) / "cells.arrow"
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, kept[0].schema) as writer:
        while kept:
            writer.write_batch(kept.pop(0))
        for found in rest:
            writer.write_batch(found)
    table = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
    weakref.finalize(table, folder.cleanup)
    return table
