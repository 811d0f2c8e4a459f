"""Which of the layouts a path has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sounding.contract.modality import Modality, Row
from sounding.modalities.boxes.layouts import coco, shared, voc, yolo


def rows(path: Path, input: Modality) -> Iterator[Row] | None:
    """The rows of a COCO .json, a YOLO .yaml, or a folder in the layout of COCO, YOLO or Pascal VOC; or None.

    Label files decide, the most telling first: a json or yaml that lists things, then files beside each picture.
    """
    if not input.suffixes:
        return None
    if path.is_file():
        kind = path.suffix.lower()
        return coco.single(path, input) if kind == ".json" else yolo.listed(path, input) if kind in yolo.YAML else None
    if (found := coco.within(path, input)) is not None:
        return found
    files = shared.files(path)
    if any(file.suffix.lower() in yolo.YAML and file.parent == path for file in files):
        found = yolo.within(path, files, input)
    found = voc.within(path, files, input) if found is None else found
    return yolo.within(path, files, input) if found is None else found
