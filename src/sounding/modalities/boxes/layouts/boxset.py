"""The boxes of one picture as a value, and what is done to them when the picture is moved, cropped or joined.

Legend of shapes: N boxes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from sounding.errors import DataError
from sounding.modalities.pictures.changes import Tile

VISIBLE = 0.25
"""A box of which a smaller share stays in the picture after a crop is no example of its class any more."""
SLACK = 1.0
"""Pixels below which a box that sticks out of its picture was rounded: it is clipped, and counted."""


@dataclass(frozen=True, eq=False)
class BoxSet:
    """The boxes of one picture, none or many; equal and hashed by content.

    `corners` float32 [N, 4]: xmin, ymin, xmax, ymax as shares of the picture's width and height. `labels`: N names.
    `scores` float32 [N], or None for a truth. `image_size`: width and height of the picture in pixels, where known.

    With `pixels`, which only a cell that was just read has, corners are in pixels still, and `image_size` is what the
    label file says; `Boxes.placed` makes shares of them. `note` says what was left out or cut. An answer also holds
    boxes below its `threshold`, which metrics want and a person is not shown.
    """

    corners: np.ndarray
    labels: tuple[str, ...]
    scores: np.ndarray | None = None
    image_size: tuple[int, int] | None = None
    pixels: bool = False
    note: str = ""
    threshold: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "corners", np.asarray(self.corners, np.float32).reshape(-1, 4))
        object.__setattr__(self, "labels", tuple(self.labels))
        if self.scores is not None:
            object.__setattr__(self, "scores", np.asarray(self.scores, np.float32).reshape(-1))
        if len(self.corners) != len(self.labels) or (self.scores is not None and len(self.scores) != len(self.labels)):
            raise DataError(f"{len(self.corners)} boxes with {len(self.labels)} labels", fix="Give each box one label")

    def __len__(self) -> int:
        return len(self.labels)

    def _content(self) -> tuple[Any, ...]:
        scores = None if self.scores is None else self.scores.tobytes()
        return self.corners.tobytes(), self.labels, scores, self.image_size, self.pixels

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BoxSet) and self._content() == other._content()

    def __hash__(self) -> int:
        return hash(self._content())

    def take(self, chosen: Any) -> BoxSet:
        """The boxes at the places `chosen`, or where `chosen` [N] is true, in that order."""
        places = np.arange(len(self))[np.asarray(chosen)] if len(self) else np.zeros(0, int)
        scores = None if self.scores is None else self.scores[places]
        labels = tuple(self.labels[place] for place in places.tolist())
        return replace(self, corners=self.corners[places], labels=labels, scores=scores)

    @property
    def sure(self) -> BoxSet:
        """The boxes whose score reaches the threshold; all of a truth."""
        return self if self.scores is None or not self.threshold else self.take(self.scores >= self.threshold)

    def in_pixels(self) -> np.ndarray:
        """Corners float64 [N, 4] in pixels of the picture; NaN where its size is not known."""
        if self.pixels:
            return self.corners.astype(np.float64)
        width, height = self.image_size or (np.nan, np.nan)
        return self.corners.astype(np.float64) * [width, height, width, height]


def areas(corners: np.ndarray) -> np.ndarray:
    """Width times height [N] of corners [N, 4]."""
    sides = (corners[:, 2:] - corners[:, :2]).clip(0)
    return sides[:, 0] * sides[:, 1]


def moved(corners: np.ndarray, affine: Any) -> np.ndarray:
    """Corners [N, 4] after the picture was sampled through `affine` [2, 3], as `affine_grid` has it.

    The map leads from the new picture's coordinates in [-1, 1] to the old one's, so boxes go through its inverse. Of a
    box that is turned, the result is the upright box around it.
    """
    matrix = np.asarray(affine, np.float64).reshape(2, 3)
    old = 2 * np.asarray(corners, np.float64).reshape(-1, 4)[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 4, 2) - 1
    new = (np.linalg.solve(matrix[:, :2], (old - matrix[:, 2]).reshape(-1, 2).T).T.reshape(-1, 4, 2) + 1) / 2
    return np.concatenate([new.min(1), new.max(1)], 1).astype(np.float32)


def clipped(boxes: BoxSet, least_visible: float = VISIBLE, window: Sequence[float] = (0, 0, 1, 1)) -> BoxSet:
    """The boxes cut at the border of the picture, or of a `window` (left, top, right, bottom) in it.

    Those of which less than `least_visible` of the area stays are dropped.
    """
    corners = boxes.corners.clip([*window[:2]] * 2, [*window[2:]] * 2)
    before, after = areas(boxes.corners), areas(corners)
    return replace(boxes, corners=corners).take((after > 0) & (after >= least_visible * before))


def tiled(values: Sequence[BoxSet], tiles: Sequence[Tile]) -> list[BoxSet]:
    """The boxes of mosaics: those of each field's picture, where they went, cut at the field's border."""

    def field(tile: Tile, i: int) -> BoxSet:
        boxes = values[int(tile.partner[i])]
        there = replace(boxes, corners=moved(boxes.corners, tile.affine[i].cpu().numpy()))
        return clipped(there, window=tile.window)

    return [joined([field(tile, i) for tile in tiles]) for i in range(len(values))]


def joined(parts: Sequence[BoxSet]) -> BoxSet:
    """All boxes of several sets that lie over one picture; all else is as in the first."""
    corners = np.concatenate([part.corners for part in parts])
    labels = tuple(label for part in parts for label in part.labels)
    scores = None
    if all(part.scores is not None for part in parts):
        scores = np.concatenate([part.scores for part in parts if part.scores is not None])
    return replace(parts[0], corners=corners, labels=labels, scores=scores)


@dataclass(frozen=True, slots=True)
class Marked:
    """A cell: what a label file says of one picture, or what is wrong there (`wrong`: what, where, fix).

    `path` is the label file. It is left out of what tells two cells apart: two label files may say the same.
    """

    boxes: BoxSet | None = None
    wrong: tuple[str, str, str] | None = None
    path: str = field(default="", compare=False)

    def __repr__(self) -> str:
        known = self.boxes and (self.boxes.corners.tolist(), self.boxes.labels, self.boxes.image_size)
        return f"Marked({known}, {self.wrong})"


def sound(corners: np.ndarray, names: Sequence[str], unit: str = "pixels") -> None:
    """Raise DataError for a box whose numbers are none or whose sides are the wrong way round."""
    for box, name in zip(corners.tolist(), names, strict=True):
        if not np.isfinite(box).all():
            raise DataError(f"a box of {name!r} has a side that is no number ({_told(box)})", fix="Correct the box")
        if box[2] < box[0] or box[3] < box[1]:
            what = f"a box of {name!r} ends before it begins ({_told(box)} {unit})"
            raise DataError(what, fix="Swap its corners, or remove the box")


def inside(boxes: BoxSet, image_size: tuple[int, int]) -> BoxSet:
    """Boxes (shares) as they may be trained on, over a picture `image_size` (width, height) pixels large.

    A box without a size is left out, what sticks out is cut off, and `note` tells of both. Raises DataError for a box
    that lies wholly outside, or whose label file speaks of a picture of another size.
    """
    full = areas(boxes.corners) > 0
    cut = boxes.corners.clip(0, 1)
    out = (np.abs(cut - boxes.corners) * [*image_size, *image_size]).max(1, initial=0)
    for place in np.flatnonzero(full & (areas(cut) <= 0) & (out >= SLACK)).tolist():
        pixels = _told(boxes.corners[place] * [*image_size, *image_size])
        what = f"a box of {boxes.labels[place]!r} lies outside the picture ({pixels}; it is {_size(image_size)} pixels)"
        raise DataError(what, fix="Correct the box, or remove it")
    full &= areas(cut) > 0
    notes = [boxes.note, _noted(int((~full).sum()), "without a size left out")]
    notes.append(_noted(int(((out >= SLACK) & full).sum()), "partly outside the picture cut at its border"))
    rounded = (out > 0) & (out < SLACK) & full
    notes.append(_noted(int(rounded.sum()), "less than a pixel beyond the border, as rounding leaves it, clipped"))
    note = ", ".join(filter(None, notes))
    return replace(boxes, corners=cut, image_size=image_size, note=note).take(full)


def over(boxes: BoxSet, image_size: tuple[int, int]) -> BoxSet:
    """Boxes of a cell laid over their picture: shares, cut and checked. Raises DataError as `inside` does."""
    if not boxes.pixels:
        return inside(boxes, image_size)
    if boxes.image_size is not None and boxes.image_size != image_size:
        what = f"the boxes are for a picture of {_size(boxes.image_size)} pixels, and this one has {_size(image_size)}"
        turned = boxes.image_size == image_size[::-1]
        fix = "Store the picture turned as it is seen" if turned else "Give the picture the boxes were drawn on"
        raise DataError(what, fix=f"{fix}, or correct the size in the label file")
    shares = boxes.corners.astype(np.float64) / [*image_size, *image_size]
    return inside(replace(boxes, corners=shares, pixels=False), image_size)


def _noted(n: int, what: str) -> str:
    return f"{n} box{'es' * (n != 1)} {what}" if n else ""


def _size(image_size: tuple[int, int]) -> str:
    return f"{image_size[0]}×{image_size[1]}"


def _told(box: Sequence[float] | np.ndarray) -> str:
    return "x {0:.4g} to {2:.4g}, y {1:.4g} to {3:.4g}".format(*box)
