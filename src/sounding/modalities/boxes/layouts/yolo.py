"""YOLO: a .txt for each picture, one line for each thing: class, centre x, centre y, width, height, in shares.

The names of classes and the splits stand in a data.yaml (names, path, train, val, test), or the names in a classes.txt;
without either, classes are called by their numbers. A label lies beside its picture, or in labels/… where the picture
lies in images/…. Lines with an outline (class x1 y1 x2 y2 …) give the box around it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from sounding.contract.layouts import Layout
from sounding.contract.modality import Modality, Row
from sounding.contract.split_names import split_above, split_named
from sounding.errors import DataError
from sounding.folders import entries, place, subfolders, walk, with_suffix
from sounding.modalities.boxes.layouts import data_yaml, shared
from sounding.modalities.boxes.layouts.boxset import BoxSet, sound
from sounding.modalities.boxes.layouts.data_yaml import DataYaml

NAME_FILES = ("classes.txt", "obj.names", "classes.names", "_darknet.labels")
USUAL = "Write one line for each thing: class, centre x, centre y, width, height, in shares of the picture"


def configured(path: Path, input: Modality, target: Modality | None = None) -> Iterator[Row] | None:
    """The rows of the pictures that a data.yaml, or the one in a folder, leads to; None where there is none.

    Raises DataError for a file of this ending that names no classes.
    """
    if not input.suffixes:
        return None
    if path.is_dir():
        for file in with_suffix(entries(path), data_yaml.SUFFIXES):
            if file.is_file() and (config := data_yaml.read(file)) is not None:
                return _of_yaml(file, config, path, input)
        return None
    if path.suffix.lower() not in data_yaml.SUFFIXES:
        return None
    config = data_yaml.read(path)
    if config is None:
        raise DataError("the yaml names no classes", where=str(path), fix="Write names: [cat, dog], train: and val:")
    return _of_yaml(path, config, path.absolute().parent, input)


def labelled(path: Path, input: Modality, target: Modality | None = None) -> Iterator[Row] | None:
    """The rows of a folder with a folder of labels, or labels beside the pictures; None for others."""
    if not input.suffixes or not path.is_dir():
        return None
    found = list(walk(path))
    pictures = with_suffix(found, input.suffixes)
    if not any(_is_label(file) for picture in pictures[:200] for file in [_label(picture)] if file is not None):
        return None
    return _rows(path, [(picture, split_above(picture, path)) for picture in pictures], found, _names(path))


def _of_yaml(file: Path, config: DataYaml, top: Path, input: Modality) -> Iterator[Row]:
    pictures: dict[Path, str] = {}
    for key, led_by in config.splits.items():
        for entry in led_by:
            for picture in _led_to(entry, config, file, input):
                pictures.setdefault(picture, split_named(key))
    found = list(walk(top))
    if not pictures:
        pictures = {picture: split_above(picture, top) for picture in with_suffix(found, input.suffixes)}
    return _rows(top, list(pictures.items()), found, config.names)


def _led_to(entry: str, config: DataYaml, file: Path, input: Modality) -> list[Path]:
    """The pictures of one entry: a folder, or a list of paths; from `path`, or from where the yaml lies."""
    base = file.absolute().parent
    roots = [base / config.path, base]
    inner = entry
    while inner.startswith(("../", "./")):  # exports say ../train/images of a folder that lies beside the yaml
        inner = inner.split("/", 1)[1]
    for there in (root / word for word in (entry, inner) for root in roots):
        if there.is_dir():
            return with_suffix(walk(Path(_plain(there))), input.suffixes)
        if there.is_file():
            lines = [line.strip() for line in shared.text_of(there).splitlines() if line.strip()]
            return [Path(_plain(there.parent / line)) for line in lines]
    return []


def _plain(path: Path) -> str:
    return str(path.resolve())


def _rows(
    top: Path, pictures: Sequence[tuple[Path, str]], found: Sequence[Path], names: Sequence[str] | None
) -> Iterator[Row]:
    """A row for each picture, then one to be rejected for each label file without a picture."""
    used = set()
    for picture, split in pictures:
        label = _label(picture)
        if label is None:
            yield shared.unlabelled(picture, f"{picture.stem}.txt", _place(picture, top), split)
            continue
        used.add(label.resolve())
        at = _place(label, top)
        target = shared.marked(label, at, partial(read, label, at, names))
        yield Row(_place(picture, top), str(picture.absolute()), target, split=split)
    for label in found:
        if label.suffix.lower() == ".txt" and label.resolve() not in used and _lonely(label):
            what, fix = "the label file has no picture", "Put the picture in its place, or remove it"
            yield shared.rejected(place(label, top), what, fix, path=str(label))


def _place(file: Path, top: Path) -> str:
    """How an error calls a file, which may lie outside of the folder that was given."""
    file, top = file.resolve(), top.resolve()
    return place(file, top if file.is_relative_to(top) else file.parent)


def _label(picture: Path) -> Path | None:
    """The label file of a picture, if there is one."""
    parts = list(picture.parts)
    places = [picture.with_suffix(".txt")]
    for k in reversed(range(len(parts) - 1)):
        if parts[k].lower() == "images":
            places.insert(0, Path(*parts[:k], "labels", *parts[k + 1 :]).with_suffix(".txt"))
            break
    return shared.first_existing(places)


def _is_label(file: Path) -> bool:
    """Whether a file begins as a label file does; an empty one does not tell."""
    try:
        words = next((line.split() for line in shared.text_of(file).splitlines() if line.strip()), [])
        return len(words) >= 5 and all(np.isfinite(float(word)) for word in words)
    except (ValueError, DataError):
        return False


def _lonely(label: Path) -> bool:
    in_labels = "labels" in [part.lower() for part in label.parts[:-1]]
    return label.name not in NAME_FILES and (in_labels or _is_label(label))


# ---- one file


def read(label: Path, where: str, names: Sequence[str] | None) -> BoxSet:
    """The boxes of a label file. Raises DataError with the line for a line that cannot be used."""
    corners, labels = [], []
    for number, line in enumerate(shared.text_of(label).splitlines(), 1):
        if not line.strip():
            continue
        try:
            name, box = _line(line.split(), names)
            sound(np.array([box]), [name], "shares")
        except DataError as error:
            raise error.at(f"{where}:{number}") from None
        labels.append(name)
        corners.append(box)
    return BoxSet(np.array(corners).reshape(-1, 4), tuple(labels))


def _line(words: Sequence[str], names: Sequence[str] | None) -> tuple[str, list[float]]:
    try:
        numbers = [float(word) for word in words]
    except ValueError:
        raise DataError(f"{' '.join(words)[:60]!r} is not numbers alone", fix=USUAL) from None
    if len(numbers) != 5 and (len(numbers) < 7 or len(numbers) % 2 == 0):
        raise DataError(f"{len(numbers)} columns, where a box has 5 and an outline an odd number from 7", fix=USUAL)
    kind, sides = numbers[0], numbers[1:]
    wrong = next((side for side in sides if not 0 <= side <= 1), None)
    if wrong is not None:
        fix = "Divide pixels by the width and height of the picture" if wrong > 1 else "Correct it"
        raise DataError(f"{wrong:g} is no share of the picture, which is from 0 to 1", fix=fix)
    if kind != int(kind) or kind < 0:
        raise DataError(f"the class is {words[0]}, not a whole number from 0", fix="Correct it")
    if names is not None and kind >= len(names):
        raise DataError(
            f"class {int(kind)}, where {len(names)} are named, counted from 0", fix="Correct it, or name it"
        )
    return names[int(kind)] if names is not None else str(int(kind)), _corners(sides)


def _corners(sides: Sequence[float]) -> list[float]:
    if len(sides) == 4:
        x, y, width, height = sides
        return [x - width / 2, y - height / 2, x + width / 2, y + height / 2]
    xs, ys = sides[::2], sides[1::2]
    return [min(xs), min(ys), max(xs), max(ys)]


# ---- out


def text(boxes: BoxSet, names: Sequence[str]) -> str:
    """A label file: a line for each box. `boxes` hold shares, and `names` are the classes in their order."""
    numbers = {name: number for number, name in enumerate(names)}
    left, top, right, bottom = boxes.corners.astype(float).T
    sides = np.stack([(left + right) / 2, (top + bottom) / 2, right - left, bottom - top], axis=1).clip(0, 1)
    lines = zip(boxes.labels, sides.tolist(), strict=True)
    return "".join(f"{numbers[name]} {' '.join(f'{side:.6f}' for side in box)}\n" for name, box in lines)


# ---- names


def _names(path: Path) -> list[str] | None:
    """The classes of a file of names, in the folder or one of its own, or None."""
    places = [path, *subfolders(path)]
    file = shared.first_existing([folder / name for folder in places for name in NAME_FILES])
    return None if file is None else [line.strip() for line in shared.text_of(file).splitlines() if line.strip()]


DATA_YAML = Layout("YOLO data.yaml", configured, ("data.yaml", "data.yml", *NAME_FILES))
LABEL_FILES = Layout("YOLO labels", labelled, NAME_FILES)
