"""Pascal VOC: one xml for each picture (Everingham et al. 2010, development kit).

Annotations/*.xml beside JPEGImages/, with the splits in ImageSets/Main/{train,val,test}.txt; or the xml beside the
picture, the splits being folders. Corners are taken as they are written, in pixels, but in files of supervision, whose
first pixel is 1 (github.com/roboflow/supervision/issues/144). "difficult" things are kept.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from sounding.contract.file_names import MASKS, PICTURES, Files, composed, only, plain, spelled
from sounding.contract.layouts import Layout, Listed
from sounding.contract.modality import Modality, Row
from sounding.contract.split_names import split_above, split_named
from sounding.errors import DataError
from sounding.folders import place, walk, with_suffix
from sounding.modalities.boxes.layouts import shared
from sounding.modalities.boxes.layouts.boxset import BoxSet, sound

SUPERVISION = ("VOC", "roboflow.ai")
"""What supervision writes as the folder and the database of each file."""
SIDES = ("xmin", "ymin", "xmax", "ymax")
_ROOT = re.compile(r"<\s*annotation\b", re.IGNORECASE)


def rows(path: Path, input: Modality, target: Modality | None = None) -> Listed | None:
    """The rows of a folder that holds annotation files, or None if it holds none."""
    if not input.suffixes or not path.is_dir():
        return None
    path = path.absolute()
    found = list(walk(path))
    labels = with_suffix(found, (".xml",))
    if not any(_is_annotation(file) for file in labels[:20]):
        return None
    lists = [file for file in found if _is_list(file)]
    return Listed(_rows(path, labels, with_suffix(found, input.suffixes), _splits(lists)), tuple(lists))


def _rows(path: Path, labels: Sequence[Path], pictures: Sequence[Path], lists: Mapping[str, str]) -> Iterator[Row]:
    """A row for each annotation file, then one to be rejected for each picture without."""
    search, used, alone = _Search(path, pictures), set(), []
    for label in labels:
        split = lists.get(composed(label.stem)) or split_above(label, path)
        try:
            picture = search.find(label, split)
        except DataError as error:
            alone.append(shared.rejected(place(label, path), error.what, error.fix, path=str(label), split=split))
            used.update(search.called(label.stem))
            continue
        if picture is None:
            what, fix = "the label file has no picture", "Put the picture beside it, or remove it"
            alone.append(shared.rejected(place(label, path), what, fix, path=str(label)))
            continue
        used.add(picture)
        target = shared.marked(label, place(label, path), partial(read, label))
        yield Row(place(picture, path), str(picture.absolute()), target, split=split)
    yield from alone
    for picture in pictures:
        if picture not in used:
            split = lists.get(composed(picture.stem)) or split_above(picture, path)
            yield shared.unlabelled(picture, f"{picture.stem}.xml", place(picture, path), split)


class _Search:
    """Finds the picture of an annotation file: of the same stem, beside it or in a folder in the same place.

    Where none is of its stem, of the file name that stands in it.
    """

    def __init__(self, top: Path, pictures: Sequence[Path]) -> None:
        self._top = top
        self._files = Files(pictures, top)
        self._of_stem: dict[str, list[Path]] = defaultdict(list)
        for picture in pictures:
            self._of_stem[plain(picture.stem)].append(picture)

    def called(self, stem: str) -> list[Path]:
        """All pictures of a stem."""
        return self._of_stem.get(plain(stem), [])

    def find(self, label: Path, split: str) -> Path | None:
        """The picture; None where there is none. Raises DataError where several could be meant."""
        found = [picture for picture in self.called(label.stem) if self._goes_with(picture, label)]
        beside = [picture for picture in found if picture.parent == label.parent]
        found = beside or found
        if len(found) != 1 and (name := _told(label)):
            exact = [picture for picture in found if plain(picture.name) == plain(name)]
            return only(exact, name, self._top) if exact else self._files.find(name, label, split)
        return only(found, label.stem, self._top)

    def _goes_with(self, picture: Path, label: Path) -> bool:
        """Whether both lie in the same place, but for the names of folders of pictures and of labels."""
        return self._place(picture) == self._place(label)

    def _place(self, file: Path) -> list[str]:
        folders = [part.lower() for part in file.relative_to(self._top).parts[:-1]]
        return [folder for folder in folders if folder not in PICTURES | MASKS | {"data", "xml", "xmls"}]


def _told(label: Path) -> str:
    """The name of the picture that the file itself gives, or nothing."""
    try:
        name = ElementTree.parse(label).getroot().findtext("filename") or ""
    except (ElementTree.ParseError, OSError, ValueError):
        return ""
    return spelled(name).rsplit("/", 1)[-1]


def read(label: Path) -> BoxSet:
    """The boxes of an annotation file, in pixels. Raises DataError for what is wrong in it."""
    try:
        root = ElementTree.fromstring(shared.text_of(label).strip())
    except (ElementTree.ParseError, ValueError) as error:
        raise DataError(f"the XML cannot be read ({error})", fix="Label the picture again") from None
    if root.tag.lower() != "annotation":
        raise DataError(f"the xml holds a {root.tag}, not an annotation", fix="Remove it, or label the picture again")
    labels, corners = [], []
    for number, thing in enumerate(root.iter("object"), 1):
        name = (thing.findtext("name") or "").strip()
        if not name:
            raise DataError(f"object {number} has no name", fix="Give it one")
        labels.append(name)
        corners.append([_side(thing, side, name) for side in SIDES])
    told = tuple((root.findtext(key) or "").strip() for key in ("folder", "source/database"))
    placed = np.array(corners, np.float64).reshape(-1, 4) - ([1, 1, 0, 0] if told == SUPERVISION else 0)
    sound(placed, labels)
    return BoxSet(placed, tuple(labels), None, _extent(root), pixels=True)


def _side(thing: ElementTree.Element, side: str, name: str) -> float:
    text = thing.findtext(f"bndbox/{side}")
    try:
        return float(text or "")
    except ValueError:
        what = f"the box of {name!r} has no {side}" if text is None else f"{side} of {name!r} is {text!r}, no number"
        raise DataError(what, fix="Write bndbox with xmin, ymin, xmax and ymax") from None


def _extent(root: ElementTree.Element) -> tuple[int, int] | None:
    """The size of the picture, where the file tells one."""
    try:
        width, height = (int(float(root.findtext(f"size/{side}") or 0)) for side in ("width", "height"))
    except ValueError:
        return None
    return (width, height) if width > 0 and height > 0 else None


def _splits(lists: Sequence[Path]) -> dict[str, str]:
    """Stem → split, from ImageSets/Main."""
    splits: dict[str, str] = {}
    for file in lists:
        stems = [composed(line.split()[0]) for line in shared.text_of(file).splitlines() if line.strip()]
        splits.update(dict.fromkeys(stems, split_named(file.stem)))
    return splits


def _is_list(file: Path) -> bool:
    """Whether a file lists a split; lists of several splits (trainval) or of one class say nothing."""
    listed = file.suffix.lower() == ".txt" and [part.lower() for part in file.parts[-3:-1]] == ["imagesets", "main"]
    return listed and bool(split_named(file.stem))


def _is_annotation(file: Path) -> bool:
    with open(file, "rb") as opened:
        return bool(_ROOT.search(opened.read(2000).decode("utf-8", "replace")))


VOC = Layout("Pascal VOC xml", rows)
