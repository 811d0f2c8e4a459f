"""Boxes from the files of labelling tools: CVAT's xml and Label Studio's json. Of an outline, the box around it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from sounding.contract.layouts import Layout, Listed
from sounding.contract.modality import Modality, Row
from sounding.errors import DataError
from sounding.modalities.annotations import cvat, label_studio
from sounding.modalities.annotations.finding import Found, Read, annotated
from sounding.modalities.annotations.things import Labelled
from sounding.modalities.boxes.layouts import shared
from sounding.modalities.boxes.layouts.boxset import BoxSet, sound


def rows(read: Read, suffix: str, path: Path, input: Modality, target: Modality | None = None) -> Listed | None:
    """The rows of a file, or of a folder that holds some, which `read` understands; None for others."""
    found = annotated(path, read, suffix, input)
    return None if found is None else Listed(_rows(found.pictures), found.files)


def _rows(pictures: list[Found]) -> Iterator[Row]:
    for each in pictures:
        if each.problem:
            yield shared.rejected(each.where, *each.problem, each.picture, str(each.file), each.split)
            continue
        target = shared.marked(each.file, each.where, partial(_boxes, each.labelled))
        yield Row(each.where, str(each.picture), target, split=each.split)


def _boxes(labelled: Labelled) -> BoxSet:
    try:
        corners = np.array([thing.bounds() for thing in labelled.things], np.float64).reshape(-1, 4)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"a shape is none ({error})", fix="Correct it in the tool, and export again") from None
    labels = tuple(thing.label for thing in labelled.things)
    sound(corners, labels)
    return BoxSet(corners, labels, None, labelled.image_size, pixels=True, note=labelled.note)


CVAT = Layout("CVAT xml", partial(rows, cvat.read, cvat.SUFFIX))
LABEL_STUDIO = Layout("Label Studio json", partial(rows, label_studio.read, label_studio.SUFFIX))
