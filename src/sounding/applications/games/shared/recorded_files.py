"""Files of recorded games as rows, each with the split of the folder or the file that it lies in.

A reader lists the games of one file, and tells of broken ones; these become rows that say why, and none is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from sounding.contract.layouts import Listed
from sounding.contract.modality import Row
from sounding.contract.split_names import split_above, split_named
from sounding.errors import DataError
from sounding.folders import place, walk, with_suffix

Refused = Callable[[DataError], None]
Reader = Callable[[Path, str, Refused], Iterable[tuple[str, Any]]]
"""The games of a file, which is called so: where each stands, and its cell. It tells of games that are broken."""


def listed(path: Path, suffixes: Sequence[str], reader: Reader) -> Listed | None:
    """A row for each game of a file, or of the files in a folder at any depth; None where there is no such file."""
    files = list(with_suffix(walk(path), suffixes)) if path.is_dir() else list(with_suffix([path], suffixes))
    return Listed(_rows(path, files, reader), tuple(files)) if files else None


def _rows(path: Path, files: Sequence[Path], reader: Reader) -> Iterator[Row]:
    for file in files:
        name, split = file.name, ""
        if path.is_dir():
            name, split = place(file, path), split_named(file.stem) or split_above(file, path)
        broken: list[DataError] = []
        try:
            for where, cell in reader(file, name, broken.append):
                yield from _broken(broken, name, split)
                yield Row(where, cell, split=split)
        except DataError as error:  # the file as a whole
            broken.append(error)
        yield from _broken(broken, name, split)


def _broken(errors: list[DataError], name: str, split: str) -> Iterator[Row]:
    """Games that could not be told, each as a row that says why; none is kept."""
    while errors:
        error = errors.pop(0)
        yield Row(error.where or name, error, split=split)
