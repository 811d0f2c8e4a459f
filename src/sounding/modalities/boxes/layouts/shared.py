"""What the readers of label files share: finding pictures and splits, and a row for what is wrong."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from sounding.contract.modality import Modality, Row
from sounding.errors import DataError
from sounding.modalities.boxes.layouts.boxset import BoxSet, Marked
from sounding.modalities.category import JUNK, SPLITS

PICTURE_FOLDERS = ("images", "JPEGImages", "imgs", "img", "data")


def split_of(word: str) -> str:
    """The split that a word of a name means, numbers aside ("train2017" → "train"), or ""."""
    return SPLITS.get(word.strip().lower().rstrip("0123456789"), "")


def split_in(stem: str) -> str:
    """The split that the name of a file tells ("instances_val2017"), or ""."""
    words = [word for word in re.split(r"[-_. ]", stem) if word]
    return next((split for word in reversed(words) if (split := split_of(word))), "")


def split_above(file: Path, top: Path) -> str:
    """The split that a folder between `top` and the file is named after, the nearest one; or ""."""
    folders = file.relative_to(top).parts[:-1]
    return next((split for word in reversed(folders) if (split := split_of(word))), "")


def files(path: Path) -> list[Path]:
    """All files under a folder, sorted; hidden ones and system litter excepted."""
    found = []
    for folder, folders, names in os.walk(path, followlinks=False):
        folders[:] = sorted(name for name in folders if _visible(name))
        found += [Path(folder, name) for name in sorted(names) if _visible(name)]
    return found


def folders(path: Path) -> list[Path]:
    """The folders in a folder, sorted."""
    return [
        Path(entry.path)
        for entry in sorted(os.scandir(path), key=lambda e: e.name)
        if entry.is_dir() and _visible(entry.name)
    ]


def pictures(found: Sequence[Path], input: Modality) -> list[Path]:
    """Those files whose ending says that they are an input."""
    return [file for file in found if file.name.lower().endswith(tuple(input.suffixes))]


def place(file: Path, top: Path) -> str:
    """How an error calls a file: with the name of the folder that was given."""
    return str(Path(top.name or top.resolve().name) / file.relative_to(top))


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


def _visible(name: str) -> bool:
    return not name.startswith(".") and name.lower() not in JUNK


def first_existing(places: Sequence[Path]) -> Path | None:
    """The first of some paths where a file is."""
    return next((place for place in places if place.is_file()), None)


def strung(rows: Sequence[Iterator[Row]]) -> Iterator[Row]:
    """Rows of several sources, one after the other."""
    for part in rows:
        yield from part
