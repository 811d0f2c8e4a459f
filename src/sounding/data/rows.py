"""Rows at random access, whether a table holds them or a layout listed them, in a bounded part of memory.

Cells lie in Arrow arrays. While they fit into a budget they stay in memory; beyond it they are written to a temporary
Arrow file and mapped from there, which leaves it to the system how much of the file is in memory.
"""

from __future__ import annotations

import tempfile
import weakref
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from sounding.contract.modality import Row
from sounding.contract.split_names import split_named
from sounding.errors import DataError

BUDGET = 256 * 2**20
"""Bytes of cells that are kept in memory, over all tables of a data set."""

_CHUNK = 1024  # rows of a layout that become one Arrow batch
_LAYOUT = ("input", "target", "group", "split", "root")


class Block:
    """The rows of one table or one layout.

    `columns`: role ("input", "target", "group", "split", "root") → stored column. `batches` hold these columns, each
    once, in their order, and last what `place` makes the place of a row of (its line). `decode(column, stored)` gives
    the cell that was stored so. `split` is that of all rows, if the name of their file says so; relative paths start
    from `root`.
    """

    def __init__(
        self,
        columns: Mapping[str, str],
        batches: Iterable[pa.RecordBatch],
        place: Callable[[Any], str],
        decode: Callable[[str, Any], Any] = lambda column, stored: stored,
        *,
        split: str = "",
        root: Path = Path(),
        budget: int = BUDGET,
    ) -> None:
        self._columns, self._place, self._decode, self._split, self._root = dict(columns), place, decode, split, root
        table, spilled = _kept(batches, budget)
        names = list(dict.fromkeys(columns.values()))
        self._cells = {} if table is None else {name: table.column(k) for k, name in enumerate(names)}
        self._lines = pa.chunked_array([], pa.int64()) if table is None else table.column(len(names))
        self.held = 0 if table is None or spilled else table.nbytes
        """Bytes in memory."""

    def __len__(self) -> int:
        return len(self._lines)

    def where(self, i: int) -> str:
        """The place of row i, counted from 0: `reviews.csv:17`."""
        return self._place(self._lines[i].as_py())

    def cell(self, i: int, role: str) -> Any:
        """One cell; None for a role without a column. Raises DataError (without where) for a cell that is none."""
        column = self._columns.get(role)
        return None if column is None else self._decode(column, self._cells[column][i].as_py())

    def row(self, i: int) -> Row:
        """Row i. Raises DataError (without where) for a cell that cannot be one, such as an unknown split."""
        group, root = self.cell(i, "group"), self.cell(i, "root")
        return Row(
            self.where(i),
            self.cell(i, "input"),
            self.cell(i, "target"),
            "" if blank(group) else str(group),
            self._split or _split(self.cell(i, "split")),
            self._root if root is None else root,
        )


class Rows(Sequence[Row]):
    """The rows of several blocks, one after the other."""

    def __init__(self, blocks: Sequence[Block] = ()) -> None:
        self._blocks = list(blocks)
        self._starts = [0, *accumulate(map(len, self._blocks))]

    @classmethod
    def listed(cls, rows: Iterable[Row], budget: int = BUDGET) -> Rows:
        """Rows that a layout gives one by one, kept at about the length of their paths."""
        objects: list[Any] = []
        batches = _encoded(iter(rows), objects)

        def decode(column: str, stored: Any) -> Any:
            return _decoded(stored, objects)

        return cls([Block({role: role for role in _LAYOUT}, batches, _text, decode, budget=budget)])

    @property
    def held(self) -> int:
        """Bytes in memory."""
        return sum(block.held for block in self._blocks)

    def __len__(self) -> int:
        return self._starts[-1]

    def where(self, i: int) -> str:
        """The place of row i; no cell is read."""
        block, place = self._at(i)
        return block.where(place)

    def __getitem__(self, i: Any) -> Any:
        if isinstance(i, slice):
            return [self[k] for k in range(*i.indices(len(self)))]
        block, place = self._at(i)
        return block.row(place)

    def _at(self, i: int) -> tuple[Block, int]:
        if not 0 <= i < len(self):
            raise IndexError(i)
        number = bisect_right(self._starts, i) - 1
        return self._blocks[number], i - self._starts[number]


def batch(columns: Sequence[Any], lines: Sequence[int]) -> pa.RecordBatch:
    """Some rows: their columns as Arrow arrays, and their lines."""
    arrays = [*columns, pa.array(lines, pa.int64())]
    return pa.RecordBatch.from_arrays(arrays, [str(k) for k in range(len(arrays))])


def blank(cell: Any) -> bool:
    """Whether a cell holds nothing: null, white space, or a number that is none (NaN)."""
    if isinstance(cell, float):
        return cell != cell
    return cell is None or (isinstance(cell, str) and not cell.strip())


def _split(cell: Any) -> str:
    if blank(cell):
        return ""
    if split := split_named(str(cell)):
        return split
    raise DataError(f"the split {str(cell)!r} is unknown", fix="Write train, validation or test")


# ---- rows of a layout as bytes: a letter for the kind, then the text or the number of the object


def _encoded(rows: Iterator[Row], objects: list[Any]) -> Iterator[pa.RecordBatch]:
    names = [*_LAYOUT, "where"]
    while chunk := list(islice(rows, _CHUNK)):
        arrays = [pa.array([_bytes(getattr(row, name), objects) for row in chunk], pa.binary()) for name in names]
        yield pa.RecordBatch.from_arrays(arrays, names)


def _bytes(cell: Any, objects: list[Any]) -> bytes | None:
    if cell is None:
        return None
    if type(cell) is str:
        return b"s" + cell.encode("utf-8", "surrogatepass")
    if isinstance(cell, Path):
        return b"p" + str(cell).encode("utf-8", "surrogatepass")
    objects.append(cell)
    return b"o%d" % (len(objects) - 1)


def _decoded(stored: bytes | None, objects: Sequence[Any]) -> Any:
    if stored is None:
        return None
    if stored[:1] == b"o":
        return objects[int(stored[1:])]
    return Path(_text(stored)) if stored[:1] == b"p" else _text(stored)


def _text(stored: bytes) -> str:
    return stored[1:].decode("utf-8", "surrogatepass")


# ---- in memory, or mapped from a file


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
