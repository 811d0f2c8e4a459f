"""Class folders: `<class>/…` or `{train,validation,test}/<class>/…`, files at any depth in a class."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sounding.contract.layouts import Layout
from sounding.contract.modality import Modality, Row
from sounding.contract.split_names import split_named
from sounding.folders import place, subfolders, walk, with_suffix


def class_folders(path: Path, input: Modality, target: Modality | None = None) -> Iterator[Row] | None:
    """The rows of class folders, sorted by folder and name: one for each file whose ending `input` knows.

    None when no folder inside `path` holds such a file.
    """
    if not input.suffixes or not path.is_dir():
        return None
    classes = _classes(path, input)
    return _rows(path, classes, input) if classes else None


def _rows(path: Path, classes: list[tuple[str, Path]], input: Modality) -> Iterator[Row]:
    for split, folder in classes:
        for file in with_suffix(walk(folder), input.suffixes):
            yield Row(place(file, path), str(file.absolute()), folder.name, split=split)


def _classes(path: Path, input: Modality) -> list[tuple[str, Path]]:
    """(split, folder) of every class.

    A folder called train is a part of the data when it holds class folders and stands beside another part or alone;
    else it is the class of trains.
    """
    classes = _with_inputs(path, input)
    within = {folder: _with_inputs(folder, input) for folder in subfolders(path) if split_named(folder.name)}
    parts = {folder: inner for folder, inner in within.items() if inner}
    others = [folder for folder in classes if not split_named(folder.name)]
    if len(parts) > 1 or (parts and not others):
        return [(split_named(folder.name), inner) for folder, inners in parts.items() for inner in inners]
    return [("", folder) for folder in classes]


def _with_inputs(path: Path, input: Modality) -> list[Path]:
    endings = tuple(input.suffixes)
    return [folder for folder in subfolders(path) if any(f.name.lower().endswith(endings) for f in walk(folder))]


CLASS_FOLDERS = Layout("one folder for each answer", class_folders)
