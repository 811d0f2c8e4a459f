"""Stones on one board: chains and their liberties, captures, hashes of boards. Compiled.

A board is [points + 1] colours, the last one the edge; `neighbours` [points, 4] names the points around each.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sounding.games.compiled import compiled
from sounding.games.go.layout import BLACK, EMPTY, NONE, WHITE
from sounding.games.hashes import mixed

Board = NDArray[np.int8]
Points = NDArray[np.int64]

SEEN = 4  # added to the colour of stones that a walk along a chain has passed; taken away again


@compiled
def stone_hash(point: int, colour: int) -> np.uint64:
    """The hash of a stone; a board's is the exclusive or of those of its stones (Zobrist 1970)."""
    return mixed(np.uint64(2 * point + colour - 1))


@compiled
def if_captured(board: Board, stone: int, neighbours: Points, found: Points, first: int) -> int:
    """Write the chain of a stone to `found[first:]` and return where it ends; `first` where it has a liberty."""
    colour = board[stone]
    found[first] = stone
    board[stone] += SEEN
    end, at, alive = first + 1, first, False
    while at < end and not alive:
        for side in range(4):
            near = neighbours[found[at], side]
            if board[near] == EMPTY:
                alive = True
                break
            if board[near] == colour:
                board[near] += SEEN
                found[end] = near
                end += 1
        at += 1
    for k in range(first, end):
        board[found[k]] = colour
    return first if alive else end


@compiled
def put(board: Board, point: int, colour: int, neighbours: Points, found: Points) -> int:
    """Put a stone on an empty point and take away what it captures, which `found` [points] names. Returns how many.

    NONE where it would be suicide: then nothing is changed.
    """
    board[point] = colour
    captured = 0
    for side in range(4):
        near = neighbours[point, side]
        if board[near] == BLACK + WHITE - colour:
            end = if_captured(board, near, neighbours, found, captured)
            for k in range(captured, end):
                board[found[k]] = EMPTY
            captured = end
    if captured == 0 and if_captured(board, point, neighbours, found, 0) > 0:
        board[point] = EMPTY
        return NONE
    return captured


@compiled
def take_back(board: Board, point: int, colour: int, found: Points, captured: int) -> None:
    """Undo `put`."""
    board[point] = EMPTY
    for k in range(captured):
        board[found[k]] = BLACK + WHITE - colour


@compiled
def hash_change(point: int, colour: int, found: Points, captured: int) -> np.uint64:
    """What a move changes of the board's hash."""
    change = stone_hash(point, colour)
    for k in range(captured):
        change ^= stone_hash(found[k], BLACK + WHITE - colour)
    return change


@compiled
def chains(
    board: Board,
    neighbours: Points,
    chain: Points,
    liberties: Points,
    hashed: NDArray[np.uint64],
    queue: Points,
    mark: Points,
) -> int:
    """Find all chains and return how many: `chain` [points] numbers that of each stone, NONE where there is none.

    Of each chain `liberties` counts the empty points around it, and `hashed` is what it gives to the board's hash.
    `queue` and `mark` [points + 1] are room to work in.
    """
    count = 0
    chain[:] = NONE
    mark[:] = NONE
    for point in range(len(chain)):
        if board[point] == EMPTY or chain[point] != NONE:
            continue
        colour = board[point]
        chain[point], queue[0] = count, point
        liberties[count], hashed[count] = 0, np.uint64(0)
        at, end = 0, 1
        while at < end:
            stone = queue[at]
            at += 1
            hashed[count] ^= stone_hash(stone, colour)
            for side in range(4):
                near = neighbours[stone, side]
                if board[near] == EMPTY and mark[near] != count:
                    mark[near] = count
                    liberties[count] += 1
                elif board[near] == colour and chain[near] == NONE:
                    chain[near] = count
                    queue[end] = near
                    end += 1
        count += 1
    return count
