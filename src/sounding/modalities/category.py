"""Labels: one word out of a finite list, such as the species in a picture or the mood of a sentence.

A value is the label's text, exactly as it was written. Numbers become text ("3"), so that a label column reads the same
from CSV, JSON and Parquet. Labels that differ only by case or spaces stay different here: `lookalikes` finds them, and
the check of the data reports them.

Class folders are labels too: `<class>/…` or `{train,validation,test}/<class>/…`; see `Category.folder`.

Legend of shapes: B batch, K options.
"""

from __future__ import annotations

import math
import os
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sounding.contract.modality import MixedTarget, Modality, Row, SoftLabel
from sounding.errors import DataError, did_you_mean

SPLITS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "dev": "validation",
    "test": "test",
}
"""Folder names that name a part of the data, in lower case → that part."""

JUNK = frozenset({"thumbs.db", "desktop.ini", "__macosx"})
"""What operating systems leave in folders, besides names that begin with a dot."""


class Category(Modality):
    """One label of a finite list, which `options` holds after `fit`: by number if all are numbers, else by text."""

    columns = (
        *("label", "labels", "class", "class_name", "category", "target", "sentiment", "fine_label", "coarse_label"),
        *("intent", "topic", "species", "y"),
    )
    classes: list[str] | None = None

    def accepts(self, cell: Any) -> bool:
        """Whether a cell is a short text, a whole number, or yes or no."""
        if isinstance(cell, str):
            return 0 < len(cell.strip()) <= 200
        return isinstance(cell, bool | int | np.bool_ | np.integer) or (isinstance(cell, float) and cell.is_integer())

    def read(self, cell: Any, root: Path = Path()) -> str:
        """The label as text. Raises DataError for an empty cell and for what is no single text or number."""
        cell = cell.item() if isinstance(cell, np.generic) else cell
        if (
            cell is None
            or (isinstance(cell, float) and math.isnan(cell))
            or (isinstance(cell, str) and not cell.strip())
        ):
            raise DataError("the label is empty", fix="Fill it in, or remove this row")
        if isinstance(cell, str):
            return cell
        if isinstance(cell, bool):
            return "true" if cell else "false"
        if isinstance(cell, int | float):
            return str(int(cell)) if isinstance(cell, int) or cell.is_integer() else repr(cell)
        raise DataError(f"the label is a {type(cell).__name__}, not one text or number", fix="Give each row one label")

    def fit(self, values: Iterable[str]) -> None:
        """Learn the list of labels."""
        labels = set(values)
        if not labels:
            raise DataError("there is no label to learn from", fix="Give at least one row with a label")
        self.classes = sorted(labels, key=_number_then_text if all(map(_is_number, labels)) else str)

    def label_conflicts(self) -> list[str]:
        """Groups of labels that differ only by case or spaces."""
        groups = lookalikes(self.classes or ())
        return [f"the labels {' and '.join(map(repr, group))} differ only by case or spaces" for group in groups]

    def encode(self, values: Sequence[str | MixedTarget | SoftLabel]) -> Tensor:
        """Float32 [B, K]: one-hot, or the shares of a mixed or weighed label. Raises DataError for an unknown label."""
        places = {option: place for place, option in enumerate(self.classes or ())}
        out = np.zeros((len(values), len(places)), np.float32)
        for row, value in zip(out, values, strict=True):
            self._add(row, value, 1.0, places)
        return torch.from_numpy(out)

    def _add(
        self, row: np.ndarray, value: str | MixedTarget | SoftLabel, share: float, places: Mapping[str, int]
    ) -> None:
        if isinstance(value, MixedTarget):
            self._add(row, value.value, share * value.share, places)
            self._add(row, value.other, share * (1 - value.share), places)
        elif isinstance(value, SoftLabel):
            row += share * np.asarray(value.shares, np.float32)
        elif value in places:
            row[places[value]] += share
        else:
            raise DataError(f"no training row has the label {value!r}", fix=self._advice(value))

    def _advice(self, label: Any) -> str:
        known = self.classes or []
        advice = did_you_mean(str(label), known)
        return advice if len(known) <= 20 or advice.startswith("Did") else f"Known: {', '.join(known[:20])}, …"

    def answers(self, value: str, confidence: float | None, scores: np.ndarray | None) -> list[dict[str, Any]]:
        """[{"label", "score"}], the likeliest first."""
        if scores is None or self.classes is None:
            return [{"label": value, "score": confidence}]
        order = np.argsort(-np.asarray(scores), kind="stable")
        return [{"label": self.classes[place], "score": float(scores[place])} for place in order]

    def state(self) -> dict[str, Any]:
        """The list of labels."""
        return {"options": self.classes}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` gave."""
        self.classes = state["options"]

    def folder(self, path: Path, input: Modality) -> Iterator[Row] | None:
        """The rows of class folders: `<class>/…` or `{train,validation,test}/<class>/…`, files at any depth in a class.

        Rows come sorted by folder and name, one for each file whose ending `input` knows. None when no folder inside
        `path` holds such a file.
        """
        if not input.suffixes or not path.is_dir():
            return None
        classes = _classes(path, input)
        return (
            (
                Row(where=_where(path, file), input=str(file.absolute()), target=place.name, split=split)
                for split, place in classes
                for file in _files(place)
                if _is_input(file, input)
            )
            if classes
            else None
        )


def _number_then_text(label: str) -> tuple[float, str]:
    return float(label), label


def _is_number(label: str) -> bool:
    try:
        return math.isfinite(float(label))
    except ValueError:
        return False


def lookalikes(options: Iterable[str]) -> list[list[str]]:
    """Groups of different labels that a person would read as the same: equal but for case, spaces and Unicode form."""
    groups: dict[str, list[str]] = {}
    for option in sorted(set(options)):
        plain = " ".join(unicodedata.normalize("NFKC", option).casefold().split())
        groups.setdefault(plain, []).append(option)
    return [group for group in groups.values() if len(group) > 1]


# ---- class folders


def _classes(path: Path, input: Modality) -> list[tuple[str, Path]]:
    """(split, folder) of every class.

    A folder called train is a part of the data when it holds class folders and stands beside another part or alone;
    else it is the class of trains.
    """
    within = {place: _with_inputs(place, input) for place in _folders(path) if _split(place)}
    parts = {place: classes for place, classes in within.items() if classes}
    others = [place for place in _with_inputs(path, input) if not _split(place)]
    if len(parts) > 1 or (parts and not others):
        return [(_split(place), inner) for place, classes in parts.items() for inner in classes]
    return [("", place) for place in _with_inputs(path, input)]


def _split(place: Path) -> str:
    return SPLITS.get(place.name.lower(), "")


def _with_inputs(path: Path, input: Modality) -> list[Path]:
    return [place for place in _folders(path) if any(_is_input(file, input) for file in _files(place))]


def _is_input(file: Path, input: Modality) -> bool:
    return file.name.lower().endswith(tuple(input.suffixes))


def _where(path: Path, file: Path) -> str:
    return str(Path(path.name or path.resolve().name) / file.relative_to(path))


def _folders(path: Path) -> list[Path]:
    return [Path(entry.path) for entry in _entries(path) if _is_folder(entry)]


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _files(path: Path, above: frozenset[str] = frozenset()) -> Iterator[Path]:
    """All files under a folder, sorted, through links; a link back to a folder above is not followed again."""
    here = os.path.realpath(path)
    if here in above:
        return
    for entry in _entries(path):
        if _is_folder(entry):
            yield from _files(Path(entry.path), above | {here})
        else:
            yield Path(entry.path)


def _entries(path: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(path) as found:
            entries = [e for e in found if not e.name.startswith(".") and e.name.lower() not in JUNK]
    except OSError as error:
        raise DataError(
            f"{path} cannot be opened ({error.strerror})", fix="Change its permissions or remove it"
        ) from None
    return sorted(entries, key=lambda entry: entry.name)
