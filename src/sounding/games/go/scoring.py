"""Whose the points are: area scoring of the board as it stands. Compiled, over arrays of positions.

A point is a player's if it holds his stone, or if it is empty and only his stones can be reached from it over empty
points (Tromp-Taylor rules). Stones are alive until they are captured: players who agree on nothing have to take them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sounding.games.compiled import compiled
from sounding.games.go.board import Points
from sounding.games.go.layout import BLACK, EMPTY, WHITE, Raw, board


@compiled
def area(raw: Raw, neighbours: Points, out: NDArray[np.int8]) -> None:
    """[N, points]: +1 Black's, −1 White's, 0 nobody's."""
    points = len(neighbours)
    queue, seen = np.empty(points, np.int64), np.empty(points, np.bool_)
    for n in range(len(raw)):
        stones = board(raw, n, points)
        seen[:] = False
        for point in range(points):
            if stones[point] != EMPTY:
                out[n, point] = 1 if stones[point] == BLACK else -1
            elif not seen[point]:
                end, borders = _region(stones, point, neighbours, queue, seen)
                owner = int(borders == 1 << BLACK) - int(borders == 1 << WHITE)
                for k in range(end):
                    out[n, queue[k]] = owner


@compiled
def _region(
    stones: NDArray[np.int8], point: int, neighbours: Points, queue: Points, seen: NDArray[np.bool_]
) -> tuple[int, int]:
    """The empty points around a point, of which so many are in `queue`, and the colours at their border as bits."""
    queue[0] = point
    seen[point] = True
    at, end, borders = 0, 1, 0
    while at < end:
        for side in range(4):
            near = neighbours[queue[at], side]
            if stones[near] == BLACK or stones[near] == WHITE:
                borders |= 1 << stones[near]
            elif stones[near] == EMPTY and not seen[near]:
                seen[near] = True
                queue[end] = near
                end += 1
        at += 1
    return end, borders
