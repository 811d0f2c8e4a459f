"""Moves as people write them: standard algebraic notation, read and written.

    e4  Nf3  exd5  Nbd7  R1xa3  O-O  O-O-O  e8=Q  Qxf7#

Reading is lenient, as files are: signs of check and of opinion (+ # ! ?) say nothing, castling may be written with
zeros, promotions e8Q or e8(Q), moves at length (Ng1-f3, e2e4), captures without their x, en passant with "e.p.".
Source: PGN standard (S. Edwards 1994), 8.2.3.
"""

from __future__ import annotations

import re
from copy import copy

import numpy as np

from sounding.games.chess import layout
from sounding.games.chess.attacks import in_check
from sounding.games.chess.bits import bit, number
from sounding.games.chess.layout import CASTLES, MOST_MOVES, PAWN, Boards, Moves
from sounding.games.chess.making import make, piece_on
from sounding.games.chess.moves import generate
from sounding.games.chess.uci import FILES, square_name
from sounding.games.compiled import lean

PIECES = "PNBRQK"
ANY = -1
ILLEGAL, AMBIGUOUS = -1, -2
_SIGNS = ("", "+", "#")

_MOVE = re.compile(
    r"([PNBRQK]?)([a-h]?)([1-8]?)[-x:]?([a-h])([1-8])(?:=?\(?([NBRQnbrq])\)?)?(?:\s*e\.?p\.?)?[+#!?]*", re.ASCII
)
_CASTLING = re.compile(r"[O0o]-?[O0o](-?[O0o])?[+#!?]*")


class Notation:
    """The moves of one game in words: a board that goes on by codes of moves, for readers and writers of games."""

    def __init__(self, position: np.void) -> None:
        """Begins at a position."""
        words = np.frombuffer(position.tobytes(), np.uint64)
        self.boards = np.zeros((3, layout.BOARD_WORDS), np.uint64)  # as it stands, room to try, before the last move
        self.boards[:] = words[: layout.BOARD_WORDS]
        self._moves = np.empty(MOST_MOVES, np.uint16)

    def move_of(self, text: str) -> int:
        """The code of the legal move that a text stands for.

        Raises ValueError for a text that is no move, one that is not legal, and one that stands for several.
        """
        word = text.strip()
        found = _MOVE.fullmatch(word)
        if found is not None:
            piece, file, rank, to_file, to_rank, promoted = found.groups()
            code = _find(
                self.boards,
                self._moves,
                PIECES.index(piece or "P"),
                FILES.index(to_file) + 8 * int(to_rank) - 8,
                FILES.index(file) if file else ANY,
                int(rank) - 1 if rank else ANY,
                PIECES.index(promoted.upper()) if promoted else layout.PLAIN,
            )
        elif (castling := _CASTLING.fullmatch(word)) is not None:
            code = _find_castling(self.boards, self._moves, castling[1] is not None)
        else:
            raise ValueError(f"{text[:20]!r} is no move: they are written e4, Nf3, exd5, O-O, e8=Q")
        if code == AMBIGUOUS:
            meant = " or ".join(name for name in map(self.text, self.legal()) if _same(name, word))
            raise ValueError(f"{word} stands for more than one move{f': {meant}' if meant else ''}")
        if code == ILLEGAL:
            raise ValueError(f"{word} is not legal")
        return int(code)

    def text(self, move: int) -> str:
        """A legal move as it is written, the shortest way that is clear."""
        origin, target, kind = move & 63, move >> 6 & 63, move >> 12
        if kind == CASTLES:
            said = "O-O" if target > origin else "O-O-O"
        else:
            piece = piece_on(self.boards, 0, origin)
            takes = piece_on(self.boards, 0, target) != layout.NOTHING or kind == layout.TAKES_EN_PASSANT
            said = (FILES[origin % 8] if takes else "") if piece == PAWN else PIECES[piece] + self._clear(move, piece)
            said += "x" * takes + square_name(target)
            said += f"={PIECES[kind]}" if layout.TO_KNIGHT <= kind <= layout.TO_QUEEN else ""
        return said + _SIGNS[_threat(self.boards, self._moves, move)]

    def _clear(self, move: int, piece: int) -> str:
        """What tells the piece from others of its kind that may go there: its file, else its rank, else both."""
        origin, others = move & 63, []
        for other in self.legal():
            same = other >> 6 & 63 == move >> 6 & 63 and other >> 12 != CASTLES and other != move
            if same and piece_on(self.boards, 0, other & 63) == piece:
                others.append(other & 63)
        if not others:
            return ""
        if all(other % 8 != origin % 8 for other in others):
            return FILES[origin % 8]
        if all(other // 8 != origin // 8 for other in others):
            return str(origin // 8 + 1)
        return square_name(origin)

    def legal(self) -> list[int]:
        """The codes of all legal moves."""
        return self._moves[: generate(self.boards, 0, self._moves, 0)].tolist()

    def play(self, move: int) -> None:
        """Go on by the code of a legal move."""
        self.boards[2] = self.boards[0]
        make(self.boards, 0, 0, move)

    def variation(self) -> Notation:
        """Another line from before the last move."""
        other = copy(self)
        other.boards, other._moves = self.boards[[2, 2, 2]], np.empty_like(self._moves)
        return other

    @property
    def number(self) -> int:
        """The number of the move to come, as people count: two half-moves are one."""
        return int(self.boards[0, layout.PLY]) // 2 + 1

    @property
    def turn(self) -> int:
        """Who is to move: 0 White, 1 Black."""
        return int(self.boards[0, layout.TURN])


def move_of(text: str, position: np.void) -> int:
    """The code of the legal move that a text stands for in a position; raises ValueError as `Notation.move_of`."""
    return Notation(position).move_of(text)


def text(move: int, position: np.void) -> str:
    """The code of a legal move as it is written."""
    return Notation(position).text(move)


def _same(name: str, word: str) -> bool:
    """Whether a clear text could be meant by a shorter one."""
    return name[0] == word[0] and re.sub(r"[+#=]", "", name)[-2:] == re.sub(r"[+#=!?]", "", word)[-2:]


@lean
def _find(boards: Boards, moves: Moves, piece: int, target: int, file: int, rank: int, promoted: int) -> int:
    """The only legal move of such a piece to a square; ANY file or rank that it leaves."""
    found = ILLEGAL
    for k in range(generate(boards, 0, moves, 0)):
        move = number(moves[k])
        origin, kind = move & 63, move >> 12
        fits = move >> 6 & 63 == target and kind != CASTLES and boards[0, piece] & bit(origin) != 0
        fits &= file == ANY or origin & 7 == file
        fits &= rank == ANY or origin >> 3 == rank
        fits &= (kind if kind < CASTLES else 0) == promoted
        if fits:
            if found != ILLEGAL:
                return AMBIGUOUS
            found = move
    return found


@lean
def _threat(boards: Boards, moves: Moves, move: int) -> int:
    """Whether a move, made on row 1, gives check (1) or mate (2)."""
    make(boards, 0, 1, move)
    if not in_check(boards, 1):
        return 0
    return 1 if generate(boards, 1, moves, 0) else 2


@lean
def _find_castling(boards: Boards, moves: Moves, to_the_left: bool) -> int:
    for k in range(generate(boards, 0, moves, 0)):
        move = number(moves[k])
        if move >> 12 == CASTLES and ((move >> 6 & 63) < (move & 63)) == to_the_left:
            return move
    return ILLEGAL
