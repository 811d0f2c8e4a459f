"""Positions with other pieces on their squares: what a model is asked about, whether or not play could lead there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sounding.games.chess import layout
from sounding.games.chess.layout import KING, KNIGHT, PAWN, ROOK
from sounding.games.chess.zobrist import key_of
from sounding.games.game import Positions

LAST_RANKS = np.uint64(0xFF00_0000_0000_00FF)


def sets_of(squares: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """[N]: the sets of the squares [N, 8, 8] that are true, the eighth rank first."""
    ranks = np.packbits(np.ascontiguousarray(squares[:, ::-1]), axis=2, bitorder="little")
    return np.ascontiguousarray(ranks.reshape(len(squares), 8)).view(np.uint64)[:, 0]


def arrange(found: Positions, stones: NDArray[np.int8], movers: NDArray[np.integer] | None) -> None:
    """Let the positions have these `stones` [N, 8, 8] and `movers` [N], in place; the game goes on.

    A square without a stone is empty; a stone of the other colour is the same piece of the other player; one where
    nothing was is a pawn, and on the first and last ranks a knight. Kings stay. Rights to castle go with their rooks;
    what changed has no en passant, no moves that led there, and nothing was there before.
    """
    before = found["colours"].copy()
    kings, old = found["pieces"][:, KING], before[:, 0] | before[:, 1]
    for colour, sign in enumerate((1, -1)):
        found["colours"][:, colour] = (sets_of(stones == sign) & ~kings) | (kings & before[:, colour])
    now = found["colours"][:, 0] | found["colours"][:, 1]
    found["pieces"] &= now[:, None]
    new = now & ~old
    found["pieces"][:, PAWN] |= new & ~LAST_RANKS
    found["pieces"][:, KNIGHT] |= new & LAST_RANKS
    same = (found["colours"] & before).sum(axis=1, dtype=np.uint64)
    found["castling"] &= same & found["pieces"][:, ROOK]
    changed = (found["colours"] != before).any(axis=1)
    if movers is not None:
        changed |= found["turn"] != movers
        found["turn"] = movers
    found["end"] = layout.GOES_ON
    found["en_passant"][changed] = 0
    found["last"][changed] = 0
    found["repeats"][changed] = 0
    forget(found, np.flatnonzero(changed))


def forget(found: Positions, rows: NDArray[np.intp]) -> None:
    """Let the keys of these rows be those of their boards, and nothing be known of what was there before; in place."""
    boards = found.view(np.uint64).reshape(len(found), layout.WORDS)
    for n in rows.tolist():
        boards[n, layout.KEY] = key_of(boards, n)
        boards[n, layout.SINCE] = boards[n, layout.CLOCK]
        boards[n, layout.HISTORY + min(int(boards[n, layout.CLOCK]), layout.LONGEST)] = boards[n, layout.KEY]
