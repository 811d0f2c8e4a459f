"""Static exchange evaluation: what a series of captures on one square comes to. Compiled."""

from __future__ import annotations

import numpy as np

from sounding.games.chess.attacks import attackers, bishop_attacks, rook_attacks
from sounding.games.chess.bits import bit, lowest, number
from sounding.games.chess.layout import (
    BISHOP,
    CASTLES,
    COLOURS,
    KING,
    NOTHING,
    PAWN,
    QUEEN,
    ROOK,
    TAKES_EN_PASSANT,
    TO_QUEEN,
    TURN,
    Boards,
)
from sounding.games.chess.making import piece_on
from sounding.games.compiled import lean

VALUES = np.array([100, 320, 330, 500, 950, 20_000, 0], np.int64)
"""Centipawns of pawn, knight, bishop, rook, queen, king, nothing."""


@lean
def gains(boards: Boards, n: int, move: int, least: int) -> bool:
    """Whether a legal move wins at least so many centipawns when both then take on its square as long as it pays."""
    origin, target, kind = number(move) & 63, number(move) >> 6 & 63, number(move) >> 12
    if kind == CASTLES:
        return least <= 0
    turn = number(boards[n, TURN])
    standing = piece_on(boards, n, origin)
    taken = PAWN if kind == TAKES_EN_PASSANT else piece_on(boards, n, target)
    balance = VALUES[taken] - least
    if kind == TO_QUEEN:
        standing = QUEEN
        balance += VALUES[QUEEN] - VALUES[PAWN]
    if balance < 0:
        return False
    balance = VALUES[standing] - balance
    if balance <= 0:
        return True
    occupied = (boards[n, COLOURS] | boards[n, COLOURS + 1]) & ~bit(origin) | bit(target)
    if kind == TAKES_EN_PASSANT:
        occupied &= ~bit(target - 8 + 16 * turn)
    diagonal, straight = boards[n, BISHOP] | boards[n, QUEEN], boards[n, ROOK] | boards[n, QUEEN]
    around = attackers(boards, n, target, occupied)
    side, wins = turn, True
    while True:
        side = 1 - side
        around &= occupied
        mine = around & boards[n, COLOURS + side]
        if not mine:
            return wins
        wins = not wins
        piece = PAWN
        while not mine & boards[n, piece]:
            piece += 1
        if piece == KING:
            # A king takes only what nobody defends.
            return not wins if around & boards[n, COLOURS + 1 - side] else wins
        balance = VALUES[piece] - balance
        if balance < (1 if wins else 0):
            return wins
        occupied ^= bit(lowest(mine & boards[n, piece]))
        if piece in (PAWN, BISHOP, QUEEN):
            around |= bishop_attacks(target, occupied) & diagonal
        if piece in (ROOK, QUEEN):
            around |= rook_attacks(target, occupied) & straight


@lean
def victim(boards: Boards, n: int, move: int) -> int:
    """The kind of the piece that a move takes; NOTHING where it takes none."""
    kind = number(move) >> 12
    if kind == CASTLES:
        return NOTHING
    return PAWN if kind == TAKES_EN_PASSANT else piece_on(boards, n, number(move) >> 6 & 63)
