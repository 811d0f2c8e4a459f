"""What the end of a game of Go says: whose the points are, and by how many the game is won.

Legend of shapes: G games.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sounding.applications.games.shared.self_play import Ending
from sounding.games.game import Game, Positions
from sounding.randomness import stream

ROLLOUTS = 32
"""Random games that tell which stones are dead where people left a game."""
NEAR = 2.0
"""Points by which what these say of the score may miss what was counted: Japanese and Chinese rules differ by one, and
a point that is nobody's may be one more."""


class Territory(Ending):
    """Area and score of the board as it stands when a game is over."""

    territory = True

    def of(self, game: Game, last: Positions) -> dict[str, np.ndarray]:
        """`ownership` [G, points] and `score` [G], Black's."""
        from sounding.games.go import Go

        assert isinstance(game, Go)
        return {"ownership": game.area(last), "score": game.score(last)}

    def of_record(self, game: Game, last: Callable[[], Positions], score: float) -> dict[str, Any]:
        """`score` as it was counted, and `ownership` where random games from the last position reach that score.

        People agree on dead stones and leave them there, and the record does not tell which they are. Where random
        games end otherwise than was counted, it is not known; nor is it where a player resigned.
        """
        from sounding.games.go import Go
        from sounding.games.playouts import owned_after

        assert isinstance(game, Go)
        unknown = {"ownership": np.full(game.points, np.nan, np.float16), "score": score}
        if np.isnan(score):
            return unknown
        position = last()
        owners = np.sign(owned_after(game, position, ROLLOUTS, stream("dead stones"))[0])
        reached = abs(owners.sum() - float(position["komi"][0]) - score) <= NEAR
        return {"ownership": owners.astype(np.float16), "score": score} if reached else unknown

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
