"""Rows at random access: of one table, of several after each other, or of a folder, each in little memory."""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

from sounding.contract.modality import Row
from sounding.contract.split_names import split_named
from sounding.data.cache import Packed
from sounding.data.cells import Cells
from sounding.data.columns import Chosen, blank
from sounding.errors import DataError


class Rows(Sequence[Row], ABC):
    """Rows at random access; `where(i)` needs no cell to be read."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def where(self, i: int) -> str:
        """The place of row i."""

    @abstractmethod
    def __getitem__(self, i: Any) -> Any:
        """Row i. Raises DataError (without where) for a cell that cannot be one, such as an unknown split."""


class TableRows(Rows):
    """The rows of one table, which belong to `split` if the name of the file says so."""

    def __init__(self, cells: Cells, chosen: Chosen, split: str, root: Path) -> None:
        self.cells, self._split, self._root = cells, split, root
        self._has = {role: name for role, name in chosen.names.items() if name in cells.names}

    def __len__(self) -> int:
        return len(self.cells)

    def where(self, i: int) -> str:
        """The place of row i."""
        return self.cells.where(i)

    def __getitem__(self, i: Any) -> Any:
        cell = {role: self.cells.cell(i, name) for role, name in self._has.items()}
        group = "" if blank(cell.get("group")) else str(cell["group"])
        split = self._split or self._told(cell.get("split"))
        return Row(self.where(i), cell["input"], cell["target"], group, split, self._root)

    def _told(self, cell: Any) -> str:
        if blank(cell):
            return ""
        if split := split_named(str(cell)):
            return split
        raise DataError(f"the split {str(cell)!r} is unknown", fix="Write train, validation or test")


class ChainedRows(Rows):
    """Several lists of rows, one after the other."""

    def __init__(self, parts: Sequence[Rows]) -> None:
        self._parts = list(parts)
        self._starts = [0, *accumulate(len(part) for part in parts)]

    def __len__(self) -> int:
        return self._starts[-1]

    def where(self, i: int) -> str:
        """The place of row i."""
        part = bisect_right(self._starts, i) - 1
        return self._parts[part].where(i - self._starts[part])

    def __getitem__(self, i: Any) -> Any:
        part = bisect_right(self._starts, i) - 1
        return self._parts[part][i - self._starts[part]]


class PackedRows(Rows):
    """Rows that a layout gave one by one, kept at about the length of their paths."""

    FIELDS = ("where", "input", "target", "group", "split", "root")

    def __init__(self, rows: Iterable[Row]) -> None:
        self._columns = {name: Packed() for name in self.FIELDS}
        for row in rows:
            for name, column in self._columns.items():
                column.append(getattr(row, name))

    def __len__(self) -> int:
        return len(self._columns["where"])

    def where(self, i: int) -> str:
        """The place of row i."""
        return self._columns["where"][i]

    def __getitem__(self, i: Any) -> Any:
        return Row(**{name: column[i] for name, column in self._columns.items()})


class ComposedRows(Rows):
    """Rows that a task made of others, when they are asked for."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def where(self, i: int) -> str:
        """The place of row i."""
        return self._rows[i].where

    def __getitem__(self, i: Any) -> Any:
        return self._rows[i]
