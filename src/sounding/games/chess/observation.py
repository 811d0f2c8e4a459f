"""What a network is given of a position of chess. Compiled, over arrays of positions.

The board is seen by the player to move: his own first rank is the bottom row; the a-file is at the left for both.

    planes   0 … 5    his pawns, knights, bishops, rooks, queens, king
             6 … 11   the other's
             12       rooks that may still castle, of both
             13       where he can take en passant
             14       everywhere: half-moves since the last capture or pawn's move, in hundreds
             15, 16   everywhere: the position was there before; it was twice
             17       everywhere 1, by which a network that pads with zeros sees the edge
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sounding.games.chess.actions import seen
from sounding.games.chess.bits import lowest, number, rest
from sounding.games.chess.layout import CASTLING, CLOCK, COLOURS, EN_PASSANT, KING, REPEATS, TURN, Boards
from sounding.games.compiled import compiled

PLANES = 18
_OF_CASTLING, _OF_EN_PASSANT, _OF_CLOCK, _OF_REPEATS, _OF_EDGE = 12, 13, 14, 15, 17


@compiled
def _mark(plane: NDArray[np.float32], squares: np.uint64, turn: int) -> None:
    while squares:
        plane[seen(lowest(squares), turn)] = 1
        squares = rest(squares)


@compiled
def observe(boards: Boards, out: NDArray[np.float32]) -> None:
    """Fill `out` [N, planes, 64], which is zero."""
    for n in range(len(boards)):
        turn, planes = number(boards[n, TURN]), out[n]
        for kind in range(KING + 1):
            _mark(planes[kind], boards[n, kind] & boards[n, COLOURS + turn], turn)
            _mark(planes[6 + kind], boards[n, kind] & boards[n, COLOURS + 1 - turn], turn)
        _mark(planes[_OF_CASTLING], boards[n, CASTLING], turn)
        _mark(planes[_OF_EN_PASSANT], boards[n, EN_PASSANT], turn)
        planes[_OF_CLOCK, :] = np.float32(boards[n, CLOCK]) / np.float32(100)
        planes[_OF_REPEATS, :] = boards[n, REPEATS] > 0
        planes[_OF_REPEATS + 1, :] = boards[n, REPEATS] > 1
        planes[_OF_EDGE, :] = 1
