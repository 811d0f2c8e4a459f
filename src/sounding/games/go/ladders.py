"""Ladders read out: whether a chain with two liberties is caught if the other side moves first. Compiled.

The attacker fills one liberty, so that one is left; the defender plays there, or takes a chain of the attacker that
touches his and has one liberty itself. He has escaped with three liberties, and is caught where every answer leaves him
one. Nothing else is looked at: no superko, no move elsewhere. What is too long to be read is said not to be caught.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sounding.games.compiled import compiled
from sounding.games.go.board import Board, Points, put, take_back
from sounding.games.go.layout import BLACK, EMPTY, NONE, WHITE, Raw, board

MOST = 2_000
"""Moves of the attacker that are tried for one chain."""
NOT_ASKED, ESCAPES, CAUGHT = -1, 0, 1


@compiled
def ladders(raw: Raw, neighbours: Points, out: NDArray[np.int8]) -> None:
    """[N, points]: `CAUGHT` or `ESCAPES` for each stone of a chain with two liberties, else `NOT_ASKED`."""
    points = len(neighbours)
    chain, liberties = np.empty(points, np.int64), np.empty(points, np.int64)
    tried = np.empty(1, np.int64)
    out[:] = NOT_ASKED
    for n in range(len(raw)):
        stones = board(raw, n, points).copy()
        for point in range(points):
            if stones[point] == EMPTY or out[n, point] != NOT_ASKED:
                continue
            size, count = chain_of(stones, point, neighbours, chain, liberties)
            if count != 2:
                continue
            tried[0] = 0
            no_ko = int(tried[0]) + NONE  # no constant, which is another type: see chess/engine/search.py
            found = CAUGHT if caught(stones, point, neighbours, tried, no_ko) else ESCAPES
            size, count = chain_of(stones, point, neighbours, chain, liberties)
            for k in range(size):
                out[n, chain[k]] = found


@compiled
def caught(stones: Board, stone: int, neighbours: Points, tried: Points, ko: int) -> bool:
    """Whether the chain of a stone, which has two liberties, is caught; the board is left as it was.

    `ko` is the point that the attacker may not take back at once.
    """
    points = len(neighbours)
    chain, liberties = np.empty(points, np.int64), np.empty(points, np.int64)
    replies, filled, taken = np.empty(points, np.int64), np.empty(points, np.int64), np.empty(points, np.int64)
    left_over = np.empty(points, np.int64)
    colour = stones[stone]
    chain_of(stones, stone, neighbours, chain, liberties)
    for k in range(2):
        tried[0] += 1
        if tried[0] > MOST:
            return False
        if liberties[k] == ko:
            continue
        captured = put(stones, liberties[k], BLACK + WHITE - colour, neighbours, filled)
        if captured == NONE:
            continue
        escaped = chain_of(stones, stone, neighbours, chain, left_over)[1] > 1  # what was taken is a liberty again
        forbidden = ko_after(stones, liberties[k], neighbours, filled, captured)
        for r in range(0 if escaped else replies_of(stones, stone, neighbours, replies)):
            if replies[r] == forbidden:
                continue
            own = put(stones, replies[r], colour, neighbours, taken)
            if own == NONE:
                continue
            next_ko = ko_after(stones, replies[r], neighbours, taken, own)
            left = chain_of(stones, stone, neighbours, chain, left_over)[1]
            escaped = left > 2 or (left == 2 and not caught(stones, stone, neighbours, tried, next_ko))
            take_back(stones, replies[r], colour, taken, own)
            if escaped:
                break
        take_back(stones, liberties[k], BLACK + WHITE - colour, filled, captured)
        if not escaped:
            return True
    return False


@compiled
def ko_after(stones: Board, point: int, neighbours: Points, found: Points, captured: int) -> int:
    """The point that may not be taken back at once after a stone was put there; NONE for most."""
    if captured != 1:
        return NONE
    points = len(neighbours)
    size, count = chain_of(stones, point, neighbours, np.empty(points, np.int64), np.empty(points, np.int64))
    return int(found[0]) if size == 1 and count == 1 else NONE


@compiled
def replies_of(stones: Board, stone: int, neighbours: Points, out: Points) -> int:
    """Write what a chain with one liberty can play to `out`, and return how many: that liberty, and what takes."""
    points = len(neighbours)
    chain, liberties = np.empty(points, np.int64), np.empty(points, np.int64)
    theirs, last = np.empty(points, np.int64), np.empty(points, np.int64)
    size, _ = chain_of(stones, stone, neighbours, chain, liberties)
    out[0] = liberties[0]
    count = 1
    for k in range(size):
        for side in range(4):
            near = neighbours[chain[k], side]
            if stones[near] != BLACK + WHITE - stones[stone]:
                continue
            if chain_of(stones, near, neighbours, theirs, last)[1] == 1:
                out[count] = last[0]
                count += int(not among(out, count, last[0]))
    return count


@compiled
def chain_of(stones: Board, stone: int, neighbours: Points, chain: Points, liberties: Points) -> tuple[int, int]:
    """Write the stones of a chain and the empty points around it, and return how many there are of each."""
    colour = stones[stone]
    chain[0] = stone
    size, count, at = 1, 0, 0
    while at < size:
        for side in range(4):
            near = neighbours[chain[at], side]
            if stones[near] == colour and not among(chain, size, near):
                chain[size] = near
                size += 1
            elif stones[near] == EMPTY and not among(liberties, count, near):
                liberties[count] = near
                count += 1
        at += 1
    return size, count


@compiled
def among(points: Points, count: int, point: int) -> bool:
    """Whether a point is one of the first so many."""
    return bool((points[:count] == point).any())
