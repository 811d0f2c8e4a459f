"""Boxes: where things are in a picture, and what each is called.

A value is a `BoxSet`: corners as shares of the picture's width and height, so that it holds at any working size, and
the size of the picture in pixels, so that answers and areas can be told in them. Cells are structs of lists as data
sets on the Hugging Face hub hold them ({"bbox": [[x, y, width, height], …], "category": […]}, in pixels), lists of
structs, or what a label file (COCO, Pascal VOC, YOLO; see `layouts`) says of one picture.

What is wrong with a box refuses its row. A box without a size is left out and remarked on; so is what is cut off of a
box that lies partly outside of its picture.

Legend of shapes: B batch, N boxes of one picture.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sounding.contract.answers import (
    Answer,
    Averaged,
    Composite,
    Documented,
    Labelled,
    Listing,
    Overlaid,
    Placed,
    Saved,
    Tabular,
    Transformed,
)
from sounding.contract.change import Change, Mixed, refusal
from sounding.drawing.rendering import Marks
from sounding.errors import DataError, did_you_mean
from sounding.modalities.boxes.drawing import box_marks
from sounding.modalities.boxes.layouts import box_cells, yolo
from sounding.modalities.boxes.layouts.boxset import VISIBLE, BoxSet, Marked, clipped, joined, moved, over, tiled
from sounding.modalities.boxes.layouts.coco import coco_json
from sounding.modalities.category import lookalikes
from sounding.modalities.pictures.changes import Moved, Tiled

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["VISIBLE", "BoxSet", "Boxes", "Marked", "clipped", "joined", "moved"]

SIDES = ("xmin", "ymin", "xmax", "ymax")
"""The sides of a box, as answers call them."""


class Boxes(Answer, Averaged, Transformed, Labelled, Composite, Listing, Placed, Overlaid, Tabular, Saved, Documented):
    """The boxes of one picture. After `fit`, `names` lists the classes: by number if all are numbers, else by text.

    `classes` stays None: sets of boxes are no finite list of answers.
    """

    unit = "boxes"
    columns = ("objects", "boxes", "bboxes", "annotations", "annotation", "bbox", "detections", "labels")

    row_columns = ("label", "score", *SIDES)
    files = "labels"

    def __init__(self) -> None:
        self.names: list[str] = []

    # ---- reading

    def accepts(self, cell: Any) -> bool:
        """Whether a cell is a set of boxes, or a struct or list of structs that has boxes in it."""
        return box_cells.accepts(cell)

    def read(self, cell: Any, root: Path = Path()) -> BoxSet:
        """The boxes of a cell, in pixels where the cell has them so. Raises DataError for what cannot be used."""
        return box_cells.read(cell)

    def placed(self, value: BoxSet, image_size: tuple[int, int]) -> BoxSet:
        """The boxes as shares of a picture `image_size` (width, height) pixels large.

        Raises DataError for a box wholly outside of it, and for boxes drawn on a picture of another size.
        """
        return over(value.sure, image_size)

    def resized(self, value: BoxSet, image_size: tuple[int, int]) -> BoxSet:
        """As a true value is laid: boxes have no size of their own."""
        return self.placed(value, image_size)

    def fit(self, values: Iterable[BoxSet]) -> None:
        """Learn the names of the classes. Raises DataError if no picture has a box."""
        names = {label for value in values for label in value.labels}
        if not names:
            raise DataError("no picture has a box to learn from", fix="Give at least one row with a box")
        self.names = sorted(names, key=_by_number if all(map(_number, names)) else None)

    def label_conflicts(self) -> list[str]:
        """Groups of class names that differ only by case or spaces."""
        groups = lookalikes(self.names)
        return [f"the classes {' and '.join(map(repr, group))} differ only by case or spaces" for group in groups]

    # ---- for a model

    def encode(self, values: Sequence[BoxSet]) -> list[tuple[Tensor, Tensor]]:
        """For each picture, corners float32 [N, 4] in shares and classes int64 [N] as indices into `names`.

        Raises DataError for a class that training never saw, and for boxes in pixels of a picture of unknown size.
        """
        places = {name: place for place, name in enumerate(self.names)}
        return [self._encoded(value.sure, places) for value in values]

    def _encoded(self, value: BoxSet, places: Mapping[str, int]) -> tuple[Tensor, Tensor]:
        if value.pixels:
            raise DataError("the boxes are in pixels of a picture of unknown size", fix="Lay them over it first")
        if unknown := self.unseen_class(value):
            raise DataError(
                unknown, fix=did_you_mean(next(n for n in value.labels if n not in places), self.names[:20])
            )
        import torch

        classes = torch.tensor([places[name] for name in value.labels], dtype=torch.long)
        return torch.from_numpy(value.corners.copy()), classes

    def amounts(self, value: BoxSet) -> Mapping[str, int]:
        """The boxes of each class."""
        return Counter(value.labels)

    def unseen_class(self, value: BoxSet) -> str:
        """What in a value no training row had ("no training row has the class 'cat'"), or nothing."""
        unknown = sorted(set(value.labels) - set(self.names))
        return f"no training row has the class {' or '.join(map(repr, unknown))}" if unknown else ""

    def transform_targets(self, values: Sequence[BoxSet], change: Change) -> list[BoxSet]:
        """Boxes go where their pixels went; one of which less than a quarter stays in the picture is dropped.

        A picture that was mixed with another has the boxes of both, and a mosaic those of all its tiles.
        """
        if isinstance(change, Tiled):
            return tiled(values, change.tiles)
        if isinstance(change, Mixed):
            return [
                joined([value, values[other]]) for value, other in zip(values, change.partner.tolist(), strict=True)
            ]
        if not isinstance(change, Moved):
            raise refusal(self, change)
        maps = zip(values, change.affine.cpu().numpy(), strict=True)
        return [clipped(replace(value, corners=moved(value.corners, affine))) for value, affine in maps]

    def constant_baseline(self, values: Sequence[BoxSet]) -> BoxSet:
        """One box: the mean box of the most common class; none where no picture has a box."""
        counts = Counter(label for value in values for label in value.labels)
        if not counts:
            return BoxSet(np.zeros((0, 4)), ())
        label = min(counts, key=lambda name: (-counts[name], name))
        of_it = [value.corners[[name == label for name in value.labels]] for value in values if len(value)]
        return BoxSet(np.concatenate(of_it).mean(0, keepdims=True), (label,))

    # ---- for people

    def lists_nothing(self, value: BoxSet) -> bool:
        """Whether no box reaches the score from which on boxes are shown."""
        return not len(value.sure)

    def describe(self, value: BoxSet) -> str:
        """How many there are of each class, the most first: "3 RBC, 1 WBC"."""
        counts = Counter(value.sure.labels)
        return ", ".join(f"{counts[n]} {n}" for n in sorted(counts, key=lambda n: (-counts[n], n))) or "nothing"

    def answers(self, value: BoxSet, confidence: float | None, scores: np.ndarray | None) -> list[dict[str, Any]]:
        """[{"label", "score", "box": {"xmin", "ymin", "xmax", "ymax"}}] in whole pixels, the surest first.

        In shares, not rounded, where the picture's size is not known.
        """
        value = value.sure
        known = value.image_size is not None or value.pixels
        corners = (value.in_pixels().round().astype(int) if known else value.corners).tolist()
        score = np.full(len(value), np.nan) if value.scores is None else value.scores
        return [
            {
                "label": value.labels[i],
                "score": None if value.scores is None else float(score[i]),
                "box": dict(zip(SIDES, corners[i], strict=True)),
            }
            for i in np.argsort(-score, kind="stable").tolist()
        ]

    def fields(self, value: BoxSet, scores: np.ndarray | None) -> Mapping[str, Callable[[], Any]]:
        """`boxes` [N, 4] (left, top, right, bottom in pixels), `labels` and `scores` [N] of what is shown."""
        value = value.sure
        return {"boxes": value.in_pixels, "labels": lambda: list(value.labels), "scores": lambda: value.scores}

    def rows(self, value: BoxSet, scores: np.ndarray | None) -> list[dict[str, Any]]:
        """A row for each box, the surest first; sides in pixels, in shares where the picture's size is not known."""
        value = value.sure
        known = value.image_size is not None or value.pixels
        corners = value.in_pixels().round(2) if known else value.corners
        found = np.zeros(len(value)) if value.scores is None else value.scores
        order = np.argsort(-found, kind="stable").tolist()
        told = [None if value.scores is None else round(float(found[i]), 4) for i in order]
        sides = [dict(zip(SIDES, corners[i].tolist(), strict=True)) for i in order]
        return [{"label": value.labels[i], "score": score, **box} for i, score, box in zip(order, told, sides)]

    def save(self, value: BoxSet, path: Path) -> Path:
        """A label file as YOLO has it: class, centre x, centre y, width, height of each box, in shares."""
        path = path.with_name(f"{path.name}.txt")
        path.write_text(yolo.text(value.sure, self.names), encoding="utf-8")
        return path

    def save_legend(self, folder: Path) -> None:
        """`classes.txt`, the names of the classes, by which label files count from 0."""
        lines = "".join(f"{' '.join(name.split())}\n" for name in self.names)
        (folder / "classes.txt").write_text(lines, encoding="utf-8")

    def document(self, answers: Sequence[tuple[str, BoxSet]]) -> dict[str, Any]:
        """A COCO file: images, categories, and annotations with scores."""
        return coco_json([{"file_name": name, "boxes": value} for name, value in answers], self.names)

    def marks(self, value: BoxSet) -> Marks:
        """The boxes that are sure, over the picture; each class keeps its colour."""
        return box_marks(value, self.names)

    def remark(self, value: BoxSet) -> str:
        """What was left out or cut, and that a picture has no box."""
        return ", ".join(filter(None, [value.note, "" if len(value) else "no box: a picture with nothing in it"]))

    def to_json(self, value: BoxSet) -> dict[str, Any]:
        """A struct that `read` takes: x, y, width, height in pixels, or in shares where the size is not known."""
        return box_cells.written(value.sure)

    def state(self) -> dict[str, Any]:
        """The names of the classes."""
        return {"names": list(self.names)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` gave."""
        self.names = list(state["names"])


def _by_number(name: str) -> tuple[float, str]:
    return float(name), name


def _number(name: str) -> bool:
    try:
        return bool(np.isfinite(float(name)))
    except ValueError:
        return False
