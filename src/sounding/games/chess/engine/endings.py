"""Endings that one side cannot win, or hardly, though it has more: what the network, trained on games, has seldom seen.

The score is taken nearer to a draw, as Stockfish's classical evaluation did (its scale factors, of 64):

    no pawn and little more     a rook and a bishop against a rook, a rook against a knight, one piece alone
    bishops of opposite colour  and nothing but pawns beside them
    the wrong corner            pawns of the outermost file alone, a bishop that does not reach their last square
    few pawns                   what is exchanged is missing for a win

Compiled.
"""

from __future__ import annotations

import numpy as np

from sounding.games.chess.attacks import KING_ATTACKS, king_of
from sounding.games.chess.bits import Bits, bit, number, popcount
from sounding.games.chess.engine.exchanges import VALUES
from sounding.games.chess.layout import BISHOP, COLOURS, KING, KNIGHT, PAWN, QUEEN, ROOK, TURN, Boards
from sounding.games.compiled import lean

WHOLE = 64
MOST_PIECES = 14
"""With more on the board no ending is looked for."""
DARK = np.uint64(0xAA55_AA55_AA55_AA55)
A_FILE, H_FILE = np.uint64(0x0101_0101_0101_0101), np.uint64(0x8080_8080_8080_8080)


@lean
def attainable(boards: Boards, n: int, score: int) -> int:
    """What of a score for the player to move can be hoped for."""
    if score == 0 or popcount(boards[n, COLOURS] | boards[n, COLOURS + 1]) > MOST_PIECES:
        return score
    turn = number(boards[n, TURN])
    return score * _share(boards, n, turn if score > 0 else 1 - turn) // WHOLE


@lean
def _share(boards: Boards, n: int, ahead: int) -> int:
    """Of `WHOLE`, for the side that is ahead."""
    own, other = boards[n, COLOURS + ahead], boards[n, COLOURS + 1 - ahead]
    pieces = own & ~(boards[n, PAWN] | boards[n, KING])
    theirs = other & ~(boards[n, PAWN] | boards[n, KING])
    pawns = own & boards[n, PAWN]
    if not pawns:
        return _without_pawns(boards, n, pieces, theirs)
    bishop = pieces & boards[n, BISHOP]
    if pieces == bishop and _holds_corner(boards, n, ahead, bishop, pawns):
        return 1
    share = min(WHOLE, 40 + 8 * popcount(pawns))
    if bishop and pieces == bishop and theirs and theirs & ~boards[n, BISHOP] == 0:
        opposite = (not bishop & DARK and not theirs & ~DARK) or (not bishop & ~DARK and not theirs & DARK)
        if opposite:
            more = popcount(pawns) - popcount(other & boards[n, PAWN])
            share = min(share, 16 + 6 * max(more, 0))
    return share


@lean
def _without_pawns(boards: Boards, n: int, pieces: Bits, theirs: Bits) -> int:
    worth, held = _material(boards, n, pieces), _material(boards, n, theirs)
    if worth - held > VALUES[BISHOP]:
        return 4 if pieces & ~boards[n, KNIGHT] == 0 and popcount(pieces) == 2 else WHOLE
    if worth < VALUES[ROOK]:
        return 1
    return 4 if held <= VALUES[BISHOP] else 14


@lean
def _material(boards: Boards, n: int, pieces: Bits) -> int:
    found = 0
    for kind in range(KNIGHT, QUEEN + 1):
        found += VALUES[kind] * popcount(pieces & boards[n, kind])
    return found


@lean
def _holds_corner(boards: Boards, n: int, ahead: int, bishop: Bits, pawns: Bits) -> bool:
    """Whether all pawns are of an outermost file, no bishop reaches its last square, and the other's king is there."""
    if pawns & ~A_FILE and pawns & ~H_FILE:
        return False
    corner = bit((56 if ahead == 0 else 0) + (7 if pawns & H_FILE else 0))
    reached = bishop & DARK if corner & DARK else bishop & ~DARK
    king = king_of(boards, n, 1 - ahead)
    return not reached and (bit(king) | KING_ATTACKS[king]) & corner != 0
