"""The position that a program sets up: `position startpos | fen FEN [moves MOVE …]`.

It is played on also where a player could claim a draw: a program may look at what it likes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sounding.errors import DataError
from sounding.games.chess import Chess
from sounding.games.chess.fen import read
from sounding.games.chess.turns import draws
from sounding.games.protocols.framing import Refusal

START = "startpos"


class Board:
    """A game of chess from a position, at first the starting one. What was played already is not played anew."""

    def __init__(self, game: Chess) -> None:
        self._game, self._unclaimed = game, replace(game, claims=False)
        self._begin, self._moves = START, list[str]()
        self._position: np.ndarray | None = self._unclaimed.start(1)

    def set(self, words: Sequence[str]) -> None:
        """Set up a position. Raises Refusal for what is none; then there is none, until the next is set."""
        begin, moves = _divided(words)
        known = len(self._moves)
        if self._position is None or begin != self._begin or moves[:known] != self._moves:
            self._position, self._begin, known = None, begin, 0
            self._position = self._opened(begin)
        self._moves = moves
        for number in range(known, len(moves)):
            try:
                self._play(moves[number])
            except ValueError as error:
                self._position = None
                raise Refusal(f"position: move {number + 1}: {error}") from None

    def clear(self) -> None:
        """There is no position, until the next is set."""
        self._position = None

    def to_think(self) -> tuple[Chess, np.ndarray]:
        """The rules and the position [1] to think about. Raises Refusal where there is none.

        A position in which a draw can be claimed goes on under rules without claims.
        """
        if self._position is None:
            raise Refusal("there is no position: the last one could not be set up")
        repetitions, clock = draws(claims=True)
        position = self._position.copy()
        can_claim = int(position["repeats"][0]) >= repetitions or int(position["clock"][0]) >= clock
        return self._unclaimed if can_claim else self._game, position

    def _play(self, text: str) -> None:
        assert self._position is not None
        action = self._unclaimed.action(text, self._position[0])
        self._unclaimed.play(self._position, np.array([action]))

    def _opened(self, begin: str) -> np.ndarray:
        if begin == START:
            return self._unclaimed.start(1)
        try:
            return read(begin, self._game.chess960, claims=False)
        except DataError as error:
            raise Refusal(f"position: {error}") from None


def _divided(words: Sequence[str]) -> tuple[str, list[str]]:
    """Where it begins, and the moves from there."""
    lower = [word.lower() for word in words]
    end = lower.index("moves") if "moves" in lower else len(words)
    moves = list(words[end + 1 :])
    if lower[:end] == [START]:
        return START, moves
    if lower[:1] == ["fen"] and end > 1:
        return " ".join(words[1:end]), moves
    raise Refusal("a position is set so: position startpos moves e2e4 e7e5, or position fen FEN moves e2e4")
