"""Tables that people write: comma- or tab-separated values and JSON Lines, with all that goes wrong in them."""

from __future__ import annotations

import csv
import json
from abc import abstractmethod
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from sounding.data.report import RejectedRow
from sounding.data.rows import batch
from sounding.data.tables.table import Table
from sounding.errors import DataError
from sounding.modalities.text.encodings import announced, encoding_of, open_text, require_decoded

_ONE_OBJECT = 'Write one object a line: {"text": "…", "label": "…"}'
_UNCLOSED = "end of data"  # what the csv module says of a quote that is never closed
_CHUNK = 1024  # rows that become one Arrow batch
Record = tuple[int, list[Any] | DataError]
"""The line where a row starts, and its cells or what is wrong with it."""


class Lines(Table):
    """A table that is text, one record after the other."""

    def notes(self, name: str) -> list[str]:
        """That ids became names, and that the file is not UTF-8."""
        return [*super().notes(name), *announced({self.name: encoding_of(self.path, self.name).name})]

    @abstractmethod
    def _records(self) -> Iterator[Record]:
        """The records; the cells stand in the order of `names`."""

    def _stored(self, cell: Any) -> str | None:
        return cell

    def _read_head(self) -> None:
        records = islice(self._records(), 50)
        self.head = [dict(zip(self.names, cells, strict=True)) for _, cells in records if isinstance(cells, list)]

    def _batches(self, names: Sequence[str], rejected: list[RejectedRow]) -> Iterator[pa.RecordBatch]:
        picks = [self.names.index(name) for name in names]
        records = self._records()
        while chunk := list(islice(records, _CHUNK)):
            rejected += [RejectedRow(self.place(at), e.what, e.fix) for at, e in chunk if isinstance(e, DataError)]
            rows = [(at, cells) for at, cells in chunk if isinstance(cells, list)]
            columns = [pa.array([self._stored(cells[k]) for _, cells in rows], pa.string()) for k in picks]
            yield batch(columns, [at for at, _ in rows])


class Csv(Lines):
    """Comma-, semicolon- or tab-separated values with a header, quoted as RFC 4180 has it."""

    def __init__(self, path: Path, name: str) -> None:
        super().__init__(path, name)
        csv.field_size_limit(2**31 - 1)  # the default refuses documents of more than 131,072 characters
        self._delimiter, self._header_line = "\t" if path.suffix.lower() in (".tsv", ".tab") else ",", 0
        first = next(self._raw(), None)
        if first and isinstance(first[1], list) and len(first[1]) == 1 and self._delimiter == ",":
            self._delimiter = next((mark for mark in ";\t|" if mark in first[1][0]), ",")
            first = next(self._raw(), None)
        if first is None:
            raise DataError("the file is empty", where=name, fix="Put a header such as image,label and the rows in it")
        if isinstance(first[1], DataError):
            raise first[1].at(self.place(first[0]))
        self._header_line, self.names = first[0], [cell.strip() for cell in first[1]]
        self.check_names(self.place(first[0]))
        self._read_head()

    def _opened(self) -> AbstractContextManager[IO[str]]:
        """The text, from its beginning."""
        return open_text(self.path, self.name, newline="")

    def _raw(self) -> Iterator[Record]:
        """The records. Where a quote is never closed its line is broken, and the reading goes on with the next one."""
        start: int | None = 0
        while start is not None:
            start = yield from self._raw_after(start)

    def _raw_after(self, skipped: int) -> Generator[Record, None, int | None]:
        """The records after so many lines; returns the line of a quote that is never closed."""
        with self._opened() as file:
            lines = islice(file, skipped, None)
            reader = csv.reader(lines, delimiter=self._delimiter, strict=True, skipinitialspace=True)
            while True:
                line = skipped + reader.line_num + 1
                try:
                    fields = next(reader)
                except StopIteration:
                    return None
                except csv.Error as error:
                    yield line, _misquoted(error, line, skipped + reader.line_num)
                    if _UNCLOSED in str(error):
                        return line
                    continue
                if fields:  # an empty line is no row
                    yield line, valid(fields)

    def _records(self) -> Iterator[Record]:
        width = len(self.names)
        for line, fields in self._raw():
            if line == self._header_line:
                continue
            if isinstance(fields, list) and len(fields) > width and not any(fields[width:]):
                fields = fields[:width]  # spreadsheets end rows with empty cells
            if isinstance(fields, list) and len(fields) != width:
                what = f"{len(fields)} fields, where the header has {width}"
                yield line, DataError(what, fix="Quote a field that holds the separator, or complete the row")
            else:
                yield line, fields


