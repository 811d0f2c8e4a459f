"""A game in progress: what was played, and every position before it, so that all can be taken back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sounding.games.game import Game
from sounding.games.records.record import Move


class Session:
    """A game of `game` from a position, at first the starting one."""

    def __init__(self, game: Game, beginning: np.ndarray | None = None) -> None:
        self.game = game
        self._positions = [game.start(1) if beginning is None else beginning.copy()]
        self._moves: list[Move] = []

    @property
    def position(self) -> np.ndarray:
        """The position [1] as it stands; not to be changed."""
        return self._positions[-1]

    @property
    def beginning(self) -> np.ndarray:
        """The position [1] before the first move; not to be changed."""
        return self._positions[0]

    @property
    def positions(self) -> Sequence[np.ndarray]:
        """All positions [1], from the first to the present one; not to be changed."""
        return self._positions

    @property
    def moves(self) -> tuple[Move, ...]:
        """What was played."""
        return tuple(self._moves)

    @property
    def last(self) -> int | None:
        """The action that was played last."""
        return self._moves[-1].action if self._moves else None

    @property
    def to_play(self) -> int:
        """The player to move: 0 the first, 1 the second."""
        return int(self.game.to_play(self.position)[0])

    @property
    def over(self) -> bool:
        """Whether the rules say that the game has ended."""
        return bool(self.game.over(self.position)[0])

    @property
    def result(self) -> int:
        """+1 where the first player has won, −1 where the second has, 0 for a draw or a game that goes on."""
        return int(self.game.results(self.position)[0])

    def change(self, game: Game, **fields: float) -> None:
        """Go on under other rules, which positions of the same kind are for; `fields` are written into all of them."""
        self.game = game
        for position in self._positions:
            for name, value in fields.items():
                position[name] = value

    def seen_by(self, player: int) -> np.ndarray:
        """The position [1], with this player to move. Raises ValueError where the game has players move in turn."""
        if player == self.to_play and not self.over:
            return self.position
        position = self.position.copy()
        self.game.turn(position, player)
        return position

    def play(self, action: int, player: int | None = None) -> None:
        """Play an action of a player, or of the one to move. Raises ValueError for an illegal one; nothing is changed.

        Where the game permits it a player may move twice, or after the end.
        """
        player = self.to_play if player is None else player
        position = self.seen_by(player).copy()
        self.game.play(position, np.array([action]))
        self._positions.append(position)
        self._moves.append(Move(player, action))

    def undo(self) -> Move:
        """Take the last move back. Raises ValueError where there is none."""
        if not self._moves:
            raise ValueError("there is no move to take back")
        self._positions.pop()
        return self._moves.pop()
