"""Connected components of a map of classes: things, where the classes alone do not tell one car from the next.

A map is an array [H, W] (uint8) of class ids, 255 where nobody said.

Legend of shapes: H height, W width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sounding.modalities.masks.class_ids import VOID


@dataclass(frozen=True)
class Component:
    """One connected component of a map of `shape` (height, width): its class id, its pixels' number and place.

    `box` is left, top, right, bottom in pixels, the last two just outside; `cut` is true on its pixels within the box.
    """

    id: int
    area: int
    box: tuple[int, int, int, int]
    cut: np.ndarray
    shape: tuple[int, int]

    @property
    def inside(self) -> np.ndarray:
        """Its pixels in the whole map: bool [H, W]."""
        left, top, right, bottom = self.box
        found = np.zeros(self.shape, bool)
        found[top:bottom, left:right] = self.cut
        return found


def instances(
    mask: np.ndarray, ids: Sequence[int] | None = None, *, connectivity: int = 8, smallest: int = 1
) -> list[Component]:
    """The connected components of the classes `ids` (all, by default) of `smallest` pixels or more, largest first.

    With `connectivity` 8 pixels also hang together by their corners, with 4 only by their sides.
    """
    runs, of_run, count = _numbered(mask, connectivity)
    numbers = _spread(runs, of_run, mask)
    component, rows, starts, ends, kinds = (column[of_run >= 0] for column in (of_run, *runs))
    areas = np.bincount(component, weights=ends - starts, minlength=count).astype(int)
    low, high = np.full((2, count), mask.size), np.zeros((2, count), np.int64)
    for place, (least, most) in enumerate(((starts, ends), (rows, rows + 1))):
        np.minimum.at(low[place], component, least)
        np.maximum.at(high[place], component, most)
    kind = np.zeros(count, np.int64)
    kind[component] = kinds
    wanted = areas >= smallest if ids is None else (areas >= smallest) & np.isin(kind, list(ids))
    found = []
    for i in [i for i in np.argsort(-areas, kind="stable").tolist() if wanted[i]]:
        (left, top), (right, bottom) = low[:, i].tolist(), high[:, i].tolist()
        cut = numbers[top:bottom, left:right] == i
        found.append(
            Component(int(kind[i]), int(areas[i]), (left, top, right, bottom), cut, (mask.shape[0], mask.shape[1]))
        )
    return found


def connected(mask: np.ndarray, connectivity: int = 8) -> tuple[np.ndarray, int]:
    """The number of the component of each pixel, int64 [H, W] with -1 for void, and how many there are.

    Rows are cut into runs of one class; runs that touch in neighbouring rows are joined until no number changes.
    """
    runs, of_run, count = _numbered(mask, connectivity)
    return _spread(runs, of_run, mask), count


Runs = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""Row, first column, column after the last, and class of each run of equal pixels, row by row."""


def _numbered(mask: np.ndarray, connectivity: int) -> tuple[Runs, np.ndarray, int]:
    """The runs, the component of each (-1 for void), and how many components there are."""
    runs = rows, starts, ends, kinds = _runs(mask)
    a, b = _touching(rows, starts, ends, mask.shape[1], int(connectivity == 8))
    same = kinds[a] == kinds[b]
    roots = _joined(len(rows), a[same], b[same])
    labelled = kinds != VOID
    _, numbers = np.unique(roots[labelled], return_inverse=True)
    of_run = np.full(len(rows), -1, np.int64)
    of_run[labelled] = numbers
    return runs, of_run, int(numbers.max(initial=-1)) + 1


def _spread(runs: Runs, of_run: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The number of each run on all of its pixels: [H, W]."""
    return np.repeat(of_run, runs[2] - runs[1]).reshape(mask.shape)


def _runs(mask: np.ndarray) -> Runs:
    begins = np.ones(mask.shape, bool)
    begins[:, 1:] = mask[:, 1:] != mask[:, :-1]
    rows, starts = np.nonzero(begins)
    flat = np.append(rows * mask.shape[1] + starts, mask.size)
    return rows, starts, starts + np.diff(flat), mask[rows, starts]


def _touching(
    rows: np.ndarray, starts: np.ndarray, ends: np.ndarray, width: int, corner: int
) -> tuple[np.ndarray, np.ndarray]:
    """The pairs of runs that touch from one row to the next, as two arrays of numbers of runs."""
    stride = width + 4  # room for what looks one column beyond its row
    first, last = rows * stride + starts, rows * stride + ends
    low = np.searchsorted(last, first + stride - corner, side="right")
    high = np.searchsorted(first, last + stride + corner, side="left")
    counts = np.maximum(high - low, 0)
    a = np.repeat(np.arange(len(rows)), counts)
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return a, np.repeat(low, counts) + within


def _joined(n: int, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The smallest number that each of `n` things is tied to through the pairs (a, b), directly or not: [n]."""
    roots = np.arange(n)
    while True:
        low, high = np.minimum(roots[a], roots[b]), np.maximum(roots[a], roots[b])
        if (low == high).all():
            return roots
        np.minimum.at(roots, high, low)
        while (roots[roots] != roots).any():  # everything points at its root before the next round
            roots = roots[roots]
