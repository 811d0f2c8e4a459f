"""One game of chess as it was written down: tags, moves with what is said of them, and lines that were looked at."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from sounding.games.chess import Chess
from sounding.games.chess.layout import GOES_ON

RESULTS = {"1-0": 1, "0-1": -1, "1/2-1/2": 0, "*": None}
"""Who has won (+1 White), as PGN writes it; None: nobody knows."""

_CLOCK = re.compile(r"\[%clk\s+(\d+):(\d{1,2}):(\d{1,2}(?:\.\d+)?)\s*\]")
_EVALUATION = re.compile(r"\[%eval\s+([+-]?\d+(?:\.\d+)?)")
_TAGS_OF_PROGRAMS = re.compile(r"\[%\w+[^\]]*\]\s*")


@dataclass(frozen=True)
class Made:
    """A move: the action, what is said of it, the numbers of its NAGs, and the lines that might have been instead."""

    action: int
    comment: str = ""
    nags: tuple[int, ...] = ()
    variations: tuple[tuple[Made, ...], ...] = ()

    @property
    def clock(self) -> float | None:
        """Seconds that its player had left behind it, where a program has noted them (`[%clk 0:09:58]`)."""
        found = _CLOCK.search(self.comment)
        return None if found is None else 3600 * int(found[1]) + 60 * int(found[2]) + float(found[3])

    @property
    def pawns(self) -> float | None:
        """The evaluation that a program has noted (`[%eval 0.31]`), in pawns from White's view."""
        found = _EVALUATION.search(self.comment)
        return None if found is None else float(found[1])

    @property
    def remark(self) -> str:
        """The comment without what programs have noted."""
        return _TAGS_OF_PROGRAMS.sub("", self.comment).strip()


@dataclass(frozen=True)
class ChessRecord:
    """A game. `beginning` is the position [1] before the first move, `remark` what is said there, `where` names its
    place in a file.
    """

    moves: tuple[Made, ...]
    beginning: np.ndarray
    tags: Mapping[str, str] = field(default_factory=dict)
    result: str = "*"
    remark: str = ""
    chess960: bool = False
    where: str = ""

    @property
    def players(self) -> tuple[str, str]:
        """White and Black, by name."""
        return self.tags.get("White", "?"), self.tags.get("Black", "?")

    @property
    def winner(self) -> int | None:
        """+1 White, −1 Black, 0 a draw; None where it is not told."""
        return RESULTS.get(self.result)

    @property
    def actions(self) -> tuple[int, ...]:
        """The moves that were played."""
        return tuple(made.action for made in self.moves)

    @property
    def game(self) -> Chess:
        """The rules under which it can be played again: no draw is claimed."""
        return Chess(chess960=self.chess960, claims=False)

    def positions(self) -> Iterator[np.ndarray]:
        """The positions [1] before each move and behind the last, as copies. Raises ValueError for an illegal move.

        Where the rules would have ended the game as a draw and people went on, it goes on.
        """
        game, position = self.game, self.game.settled(self.beginning)
        for made in self.moves:
            position["end"] = GOES_ON
            yield position.copy()
            game.play(position, np.array([made.action]))
        yield position.copy()
