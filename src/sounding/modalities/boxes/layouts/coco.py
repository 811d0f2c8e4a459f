"""COCO json: one file of images, annotations and categories (Lin et al. 2014; cocodataset.org, "Data format").

It may be named itself or lie in a folder: annotations/instances_train2017.json beside train2017/, or one
_annotations.coco.json in each of train/, valid/ and test/. Boxes are [x, y, width, height] in pixels. Ids may have
gaps. An image without annotations has nothing in it. Crowd regions are no single things: they are left out, with a
remark, unless the file has nothing else.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from sounding.contract.file_names import Files, Surroundings, spelled
from sounding.contract.layouts import Layout
from sounding.contract.modality import Modality, Row
from sounding.contract.split_names import split_above, split_in
from sounding.errors import DataError
from sounding.folders import place, walk, with_suffix
from sounding.modalities.annotations import outlines
from sounding.modalities.boxes.layouts import shared
from sounding.modalities.boxes.layouts.boxset import BoxSet, sound
from sounding.wording import counted


def rows(path: Path, input: Modality, target: Modality | None = None) -> Iterator[Row] | None:
    """The rows of a COCO json file, or of a folder that holds some; None for what is neither."""
    if not input.suffixes or (path.is_file() and path.suffix.lower() != ".json"):
        return None
    return single(path, input) if path.is_file() else within(path, input)


def single(path: Path, input: Modality) -> Iterator[Row]:
    """The rows of one file, which belong to no split. Raises DataError for a file that is not COCO json."""
    held = _loaded(path, path.name)
    if held is None:
        what = "the file is no COCO json: it has no lists of images and annotations"
        raise DataError(what, where=str(path), fix="Name the json that lists images, annotations and categories")
    return _rows(held, path, path.name, Surroundings(path, input.suffixes).of(path))


def within(path: Path, input: Modality) -> Iterator[Row] | None:
    """The rows of all COCO files in a folder or a folder in it, or None if there is none.

    Files of captions or key points beside instances_… are left alone.
    """
    found = with_suffix(walk(path, depth=1), (".json",))
    instances = [p for p in found if p.name.lower().startswith("instances_")]
    pictures, parts = Surroundings(path, input.suffixes), []
    for file in instances or found:
        held = _loaded(file, place(file, path))
        if held is not None:
            split = split_in(file.stem) or split_above(file, path)
            parts.append(_rows(held, file, place(file, path), pictures.of(file), split, path))
    return shared.strung(parts) if parts else None


def _loaded(file: Path, where: str) -> dict[str, Any] | None:
    """What the file holds if it is COCO json of boxes. Raises DataError for damaged JSON that looks like it."""
    try:
        held = json.loads(shared.text_of(file))
    except (ValueError, RecursionError) as error:
        what = f"the JSON cannot be read ({str(error).splitlines()[0]})"
        raise DataError(what, where=where, fix="Export or download it again") from None
    except DataError as error:
        raise error.at(where) from None
    if not isinstance(held, dict) or not all(isinstance(held.get(key), list) for key in ("images", "annotations")):
        return None
    first = held["annotations"][:1]  # captions have neither of the keys
    return held if all(isinstance(a, dict) and ("bbox" in a or "category_id" in a) for a in first) else None


def _rows(
    held: Mapping[str, Any], file: Path, where: str, pictures: Files, split: str = "", top: Path | None = None
) -> Iterator[Row]:
    """A row for each image, then one to be rejected for each annotation of none.

    Where the json does not tell the split, the folders of the picture below `top` do, if there is one.
    """
    names = _names(held.get("categories"))
    of_image: dict[Any, list[Any]] = defaultdict(list)
    for annotation in held["annotations"]:
        of_image[_key(annotation, "image_id")].append(annotation)
    seen, all_crowds = set(), all(map(_is_crowd, held["annotations"]))
    for number, image in enumerate(held["images"], 1):
        key, name = _key(image, "id"), _key(image, "file_name")
        if key is None or not isinstance(name, str) or not name.strip():
            fix = "Give each image an id and a file_name"
            yield shared.rejected(f"{where}:image {number}", "the image has no id or no file name", fix, path=str(file))
            continue
        at = f"{where}:{name}"
        if key in seen:
            yield shared.rejected(at, f"another image has the id {key!r}", "Give each its own id", path=str(file))
            continue
        seen.add(key)
        read = partial(_boxes, of_image.pop(key, []), names, _extent(image), all_crowds)
        target = shared.marked(file, at, read)
        try:
            picture = pictures.find(name, file, split) or file.parent / spelled(name)
        except DataError as error:
            yield shared.rejected(at, error.what, error.fix, path=str(file), split=split)
            continue
        yield Row(at, str(picture.absolute()), target, split=split or _told_by_folder(picture, top))
    for key, lost in of_image.items():
        for annotation in lost:
            what = f"the annotation is of image {key!r}, which images does not list"
            at = f"{where}:annotation {_key(annotation, 'id')}"
            yield shared.rejected(at, what, "Add the image, or remove the annotation", path=str(file))


def _told_by_folder(picture: Path, top: Path | None) -> str:
    inside = top is not None and picture.is_relative_to(top.absolute())
    return split_above(picture, top.absolute()) if top is not None and inside else ""


def _names(categories: Any) -> dict[Any, str]:
    """Id → name; an id without a name is called by its number."""
    listed = categories if isinstance(categories, list) else []
    return {key: str(c.get("name") or key) for c in listed if (key := _key(c, "id")) is not None}


def _boxes(
    annotations: Sequence[Any], names: Mapping[Any, str], image_size: tuple[int, int] | None, all_crowds: bool
) -> BoxSet:
    single = [a for a in annotations if all_crowds or not _is_crowd(a)]
    labels = [_name(a, names) for a in single]
    corners = np.array([_corners(a) for a in single], np.float64).reshape(-1, 4)
    sound(corners, labels)
    crowds = len(annotations) - len(single)
    note = f"{counted(crowds, 'crowd region')} left out" if crowds else ""
    if all_crowds and annotations:
        note = "regions marked as crowds taken for things, as there is nothing else in the file"
    return BoxSet(corners, tuple(labels), None, image_size, pixels=True, note=note)


def _is_crowd(annotation: Any) -> bool:
    """Whether an annotation is marked as several things; tools also mark what was drawn with a brush so."""
    return isinstance(annotation, dict) and bool(annotation.get("iscrowd"))


def _name(annotation: Any, names: Mapping[Any, str]) -> str:
    key = _key(annotation, "category_id")
    if key not in names:
        what = f"annotation {_key(annotation, 'id')} has the category {key!r}, which categories does not list"
        raise DataError(what, fix="Correct it, or add the category")
    return names[key]


def _corners(annotation: Mapping[str, Any]) -> list[float]:
    """The corners of the box, or else the bounds of the outline."""
    box, outline = annotation.get("bbox"), annotation.get("segmentation")
    what = f"annotation {annotation.get('id')} has "
    try:
        if box:
            x, y, width, height = (float(side) for side in box)
            if width < 0 or height < 0:
                raise DataError(f"{what}a box of negative width or height ({box})", fix="Correct the box")
            return [x, y, x + width, y + height]
        if outline:
            return outlines.bounds(outline)
    except (KeyError, TypeError, ValueError):
        if not box:
            raise DataError(f"{what}an outline that is none ({outline!r:.60})", fix="Add its bbox") from None
        raise DataError(f"{what}a box that is not four numbers ({box!r:.60})", fix="Correct it") from None
    raise DataError(f"{what}neither a box nor an outline", fix="Add its bbox, or remove the annotation")


def _extent(image: Mapping[str, Any]) -> tuple[int, int] | None:
    try:
        width, height = int(image["width"]), int(image["height"])
    except (KeyError, TypeError, ValueError):
        return None
    return (width, height) if width > 0 and height > 0 else None


def _key(held: Any, key: str) -> Any:
    """An entry that can be a key, or None."""
    found = held.get(key) if isinstance(held, Mapping) else None
    return found if isinstance(found, int | str) else None


COCO = Layout("COCO json", rows)


# ---- out


def coco_json(results: Sequence[Mapping[str, Any]], names: Sequence[str]) -> dict[str, Any]:
    """Answers as a COCO file: images, categories, and annotations with scores, in pixels.

    `results`: for each picture {"file_name", "boxes": BoxSet with its image_size}. What evaluators call a results file
    is the list under "annotations". Ids count from 1. Raises DataError for boxes of a picture whose size is not known.
    """
    ids = {name: k for k, name in enumerate(names, 1)}
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, result in enumerate(results, 1):
        boxes, name = result["boxes"], str(result["file_name"])
        if boxes.image_size is None:
            raise DataError("the size of the picture is not known", where=name, fix="Lay the boxes over it first")
        images.append({"id": number, "file_name": name, "width": boxes.image_size[0], "height": boxes.image_size[1]})
        for k, (left, top, right, bottom) in enumerate(boxes.in_pixels().tolist()):
            sides = [round(side, 3) for side in (left, top, right - left, bottom - top)]
            row = {"id": len(annotations) + 1, "image_id": number, "category_id": ids[boxes.labels[k]], "bbox": sides}
            row |= {"area": round(sides[2] * sides[3], 3), "iscrowd": 0}
            annotations.append(row if boxes.scores is None else {**row, "score": float(boxes.scores[k])})
    categories = [{"id": k, "name": name} for name, k in ids.items()]
    return {"images": images, "annotations": annotations, "categories": categories}
