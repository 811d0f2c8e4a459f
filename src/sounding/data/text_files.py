"""A folder of .txt files is a layout of documents. `modalities.text.encodings` opens them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sounding.contract.layouts import Layout
from sounding.contract.modality import Modality, Row
from sounding.contract.split_names import split_above, split_named
from sounding.folders import place, walk, with_suffix


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
