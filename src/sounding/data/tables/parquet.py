"""Apache Parquet: columns with types, rows without lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sounding.data.report import RejectedRow
from sounding.data.rows import batch
from sounding.data.tables.class_names import namers
from sounding.data.tables.table import Table
from sounding.errors import DataError, shown
from sounding.files import unreadable


class Parquet(Table):
    """Apache Parquet. Class ids that the file gives names to (as Hugging Face data sets do) become those names."""

    def __init__(self, path: Path, name: str) -> None:
        super().__init__(path, name)
        try:
            self._file = pq.ParquetFile(_readable(path))
            self.names = self._file.schema_arrow.names
            if inside := namers(self._file.schema_arrow.metadata):
                self._namers, self._named_by = inside, "the file"
            first = next(self._file.iter_batches(50), None)
        except (pa.ArrowException, OSError) as error:
            raise unreadable(name, error) from None
        self.check_names(name)
        self.head = [] if first is None else [self._named(row) for row in first.to_pylist()]

    def place(self, line: int) -> str:
        """Rows of Parquet are counted from 1; they have no lines."""
        return f"{self.name}:row {line}"

    def _named(self, row: dict[str, Any]) -> dict[str, Any]:
        try:
            return {name: self.decode(name, cell) for name, cell in row.items()}
        except DataError:
            return row  # it is rejected with its place when all rows are read

    def _batches(self, names: Sequence[str], rejected: list[RejectedRow]) -> Iterator[pa.RecordBatch]:
        line = 1
        for found in self._file.iter_batches(256, columns=list(names)):
            yield batch([_plain(found.column(name)) for name in names], range(line, line + len(found)))
            line += len(found)


def _readable(path: Path) -> Any:
    """The path; the open file where its name is not UTF-8, which Arrow cannot open."""
    return path if shown(str(path)) == str(path) else open(path, "rb")


def _plain(column: pa.Array) -> pa.Array:
    """Without dictionaries, which may differ from batch to batch and then cannot be written to one Arrow file."""
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
