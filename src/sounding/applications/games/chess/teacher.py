"""Who plays the demonstrations of chess: takes what is worth most, and else goes forward.

Legend of shapes: N positions, A actions.
"""

from __future__ import annotations

import numpy as np

from sounding.games.game import Game, Positions

WORTH = (1.0, 3.0, 3.0, 5.0, 9.0, 0.0)
"""Of pawns, knights, bishops, rooks, queens; kings are not taken."""


class Teacher:
    """Takes the piece that is worth most; where it can take none, it moves far forward, near the middle."""

    name = "a player that takes what it can"

    def moves(self, game: Game, positions: Positions, rng: np.random.Generator) -> np.ndarray:
        """The best move [N]; nothing is drawn."""
        legal = game.legal(positions)
        worth = np.where(legal, self._ends(game, positions), -np.inf)
        return worth.argmax(axis=1)

    @staticmethod
    def _ends(game: Game, positions: Positions) -> np.ndarray:
        """[N, A]: what a move takes, and how far forward and near the middle it ends."""
        from sounding.games.chess.actions import ACTIONS, steps_of

        theirs = game.observe(positions)[:, 6:12]
        taken = np.tensordot(theirs, np.array(WORTH, np.float32), axes=([1], [0]))
        rows, columns = np.array([steps_of(action)[2:] for action in range(ACTIONS)]).clip(0, 7).T
        ahead = (7 - rows) * 0.02 - np.abs(columns - 3.5) * 0.011
        return taken[:, rows, columns] + ahead