class Pasted(Csv):
    """The same in a text that was pasted or sent: nothing is opened, and nothing is looked for beside it."""

    def __init__(self, text: str, name: str) -> None:
        self._text = text
        ending = ".tsv" if "\t" in text.partition("\n")[0] else ".csv"
        super().__init__(Path(name).with_suffix(ending), name)

    def _names_beside(self) -> tuple[Mapping[str, Callable[[Any], Any]], str]:
        return {}, ""

    def _opened(self) -> AbstractContextManager[IO[str]]:
        return StringIO(self._text, newline="")


class Jsonl(Lines):
    """One JSON object a line. Cells are stored as JSON, since a column may mix kinds."""

    def __init__(self, path: Path, name: str) -> None:
        super().__init__(path, name)
        objects = [found for _, found in islice(self._objects(), 100) if isinstance(found, dict)]
        self.names = list(dict.fromkeys(key for found in objects for key in found))
        if not self.names:
            broken = next((found for _, found in self._objects() if isinstance(found, DataError)), None)
            what = broken.what if broken else "the file is empty"
            raise DataError(what, where=self.place(1) if broken else name, fix=_ONE_OBJECT)
        self._read_head()

    def decode(self, name: str, stored: Any) -> Any:
        """The cell that JSON holds."""
        return super().decode(name, None if stored is None else json.loads(stored))

    def _stored(self, cell: Any) -> str | None:
        return None if cell is None else json.dumps(cell)

    def _records(self) -> Iterator[Record]:
        for line, found in self._objects():
            yield line, found if isinstance(found, DataError) else [found.get(key) for key in self.names]

    def _objects(self) -> Iterator[tuple[int, dict[str, Any] | DataError]]:
        with open_text(self.path, self.name, newline="") as file:
            for line, text in enumerate(file, 1):
                if text.strip():
                    yield line, _object(text)


class TextLines(Lines):
    """A text file as a table of one column: each line that is not empty is a row."""

    column = "text"

    def __init__(self, path: Path, name: str) -> None:
        super().__init__(path, name)
        self.names = [self.column]
        self._read_head()

    def _records(self) -> Iterator[Record]:
        with open_text(self.path, self.name, newline="\n") as file:
            for line, text in enumerate(file, 1):
                if text.strip():
                    yield line, valid([text.rstrip("\r\n")])


def valid(fields: list[str]) -> list[str] | DataError:
    """The cells of a row, or what is wrong with their letters."""
    try:
        require_decoded("".join(fields))
        return fields
    except DataError as error:
        return error


def _misquoted(error: csv.Error, first: int, last: int) -> DataError:
    lines = f"lines {first} to {last}" if last > first else "the line"
    what = "a quoted field is never closed" if _UNCLOSED in str(error) else f"misplaced quotes in {lines}"
    return DataError(what, fix='Put quotes around the whole field and write a quote within it twice: "say ""yes"""')


def _object(text: str) -> dict[str, Any] | DataError:
    checked = valid([text])
    if isinstance(checked, DataError):
        return checked
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        return DataError(f"not JSON ({error.msg}, column {error.colno})", fix=_ONE_OBJECT)
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, brackets without end
        return DataError(f"not JSON that can be read ({error})", fix=_ONE_OBJECT)
    return (
        found
        if isinstance(found, dict)
        else DataError(f"a JSON {type(found).__name__}, not an object", fix=_ONE_OBJECT)
    )
