"""Moves as actions of a fixed number: 73 planes of 64 squares (Silver et al. 2018, AlphaZero), seen by the mover.

    action = plane · 64 + the square that the piece leaves

    planes   0 … 55   direction · 7 + distance − 1: forward, and on clockwise in steps of 45°; also castling (to the
                      square of the own rook) and promotion to a queen
            56 … 63   the knight's moves, clockwise from two forward and one right
            64 … 72   promotion to knight, bishop, rook: (file + 1) · 3 + piece, file −1, 0, 1 to the right

Squares of an action are counted from the top left as the player to move sees the board: his own first rank is the
bottom row, and for both players the a-file is at the left. Compiled.
"""

from __future__ import annotations

import numpy as np

from sounding.games.chess.bits import number
from sounding.games.chess.layout import TO_QUEEN, WHITE
from sounding.games.compiled import lean

PLANES = 73
ACTIONS = PLANES * 64
UNDERPROMOTIONS = 64

DIRECTIONS = ((0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1))
KNIGHT_STEPS = ((1, 2), (2, 1), (2, -1), (1, -2), (-1, -2), (-2, -1), (-2, 1), (-1, 2))
STEPS = np.array([(x * k, y * k) for x, y in DIRECTIONS for k in range(1, 8)] + list(KNIGHT_STEPS), np.int64)
"""[64, 2]: files to the right and ranks forward, of each plane but the last."""

_PLANE = np.full(15 * 15, -1, np.int64)
"""By (ranks forward + 7) · 15 + files to the right + 7."""
for _plane, (_x, _y) in enumerate(STEPS.tolist()):
    _PLANE[(_y + 7) * 15 + _x + 7] = _plane


@lean
def seen(square: int, turn: int) -> int:
    """The number of a square from the top left, as a player sees the board; and back."""
    return square ^ 56 if turn == WHITE else square


@lean
def action_of(move: int, turn: int) -> int:
    """The action of a move, which this player makes."""
    origin, target, kind = number(move) & 63, number(move) >> 6 & 63, number(move) >> 12
    files = (target & 7) - (origin & 7)
    ranks = ((target >> 3) - (origin >> 3)) * (1 - 2 * turn)
    plane = _PLANE[(ranks + 7) * 15 + files + 7]
    if 1 <= kind < TO_QUEEN:
        plane = UNDERPROMOTIONS + (files + 1) * 3 + kind - 1
    return plane * 64 + seen(origin, turn)


def steps_of(action: int) -> tuple[int, int, int, int]:
    """Row and column from the top left that an action leaves, and where it goes: maybe beyond the board."""
    plane, square = divmod(action, 64)
    row, column = divmod(square, 8)
    files, ranks = STEPS[plane] if plane < UNDERPROMOTIONS else ((plane - UNDERPROMOTIONS) // 3 - 1, 1)
    return row, column, row - int(ranks), column + int(files)
