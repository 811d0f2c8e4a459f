"""What the readers of label files share: the text of one, its cell, and a row for what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from sounding.contract.modality import Row
from sounding.errors import DataError
from sounding.modalities.boxes.layouts.boxset import BoxSet, Marked


def text_of(file: Path) -> str:
    """The text of a label file. Raises DataError where it is none."""
    try:
        return file.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise DataError("the label file is not UTF-8 text", fix="Save it as UTF-8") from None


def marked(label: Path, where: str, read: Callable[[], BoxSet]) -> Marked:
    """What a label file says, or what is wrong with it, at `where` if the error does not say where."""
    try:
        return Marked(read(), path=str(label))
    except DataError as error:
        return Marked(wrong=(error.what, error.where or where, error.fix), path=str(label))


def rejected(where: str, what: str, fix: str, picture: Path | None = None, path: str = "", split: str = "") -> Row:
    """A row that will be rejected."""
    return Row(where, str(picture) if picture else None, Marked(wrong=(what, where, fix), path=path), split=split)


def unlabelled(picture: Path, label: str, where: str, split: str) -> Row:
    """The row of a picture that has no label file: never taken for one with nothing in it."""
    fix = f"Label it, or add an empty {label} to say that there is nothing in it"
    if label.endswith(".xml"):
        fix = f"Label it, or add a {label} without objects to say that there is nothing in it"
    return rejected(where, f"the picture has no label file {label}", fix, picture.absolute(), split=split)


def strung(rows: Sequence[Iterator[Row]]) -> Iterator[Row]:
    """Rows of several sources, one after the other."""
    for part in rows:
        yield from part
