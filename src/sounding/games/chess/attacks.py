"""What pieces attack. Compiled.

Sliding pieces by hyperbola quintessence (G. Isenberg, A. Loefenberg): subtracting a slider from the occupied squares of
its line changes all bits up to the first blocker; the other way is the same on the mirrored board. Ranks, which a
mirror of bytes leaves as they are, are read from a table of one rank. The tables fit in four kilobytes.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sounding.games.chess.bits import Bits, bit, lowest, mirrored, number
from sounding.games.chess.layout import (
    BISHOP,
    COLOURS,
    KING,
    KNIGHT,
    PAWN,
    QUEEN,
    ROOK,
    TURN,
    Boards,
)
from sounding.games.compiled import lean


def _table(reaches: Callable[[int, int], bool]) -> NDArray[np.uint64]:
    """[64]: the squares so many files and ranks away that are reached from each."""
    found = np.zeros(64, np.uint64)
    for square in range(64):
        for other in range(64):
            if other != square and reaches(other % 8 - square % 8, other // 8 - square // 8):
                found[square] |= np.uint64(1) << np.uint64(other)
    return found


def _rank_table() -> NDArray[np.uint8]:
    """[64 · 8]: what a rook on a file attacks along its rank, by the six inner squares that are occupied."""
    found = np.zeros(64 * 8, np.uint8)
    for inner in range(64):
        for file in range(8):
            for step in (-1, 1):
                at = file + step
                while 0 <= at < 8:
                    found[inner * 8 + file] |= 1 << at
                    if (inner << 1) >> at & 1:
                        break
                    at += step
    return found


KNIGHT_ATTACKS = _table(lambda x, y: abs(x * y) == 2)
KING_ATTACKS = _table(lambda x, y: max(abs(x), abs(y)) == 1)
PAWN_ATTACKS = np.stack([_table(lambda x, y: abs(x) == 1 and y == 1), _table(lambda x, y: abs(x) == 1 and y == -1)])
"""[2, 64]: of a white and of a black pawn."""
_RISING = _table(lambda x, y: x == y)
_FALLING = _table(lambda x, y: x == -y)
_FILE = _table(lambda x, y: x == 0)
_RANK = _rank_table()


@lean
def _along(piece: Bits, occupied: Bits, line: Bits) -> Bits:
    """What a slider attacks along a line, which is no rank and is without its own square."""
    forward = occupied & line
    backward = mirrored(forward)
    forward -= piece << np.uint64(1)
    backward -= mirrored(piece) << np.uint64(1)
    return (forward ^ mirrored(backward)) & line


@lean
def bishop_attacks(square: int, occupied: Bits) -> Bits:
    """What a bishop attacks, up to the first occupied square in each direction and with it."""
    piece = bit(square)
    return _along(piece, occupied, _RISING[square]) | _along(piece, occupied, _FALLING[square])


@lean
def rook_attacks(square: int, occupied: Bits) -> Bits:
    """What a rook attacks, up to the first occupied square in each direction and with it."""
    shift = np.uint64(square & 56)
    inner = number((occupied >> (shift + np.uint64(1))) & np.uint64(63))
    rank = np.uint64(_RANK[inner * 8 + (square & 7)]) << shift
    return rank | _along(bit(square), occupied, _FILE[square])


@lean
def queen_attacks(square: int, occupied: Bits) -> Bits:
    """What a queen attacks."""
    return bishop_attacks(square, occupied) | rook_attacks(square, occupied)


@lean
def attackers(boards: Boards, n: int, square: int, occupied: Bits) -> Bits:
    """The pieces of both colours that attack a square, were these squares occupied."""
    queens = boards[n, QUEEN]
    found = KNIGHT_ATTACKS[square] & boards[n, KNIGHT]
    found |= KING_ATTACKS[square] & boards[n, KING]
    found |= PAWN_ATTACKS[1, square] & boards[n, PAWN] & boards[n, COLOURS]
    found |= PAWN_ATTACKS[0, square] & boards[n, PAWN] & boards[n, COLOURS + 1]
    found |= bishop_attacks(square, occupied) & (boards[n, BISHOP] | queens)
    found |= rook_attacks(square, occupied) & (boards[n, ROOK] | queens)
    return found


@lean
def is_attacked(boards: Boards, n: int, square: int, by: int, occupied: Bits) -> bool:
    """Whether a piece of this colour that stands on one of these `occupied` squares attacks the square."""
    theirs = boards[n, COLOURS + by] & occupied
    if KNIGHT_ATTACKS[square] & boards[n, KNIGHT] & theirs:
        return True
    if PAWN_ATTACKS[1 - by, square] & boards[n, PAWN] & theirs:
        return True
    if KING_ATTACKS[square] & boards[n, KING] & theirs:
        return True
    diagonal = (boards[n, BISHOP] | boards[n, QUEEN]) & theirs
    if diagonal and bishop_attacks(square, occupied) & diagonal:
        return True
    straight = (boards[n, ROOK] | boards[n, QUEEN]) & theirs
    return bool(straight and rook_attacks(square, occupied) & straight)


@lean
def king_of(boards: Boards, n: int, colour: int) -> int:
    """The square of a king."""
    return lowest(boards[n, KING] & boards[n, COLOURS + colour])


@lean
def in_check(boards: Boards, n: int) -> bool:
    """Whether the king of the player to move is attacked."""
    turn = number(boards[n, TURN])
    occupied = boards[n, COLOURS] | boards[n, COLOURS + 1]
    return is_attacked(boards, n, king_of(boards, n, turn), 1 - turn, occupied)
