"""Outlines of things in pictures, as pixels: polygons and run lengths, the same for boxes and for masks.

A pixel belongs to a polygon if its centre lies inside, by the even-odd rule: so a polygon with whole numbers covers as
many pixels as its area says. Where a border passes through a centre, the pixel is on its right, or below it.

Run lengths are those of COCO's maskApi (Lin et al., "Microsoft COCO: Common Objects in Context", ECCV 2014): runs of
zeros and ones by turns, down the columns, as a list or as a compressed string.

Legend of shapes: H height, W width, N corners of a polygon.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


def filled(polygon: Sequence[float], shape: tuple[int, int]) -> np.ndarray:
    """The pixels [H, W] (bool) whose centres lie inside of a polygon [x1, y1, x2, y2, …], in a picture of `shape`.

    Raises ValueError for fewer than three corners and for numbers that are none.
    """
    corners = _corners(polygon)
    inside = np.zeros(shape, bool)
    left, top = np.floor(corners.min(0)).clip(0, shape[::-1]).astype(int).tolist()
    right, bottom = np.ceil(corners.max(0)).clip(0, shape[::-1]).astype(int).tolist()
    inside[top:bottom, left:right] = _within(corners - [left, top], (bottom - top, right - left))
    return inside


def _within(corners: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Along each row of centres, a pixel is inside after an odd number of sides."""
    height, width = shape
    (x1, y1), (x2, y2) = corners.T, np.roll(corners, -1, axis=0).T
    first, last = (_centres(places, height) for places in (np.minimum(y1, y2), np.maximum(y1, y2)))
    crossed = last - first  # rows of centres that each side crosses
    side = np.repeat(np.arange(len(corners)), crossed)
    row = np.arange(len(side)) - np.repeat(crossed.cumsum() - crossed, crossed) + first[side]
    slope = (x2 - x1)[side] / (y2 - y1)[side]
    column = _centres(x1[side] + (row + 0.5 - y1[side]) * slope, width)
    crossings = np.bincount(row * (width + 1) + column, minlength=height * (width + 1)).reshape(height, width + 1)
    return crossings.cumsum(1)[:, :width] % 2 == 1


def bounds(outline: Any) -> list[float]:
    """Left, top, right and bottom of an outline: polygons, or run lengths. Raises ValueError for one that is none."""
    if not isinstance(outline, Mapping):
        points = np.concatenate([_corners(polygon, least=2) for polygon in polygons(outline)])
        return [*points.min(0).tolist(), *points.max(0).tolist()]
    inside = run_lengths(outline)
    rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
    if not len(rows):
        raise ValueError("no pixel")
    return [float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)]


def drawn(outline: Any, shape: tuple[int, int]) -> np.ndarray:
    """The pixels [H, W] (bool) of an outline in a picture of `shape`. Raises ValueError for one that is none."""
    if isinstance(outline, Mapping):
        inside = run_lengths(outline)
        if inside.shape != shape:
            raise ValueError(f"run lengths for {inside.shape[1]}×{inside.shape[0]} pixels")
        return inside
    inside = np.zeros(shape, bool)
    for polygon in polygons(outline):
        inside |= filled(polygon, shape)
    return inside


def polygons(outline: Sequence[Any]) -> Sequence[Sequence[float]]:
    """The polygons of an outline, which may be one polygon that no list holds."""
    flat = len(outline) and not any(isinstance(part, Sequence) for part in outline)
    return [outline] if flat else outline


def run_lengths(shape: Mapping[str, Any]) -> np.ndarray:
    """The pixels [H, W] (bool) of {"size": [H, W], "counts"}. Raises ValueError for counts that do not fill them."""
    height, width = shape["size"]
    counts = shape["counts"]
    runs = _decompressed(counts) if isinstance(counts, str | bytes) else [int(count) for count in counts]
    return unrolled(runs, (width, height)).T


def unrolled(runs: Sequence[int], shape: tuple[int, int]) -> np.ndarray:
    """Runs of zeros and ones by turns, along the rows: bool of `shape`. Raises ValueError where they do not fill it."""
    if sum(runs) != shape[0] * shape[1] or min(runs, default=0) < 0:
        raise ValueError(f"run lengths of {sum(runs)} pixels for {shape[0] * shape[1]}")
    return np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(shape)


def rolled(inside: np.ndarray) -> dict[str, Any]:
    """Run lengths {"size", "counts"} of the pixels [H, W], which `run_lengths` takes."""
    flat = inside.T.ravel()
    cuts = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    ends = [0, *([0] if flat.size and flat[0] else []), *cuts.tolist(), flat.size]
    return {"size": list(inside.shape), "counts": np.diff(ends).tolist()}


def _corners(polygon: Sequence[float], least: int = 3) -> np.ndarray:
    if len(polygon) < 2 * least or len(polygon) % 2:
        raise ValueError(f"a polygon of {len(polygon)} numbers")
    corners = np.asarray(polygon, np.float64).reshape(-1, 2)
    if not np.isfinite(corners).all():
        raise ValueError("a polygon with a side that is no number")
    return corners


def _centres(places: np.ndarray, n: int) -> np.ndarray:
    """How many of the centres 0.5, 1.5, …, n - 0.5 lie before each place."""
    return np.ceil(places - 0.5).clip(0, n).astype(np.int64)


def _decompressed(counts: str | bytes) -> list[int]:
    """COCO's string of counts: 5 bits a character, lowest first; from the fourth on, the change to the last but one."""
    runs: list[int] = []
    value = shift = 0
    for code in counts.encode() if isinstance(counts, str) else counts:
        bits = code - 48
        value |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            continue
        if bits & 16:
            value -= 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value = shift = 0
    if shift:
        raise ValueError("run lengths that stop in the middle")
    return runs
