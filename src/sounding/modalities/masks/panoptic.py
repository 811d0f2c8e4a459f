"""COCO's panoptic layout: a json of segments beside PNG files whose colours are the numbers of segments.

Red + 256 green + 65536 blue is the number of a segment, and `segments_info` gives its category (Kirillov et al.,
"Panoptic Segmentation", CVPR 2019; cocodataset.org, "Data format"). Categories follow in the order of their ids, from 1
on; a pixel of number 0 is not labelled. The PNG files lie in a folder that is called as the json, or beside it.

A cell is {"panoptic": path of the PNG, "segments": [[number, class id], …], "names": {class id: name}}.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image

from sounding.contract.file_names import Files, Surroundings, spelled
from sounding.contract.layouts import Layout, Listed
from sounding.contract.modality import Modality, Row
from sounding.contract.split_names import split_above, split_in
from sounding.errors import DataError
from sounding.folders import place, walk, with_suffix
from sounding.modalities.masks import coco


def is_cell(cell: Mapping[str, Any]) -> bool:
    """Whether a cell names a PNG of segments."""
    return "panoptic" in cell


def drawn(cell: Mapping[str, Any], void: int) -> np.ndarray:
    """The mask [H, W] (uint8) of a cell. Raises DataError for a file that is none, and for an unknown segment."""
    path = Path(cell["panoptic"])
    try:
        with PIL.Image.open(path) as picture:
            numbers = np.asarray(picture.convert("RGB")).astype(np.int64) @ np.array([1, 256, 65536])
    except Exception as error:  # decoders meet broken files with a dozen kinds of exception; all mean the same
        raise DataError(f"{path.name} is no PNG of segments ({error})", fix="Put it there, or remove it") from None
    classes = {0: void, **dict(cell["segments"])}
    used, places = np.unique(numbers, return_inverse=True)
    if unknown := [number for number in used.tolist() if number not in classes]:
        what = f"segments_info does not know the segment {unknown[0]} of {path.name}"
        raise DataError(what, fix="Correct it, or remove the picture")
    return np.array([classes[number] for number in used.tolist()], np.uint8)[places].reshape(numbers.shape)


def rows(path: Path, input: Modality, target: Modality) -> Listed | None:
    """The rows of a json of segments, or of all in a folder or one below it; None where there is none.

    Where a folder has instances as well (instances_….json), these are read.
    """
    if not input.suffixes or (path.is_file() and path.suffix.lower() != ".json"):
        return None
    files = [path] if path.is_file() else with_suffix(walk(path, depth=1), (".json",))
    if any(file.name.lower().startswith("instances_") for file in files):
        return None
    around, found, read = Surroundings(path, input.suffixes), list[Iterator[Row]](), []
    for file in files:
        held = _loaded(file)
        if held is not None:
            read.append(file)
            found.append(_rows(held, file, path, around.of(file)))
    return Listed((row for part in found for row in part), tuple(read)) if read else None


def _loaded(file: Path) -> dict[str, Any] | None:
    text = file.read_text("utf-8-sig", errors="replace")
    if '"segments_info"' not in text:
        return None
    try:
        held = json.loads(text)
    except ValueError as error:
        raise DataError(f"not readable as json ({error})", where=file.name, fix="Export it again") from None
    lists = isinstance(held, dict) and all(isinstance(held.get(key), list) for key in ("images", "annotations"))
    return held if lists and all("segments_info" in each for each in held["annotations"]) else None


def _rows(held: Mapping[str, Any], file: Path, path: Path, pictures: Files) -> Iterator[Row]:
    kinds = coco.categories({"annotations": (), **held})
    called = dict(kinds.values())
    where = file.name if path.is_file() else place(file, path)
    split = "" if path.is_file() else split_in(file.stem) or split_above(file, path)
    of_image = {each.get("image_id"): each for each in held["annotations"]}
    for image in held["images"]:
        name = str(image.get("file_name", ""))
        try:
            picture = pictures.find(name, file, split) or file.parent / spelled(name)
            cell = _cell(of_image.get(image.get("id")), file, kinds, called)
        except DataError as error:
            picture, cell = file.parent / spelled(name), coco.unusable(error.what, called, error.fix)
        yield Row(f"{where}:{name}", str(picture.absolute()), cell, split=split)


def _cell(
    entry: Mapping[str, Any] | None, file: Path, kinds: Mapping[int, tuple[int, str]], called: Mapping[int, str]
) -> dict[str, Any]:
    if entry is None:
        return coco.unusable("no annotation is of this picture", called)
    segments: Sequence[Mapping[str, Any]] = entry["segments_info"]
    if unknown := [each.get("category_id") for each in segments if each.get("category_id") not in kinds]:
        return coco.unusable(f"category id {unknown[0]} is not among the categories of the file", called)
    name = spelled(str(entry.get("file_name", "")))
    png = next((p for p in (file.with_suffix("") / name, file.parent / name) if p.is_file()), file.parent / name)
    numbers = [[each["id"], kinds[each["category_id"]][0]] for each in segments]
    return {"panoptic": str(png.absolute()), "segments": numbers, "names": called}


PANOPTIC = Layout("COCO panoptic json", rows)
