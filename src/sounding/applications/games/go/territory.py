"""What the end of a game of Go says: whose the points are, and by how many the game is won.

Legend of shapes: G games.
"""

from __future__ import annotations

import numpy as np

from sounding.applications.games.shared.self_play import Ending
from sounding.games.game import Game, Positions


class Territory(Ending):
    """Area and score of the board as it stands when a game is over."""

    territory = True

    def of(self, game: Game, last: Positions) -> dict[str, np.ndarray]:
        """`ownership` [G, points] and `score` [G], Black's."""
        from sounding.games.go import Go

        assert isinstance(game, Go)
        return {"ownership": game.area(last), "score": game.score(last)}

    def ended(self, game: Game, positions: Positions) -> Positions:
        """Both pass, where a game goes on."""
        last = positions.copy()
        for _ in range(2):
            going = np.flatnonzero(~game.over(last))
            if len(going):
                after = last[going]
                game.play(after, np.full(len(going), game.actions - 1))
                last[going] = after
        return last
