"""A position of Go as bytes: one layout for boards of all sizes, so that the rules are compiled once for all of them.

    bytes   0 … 63    eight numbers: moves played, player to move, passes in a row, whether it is over, the last two
                      moves, the point of a simple ko, stones captured by both
           64 … 71    komi (float32), unused
           72 …       the board: a colour for each point, and one point more, the edge, which all sides border on
              …       the board's hash after 0, 1, 2 … moves, for superko

Compiled functions are given `raw` [N, bytes] and take from it views of the parts. Numbers of moves, points and chains
are int64 all through; NONE stands for none.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sounding.games.compiled import compiled

Raw = NDArray[np.uint8]

MOVES, TO_PLAY, PASSES, OVER, LAST, BEFORE, KO, CAPTURED = range(8)
NUMBERS = 64  # bytes
KOMI = NUMBERS
BOARD = NUMBERS + 8
NONE = -1

EMPTY, BLACK, WHITE, EDGE = range(4)


@functools.cache
def record(size: int) -> np.dtype[Any]:
    """A position on a board of so many lines, with its fields by name."""
    points = size * size
    return np.dtype(  # without gaps, which numpy would close when it joins arrays
        [
            ("moves", np.int64),
            ("to_play", np.int64),
            ("passes", np.int64),
            ("over", np.int64),
            ("last", np.int64, 2),
            ("ko", np.int64),
            ("captured", np.int64),
            ("komi", np.float32),
            ("unused", np.int32),
            ("board", np.int8, 8 * ((points + 8) // 8)),
            ("hashes", np.uint64, most_moves(points) + 1),
        ]
    )


def most_moves(points: int) -> int:
    """A game that is as long as this ends and is counted as it stands: twice the number of points, as in OpenSpiel."""
    return 2 * points


@functools.cache
def neighbours_of(size: int) -> NDArray[np.int64]:
    """[points, 4]: the points above, left, right and below each; beyond the edge it is the number of points."""
    points = size * size
    padded = np.full((size + 2, size + 2), points)
    padded[1:-1, 1:-1] = np.arange(points).reshape(size, size)
    sides = [padded[:-2, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:], padded[2:, 1:-1]]
    return np.ascontiguousarray(np.stack(sides, axis=-1).reshape(points, 4))


@functools.cache
def diagonals_of(size: int) -> NDArray[np.int64]:
    """[points, 4]: the same for the points that touch each at a corner."""
    points = size * size
    padded = np.full((size + 2, size + 2), points)
    padded[1:-1, 1:-1] = np.arange(points).reshape(size, size)
    corners = [padded[:-2, :-2], padded[:-2, 2:], padded[2:, :-2], padded[2:, 2:]]
    return np.ascontiguousarray(np.stack(corners, axis=-1).reshape(points, 4))


# ---- views of the parts of position n


@compiled
def numbers(raw: Raw, n: int) -> NDArray[np.int64]:
    """The eight numbers: `numbers(raw, n)[TO_PLAY]`."""
    return raw[n, :NUMBERS].view(np.int64)


@compiled
def komi_bits(raw: Raw, n: int) -> int:
    """Komi as the bits of a float32."""
    return raw[n, KOMI : KOMI + 4].view(np.int32)[0]


@compiled
def komi(raw: Raw, n: int) -> float:
    """Komi in points."""
    return raw[n, KOMI : KOMI + 4].view(np.float32)[0]


@compiled
def board(raw: Raw, n: int, points: int) -> NDArray[np.int8]:
    """[points + 1] colours, the edge last."""
    return raw[n, BOARD : BOARD + points + 1].view(np.int8)


@compiled
def hashes(raw: Raw, n: int, points: int) -> NDArray[np.uint64]:
    """The hashes of the board after 0, 1, 2 … moves."""
    return raw[n, BOARD + 8 * ((points + 8) // 8) :].view(np.uint64)
