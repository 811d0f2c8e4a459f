"""What a move changes. Compiled.

make         a legal move, from row n to row m, which may be the same
make_null    no move: the other player is to move
piece_on     what stands on a square
"""

from __future__ import annotations

import numpy as np

from sounding.games.chess.attacks import PAWN_ATTACKS
from sounding.games.chess.bits import Bits, bit, lowest, number, rest
from sounding.games.chess.layout import (
    BISHOP,
    BOARD_WORDS,
    CASTLES,
    CASTLING,
    CLOCK,
    COLOURS,
    EN_PASSANT,
    KEY,
    KING,
    KNIGHT,
    NOTHING,
    PAWN,
    PLY,
    QUEEN,
    ROOK,
    TAKES_EN_PASSANT,
    TO_KNIGHT,
    TO_QUEEN,
    TURN,
    Boards,
)
from sounding.games.chess.moves import en_passant_is_safe
from sounding.games.chess.zobrist import EN_PASSANT_KEYS, PIECE_KEYS, TURN_KEY, castling_key
from sounding.games.compiled import lean


@lean
def piece_on(boards: Boards, n: int, square: int) -> int:
    """The kind of the piece on a square, of either colour; NOTHING where it is empty.

    Its three binary digits are read one by one: which piece it is cannot be foretold by a processor, and need not be.
    """
    empty = ~(boards[n, COLOURS] | boards[n, COLOURS + 1])
    ones = boards[n, KNIGHT] | boards[n, ROOK] | boards[n, KING]
    twos = boards[n, BISHOP] | boards[n, ROOK] | empty
    fours = boards[n, QUEEN] | boards[n, KING] | empty
    here, one = np.uint64(square), np.uint64(1)
    return number(ones >> here & one) | number(twos >> here & one) << 1 | number(fours >> here & one) << 2


@lean
def _turn_over(boards: Boards, n: int, square: int, kind: int, colour: int) -> None:
    """Put a piece on a square, or take it away, with its part of the key."""
    here = bit(square)
    boards[n, kind] ^= here
    boards[n, COLOURS + colour] ^= here
    boards[n, KEY] ^= PIECE_KEYS[colour * 6 + kind, square]


@lean
def make(boards: Boards, n: int, m: int, move: int) -> None:
    """Row m becomes row n after a legal move; m may be n. Words beyond those of a board are left alone."""
    if m != n:
        for word in range(BOARD_WORDS):
            boards[m, word] = boards[n, word]
    turn = number(boards[m, TURN])
    origin, target, kind = number(move) & 63, number(move) >> 6 & 63, number(move) >> 12
    moved = piece_on(boards, m, origin)

    boards[m, CLOCK] += np.uint64(1)
    if kind == CASTLES:
        _castle(boards, m, origin, target, turn)
    else:
        taken = piece_on(boards, m, target)
        if taken != NOTHING:
            _turn_over(boards, m, target, taken, 1 - turn)
            boards[m, CLOCK] = 0
        _turn_over(boards, m, origin, moved, turn)
        _turn_over(boards, m, target, kind if TO_KNIGHT <= kind <= TO_QUEEN else moved, turn)

    lost = boards[m, CASTLING] & (bit(origin) | bit(target))
    if moved == KING:
        lost |= boards[m, CASTLING] & _first_rank(turn)
    if lost:
        boards[m, CASTLING] ^= lost
        boards[m, KEY] ^= castling_key(lost)
    if boards[m, EN_PASSANT]:
        boards[m, KEY] ^= EN_PASSANT_KEYS[lowest(boards[m, EN_PASSANT])]
        boards[m, EN_PASSANT] = 0
    boards[m, TURN] = 1 - turn
    boards[m, KEY] ^= TURN_KEY
    boards[m, PLY] += np.uint64(1)
    if moved == PAWN:
        boards[m, CLOCK] = 0
        behind = target - 8 + 16 * turn
        if kind == TAKES_EN_PASSANT:
            _turn_over(boards, m, behind, PAWN, 1 - turn)
        elif (origin ^ target) == 16:
            offer_en_passant(boards, m, behind)


@lean
def make_null(boards: Boards, n: int, m: int) -> None:
    """Row m becomes row n with the other player to move, as a search asks about it; m may be n."""
    if m != n:
        for word in range(BOARD_WORDS):
            boards[m, word] = boards[n, word]
    if boards[m, EN_PASSANT]:
        boards[m, KEY] ^= EN_PASSANT_KEYS[lowest(boards[m, EN_PASSANT])]
        boards[m, EN_PASSANT] = 0
    boards[m, TURN] ^= np.uint64(1)
    boards[m, KEY] ^= TURN_KEY
    boards[m, CLOCK] += np.uint64(1)
    boards[m, PLY] += np.uint64(1)


@lean
def _first_rank(turn: int) -> Bits:
    return np.uint64(0xFF) if turn == 0 else np.uint64(0xFF00_0000_0000_0000)


@lean
def _castle(boards: Boards, n: int, king: int, rook: int, turn: int) -> None:
    """King and rook go to their squares, which may be each other's."""
    corner = king & 56
    king_goes, rook_goes = (corner + 6, corner + 5) if rook > king else (corner + 2, corner + 3)
    _turn_over(boards, n, king, KING, turn)
    _turn_over(boards, n, rook, ROOK, turn)
    _turn_over(boards, n, king_goes, KING, turn)
    _turn_over(boards, n, rook_goes, ROOK, turn)


@lean
def offer_en_passant(boards: Boards, n: int, behind: int) -> None:
    """Note the square behind a pawn that has gone two steps, if the player to move may take it there."""
    turn = number(boards[n, TURN])
    takers = PAWN_ATTACKS[1 - turn, behind] & boards[n, PAWN] & boards[n, COLOURS + turn]
    while takers:
        if en_passant_is_safe(boards, n, lowest(takers), behind):
            boards[n, EN_PASSANT] = bit(behind)
            boards[n, KEY] ^= EN_PASSANT_KEYS[behind]
            return
        takers = rest(takers)
