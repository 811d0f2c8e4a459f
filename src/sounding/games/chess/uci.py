"""Moves as UCI writes them: from, to, and the piece of a promotion: e2e4, e7e8q; castling e1g1, in Chess960 e1h1.

Source: the UCI protocol (S. Meyer-Kahlen 2006), with UCI_Chess960.
"""

from __future__ import annotations

import functools
import re

import numpy as np

from sounding.games.chess import layout
from sounding.games.chess.actions import UNDERPROMOTIONS, action_of, seen, steps_of
from sounding.games.chess.moves import generate

FILES = "abcdefgh"
_MOVE = re.compile(r"[a-h][1-8][a-h][1-8][nbrq]?", re.ASCII)
PROMOTIONS = {layout.TO_KNIGHT: "n", layout.TO_BISHOP: "b", layout.TO_ROOK: "r", layout.TO_QUEEN: "q"}


def square_name(square: int) -> str:
    """A square from 0 (a1) to 63 (h8)."""
    return f"{FILES[square % 8]}{square // 8 + 1}"


def legal_moves(position: np.void) -> list[int]:
    """The codes of the legal moves of a board, also where a draw has ended the game."""
    boards = np.array([position], layout.RECORD).view(np.uint64).reshape(1, -1)
    moves = np.empty(layout.MOST_MOVES, np.uint16)
    return moves[: generate(boards, 0, moves, 0)].tolist()


def move_text(move: int, chess960: bool = False) -> str:
    """The code of a move as UCI writes it."""
    origin, target, kind = move & 63, move >> 6 & 63, move >> 12
    if kind == layout.CASTLES and not chess960:
        target = (origin & 56) + (6 if target > origin else 2)
    return square_name(origin) + square_name(target) + PROMOTIONS.get(kind, "")


@functools.cache
def written_code(word: str) -> int:
    """A move as it is written, as a number: from | to << 6 | piece << 12; −1 for what is no move."""
    if not is_move(word):
        return -1
    word = word.strip().lower()
    origin, target = (FILES.index(word[at]) + 8 * int(word[at + 1]) - 8 for at in (0, 2))
    return origin | target << 6 | (0, *PROMOTIONS)[("", *PROMOTIONS.values()).index(word[4:])] << 12


def is_move(text: str) -> bool:
    """Whether a text has the form of a move in UCI, legal or not."""
    return _MOVE.fullmatch(text.strip().lower()) is not None


def move_of(text: str, position: np.void) -> int:
    """The code of the legal move that a text stands for; castling is read in both ways of writing.

    Raises ValueError for a text that is no move, and for one that is not legal.
    """
    word = text.strip().lower()
    if not is_move(word):
        raise ValueError(f"{text[:20]!r} is no move: they are written e2e4, or e7e8q for a promotion")
    moves = legal_moves(position)
    for chess960 in (False, True):
        for move in moves:
            if move_text(move, chess960) == word:
                return move
    raise ValueError(f"{word} is not legal")


def written(action: int, position: np.void, chess960: bool = False) -> str:
    """An action as UCI writes it, also where it is not legal."""
    turn = int(position["turn"])
    for move in legal_moves(position):
        if action_of(move, turn) == action:
            return move_text(move, chess960)
    row, column, to_row, to_column = steps_of(action)
    if not (0 <= to_row < 8 and 0 <= to_column < 8):
        return f"action {action}"
    names = [square_name(int(seen(8 * r + c, turn))) for r, c in ((row, column), (to_row, to_column))]
    plane = action // 64
    promoted = PROMOTIONS[(plane - UNDERPROMOTIONS) % 3 + 1] if plane >= UNDERPROMOTIONS else ""
    return "".join(names) + promoted
