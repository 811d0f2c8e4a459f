"""YOLO: a .txt for each picture, one line for each thing: class, centre x, centre y, width, height, in shares.

The names of classes and the splits stand in a data.yaml (names, path, train, val, test), or the names in a classes.txt;
without either, classes are called by their numbers. A label lies beside its picture, or in labels/… where the picture
lies in images/…. A picture without one has nothing in it (background). Lists of pictures (train.txt) give the splits
where no data.yaml does. Lines with an outline (class x1 y1 x2 y2 …) give the box around it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from sounding.contract.file_names import Files, Spellings, spelled
from sounding.contract.inputs import Pictorial
from sounding.contract.layouts import Layout, Listed
from sounding.contract.modality import Modality, Row
from sounding.contract.split_names import split_above, split_named
from sounding.errors import DataError
from sounding.folders import entries, place, subfolders, walk, with_suffix
from sounding.modalities.boxes.layouts import data_yaml, shared
from sounding.modalities.boxes.layouts.boxset import SLACK, BoxSet, Marked, sound
from sounding.modalities.boxes.layouts.data_yaml import DataYaml

NAME_FILES = ("classes.txt", "obj.names", "classes.names", "_darknet.labels")
BACKGROUND = Marked(BoxSet(np.zeros((0, 4)), ()))
"""What is said of a picture without a label file: there is nothing in it."""
USUAL = "Write one line for each thing: class, centre x, centre y, width, height, in shares of the picture"


def configured(path: Path, input: Modality, target: Modality | None = None) -> Listed | None:
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


def labelled(path: Path, input: Modality, target: Modality | None = None) -> Listed | None:
    """The rows of a folder with a folder of labels, or labels beside the pictures; None for others."""
    if not input.suffixes or not path.is_dir():
        return None
    path = path.absolute()
    found, labels = list(walk(path)), _Labels()
    pictures = with_suffix(found, input.suffixes)
    if not with_suffix(found, (".txt",)) or not any(_is_label(file) for file in map(labels.find, pictures) if file):
        return None
    lists = [file for file in with_suffix(found, (".txt",)) if split_named(file.stem) and _is_list(file, input)]
    told = _sides(lists, Files(pictures, path))
    sides = {picture: told.get(picture) or split_above(picture, path) for picture in _in_use(pictures, labels)}
    return Listed(_rows(path, sides, found, _names(path), labels, input), tuple(lists))


def _of_yaml(file: Path, config: DataYaml, top: Path, input: Modality) -> Listed:
    pictures: dict[Path, str] = {}
    read = [file]
    top = _straight(top.absolute())
    found = list(walk(top))
    known = Files(with_suffix(found, input.suffixes), top)
    for key, led_by in config.splits.items():
        for there in (there for entry in led_by for there in _led_to(entry, config, file)):
            read.append(there)
            for picture in _in(there, input, known):
                pictures.setdefault(picture, split_named(key))
    if not pictures:
        pictures = {picture: split_above(picture, top) for picture in with_suffix(found, input.suffixes)}
    return Listed(_rows(top, pictures, found, config.names, _Labels(), input), tuple(read))


def _led_to(entry: str, config: DataYaml, file: Path) -> list[Path]:
    """The folder or the list of paths that an entry means; from `path`, or from where the yaml lies."""
    base, spellings = file.absolute().parent, Spellings()
    roots = [base / spelled(config.path), base]
    entry = inner = spelled(entry)
    while inner.startswith(("../", "./")):  # exports say ../train/images of a folder that lies beside the yaml
        inner = inner.split("/", 1)[1]
    places = (spellings.find(root / word) for word in (entry, inner) for root in roots)
    return [_straight(there) for there in places if there is not None][:1]


def _in(there: Path, input: Modality, known: Files) -> list[Path]:
    """The pictures in a folder, or in a list of paths."""
    return with_suffix(walk(there), input.suffixes) if there.is_dir() else _listed(there, known)


def _straight(path: Path) -> Path:
    """A path without `..`, and with its links, as a walk from the folder that was given names it."""
    return Path(os.path.normpath(path))


def _listed(file: Path, known: Files) -> list[Path]:
    """The pictures that a list of paths names; where one should be, if it is not there."""
    return [_straight(picture or file.parent / spelled(line)) for line, picture in _lines(file, known)]


def _lines(file: Path, known: Files) -> Iterator[tuple[str, Path | None]]:
    """Each line of a list, with the picture that it leads to. Raises DataError for one that leads to several."""
    for number, line in enumerate(shared.text_of(file).splitlines(), 1):
        if line.strip():
            try:
                yield line, known.find(line, file)
            except DataError as error:
                raise error.at(f"{file}:{number}") from None


def _sides(lists: Sequence[Path], known: Files) -> dict[Path, str]:
    """Picture → split, from lists of pictures that are called after splits: train.txt."""
    found: dict[Path, str] = {}
    for file in lists:
        split = split_named(file.stem)
        found |= {picture: split for _, picture in _lines(file, known) if picture is not None}
    return found


def _is_list(file: Path, input: Modality) -> bool:
    """Whether a file lists pictures; a label file may be called train.txt as well."""
    first = next((line for line in shared.text_of(file).splitlines() if line.strip()), "")
    return first.strip().lower().endswith(tuple(input.suffixes))


def _rows(
    top: Path,
    pictures: Mapping[Path, str],
    found: Sequence[Path],
    names: Sequence[str] | None,
    labels: _Labels,
    input: Modality,
) -> Iterator[Row]:
    """A row for each picture and its split, then one to be rejected for each label file without a picture."""
    used = set()
    for picture, split in pictures.items():
        label = labels.find(picture)
        if label is None:
            yield Row(_place(picture, top), str(picture.absolute()), BACKGROUND, split=split)
            continue
        used.add(label.resolve())
        at = _place(label, top)
        target = shared.marked(label, at, partial(read, label, at, names, partial(_size, picture, input)))
        yield Row(_place(picture, top), str(picture.absolute()), target, split=split)
    for label in found:
        if label.suffix.lower() == ".txt" and label.resolve() not in used and _lonely(label):
            what, fix = "the label file has no picture", "Put the picture in its place, or remove it"
            yield shared.rejected(place(label, top), what, fix, path=str(label))


def _place(file: Path, top: Path) -> str:
    """How an error calls a file, which may lie outside of the folder that was given."""
    return place(file, top if file.is_relative_to(top) else file.parent)


class _Labels:
    """Finds the label files of pictures, which are called as these but for the ending, in any case."""

    def __init__(self) -> None:
        self._spellings = Spellings()

    def find(self, picture: Path) -> Path | None:
        """The label file of a picture, if there is one."""
        parts = list(picture.parts)
        places = [picture.with_suffix(".txt")]
        for k in reversed(range(len(parts) - 1)):
            if parts[k].lower() == "images":
                places.insert(0, Path(*parts[:k], "labels", *parts[k + 1 :]).with_suffix(".txt"))
                break
        return next((file for there in places if (file := self._spellings.find(there)) is not None), None)


def _in_use(pictures: Sequence[Path], labels: _Labels) -> list[Path]:
    """The pictures that have a label file, or lie in a folder of images, or beside one that has a label file.

    Others, such as a plot beside the folders, are no background.
    """
    with_label = {picture for picture in pictures if labels.find(picture) is not None}
    folders = {picture.parent for picture in with_label}
    return [p for p in pictures if p in with_label or p.parent in folders or _in_images(p)]


def _in_images(picture: Path) -> bool:
    return any(part.lower() == "images" for part in picture.parts[:-1])


def _background(path: Path, rows: Sequence[Row]) -> Iterator[str]:
    """How many pictures were taken as background."""
    count = sum(isinstance(row.target, Marked) and not row.target.path and not row.target.wrong for row in rows)
    if count:
        have = "has" if count == 1 else "have"
        yield f"{count:,} of {len(rows):,} pictures {have} no label file: taken as background, with nothing in them"


def _size(picture: Path, input: Modality) -> tuple[int, int] | None:
    """Width and height of a picture, where its file tells them."""
    try:
        return input.image_size(picture) if isinstance(input, Pictorial) else None
    except DataError:
        return None


def _is_label(file: Path) -> bool:
    """Whether a file begins as a label file does; an empty one does not tell."""
    try:
        words = next((line.split() for line in shared.text_of(file).splitlines() if line.strip()), [])
        return len(words) >= 5 and all(np.isfinite(float(word)) for word in words)
    except (ValueError, DataError):
        return False


def _lonely(label: Path) -> bool:
    in_labels = "labels" in [part.lower() for part in label.parts[:-1]]
    named = label.name.lower() in NAME_FILES or split_named(label.stem)
    return not named and (in_labels or _is_label(label))


# ---- one file


def read(
    label: Path,
    where: str,
    names: Sequence[str] | None,
    size: Callable[[], tuple[int, int] | None] = lambda: None,
) -> BoxSet:
    """The boxes of a label file. Raises DataError with the line for a line that cannot be used.

    `size` gives width and height of the picture: what reaches less than a pixel beyond its border was rounded.
    """
    corners, labels = [], []
    for number, line in enumerate(shared.text_of(label).splitlines(), 1):
        if not line.strip():
            continue
        try:
            name, box = _line(line.split(), names, size)
            sound(np.array([box]), [name], "shares")
        except DataError as error:
            raise error.at(f"{where}:{number}") from None
        labels.append(name)
        corners.append(box)
    return BoxSet(np.array(corners).reshape(-1, 4), tuple(labels))


def _line(
    words: Sequence[str], names: Sequence[str] | None, size: Callable[[], tuple[int, int] | None]
) -> tuple[str, list[float]]:
    try:
        numbers = [float(word) for word in words]
    except ValueError:
        raise DataError(f"{' '.join(words)[:60]!r} is not numbers alone", fix=USUAL) from None
    if len(numbers) != 5 and (len(numbers) < 7 or len(numbers) % 2 == 0):
        raise DataError(f"{len(numbers)} columns, where a box has 5 and an outline an odd number from 7", fix=USUAL)
    kind, sides = numbers[0], numbers[1:]
    _require_shares(sides, size)
    if not kind.is_integer() or kind < 0:
        raise DataError(f"the class is {words[0]}, not a whole number from 0", fix="Correct it")
    if names is not None and kind >= len(names):
        raise DataError(
            f"class {int(kind)}, where {len(names)} are named, counted from 0", fix="Correct it, or name it"
        )
    return names[int(kind)] if names is not None else str(int(kind)), _corners(sides)


def _require_shares(sides: Sequence[float], size: Callable[[], tuple[int, int] | None]) -> None:
    """Raise DataError for a number outside of 0 to 1 by a pixel or more. Only where one is outside is `size` asked."""
    if all(0 <= side <= 1 for side in sides):
        return
    pixels = size() or (np.inf, np.inf)
    for k, side in enumerate(sides):
        slack = SLACK / pixels[k % 2]
        if not (0 <= side <= 1 or -slack < side < 1 + slack):
            fix = "Divide pixels by the width and height of the picture" if side > 1 else "Correct it"
            raise DataError(f"{side:g} is no share of the picture, which is from 0 to 1", fix=fix)


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
    spellings = Spellings()
    places = (folder / name for folder in (path, *subfolders(path)) for name in NAME_FILES)
    file = next((found for there in places if (found := spellings.find(there)) is not None), None)
    return None if file is None else [line.strip() for line in shared.text_of(file).splitlines() if line.strip()]


DATA_YAML = Layout("YOLO data.yaml", configured, ("data.yaml", "data.yml", *NAME_FILES), _background)
LABEL_FILES = Layout("YOLO labels", labelled, (*NAME_FILES, "obj.data"), _background)
