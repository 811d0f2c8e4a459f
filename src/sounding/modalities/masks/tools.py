"""Masks from the files of labelling tools: CVAT's xml and Label Studio's json. A box is filled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from sounding.contract.inputs import Pictorial
from sounding.contract.layouts import Layout, Listed
from sounding.contract.modality import Modality, Row
from sounding.errors import DataError
from sounding.modalities.annotations import cvat, label_studio
from sounding.modalities.annotations.finding import Found, Read, annotated
from sounding.modalities.annotations.things import numbered
from sounding.modalities.masks import coco
from sounding.modalities.masks.class_ids import VOID


def rows(read: Read, suffix: str, path: Path, input: Modality, target: Modality) -> Listed | None:
    """The rows of a file, or of a folder that holds some, which `read` understands; None for others."""
    found = annotated(path, read, suffix, input)
    if found is None:
        return None
    if len(found.names) >= VOID:
        raise DataError(f"{len(found.names)} classes are too many for a mask", fix=f"Give at most {VOID - 1}")
    return Listed(_rows(found.pictures, numbered(found.names), input), found.files)


def _rows(pictures: list[Found], ids: Mapping[str, int], input: Modality) -> Iterator[Row]:
    called = {0: coco.BACKGROUND, **{id: name for name, id in ids.items()}}
    for each in pictures:
        cell = (
            coco.unusable(each.problem[0], called, each.problem[1]) if each.problem else _cell(each, ids, called, input)
        )
        yield Row(each.where, str(each.picture), cell, split=each.split)


def _cell(each: Found, ids: Mapping[str, int], called: Mapping[int, str], input: Modality) -> dict[str, Any]:
    size = each.labelled.image_size
    try:
        if size is None and isinstance(input, Pictorial):  # a picture without a thing has no size in the file
            size = input.image_size(str(each.picture))
        shapes = [[ids[thing.label], thing.region()] for thing in each.labelled.things]
    except DataError as error:
        return coco.unusable(error.what, called, error.fix)
    except KeyError as error:
        return coco.unusable(f"the label {error} is not among those of the file", called)
    width, height = size or (1, 1)
    cell = {"width": width, "height": height, "shapes": shapes, "problem": "", "names": called}
    return {**cell, "note": each.labelled.note}


def _notes(path: Path, rows: Sequence[Row]) -> Iterator[str]:
    """What was left out of pictures, counted: a mask cannot say it itself."""
    notes = Counter(note for row in rows if isinstance(row.target, Mapping) and (note := row.target.get("note")))
    yield from (f"{note} in {n:,} picture{'s' * (n != 1)}" for note, n in notes.items())


CVAT = Layout("CVAT xml", partial(rows, cvat.read, cvat.SUFFIX), notes=_notes)
LABEL_STUDIO = Layout("Label Studio json", partial(rows, label_studio.read, label_studio.SUFFIX), notes=_notes)
