"""Who plays the demonstrations of Connect Four: looks two moves ahead and fills the lowest column.

Legend of shapes: N positions, A actions.
"""

from __future__ import annotations

import numpy as np

from sounding.games.game import Game, Positions

WINS, LOSES = 100.0, -50.0


class Teacher:
    """Wins where it can, and lets the other not win at once where that can be helped.

    Else it plays the column with the fewest stones, of several the one nearest the middle, of two the left one.
    """

    name = "a player that looks two moves ahead"

    def moves(self, game: Game, positions: Positions, rng: np.random.Generator) -> np.ndarray:
        """The best column [N]; nothing is drawn."""
        legal = game.legal(positions)
        middle = (game.actions - 1) / 2
        heights = np.abs(game.stones(positions)).sum(axis=1)
        worth = -2.0 * heights - 0.5 * np.abs(np.arange(game.actions) - middle)
        worth[~legal] = -np.inf
        sign = 1 - 2 * game.to_play(positions).astype(np.float32)
        for action in range(game.actions):
            rows = np.flatnonzero(legal[:, action])
            after = _played(game, positions[rows], action)
            worth[rows, action] += WINS * sign[rows] * game.results(after)
            worth[rows, action] += LOSES * _can_win(game, after)
        return worth.argmax(axis=1)


def _can_win(game: Game, positions: Positions) -> np.ndarray:
    """[N]: whether who is to move wins at once."""
    legal = game.legal(positions)
    found = np.zeros(len(positions), bool)
    for action in range(game.actions):
        rows = np.flatnonzero(legal[:, action])
        found[rows] |= game.results(_played(game, positions[rows], action)) != 0
    return found


def _played(game: Game, positions: Positions, action: int) -> Positions:
    game.play(positions, np.full(len(positions), action))
    return positions
