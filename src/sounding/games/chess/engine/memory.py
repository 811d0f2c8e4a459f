"""What a search works with: one record, so that compiled functions are given it as one argument.

Legend of shapes: `PLIES` half-moves from the root. A piece with a square (`placed`) is kind · 64 + square, from 0 to
383.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sounding.games.chess.layout import LONGEST, MOST_MOVES

PLIES = 128
"""The deepest that a line goes."""
MATE = 32_000
"""The score of a mate, less the half-moves to it."""
MATES = MATE - PLIES
"""Scores from here on are mates."""
PLACES = 6 * 64
NO_MOVE = 0
"""No legal move is from a1 to a1."""

WORK = np.dtype(
    [
        ("stop", np.int64),  # set by whoever wants the search to end
        ("nodes", np.int64),
        ("most_nodes", np.int64),
        ("deepest", np.int64),
        ("age", np.int64),  # of the entries that this search writes
        ("selective", np.int64),  # 0: every line is searched to the same depth, and judged there, as plain minimax does
        ("limited", np.int64),  # 1: not all legal moves may be played at the root
        ("root_score", np.int64),  # of line 0, as soon as it is known
        ("root_count", np.int64),
        ("root_moves", np.uint16, MOST_MOVES),  # that may be played, those first that are tried first
        ("past", np.uint64, LONGEST + 2),  # keys of the game, by half-moves since the last capture or pawn's move
        ("past_from", np.int64),  # the first of them that is known
        ("line", np.uint16, (PLIES + 1, PLIES + 1)),  # [ply, …]: the best moves from there on
        ("line_length", np.int64, PLIES + 1),
        ("static", np.int64, PLIES + 2),  # how each position of the line was judged
        ("placed", np.int64, PLIES + 2),  # [ply]: the piece that moved to get there, and where it went; −1: none
        ("killers", np.uint16, (PLIES + 2, 2)),  # quiet moves that refuted another line, by half-moves from the root
        ("ranks", np.int32, PLIES * MOST_MOVES),  # of the moves beside them
        ("history", np.int16, (2, 64, 64)),  # [player, from, to]: how often a quiet move was the best
        ("replies", np.int16, (2, PLACES, PLACES)),  # [1 or 2 half-moves before, placed, placed]: the same, after it
    ],
    align=True,
)
Work = NDArray[np.void]


def new_work() -> Work:
    """[1]: nothing is remembered."""
    work = np.zeros(1, WORK)
    work["placed"], work["selective"] = -1, 1
    return work


def forget_lines(work: Work) -> None:
    """What belongs to one search goes; what was learnt of moves stays, half as heavy."""
    for name in ("stop", "nodes", "deepest", "line_length", "killers", "static"):
        work[name] = 0
    work["placed"] = -1
    for name in ("history", "replies"):
        work[name] //= 2
