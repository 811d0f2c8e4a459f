"""Masks from COCO json: polygons and run lengths of objects, drawn into one mask of class ids.

A cell is {"width", "height", "shapes": [[class id, segmentation], …], "problem": "", "names": {class id: name}}; later
shapes lie on top. A
segmentation is what COCO writes: a list of polygons [x1, y1, x2, y2, …], or {"size": [height, width], "counts"} with
counts as a list or as COCO's compressed string. Pixels of no object are class 0, "background"; categories follow in
the order of their ids, so gaps between these do not matter.

How they become pixels is in `outlines.py`, as pycocotools' maskApi has it.
"""

from __future__ import annotations

import json
import os
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sounding.contract.modality import Row
from sounding.contract.split_names import split_named
from sounding.errors import DataError
from sounding.modalities.annotations import outlines

BACKGROUND = "background"


def is_cell(cell: Mapping[str, Any]) -> bool:
    """Whether a cell lists shapes to draw."""
    return "shapes" in cell


def names(cell: Any) -> Mapping[int, str]:
    """What the classes are called, where a cell knows; else nothing."""
    return cell.get("names", {}) if isinstance(cell, Mapping) else {}


def unusable(problem: str, called: Mapping[int, str] | None = None) -> dict[str, Any]:
    """A cell that says why there is no mask, when it is read."""
    return {"width": 1, "height": 1, "shapes": [], "problem": problem, "names": called or {}}


def drawn(cell: Mapping[str, Any]) -> np.ndarray:
    """The mask [H, W] (uint8) of a cell's shapes. Raises DataError for shapes that cannot be drawn."""
    if cell.get("problem"):
        raise DataError(cell["problem"], fix="Add or correct it, or remove this one")
    mask = np.zeros((cell["height"], cell["width"]), np.uint8)
    for number, (id, shape) in enumerate(cell["shapes"], 1):
        try:
            mask[outlines.drawn(shape, (cell["height"], cell["width"]))] = id
        except (TypeError, ValueError, KeyError, IndexError) as error:
            what = f"the segmentation of object {number} cannot be drawn ({error})"
            raise DataError(what, fix="Give polygons of at least three points, or run lengths") from None
    return mask


# ---- from files to rows


def load(path: Path) -> dict[str, Any] | None:
    """The content of a json file if it is COCO's with segmentations, else None. Raises DataError for a damaged one."""
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise DataError(f"not readable as json ({error})", where=path.name, fix="Export it again") from None
    usual = isinstance(found, dict) and all(isinstance(found.get(k), list) for k in ("images", "annotations"))
    return found if usual and any("segmentation" in entry for entry in found["annotations"]) else None


def categories(found: Mapping[str, Any]) -> dict[int, tuple[int, str]]:
    """Category id → class id (from 1 on) and name."""
    named = {entry["id"]: str(entry.get("name", entry["id"])) for entry in found.get("categories", ())}
    named = named or {entry["category_id"]: str(entry["category_id"]) for entry in found["annotations"]}
    return {id: (number, named[id]) for number, id in enumerate(sorted(named), 1)}


def rows(path: Path, found: Mapping[str, Any], base: Path, pictures: Mapping[str, list[Path]]) -> Iterator[Row]:
    """A row for each image of a file. `pictures` gives the picture files under `base` by name; `path` is the json."""
    kinds, shapes = categories(found), defaultdict(list)
    for entry in found["annotations"]:
        shapes[entry.get("image_id")].append(entry)
    called = {0: BACKGROUND, **dict(kinds.values())}
    name = os.path.relpath(path, base.parent)
    split = split_of(path.relative_to(base).parts) if path.is_relative_to(base) and path != base else ""
    for image in found["images"]:
        file = str(image.get("file_name", ""))
        cell = _cell(image, shapes.pop(image.get("id"), []), kinds, called)
        yield Row(f"{name}:{file or image.get('id')}", str(_picture(file, path, pictures)), cell, split=split)
    strays = [entry for left in shapes.values() for entry in left]
    for entry in strays:
        problem = f"annotation {entry.get('id')} is of image {entry.get('image_id')}, which the file does not list"
        yield Row(
            f"{name}:annotation {entry.get('id')}", np.zeros((1, 1), np.uint8), unusable(problem, called), split=split
        )


def _cell(
    image: Mapping[str, Any], entries: Sequence[Any], kinds: Mapping[int, tuple[int, str]], called: Mapping[int, str]
) -> dict[str, Any]:
    shapes, problem = [], ""
    for entry in entries:
        id = entry.get("category_id")
        if id not in kinds:
            problem = f"category id {id} is not among the categories of the file"
        elif not entry.get("segmentation"):
            problem = f"annotation {entry.get('id')} has no segmentation"
        else:
            shapes.append([kinds[id][0], entry["segmentation"]])
    size = [image.get("width"), image.get("height")]
    if not all(isinstance(side, int) and side > 0 for side in size):
        problem, size = "the image has no width and height", [1, 1]
    return {"width": size[0], "height": size[1], "shapes": shapes, "problem": problem, "names": called}


def _picture(file: str, path: Path, pictures: Mapping[str, list[Path]]) -> Path:
    """Where the picture lies: as its path says, seen from the json or above it, else the one of that name."""
    found = pictures.get(Path(file).name, [])
    for above in (path.parent, *path.parent.parents[:2]):
        if above / file in found:
            return (above / file).absolute()
    words = set(re.split(r"[^a-z]+", path.stem.lower()))
    near = [place for place in found if words & {part.lower().rstrip("0123456789") for part in place.parts[-3:-1]}]
    return (near or found or [path.parent / file])[0].absolute()


def split_of(parts: Sequence[str]) -> str:
    """The split that the folders or the name of a json file tell: instances_train2017.json, valid/_annotations.json."""
    for part in reversed(parts):
        for word in re.split(r"[^a-z]+", part.lower().removesuffix(".json")):
            if split := split_named(word):
                return split
    return ""
