"""What the network sees: 768 features for each of the two sides, one of each piece on each square.

    feature = (0 own, 1 the other's) · 384 + kind · 64 + square

A side sees the board from its own first rank, and mirrored where its king is on the files a to d: so the king is always
on e to h, and what is learnt of one wing holds for the other. Compiled.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sounding.games.chess.attacks import king_of
from sounding.games.chess.bits import lowest, number, popcount, rest
from sounding.games.chess.layout import COLOURS, KING, TURN, Boards
from sounding.games.compiled import compiled, lean

FEATURES = 768
BUCKETS = 8


@lean
def turn_of(boards: Boards, n: int, side: int) -> int:
    """What squares are changed by, with an exclusive or, to be seen by a side."""
    mirrored = (king_of(boards, n, side) & 7) < 4
    return 56 * side + (7 if mirrored else 0)


@lean
def feature(kind: int, colour: int, square: int, side: int, turned: int) -> int:
    """The number of a piece on a square, as a side sees it; `turned` is that of `turn_of`."""
    return (colour ^ side) * 384 + kind * 64 + (square ^ turned)


@lean
def bucket(boards: Boards, n: int) -> int:
    """Which of the output layers judges the position: by the number of pieces, four a bucket."""
    return (popcount(boards[n, COLOURS] | boards[n, COLOURS + 1]) - 1) >> 2


@compiled
def dense(boards: Boards, rows: NDArray[np.int64], inputs: NDArray[np.uint8], buckets: NDArray[np.int64]) -> None:
    """What the network is given of some rows: `inputs` [N, 2, 768], `buckets` [N] their output layers.

    Of inputs those of the side to move come first; they are 1 where a feature is there.
    """
    for k in range(len(rows)):
        n = rows[k]
        turn = number(boards[n, TURN])
        buckets[k] = bucket(boards, n)
        for seen_by in range(2):
            side = turn ^ seen_by
            turned = turn_of(boards, n, side)
            inputs[k, seen_by] = 0
            for colour in range(2):
                for kind in range(KING + 1):
                    pieces = boards[n, kind] & boards[n, COLOURS + colour]
                    while pieces:
                        inputs[k, seen_by, feature(kind, colour, lowest(pieces), side, turned)] = 1
                        pieces = rest(pieces)
