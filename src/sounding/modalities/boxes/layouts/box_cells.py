"""Cells of a table that hold boxes, read and written."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sounding.errors import DataError
from sounding.modalities.boxes.layouts.boxset import BoxSet, Marked, joined, sound

BOX_KEYS = ("bbox", "bboxes", "box", "boxes")
NAME_KEYS = ("category", "categories", "label", "labels", "class", "classes", "class_name", "name", "category_id")
CORNERS = ("xmin", "ymin", "xmax", "ymax")
USUAL = 'Write {"bbox": [[x, y, width, height], …], "category": ["cat", …]}, in pixels'


def accepts(cell: Any) -> bool:
    """Whether a cell is a set of boxes, or a struct or list of structs that has boxes in it."""
    cell = _parsed(cell)
    if isinstance(cell, BoxSet | Marked):
        return True
    if isinstance(cell, Mapping):
        return _key(cell, BOX_KEYS) is not None and _key(cell, NAME_KEYS) is not None
    return isinstance(cell, list | tuple) and bool(cell) and all(isinstance(c, Mapping) and accepts(c) for c in cell)


def read(cell: Any) -> BoxSet:
    """The boxes of a cell. Raises DataError for a cell that holds none, or a box that cannot be used."""
    cell = _parsed(cell)
    if isinstance(cell, BoxSet):
        return cell
    if isinstance(cell, Marked):
        return _marked(cell)
    if isinstance(cell, Mapping):
        return _struct(cell)
    if isinstance(cell, list | tuple | np.ndarray) and all(isinstance(item, Mapping) for item in cell):
        return _list(list(cell))
    raise DataError(f"a {type(cell).__name__} is no list of boxes", fix=USUAL)


def _parsed(cell: Any) -> Any:
    """What a text holds as json, as tables of text keep structs; any other cell as it is."""
    if not isinstance(cell, str) or cell.strip()[:1] not in ("{", "["):
        return cell
    try:
        return json.loads(cell)
    except ValueError:
        return cell


def written(value: BoxSet) -> dict[str, Any]:
    """The struct of a value, which `read` takes back; pixels to a hundredth, or shares where no size is known."""
    known = value.image_size is not None or value.pixels
    corners = value.in_pixels().round(2) if known else value.corners.astype(np.float64)
    sides = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], 1).round(2 if known else 6)
    struct: dict[str, Any] = {"bbox": sides.tolist(), "category": list(value.labels)}
    if value.scores is not None:
        struct["score"] = value.scores.tolist()
    return struct if known else {**struct, "unit": "share"}


def _marked(cell: Marked) -> BoxSet:
    if cell.wrong is not None or cell.boxes is None:
        what, where, fix = cell.wrong or ("nothing is known of it", "", "Label it")
        raise DataError(what, where=where, fix=fix)
    return cell.boxes


def _struct(cell: Mapping[str, Any]) -> BoxSet:
    """{"bbox": …, "category": …}: lists of equal length, or one box and its name."""
    box_key, name_key = _key(cell, BOX_KEYS), _key(cell, NAME_KEYS)
    if box_key is None or name_key is None:
        raise DataError(f"a struct of {', '.join(map(str, cell)) or 'nothing'} has no boxes and names", fix=USUAL)
    boxes, names = cell[box_key], cell[name_key]
    if isinstance(boxes, Mapping) or (_listed(boxes) and len(boxes) == 4 and not any(map(_listed, boxes))):
        boxes, names = [boxes], names if _listed(names) else [names]
    if boxes is None or names is None or not _listed(boxes) or not _listed(names):
        raise DataError(f"{box_key} and {name_key} are not two lists", fix=USUAL)
    if len(boxes) != len(names):
        what = f"{box_key} has {len(boxes)} entries, and {name_key} {len(names)}"
        raise DataError(what, fix="Give each box one name")
    pixels = str(cell.get("unit", "pixel")).rstrip("s") != "share"
    corners, labels = np.array([_corners(box) for box in boxes]).reshape(-1, 4), [named(name) for name in names]
    sound(corners, labels, "pixels" if pixels else "shares")
    return BoxSet(corners, tuple(labels), _scores(cell), None, pixels)


def _list(cells: Sequence[Mapping[str, Any]]) -> BoxSet:
    """Structs of one box each."""
    parts = [_struct(cell) for cell in cells]
    if any(len(part) != 1 for part in parts):
        raise DataError("a struct of the list does not hold one box", fix=USUAL)
    return joined(parts) if parts else BoxSet(np.zeros((0, 4)), (), pixels=True)


def named(name: Any) -> str:
    """The name of a class as text; numbers become theirs. Raises DataError for none."""
    name = name.item() if isinstance(name, np.generic) else name
    if isinstance(name, str) and name.strip():
        return name
    if isinstance(name, bool) or not isinstance(name, int | float) or name != name:
        raise DataError(f"a box has the class {name!r}", fix="Give each box the name or the number of its class")
    return str(int(name)) if float(name).is_integer() else repr(name)


def _corners(box: Any) -> list[float]:
    """xmin, ymin, xmax, ymax of [x, y, width, height] or of {"xmin", "ymin", "xmax", "ymax"}."""
    try:
        if isinstance(box, Mapping):
            return [float(box[side]) for side in CORNERS]
        x, y, width, height = (float(number) for number in box)
    except (TypeError, ValueError, KeyError):
        raise DataError(f"{box!r} is no box", fix="Write [x, y, width, height] in pixels") from None
    if width < 0 or height < 0:
        what = f"a box has a negative width or height ([{x:g}, {y:g}, {width:g}, {height:g}])"
        raise DataError(what, fix="Write [x, y, width, height], from its upper left corner")
    return [x, y, x + width, y + height]


def _scores(cell: Mapping[str, Any]) -> np.ndarray | None:
    scores = cell.get("score", cell.get("scores"))
    if scores is None or (_listed(scores) and any(score is None for score in scores)):
        return None
    return np.asarray(scores, np.float32).reshape(-1)


def _key(cell: Mapping[str, Any], keys: Sequence[str]) -> str | None:
    return next((key for key in keys if key in cell), None)


def _listed(value: Any) -> bool:
    return isinstance(value, list | tuple | np.ndarray)
