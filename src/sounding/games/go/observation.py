"""What a network is given of a position of Go. Compiled, over arrays of positions.

Planes, from the view of the player to move:

    0, 1     his stones; the other's
    2, 3, 4  stones of chains with 1, 2, 3 liberties, of both
    5, 6     the last move, and the one before it
    7        empty points where he may put no stone: ko, superko, suicide
    8        everywhere: the other has just passed
    9        everywhere: komi in his favour, in units of 20 points
    10       everywhere 1, by which a network that pads with zeros sees the edge
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sounding.games.compiled import compiled
from sounding.games.go.board import Points, chains
from sounding.games.go.layout import BEFORE, BLACK, EMPTY, LAST, PASSES, TO_PLAY, Raw, board, komi, numbers
from sounding.games.go.turns import stones_allowed

PLANES = 11
KOMI_UNIT = 20.0


@compiled
def observe(raw: Raw, neighbours: Points, out: NDArray[np.float32]) -> None:
    """Fill `out` [N, planes, points], which is zero."""
    points = len(neighbours)
    chain, liberties = np.empty(points, np.int64), np.empty(points, np.int64)
    hashed, allowed = np.empty(points, np.uint64), np.empty(points, np.bool_)
    queue, mark = np.empty(points, np.int64), np.empty(points + 1, np.int64)
    for n in range(len(raw)):
        stones, state, planes = board(raw, n, points), numbers(raw, n), out[n]
        own = state[TO_PLAY] + BLACK
        chains(stones, neighbours, chain, liberties, hashed, queue, mark)
        stones_allowed(raw, n, neighbours, chain, liberties, hashed, allowed)
        for point in range(points):
            if stones[point] == EMPTY:
                planes[7, point] = not allowed[point]
                continue
            planes[0 if stones[point] == own else 1, point] = 1
            free = liberties[chain[point]]
            if free <= 3:
                planes[1 + free, point] = 1
        for plane, move in ((5, state[LAST]), (6, state[BEFORE])):
            if 0 <= move < points:
                planes[plane, move] = 1
        planes[8, :] = state[PASSES] > 0
        planes[9, :] = komi(raw, n) / KOMI_UNIT * (2 * state[TO_PLAY] - 1)
        planes[10, :] = 1


@compiled
def count_liberties(raw: Raw, neighbours: Points, out: NDArray[np.int16]) -> None:
    """[N, points]: the liberties of the chain of each stone, 0 for an empty point."""
    points = len(neighbours)
    chain, liberties = np.empty(points, np.int64), np.empty(points, np.int64)
    hashed = np.empty(points, np.uint64)
    queue, mark = np.empty(points, np.int64), np.empty(points + 1, np.int64)
    for n in range(len(raw)):
        stones = board(raw, n, points)
        chains(stones, neighbours, chain, liberties, hashed, queue, mark)
        for point in range(points):
            out[n, point] = 0 if stones[point] == EMPTY else liberties[chain[point]]
