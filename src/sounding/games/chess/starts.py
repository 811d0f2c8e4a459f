"""Starting positions: that of chess, and the 960 of Chess960 by their numbers (R. Scharnagl)."""

from __future__ import annotations

import functools
from itertools import combinations

import numpy as np

from sounding.games.chess import layout
from sounding.games.chess.layout import BISHOP, KING, KNIGHT, PAWN, QUEEN, ROOK
from sounding.games.chess.zobrist import key_of

STANDARD = 518
"""The number of chess."""
_STEP = 367
"""Without a divisor in common with 959."""


def first_rank(number: int) -> list[int]:
    """The pieces of a starting position from the a-file to the h-file, by its number from 0 to 959.

    Digits of the number place a bishop on a light square, one on a dark, the queen, both knights; what is left is for
    a rook, the king, and the other rook.
    """
    rank = [PAWN] * 8
    number, light = divmod(number, 4)
    number, dark = divmod(number, 4)
    knights, queen = divmod(number, 6)
    rank[2 * light + 1] = rank[2 * dark] = BISHOP

    def empty(k: int) -> int:
        return [file for file in range(8) if rank[file] == PAWN][k]

    rank[empty(queen)] = QUEEN
    first, second = (empty(k) for k in list(combinations(range(5), 2))[knights])
    rank[first] = rank[second] = KNIGHT
    for piece in (ROOK, KING, ROOK):
        rank[empty(0)] = piece
    return rank


@functools.cache
def starting_position(number: int = STANDARD) -> np.ndarray:
    """The position [1] of a number; not to be changed."""
    position = np.zeros(1, layout.RECORD)
    rank = first_rank(number)
    for file, piece in enumerate(rank):
        position["pieces"][0, piece] |= np.uint64(1 << file | 1 << (56 + file))
        if piece == ROOK:
            position["castling"] |= np.uint64(1 << file | 1 << (56 + file))
    position["pieces"][0, PAWN] = 0x00FF_0000_0000_FF00
    position["colours"] = [0xFFFF, 0xFFFF << 48]
    boards = position.view(np.uint64).reshape(1, -1)
    position["key"] = position["history"][0, 0] = key_of(boards, 0)
    position.flags.writeable = False
    return position


def spread_over_960(n: int) -> list[int]:
    """So many numbers of starting positions but that of chess, far from each other; after 959 they come again."""
    others = [number for number in range(960) if number != STANDARD]
    return [others[_STEP * k % len(others)] for k in range(n)]
