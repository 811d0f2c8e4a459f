"""A labelled picture and the things in it, in pixels, as an annotation file of any tool tells them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sounding.modalities.annotations import outlines


@dataclass(frozen=True)
class Thing:
    """One thing: its class, its `box` (left, top, right, bottom) or its `outline`.

    An outline is what COCO calls a segmentation: a list of polygons, or run lengths over the whole picture.
    """

    label: str
    box: tuple[float, float, float, float] | None = None
    outline: Any = None

    def bounds(self) -> list[float]:
        """The box, or the box around the outline. Raises ValueError for an outline that is none."""
        return list(self.box) if self.box is not None else outlines.bounds(self.outline)

    def region(self) -> Any:
        """The outline, or that of the box."""
        if self.outline is not None:
            return self.outline
        left, top, right, bottom = self.box or (0, 0, 0, 0)
        return [[left, top, right, top, right, bottom, left, bottom]]


@dataclass(frozen=True)
class Labelled:
    """A picture as an annotation file has it: its name there, its size in pixels where known, and what is in it.

    `note` says what was left out; `problem` why nothing of it can be used. `split` is what the file itself says, and
    `others` are names that the picture may have had before a tool renamed it.
    """

    name: str
    image_size: tuple[int, int] | None = None
    things: tuple[Thing, ...] = ()
    note: str = ""
    problem: str = ""
    split: str = ""
    others: tuple[str, ...] = ()


def turned(corners: np.ndarray, degrees: float) -> list[float]:
    """A polygon [x1, y1, …] of `corners` [N, 2], turned clockwise as seen, about the middle of its bounds."""
    middle = (corners.min(0) + corners.max(0)) / 2
    angle = np.deg2rad(degrees)
    sine, cosine = np.sin(angle), np.cos(angle)
    return ((corners - middle) @ np.array([[cosine, sine], [-sine, cosine]]) + middle).ravel().tolist()


def rectangle(left: float, top: float, right: float, bottom: float) -> np.ndarray:
    """The corners [4, 2] of a box."""
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float64)


def ellipse(x: float, y: float, across: float, down: float, n: int = 72) -> np.ndarray:
    """Points [n, 2] of an ellipse about (x, y) with these radii."""
    angles = np.arange(n) * 2 * np.pi / n
    return np.stack([x + across * np.cos(angles), y + down * np.sin(angles)], 1)


def left_out(kinds: Iterable[str]) -> str:
    """What is said of things that are neither boxes nor outlines: "2 polylines left out"."""
    counts = Counter(kinds)
    return ", ".join(f"{n} {kind}{'s' * (n != 1 and not kind.endswith('s'))} left out" for kind, n in counts.items())


def numbered(names: Sequence[str]) -> dict[str, int]:
    """Name → class id: from 1 on in their order, as pixels of nothing are 0; "background" itself is 0."""
    things = [name for name in names if name.strip().casefold() != BACKGROUND]
    return {**{name: 0 for name in names if name not in things}, **{name: k for k, name in enumerate(things, 1)}}


BACKGROUND = "background"
