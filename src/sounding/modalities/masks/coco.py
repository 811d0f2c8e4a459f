"""Masks from COCO json: polygons and run lengths of objects, drawn into one mask of class ids.

A cell is {"width", "height", "shapes": [[class id, segmentation], …], "problem": "", "names": {class id: name}}; later
shapes lie on top; a cell with a problem may say the "fix". A segmentation is what COCO writes: a list of polygons
[x1, y1, x2, y2, …], or {"size": [height, width], "counts"} with counts as a list or as COCO's compressed string. Pixels
of no object are class 0, "background"; categories follow in the order of their ids, so gaps between these do not
matter.

How they become pixels is in `outlines.py`, as pycocotools' maskApi has it.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sounding.contract.file_names import Files, spelled
from sounding.contract.modality import Row
from sounding.contract.split_names import split_above, split_in
from sounding.errors import DataError
from sounding.modalities.annotations import outlines

BACKGROUND = "background"


def is_cell(cell: Mapping[str, Any]) -> bool:
    """Whether a cell lists shapes to draw."""
    return "shapes" in cell


def names(cell: Any) -> Mapping[int, str]:
    """What the classes are called, where a cell knows; else nothing."""
    return cell.get("names", {}) if isinstance(cell, Mapping) else {}


def is_outlined(cell: Mapping[str, Any]) -> bool:
    """Whether most things in a cell have an outline that is more than a box."""
    shapes = [shape for _, shape in cell["shapes"]]
    return 2 * sum(map(_is_outline, shapes)) > len(shapes)


def _is_outline(shape: Any) -> bool:
    parts = [part for part in shape if isinstance(part, list)] if isinstance(shape, list) else []
    return isinstance(shape, Mapping) or any(len(part) > 8 for part in parts)


def unusable(problem: str, called: Mapping[int, str] | None = None, fix: str = "") -> dict[str, Any]:
    """A cell that says why there is no mask, and what to do, when it is read."""
    return {"width": 1, "height": 1, "shapes": [], "problem": problem, "fix": fix, "names": called or {}}


def drawn(cell: Mapping[str, Any]) -> np.ndarray:
    """The mask [H, W] (uint8) of a cell's shapes. Raises DataError for shapes that cannot be drawn."""
    if cell.get("problem"):
        raise DataError(cell["problem"], fix=cell.get("fix") or "Add or correct it, or remove this one")
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


def rows(path: Path, found: Mapping[str, Any], base: Path, pictures: Files) -> Iterator[Row]:
    """A row for each image of a file. `pictures` are those under `base` that the json `path` may name."""
    kinds, shapes = categories(found), defaultdict(list)
    for entry in found["annotations"]:
        shapes[entry.get("image_id")].append(entry)
    called = {0: BACKGROUND, **dict(kinds.values())}
    name = os.path.relpath(path, base.parent)
    split = split_in(path.stem) or (split_above(path, base) if path.is_relative_to(base) else "")
    for image in found["images"]:
        file = str(image.get("file_name", ""))
        cell = _cell(image, shapes.pop(image.get("id"), []), kinds, called)
        where, picture = f"{name}:{file or image.get('id')}", path.parent / spelled(file)
        try:
            picture = pictures.find(file, path, split) or picture
            yield Row(where, str(picture.absolute()), cell, split=split)
        except DataError as error:
            yield Row(where, None, unusable(error.what, called, error.fix), split=split)
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
