"""A position of chess as words of 64 bits, and its parts.

    words  0 … 5     the pieces of both colours, by kind: pawns, knights, bishops, rooks, queens, kings
           6, 7      the pieces of White, of Black
           8         who is to move: 0 White, 1 Black
           9         rooks that may still castle, as a set of squares: the same for Chess960
          10         the square behind a pawn that has just gone two steps, where it can be taken; else 0
          11         half-moves since the last capture or pawn's move
          12         half-moves since the game began: 0 before White's first
          13         the key (Zobrist 1970) of all this but the two counts
          14         what is known of the game, copied by each move: `about`
          15         the two moves that led here, the last one in the low 16 bits; 0: not known. Games write it, a
                     search's boards copy it

These 16 words are a *board*. All compiled functions take `boards` [rows, words ≥ 16] of uint64 and the number of a row,
so that a search's stack of boards and a batch of games are the same to them. A game's position goes on:

          16         how the game has ended: `END`
          17         how often the position was there before
          18         the half-move count (word 11) of the first key that is known
          19         squares that the solution of a puzzle touches
          20 …       the keys of the positions since the last capture or pawn's move, by word 11
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Boards = NDArray[np.uint64]
Moves = NDArray[np.uint16]

PAWN, KNIGHT, BISHOP, ROOK, QUEEN, KING = range(6)
NOTHING = 6
"""What stands on an empty square."""
WHITE, BLACK = 0, 1

COLOURS = 6
TURN, CASTLING, EN_PASSANT, CLOCK, PLY, KEY, ABOUT, LAST = 8, 9, 10, 11, 12, 13, 14, 15
BOARD_WORDS = 16
END, REPEATS, SINCE = 16, 17, 18
HISTORY = 20
LONGEST = 150
"""Half-moves without a capture or a pawn's move after which every game is over (FIDE 9.6.2)."""

RECORD = np.dtype(
    [
        ("pieces", np.uint64, 6),
        ("colours", np.uint64, 2),
        ("turn", np.uint64),
        ("castling", np.uint64),
        ("en_passant", np.uint64),
        ("clock", np.uint64),
        ("ply", np.uint64),
        ("key", np.uint64),
        ("about", np.uint64),
        ("last", np.uint64),
        ("end", np.uint64),
        ("repeats", np.uint64),
        ("since", np.uint64),
        ("marked", np.uint64),
        ("history", np.uint64, LONGEST + 2),
    ]
)
WORDS = RECORD.itemsize // 8

MOST_MOVES = 256
"""Room for the moves of a position: the most that is known is 218."""

# ---- a move: from | to << 6 | kind << 12, in 16 bits

PLAIN, TO_KNIGHT, TO_BISHOP, TO_ROOK, TO_QUEEN, CASTLES, TAKES_EN_PASSANT = range(7)
"""Kinds of moves. One to a queen, say, is a promotion; the number of the piece is that of the kind."""

# ---- how a game ends

GOES_ON, CHECKMATE, STALEMATE, DEAD, REPEATED, UNPROGRESSIVE = range(6)
REASONS = (
    "",
    "checkmate",
    "stalemate",
    "insufficient material",
    "repetition",
    "no capture or pawn's move for so long",
)
