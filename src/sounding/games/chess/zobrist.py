"""The key of a board: the exclusive or of a number for each thing that it has (Zobrist 1970). Compiled.

Boards have the same key where the same pieces stand on the same squares, the same player is to move, and the same moves
are possible (FIDE 9.2.3): a square of en passant is in a board only if a pawn can be taken there.
"""

from __future__ import annotations

import numpy as np

from sounding.games.chess.bits import Bits, lowest, rest
from sounding.games.chess.layout import CASTLING, COLOURS, EN_PASSANT, KING, TURN, Boards
from sounding.games.compiled import lean
from sounding.games.hashes import mixed

_NUMBERS = np.array([mixed(np.uint64(0x5EED_0000 + k)) for k in range(12 * 64 + 64 + 64 + 1)], np.uint64)
PIECE_KEYS = _NUMBERS[:768].reshape(12, 64).copy()
"""[colour · 6 + kind, square]."""
CASTLING_KEYS = _NUMBERS[768:832].copy()
"""[square of a rook]."""
EN_PASSANT_KEYS = _NUMBERS[832:896].copy()
"""[square]."""
TURN_KEY = _NUMBERS[896]
"""Black is to move."""


@lean
def castling_key(rooks: Bits) -> Bits:
    """The part of a key for rooks that may castle."""
    key = np.uint64(0)
    while rooks:
        key ^= CASTLING_KEYS[lowest(rooks)]
        rooks = rest(rooks)
    return key


@lean
def key_of(boards: Boards, n: int) -> Bits:
    """The key of row n, from the beginning; moves keep it in word KEY."""
    key = castling_key(boards[n, CASTLING])
    for colour in range(2):
        for kind in range(KING + 1):
            pieces = boards[n, kind] & boards[n, COLOURS + colour]
            while pieces:
                key ^= PIECE_KEYS[colour * 6 + kind, lowest(pieces)]
                pieces = rest(pieces)
    if boards[n, EN_PASSANT]:
        key ^= EN_PASSANT_KEYS[lowest(boards[n, EN_PASSANT])]
    if boards[n, TURN]:
        key ^= TURN_KEY
    return key
