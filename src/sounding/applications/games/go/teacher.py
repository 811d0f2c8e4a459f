"""Who plays the demonstrations of Go: takes what can be taken, and stays close to its own stones.

Legend of shapes: N positions, A actions.
"""

from __future__ import annotations

import numpy as np

from sounding.games.game import Game, Positions

TAKES = 10.0


class Teacher:
    """Plays where it takes most stones; else the free point with the most of its own stones around it, near the middle.

    It passes where no point may be played.
    """

    name = "a player that takes what it can"

    def moves(self, game: Game, positions: Positions, rng: np.random.Generator) -> np.ndarray:
        """The best point [N]; nothing is drawn."""
        _, rows, columns = game.shape
        sign = 1 - 2 * game.to_play(positions).astype(np.int64)
        board = game.stones(positions) * sign[:, None, None]
        beside = np.pad(board, ((0, 0), (1, 1), (1, 1)))
        around = beside[:, :-2, 1:-1] + beside[:, 2:, 1:-1] + beside[:, 1:-1, :-2] + beside[:, 1:-1, 2:]
        middle = np.hypot(*(np.indices((rows, columns)) - (np.array([rows, columns]) - 1)[:, None, None] / 2))
        worth = np.full((len(positions), game.actions), -np.inf)
        worth[:, :-1] = (around - 0.3 * middle).reshape(len(positions), -1)
        legal = game.legal(positions)
        worth[~legal] = -np.inf
        worth[:, -1] = -1e6
        where, actions = np.nonzero(legal[:, :-1])
        after = positions[where]
        game.play(after, actions)
        theirs = (board < 0).sum(axis=(1, 2))[where]
        left = (game.stones(after) * sign[where, None, None] < 0).sum(axis=(1, 2))
        worth[where, actions] += TAKES * (theirs - left)
        return worth.argmax(axis=1)
