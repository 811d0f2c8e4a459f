"""Label Studio's json: tasks with annotations ("JSON"), or one flat record for each picture ("JSON-MIN").

Rectangles, ellipses and polygons are in percent of the picture, brushes packed bits of its four channels. Of several
annotations of one picture the newest counts that was not cancelled. (labelstud.io, "Export annotations".)
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np

from sounding.errors import DataError
from sounding.modalities.annotations import outlines
from sounding.modalities.annotations.things import Labelled, Thing, ellipse, left_out, rectangle, turned

SUFFIX = ".json"
UPLOAD = re.compile(r"^[0-9a-f]{8}-(?=.)")
"""What is put in front of the name of a file that was uploaded."""


def read(file: Path) -> tuple[list[Labelled], list[str]] | None:
    """The pictures of a file and all names of classes, sorted, or None for another kind of json.

    Raises DataError for json that is broken.
    """
    try:
        held = json.loads(file.read_text("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        what = f"the json is broken ({str(error).splitlines()[0]})"
        raise DataError(what, where=file.name, fix="Export it again") from None
    if not isinstance(held, list) or not held or not all(map(_is_task, held)):
        return None
    found = [_labelled(task) for task in held]
    return found, sorted({thing.label for each in found for thing in each.things})


def _is_task(task: Any) -> bool:
    """Whether a record is a task with annotations, or a flat one."""
    if not isinstance(task, Mapping):
        return False
    return (isinstance(task.get("data"), Mapping) and "annotations" in task) or "annotation_id" in task


def _labelled(task: Mapping[str, Any]) -> Labelled:
    flat = "annotation_id" in task
    name = _name(task if flat else task["data"])
    if not name:
        return Labelled(str(task.get("id", "")), problem="the task names no picture")
    given = [] if flat else [a for a in task["annotations"] if not a.get("was_cancelled")]
    if not flat and not given:
        return Labelled(name, problem="nobody has annotated it")
    newest: Mapping[str, Any] = max(given, key=lambda a: str(a.get("created_at") or ""), default={})
    results = list(_flat(task)) if flat else newest.get("result") or []
    note = [f"the newest of {len(given)} annotations is used"] if len(given) > 1 else []
    things, others, size = [], [], None
    try:
        for result in results:
            value = result.get("value", result)
            found = _outlined(value, result)
            size = size or _size(result)
            labels = _labels(value)
            things += [Thing(label, *found) for label in labels if found]
            others += [str(result.get("type", "result"))] if labels and not found else []
    except (KeyError, TypeError, ValueError, IndexError) as error:
        return Labelled(name, problem=f"a result cannot be understood ({error!r})")
    note += [words] if (words := left_out(others)) else []
    return Labelled(name, size, tuple(things), ", ".join(note), others=(UPLOAD.sub("", PurePosixPath(name).name),))


def _flat(task: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The results of a flat record: whatever is a list of structs with a class."""
    for value in task.values():
        if isinstance(value, list):
            yield from (each for each in value if isinstance(each, Mapping) and _labels(each))


def _labels(value: Mapping[str, Any]) -> Sequence[str]:
    """The classes of a result: rectanglelabels, polygonlabels, brushlabels, labels."""
    found = next((held for key, held in value.items() if key.endswith("labels") and held), ())
    return [found] if isinstance(found, str) else [str(label) for label in found]


def _size(result: Mapping[str, Any]) -> tuple[int, int]:
    return int(result["original_width"]), int(result["original_height"])


def _outlined(value: Mapping[str, Any], result: Mapping[str, Any]) -> tuple[Any, Any] | None:
    """The box and the outline of a result; None for one that has neither."""
    degrees = float(value.get("rotation") or 0)
    if "rle" in value:
        width, height = _size(result)
        return None, outlines.rolled(unpacked(value["rle"]).reshape(height, width, 4)[..., 3] > 0)
    if "points" in value:
        return None, [(np.array(value["points"], np.float64) * _percent(result)).ravel().tolist()]
    if "radiusX" in value:
        numbers = np.array([value[key] for key in ("x", "y", "radiusX", "radiusY")], np.float64).reshape(2, 2)
        return None, [turned(ellipse(*(numbers * _percent(result)).ravel()), degrees)]
    if "width" not in value or "x" not in value:
        return None
    numbers = np.array([value[key] for key in ("x", "y", "width", "height")], np.float64).reshape(2, 2)
    left, top, width, height = (numbers * _percent(result)).ravel().tolist()
    corners = rectangle(left, top, left + width, top + height)
    if degrees:  # about its upper left corner, not about its middle
        shift = corners[0] - np.reshape(turned(corners, degrees), (-1, 2))[0]
        return None, [(np.reshape(turned(corners, degrees), (-1, 2)) + shift).ravel().tolist()]
    return (left, top, left + width, top + height), None


def _percent(result: Mapping[str, Any]) -> np.ndarray:
    """Pixels in a percent of the width and of the height."""
    return np.array(_size(result), np.float64) / 100


def unpacked(packed: Sequence[int]) -> np.ndarray:
    """The values (uint8) of packed run lengths, as @thi.ng/rle-pack packs them.

    32 bits say how many values there are, 5 how many bits a value has, 4 × 4 how many bits a length has; then blocks:
    one bit for a run or a list, two for the kind of length, the length, and the value or the values.
    """
    bits = np.unpackbits(np.array(packed, np.uint8))
    place = 0

    def take(n: int) -> int:
        nonlocal place
        place += n
        if place > len(bits):
            raise ValueError("a brush that stops in the middle")
        return int("".join(map(str, bits[place - n : place].tolist())), 2)

    total, word = take(32), take(5) + 1
    lengths = [take(4) + 1 for _ in range(4)]
    parts: list[np.ndarray] = []
    held = 0
    while held < total:
        run, n = take(1), take(lengths[take(2)]) + 1
        values = [take(word)] * n if run else [take(word) for _ in range(n)]
        parts.append(np.array(values, np.uint8))
        held += n
    return np.concatenate(parts)[:total]


# ---- names


def _name(data: Mapping[str, Any]) -> str:
    """What the task calls its picture: the end of a path or an address, without what it was served by."""
    found = [value for key, value in data.items() if isinstance(value, str) and _is_name(value)]
    return _plain(found[0]) if found else ""


def _is_name(text: str) -> bool:
    return "/" in text or "\\" in text or bool(re.search(r"\.\w{2,5}$", text))


def _plain(text: str) -> str:
    address = urlsplit(text)
    local = parse_qs(address.query).get("d")  # /data/local-files/?d=photos/1.jpg
    return unquote(local[0] if local else (address.path if address.scheme else text))
