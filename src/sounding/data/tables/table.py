"""What every kind of table gives: its columns, its first rows, and all rows at random access.

A row that is broken (ragged, not UTF-8, not JSON) is rejected with its line, and the reading goes on; a file that is
broken as a whole raises DataError. Lines are counted as editors count them: the header of a CSV file is line 1.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from sounding.data.report import RejectedRow
from sounding.data.rows import BUDGET, Block
from sounding.data.tables.class_names import namers_beside
from sounding.errors import DataError
from sounding.files import unreadable


class Table(ABC):
    """One file. `name` is how errors call it, `names` are its columns, `head` its first rows as dictionaries."""

    def __init__(self, path: Path, name: str) -> None:
        self.path, self.name = path, name
        self.names: list[str] = []
        self._namers, self._named_by = self._names_beside()
        self.head: list[dict[str, Any]] = []

    def _names_beside(self) -> tuple[Mapping[str, Callable[[Any], Any]], str]:
        """What names the class ids of columns, and the file that says it."""
        return namers_beside(self.path.parent)

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files that it is read from; one, as a rule."""
        return (self.path,)

    def place(self, line: int) -> str:
        """How an error calls a row."""
        return f"{self.name}:{line}"

    def decode(self, name: str, stored: Any) -> Any:
        """The cell that is stored so in the column `name`; class ids as names where there are such."""
        namer = self._namers.get(name)
        return namer(stored) if namer else stored

    def load(
        self, columns: Mapping[str, str], split: str = "", budget: int = BUDGET
    ) -> tuple[Block, list[RejectedRow]]:
        """Every row with the columns that play a role, and the rows that could not be cut into cells.

        Columns that this table lacks are left out. Holds at most about `budget` bytes in memory.
        """
        known = {role: name for role, name in columns.items() if name in self.names}
        rejected: list[RejectedRow] = []
        batches = self._batches(list(dict.fromkeys(known.values())), rejected)
        try:
            root = self.path.parent
            return Block(known, batches, self.place, self.decode, split=split, root=root, budget=budget), rejected
        except (pa.ArrowException, OSError) as error:
            raise unreadable(self.name, error) from None

    def cells(self) -> tuple[dict[str, list[Any]], list[str]]:
        """Every column by its name, and the place of each row: for who reads a table as a whole.

        Raises DataError for a row that cannot be cut into cells: without it the whole is another.
        """
        rejected: list[RejectedRow] = []
        names = [name for name in self.names if name]
        columns: dict[str, list[Any]] = {name: [] for name in names}
        places: list[str] = []
        try:
            for batch in self._batches(names, rejected):
                for k, name in enumerate(names):
                    columns[name] += [self.decode(name, cell) for cell in batch.column(k).to_pylist()]
                places += [self.place(line) for line in batch.column(len(names)).to_pylist()]
        except (pa.ArrowException, OSError) as error:
            raise unreadable(self.name, error) from None
        if rejected:
            raise DataError(rejected[0].what, where=rejected[0].where, fix=rejected[0].fix)
        return columns, places

    def notes(self, name: str) -> list[str]:
        """What is decided for the user in the column `name`: that ids became names."""
        return [f"the ids in {name} have names in {self._named_by}, which are used"] if name in self._namers else []

    def check_names(self, where: str) -> None:
        """Raise DataError, said to be at `where`, if two columns have one name."""
        twice = [word for word, n in Counter(self.names).items() if n > 1 and word]
        if twice:
            raise DataError(f"two columns are called {twice[0]!r}", where=where, fix="Rename one of them")

    @abstractmethod
    def _batches(self, names: Sequence[str], rejected: list[RejectedRow]) -> Iterator[pa.RecordBatch]:
        """The columns and the line of each row; what is no row is added to `rejected`."""
