"""Looking through a folder of the user's: one rule for what is theirs and in which order it comes.

Hidden files and folders, and what operating systems leave behind, are passed over. Names are sorted within each folder.
Links are followed, but never back to a folder above. Endings count in any case (`.JPG` is `.jpg`). A picture whose name
has no ending (`0001`) is told by the bytes that it begins with.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from sounding.errors import DataError, did_you_mean
from sounding.files import unreadable

LITTER = frozenset(
    (
        *("__macosx", "icon\r", "thumbs.db", "ehthumbs.db", "desktop.ini", "$recycle.bin", "system volume information"),
        *("@eadir", "lost+found"),
    )
)
"""What operating systems and file servers leave in folders, in lower case, besides names that begin with a dot."""


BEGINNINGS = {
    b"\xff\xd8\xff": ".jpg",
    b"\x89PNG": ".png",
    b"GIF8": ".gif",
    b"BM": ".bmp",
    b"II*\0": ".tif",
    b"MM\0*": ".tif",
    **{b"P%d" % n: ending for n, ending in enumerate((".pbm", ".pgm", ".ppm") * 2, 1)},
}
"""What pictures begin with, and the ending that their names should have."""
BRANDS = {b"avif": ".avif", b"avis": ".avif", **dict.fromkeys((b"heic", b"heix", b"hevc", b"mif1", b"msf1"), ".heic")}
"""What files of the ISO base media format (ISO 14496-12) say in their bytes 8 to 11, and the same."""
_LOOKED_AT = 16  # bytes
_ENDINGS = frozenset((*BEGINNINGS.values(), *BRANDS.values(), ".webp"))


def is_visible(name: str) -> bool:
    """Whether a name is one of the user's."""
    return not name.startswith(".") and name.lower() not in LITTER


def entries(path: Path) -> list[Path]:
    """What lies in a folder, by name. Raises DataError for a folder that cannot be opened."""
    return [Path(entry.path) for entry in _scanned(path)]


def subfolders(path: Path) -> list[Path]:
    """The folders in a folder, by name. Raises DataError for a folder that cannot be opened."""
    return [Path(entry.path) for entry in _scanned(path) if _is_folder(entry)]


def walk(path: Path, depth: int | None = None) -> Iterator[Path]:
    """The files under a folder, sorted folder by folder; those at most `depth` folders below it, if that is given.

    A link that leads nowhere is a file, so that who opens it hears of it. Raises DataError for a folder that cannot be
    opened.
    """
    yield from _walk(path, depth, frozenset())


def passed_over(path: Path, depth: int | None = None) -> list[Path]:
    """What `walk` passes over: hidden files and folders, and what systems leave; a folder counts once."""
    found: list[Path] = []
    for _ in _walk(path, depth, frozenset(), found):
        pass
    return found


def with_suffix(files: Iterable[Path], suffixes: Iterable[str]) -> list[Path]:
    """Those files whose names end so, or that begin so and have no ending; `suffixes` are in lower case."""
    endings = tuple(suffixes)
    begun = not _ENDINGS.isdisjoint(endings)
    return [file for file in files if file.name.lower().endswith(endings) or (begun and _begins(file, endings))]


def picture_ending(start: bytes) -> str:
    """The ending of the usual picture format that the first 16 bytes of a file belong to; nothing for another."""
    if start[4:8] == b"ftyp":
        return BRANDS.get(start[8:12], "")
    if start[:4] == b"RIFF":
        return ".webp" if start[8:12] == b"WEBP" else ""
    return next((ending for begin, ending in BEGINNINGS.items() if start.startswith(begin)), "")


def told_ending(file: Path) -> str:
    """The ending that a file should have by its content; nothing for what is no picture, or cannot be opened."""
    try:
        with open(file, "rb") as opened:
            return picture_ending(opened.read(_LOOKED_AT))
    except OSError:  # who reads the file will say so
        return ""


def _begins(file: Path, endings: tuple[str, ...]) -> bool:
    """Whether a file without an ending is a picture of one of the kinds by its content."""
    return not file.suffix and bool(told := told_ending(file)) and told in endings


def place(file: Path, top: Path) -> str:
    """How an error calls a file: with the name of the folder that was given ("photos/cat/3.jpg")."""
    return str(Path(top.name or top.resolve().name) / file.relative_to(top))


def _walk(path: Path, depth: int | None, above: frozenset[str], passed: list[Path] | None = None) -> Iterator[Path]:
    here = os.path.realpath(path)
    if here in above:
        return
    for entry in _scanned(path, passed):
        if not _is_folder(entry):
            yield Path(entry.path)
        elif depth is None or depth > 0:
            yield from _walk(Path(entry.path), None if depth is None else depth - 1, above | {here}, passed)


def _scanned(path: Path, passed: list[Path] | None = None) -> list[os.DirEntry[str]]:
    """What is visible in a folder, by name; the rest is added to `passed`."""
    try:
        with os.scandir(path) as found:
            lying = sorted(found, key=lambda entry: entry.name)
    except OSError as error:
        raise unreadable(str(path), error) from None
    if passed is not None:
        passed += [Path(entry.path) for entry in lying if not is_visible(entry.name)]
    return [entry for entry in lying if is_visible(entry.name)]


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def require_path(path: Path) -> None:
    """Raise DataError if there is nothing at `path`."""
    if not os.path.exists(path):
        near = did_you_mean(path.name, os.listdir(path.parent)) if os.path.isdir(path.parent) else ""
        fix = near if near.startswith("Did") else "Check the spelling; paths start from the folder you are in"
        raise DataError("there is no such file or folder", where=str(path), fix=fix)
