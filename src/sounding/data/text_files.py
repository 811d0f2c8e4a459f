"""Text files: opened as UTF-8 or refused with the line; a folder of .txt files is a layout of documents."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from sounding.contract.layouts import Layout
from sounding.contract.modality import Modality, Row
from sounding.contract.split_names import split_above, split_named
from sounding.errors import DataError
from sounding.files import unreadable
from sounding.folders import place, walk, with_suffix


def open_text(path: Path, name: str, newline: str | None = None) -> TextIO:
    """The file as UTF-8 text without its mark; bytes that are not UTF-8 are kept apart as surrogates.

    Raises DataError, calling the file `name`, for one that is no text or cannot be opened.
    """
    try:
        with open(path, "rb") as file:
            start = file.read(4)
        if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise DataError("the file is UTF-16", where=name, fix="Save it as UTF-8")
        if start == b"PK\x03\x04" or b"\0" in start:
            raise DataError("this is not a text file", where=name, fix="Save a spreadsheet as CSV with UTF-8 encoding")
        return open(path, encoding="utf-8-sig", errors="surrogateescape", newline=newline)
    except OSError as error:
        raise unreadable(name, error) from None


def require_utf8(text: str) -> None:
    """Raise DataError (without where) for text that holds a byte which was not UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        byte = ord(error.object[error.start]) - 0xDC00
        raise DataError(f"byte 0x{byte:02X} is not UTF-8", fix="Save the file as UTF-8") from None


def read_document(path: Path, where: str) -> str:
    """The whole text of a file. Raises DataError with the line, after `where`, of a byte that is not UTF-8."""
    with open_text(path, where) as file:
        text = file.read()
    if text.isascii():
        return text
    for line, part in enumerate(text.split("\n"), 1):
        try:
            require_utf8(part)
        except DataError as error:
            raise error.at(f"{where}:{line}") from None
    return text


def documents(path: Path, input: Modality, target: Modality | None = None) -> Iterator[Row] | None:
    """A row for each .txt file, its input the file's path; None where there is none.

    A file of a folder belongs to the split that it, or a folder above it, is called after: train.txt, test/17.txt.
    """
    if path.is_file():
        return iter([Row(path.name, path.absolute())]) if path.suffix.lower() == ".txt" else None
    files = with_suffix(walk(path), (".txt",))
    if not files:
        return None
    return (
        Row(place(file, path), file.absolute(), split=split_named(file.stem) or split_above(file, path))
        for file in files
    )


TEXT_FILES = Layout(".txt files", documents)
