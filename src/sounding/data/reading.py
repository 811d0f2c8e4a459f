"""From a row to an example: opens the cells with the task's modalities and says where a bad one stands.

Reader          rows of files and tables, read when they are asked for
InputReader     the same for rows without answers
DocumentReader  the same for documents, which may be text files
Given           examples that are in memory already
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from sounding.contract.cells import placed, queried
from sounding.contract.file_names import Spellings
from sounding.contract.inputs import Pictorial
from sounding.contract.modality import Modality, Row
from sounding.contract.records import Example
from sounding.data.rows import Rows, blank
from sounding.errors import DataError, SoundingError
from sounding.files import unreadable
from sounding.modalities.text.encodings import announced, encoding_of, read_text


@dataclass(frozen=True)
class ScannedRow:
    """What one reading of a row shows. `content` and `answer` are 16-byte digests of what the two cells hold; `size` is
    the bytes of the input.
    """

    example: Example
    split: str
    content: bytes
    answer: bytes
    size: int = 0


class Source(Protocol):
    """Rows that can be read one by one, by any thread. Reading raises DataError that says where."""

    def __len__(self) -> int: ...

    def where(self, i: int) -> str:
        """The place of row i."""

    def read(self, i: int) -> Example:
        """Row i, with its cells opened."""

    def target(self, i: int) -> Any:
        """The answer of row i alone."""

    def scan_row(self, i: int) -> ScannedRow:
        """Row i and the digests of its cells."""

    def content(self, i: int) -> bytes:
        """The digest of the input of row i, without opening it."""

    def original(self, i: int) -> Any:
        """The input of row i as a person sees it, of which a model may see a part or less detail."""

    def row(self, i: int) -> Row | None:
        """Row i, its cells unread; None where there never was a row."""


class Reader:
    """Opens the cells of rows. What comes out depends on what the modalities have learnt: sizes, for example."""

    def __init__(self, rows: Sequence[Row], input: Modality, target: Modality) -> None:
        self._rows, self._input, self._target = rows, input, target
        self._spellings = Spellings()

    def __len__(self) -> int:
        return len(self._rows)

    def where(self, i: int) -> str:
        """The place of row i."""
        return self._rows.where(i) if isinstance(self._rows, Rows) else self._rows[i].where

    def row(self, i: int) -> Row:
        """Row i, its cells unread; those that name files name them as these are spelled on the disk."""
        row: Row = self._rows[i]
        input, target = (
            self._spelled(cell, modality, row.root)
            for cell, modality in ((row.input, self._input), (row.target, self._target))
        )
        return row if input is row.input and target is row.target else replace(row, input=input, target=target)

    def read(self, i: int) -> Example:
        """Row i, with its cells opened."""
        try:
            return self._opened(self.row(i))
        except (DataError, OSError) as error:
            raise self._placed(error, i) from None

    def target(self, i: int) -> Any:
        """The answer of row i alone."""
        try:
            return self._answer(self.row(i))
        except (DataError, OSError) as error:
            raise self._placed(error, i) from None

    def scan_row(self, i: int) -> ScannedRow:
        """Row i and the digests of its cells."""
        try:
            row = self.row(i)
            content, size = _cell_digest(row.input, self._input, row.root)
            answer, _ = _cell_digest(row.target, self._target, row.root)
            return ScannedRow(self._opened(row), row.split, content, answer, size)
        except (DataError, OSError) as error:
            raise self._placed(error, i) from None

    def content(self, i: int) -> bytes:
        """The digest of the input of row i, without opening it."""
        try:
            row = self.row(i)
            return _cell_digest(row.input, self._input, row.root)[0]
        except (DataError, OSError) as error:
            raise self._placed(error, i) from None

    def original(self, i: int) -> Any:
        """The input of row i as a person sees it."""
        try:
            row = self.row(i)
            if isinstance(self._input, Pictorial):
                return self._input.original(row.input, row.root)
            return self._input.read(row.input, row.root)
        except (DataError, OSError) as error:
            raise self._placed(error, i) from None

    def _spelled(self, cell: Any, modality: Modality, root: Path) -> Any:
        if isinstance(cell, dict) and cell.get("bytes") is None:
            parts = {key: self._spelled(part, modality, root) for key, part in cell.items()}
            return cell if all(parts[key] is part for key, part in cell.items()) else parts
        if not isinstance(cell, str) or not modality.names_file(cell, root):
            return cell
        found = self._spellings.named(root, cell)
        return cell if found is None or found == root / cell else str(found.absolute())

    def _opened(self, row: Row) -> Example:
        if blank(row.input):
            if not blank(row.target):
                self._target.read(row.target, row.root)  # a label file may say why there is none
            raise DataError("the input is empty", fix="Fill it in, or remove the row")
        if blank(row.target):
            raise DataError("the target is empty", fix="Fill it in, or remove the row")
        return Example(self._input.read(row.input, row.root), self._answer(row), row.group)

    def _answer(self, row: Row) -> Any:
        return placed(self._target, self._target.read(row.target, row.root), self._input, row.input, row.root)

    def _placed(self, error: DataError | OSError, i: int) -> SoundingError:
        if isinstance(error, OSError):  # a file that went away, or a disk that failed, between two readings
            return unreadable(self.where(i), error)
        return error if error.where else error.at(self.where(i))


class Unanswered(Modality):
    """The answer that a row does not have."""

    def read(self, cell: Any, root: Path = Path()) -> None:
        """Nothing."""
        return None

    def encode(self, values: Sequence[Any]) -> Any:
        """There is nothing to encode."""
        raise NotImplementedError("a row without an answer has none to encode")


class InputReader(Reader):
    """Rows without answers, as a person may ask a model about them."""

    def __init__(self, rows: Sequence[Row], input: Modality) -> None:
        super().__init__(rows, input, Unanswered())

    def target(self, i: int) -> None:
        """Nothing."""
        return None

    def _opened(self, row: Row) -> Example:
        if blank(row.input):
            raise DataError("the input is empty", fix="Fill it in, or remove the row")
        return Example(queried(self._input, self._input.read(row.input, row.root)))


class DocumentReader(InputReader):
    """Documents to learn from. A cell that is a `Path` is a text file."""

    def __init__(self, rows: Sequence[Row], input: Modality) -> None:
        super().__init__(rows, input)
        self._encodings: dict[str, str] = {}

    def notes(self) -> list[str]:
        """Which of the files that were read are not UTF-8."""
        return announced(self._encodings)

    def _opened(self, row: Row) -> Example:
        cell = self._text(row.input, row.where) if isinstance(row.input, Path) else row.input
        if blank(cell):
            raise DataError("the document is empty", fix="Fill it in, or remove it")
        return Example(self._input.read(cell, row.root), group=row.group)

    def _text(self, path: Path, where: str) -> str:
        text = read_text(path, where)
        if name := encoding_of(path, where).name:
            self._encodings[where] = name
        return text


class Given:
    """Examples in memory; their values are what the modalities would have read."""

    def __init__(self, examples: Sequence[Example]) -> None:
        self._examples = list(examples)

    def __len__(self) -> int:
        return len(self._examples)

    def where(self, i: int) -> str:
        """Examples are counted from 1, as rows are."""
        return f"example {i + 1}"

    def row(self, i: int) -> None:
        """Nothing: examples in memory are read already."""
        return None

    def read(self, i: int) -> Example:
        """Example i."""
        return self._examples[i]

    def target(self, i: int) -> Any:
        """The answer of example i."""
        return self._examples[i].target

    def scan_row(self, i: int) -> ScannedRow:
        """Example i and the digests of its values."""
        example = self._examples[i]
        for name, value in (("input", example.input), ("target", example.target)):
            if blank(value):
                raise DataError(f"the {name} is empty", where=self.where(i), fix="Fill it in, or leave the example out")
        return ScannedRow(
            replace(example, group=str(example.group)), "", _digest(example.input), _digest(example.target)
        )

    def content(self, i: int) -> bytes:
        """The digest of the input of example i."""
        return _digest(self._examples[i].input)

    def original(self, i: int) -> Any:
        """The input of example i."""
        return self._examples[i].input


def listed_values(values: Iterable[Any], input: Modality) -> Rows:
    """Cells in memory as rows: one that names a file is called by its name, any other by its number."""

    def where(number: int, value: Any) -> str:
        return str(value) if input.names_file(value) else f"input {number}"

    return Rows.listed(Row(where(number, value), value) for number, value in enumerate(values, 1))


class GivenInputs(Given):
    """Examples in memory whose answers are not looked at."""

    def __init__(self, examples: Sequence[Example]) -> None:
        super().__init__([replace(example, target=None) for example in examples])

    def scan_row(self, i: int) -> ScannedRow:
        """Example i and the digest of its input."""
        example = self.read(i)
        if blank(example.input):
            raise DataError("the input is empty", where=self.where(i), fix="Fill it in, or leave the example out")
        return ScannedRow(replace(example, group=str(example.group)), "", self.content(i), b"\0" * 16)


def _cell_digest(cell: Any, modality: Modality, root: Path) -> tuple[bytes, int]:
    """Digest and size of what a cell holds or names: the same picture has one digest under two names."""
    if isinstance(cell, dict) and set(cell) <= {"bytes", "path"}:
        held = cell.get("bytes")
        cell = held if held is not None else cell.get("path")
    elif isinstance(cell, dict) and cell:  # several cells in one, as the two pictures of a pair
        found = [_cell_digest(part, modality, root) for part in cell.values()]
        return _digest(b"".join(digest for digest, _ in found)), sum(size for _, size in found)
    if modality.names_file(cell, root):
        return _file_digest(root / cell, cell, root)
    return _digest(cell), len(cell) if isinstance(cell, str | bytes) else 0


def _file_digest(path: Path, cell: str | Path, root: Path) -> tuple[bytes, int]:
    digest, size = blake2b(digest_size=16), 0
    try:
        with open(path, "rb") as file:
            while block := file.read(2**20):
                digest.update(block)
                size += len(block)
    except FileNotFoundError:
        relative = not Path(cell).is_absolute()
        fix = (
            f"Its path is taken from the folder {root.absolute()}"
            if relative
            else "Correct the path, or remove the row"
        )
        raise DataError(f"there is no file {str(cell)!r}", fix=fix) from None
    except (OSError, ValueError) as error:
        if isinstance(error, IsADirectoryError):
            raise DataError(f"{str(cell)!r} is a folder, not a file", fix="Name a file, or remove the row") from None
        raise unreadable("", error if isinstance(error, OSError) else OSError(str(error))) from None
    return digest.digest(), size


def _digest(value: Any) -> bytes:
    digest = blake2b(digest_size=16)
    if isinstance(value, np.ndarray):
        digest.update(f"{value.dtype}{value.shape}".encode())
        digest.update(np.ascontiguousarray(value).tobytes())
    elif isinstance(value, bytes | bytearray):
        digest.update(value)
    elif isinstance(value, str):
        try:
            digest.update(value.encode())
        except UnicodeEncodeError:
            raise DataError("the text holds half a character (a lone surrogate)", fix="Write it as UTF-8") from None
    else:
        digest.update(json.dumps(value, default=_plain, sort_keys=True).encode())
    return digest.digest()


def _plain(value: Any) -> Any:
    """What stands for a value that JSON cannot hold, the same in every process."""
    if isinstance(value, np.ndarray | bytes | bytearray):
        return _digest(value).hex()
    return vars(value) if hasattr(value, "__dict__") else repr(value)
