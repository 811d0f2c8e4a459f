"""Positions of chess as inputs, and moves of chess as answers.

A cell is a FEN, the moves from the beginning ("e4 e5 Nf3", or in UCI), or {"fen": …} or {"moves": …}. A segment is a
piece, and kings are never misread or taken away: without them there is no chess.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sounding.contract.inputs import Corruption, Invariance
from sounding.drawing.colours import VERMILION
from sounding.drawing.rendering import Marks
from sounding.drawing.shapes import Path as Line
from sounding.drawing.shapes import Shape, Words
from sounding.errors import DataError
from sounding.modalities.boards.board import Board
from sounding.modalities.boards.judgement import VISIBLE, Judgement
from sounding.wording import counted

if TYPE_CHECKING:
    from sounding.games.chess import Chess

MIRRORED = "the board mirrored from left to right"
FILES = "abcdefgh"
PIECES = {"p": "pawn", "n": "knight", "b": "bishop", "r": "rook", "q": "queen", "k": "king"}
SIDES = ("White", "Black")
_NUMBER = re.compile(r"\d+\.+")


class ChessBoard(Board):
    """A position of chess."""

    columns = ("fen", "position", "moves", "board")
    asked = "FEN"
    edit = "one square of the board misread"
    baselines = ("the square empty", "the other colour")

    game: Chess

    def __init__(self, game: Chess) -> None:
        super().__init__(game, "squares")

    @property
    def arguments(self) -> Mapping[str, Any]:
        """The game."""
        return {"game": self.game}

    def read(self, cell: Any, root: Path = Path()) -> np.void:
        """The position. Raises DataError for what is none, for an illegal move, and where the game is over."""
        fen = cell.get("fen") if isinstance(cell, Mapping) else cell
        if isinstance(fen, str) and "/" in fen:
            cell = self.game.position(fen)[0]
        elif isinstance(cell, Mapping) and "moves" not in cell:
            raise DataError("there is no position in it", fix="Give a FEN, or the moves from the beginning")
        elif isinstance(cell, str):
            cell = _NUMBER.sub(" ", cell)
        return super().read(cell, root)

    @property
    def _sample(self) -> str:
        return "e4 e5 Nf3"

    def segment_name(self, value: np.void, part: int) -> str:
        """Whose piece it is, which, and where."""
        point = int(self.occupied(value)[part])
        row, column = divmod(point, 8)
        whose = "own" if self._stones(value)[point] == self._mover(value) else "other's"
        kind = PIECES[self.game.signs(value)[row][column].lower()]
        return f"{whose} {kind} on {FILES[column]}{8 - row}"

    @property
    def corruptions(self) -> Mapping[str, Corruption]:
        """A board that was misread, at as many squares as the severity says."""
        return {
            "pieces overlooked": self._overlooked,
            "pieces that are not there": self._phantoms,
            "colours confused": self._confused,
        }

    def neighbours(self, value: np.void, rng: np.random.Generator) -> Iterator[np.void]:
        """Positions that differ at one square, in an order of chance."""
        return (other for other in super().neighbours(value, rng) if self.lines(other) != self.lines(value))

    def mirrored(self, value: np.void) -> np.void | None:
        """The position from left to right; None where that is another game, since somebody may castle."""
        from sounding.games.chess.mirroring import mirrored

        found = mirrored(self.game, value)
        return None if found is None or self.lines(found[0]) == self.lines(value) else found[0]

    def invariances(self, values: Sequence[np.void], answers: Sequence[Any]) -> Mapping[str, Invariance]:
        """The board mirrored: who wins stays, and a move is mirrored with it, which is the task's to check."""
        return {MIRRORED: lambda value, rng: self.mirrored(value)}

    def describe(self, value: np.void) -> str:
        """How many pieces there are, and who is to move."""
        return f"{counted(self.segments(value), 'piece')}, {self._sign(value)} to move"

    def _sign(self, value: np.void) -> str:
        return SIDES[0 if self._mover(value) > 0 else 1]

    def to_json(self, value: np.void) -> dict[str, Any]:
        """The FEN."""
        return {"fen": self.game.fen(value)}

    def lines(self, value: np.void) -> list[str]:
        """The ranks in letters, the eighth first."""
        return self.game.signs(value)


class ChessJudgement(Judgement):
    """The best move of a position of chess, how good the others are, and how the game is expected to end."""

    def marks(self, value: np.void) -> Marks:
        """The moves as arrows, the more likely the stronger."""
        shapes: list[Shape] = []
        for action, share in self._best(value):
            if share >= VISIBLE:
                shapes += _arrow(self.text(value, action), share)
        return Marks(tuple(shapes), ((VERMILION, "moves, in percent"),))


def _arrow(move: str, share: float) -> list[Shape]:
    """A move in UCI as an arrow, with its percents in its middle."""
    if len(move) < 4 or move[0] not in FILES or move[2] not in FILES:
        return []
    (x, y), (to_x, to_y) = ((FILES.index(move[at]) + 0.5, 8.5 - int(move[at + 1])) for at in (0, 2))
    along = np.array([to_x - x, to_y - y])
    along /= np.hypot(*along)
    across, tip = np.array([-along[1], along[0]]), np.array([to_x, to_y]) - 0.1 * along
    neck = tip - 0.3 * along
    head = tuple((float(a), float(b)) for a, b in (tip, neck + 0.16 * across, neck - 0.16 * across))
    opacity = 0.25 + 0.6 * share
    return [
        Line(((x, y), (float(neck[0]), float(neck[1]))), VERMILION, 4.0, opacity=opacity),
        Line((*head, head[0]), VERMILION, 1.0, VERMILION, opacity),
        Words((x + to_x) / 2, (y + to_y) / 2, f"{100 * share:.0f}", 10, rim="#FFFFFF", anchor="middle", shift=4),
    ]
