"""Rows that are there twice: equal to the byte, or near enough that a person would call them the same.

A copy of a test row among the training rows makes the test too easy, and nobody notices. Equal rows are found by
digests, near ones by fingerprints (vectors whose largest difference is below `NEAR`). The search looks only into the
cells of a grid around each fingerprint, so that its time grows about as the number of rows.

Legend of shapes: N rows, D entries of a fingerprint, K of them that span the grid.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product

import numpy as np

from sounding.data.report import LISTED, Duplicates, Pairs

NEAR = 0.03
"""The largest difference between the fingerprints of near duplicates."""

_GRID = 6  # entries that span the grid: 2^6 cells around each row are looked into
_BLOCK = 128  # rows that are compared at once; bounds the memory for pairs
_MOST = 128  # rows of one cell that a row is compared with; only heaps of look-alikes have more

Place = Callable[[int], str]


def duplicates(contents: np.ndarray, prints: np.ndarray | None, sides: np.ndarray, place: Place) -> Duplicates:
    """All duplicates among N rows: digests [N, 16] uint8, fingerprints [N, D] (NaN where a row has none), sides [N]."""
    within, across = _equal(contents, sides)
    near = [] if prints is None else list(_near(prints, sides, {row for row, _ in across}))
    return Duplicates(_listed(within, place), _listed(across, place), _listed(near, place))


def disagreeing(contents: np.ndarray, answers: np.ndarray) -> list[tuple[int, int]]:
    """Pairs of rows with the same input and different answers: one of the two must be wrong."""
    found = []
    for rows in _alike(contents):
        others = [row for row in rows[1:] if (answers[row] != answers[rows[0]]).any()]
        found += [(row, rows[0]) for row in others]
    return found


def _equal(contents: np.ndarray, sides: np.ndarray) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """(row, its earlier copy on the same side) and (row, its copy on a side of lower number)."""
    within, across = [], []
    for rows in _alike(contents):
        first: dict[int, int] = {}
        for row in sorted(rows, key=lambda row: (sides[row], row)):
            side = int(sides[row])
            if side in first:
                within.append((row, first[side]))
            if first and min(first) < side:
                across.append((row, first[min(first)]))
            first.setdefault(side, row)
    return within, across


def _alike(contents: np.ndarray) -> Iterator[list[int]]:
    """The rows of each digest that occurs more than once."""
    low, high = np.ascontiguousarray(contents).view(np.uint64).reshape(-1, 2).T
    order = np.lexsort((low, high))
    new = np.ones(len(order), bool)
    new[1:] = (low[order][1:] != low[order][:-1]) | (high[order][1:] != high[order][:-1])
    starts = np.append(np.flatnonzero(new), len(order))
    for k in np.flatnonzero(np.diff(starts) > 1):
        yield sorted(order[starts[k] : starts[k + 1]].tolist())


def _near(prints: np.ndarray, sides: np.ndarray, twins: set[int]) -> Iterator[tuple[int, int]]:
    """(row, a near row on a side of lower number) for each row that has one; `twins` are already known as equal."""
    whole = np.isfinite(prints[:, 0])
    single = np.ones(len(prints), bool)
    single[list(twins)] = False
    for side in (1, 2):
        asked, known = np.flatnonzero(whole & single & (sides == side)), np.flatnonzero(whole & (sides < side))
        if len(asked) and len(known):
            for a, b in _neighbours(prints[asked], prints[known]):
                yield int(asked[a]), int(known[b])


def _neighbours(asked: np.ndarray, known: np.ndarray) -> Iterator[tuple[int, int]]:
    """For each asked row [., D] that has one, the first known row [., D] within `NEAR` of it."""
    entries = _telling(known)
    codes = _code(np.floor(known[:, entries].astype(np.float32) / (2 * NEAR)).astype(np.int64))
    order = np.argsort(codes, kind="stable")
    for start in range(0, len(asked), _BLOCK):
        block = asked[start : start + _BLOCK]
        a, b = _candidates(block[:, entries].astype(np.float32), codes[order])
        b = order[b]
        close = _close(block, known, a, b)
        first: dict[int, int] = {}
        for row, other in zip((a[close] + start).tolist(), b[close].tolist(), strict=True):
            first[row] = min(other, first.get(row, other))
        yield from sorted(first.items())


def _candidates(points: np.ndarray, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs (asked row, position in `codes`) of the same or adjacent cells.

    Cells are twice `NEAR` wide, so the ball around a point reaches only the neighbour on its nearer side in each entry.
    """
    scaled = points / (2 * NEAR)
    cells = np.floor(scaled).astype(np.int64)
    step = np.where(scaled - cells < 0.5, -1, 1)
    found_a, found_b = [], []
    for moves in product((0, 1), repeat=points.shape[1]):
        code = _code(cells + step * np.array(moves))
        low, high = np.searchsorted(codes, code, "left"), np.searchsorted(codes, code, "right")
        count = np.minimum(high - low, _MOST)
        total = int(count.sum())
        if total:
            a = np.repeat(np.arange(len(points)), count)
            offset = np.arange(total) - np.repeat(np.cumsum(count) - count, count)
            found_a.append(a)
            found_b.append(low[a] + offset)
    empty = np.empty(0, np.int64)
    return np.concatenate(found_a or [empty]), np.concatenate(found_b or [empty])


def _close(asked: np.ndarray, known: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Which pairs are within `NEAR` in every entry; a few entries at a time, since most pairs fail at the first."""
    left = np.arange(len(a))
    for start in range(0, asked.shape[1], 8):
        cut = slice(start, start + 8)
        difference = np.abs(asked[a[left], cut].astype(np.float32) - known[b[left], cut].astype(np.float32))
        left = left[difference.max(axis=1) < NEAR]
    return left


def _telling(prints: np.ndarray) -> np.ndarray:
    """The K entries that tell rows apart best: each has the most variance left by those before (pivoted Cholesky)."""
    sample = prints[:: max(1, len(prints) // 2000)].astype(np.float64)
    sample = sample - sample.mean(axis=0)
    chosen: list[int] = []
    for _ in range(min(_GRID, prints.shape[1])):
        variance = (sample**2).sum(axis=0)
        variance[chosen] = -1
        best = int(variance.argmax())
        chosen.append(best)
        direction = sample[:, best] / max(float(np.linalg.norm(sample[:, best])), 1e-12)
        sample = sample - np.outer(direction, direction @ sample)
    return np.array(chosen)


def _code(cells: np.ndarray) -> np.ndarray:
    """One number for each cell [., K]; two cells that share a number by chance only cost a comparison."""
    primes = np.array([1, 73856093, 19349663, 83492791, 49979687, 67867967], np.int64)[: cells.shape[1]]
    return (cells * primes).sum(axis=1)


def _listed(pairs: list[tuple[int, int]], place: Place) -> Pairs:
    return Pairs(len(pairs), tuple((place(a), place(b)) for a, b in sorted(pairs)[:LISTED]))
