"""Which of the layouts a path has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sounding.contract.modality import Modality, Row
from sounding.modalities.boxes.layouts import coco, data_yaml, shared, voc, yolo


def rows(path: Path, input: Modality) -> Iterator[Row] | None:
    """The rows of a COCO .json, a YOLO .yaml, or a folder in the layout of COCO, YOLO or Pascal VOC; or None.

    Label files decide, the most telling first: a json or yaml that lists things, then files beside each picture.
    """
    if not input.suffixes:
        return None
    if path.is_file():
        if path.suffix.lower() == ".json":
            return coco.single(path, input)
        return yolo.listed(path, input) if path.suffix.lower() in data_yaml.SUFFIXES else None
    if (found := coco.within(path, input)) is not None:
        return found
    files = shared.files(path)
    if any(file.suffix.lower() in data_yaml.SUFFIXES and file.parent == path for file in files):
        found = yolo.within(path, files, input)
    found = voc.within(path, files, input) if found is None else found
    return yolo.within(path, files, input) if found is None else found
