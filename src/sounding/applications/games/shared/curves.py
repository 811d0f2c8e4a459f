"""How strong former runs became after how many games: what a training to come is foretold by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Curve:
    """What came of former runs with the default recipe: points a game against an opponent after so many games.

    `moves` is how long a game was, on average, after its opening.
    """

    opponent: str
    moves: float
    games: tuple[int, ...]
    scores: tuple[float, ...]

    def score(self, games: float) -> float:
        """The score after so many games, between those that are known."""
        return float(np.interp(games, self.games, self.scores))

    def games_to(self, score: float) -> float | None:
        """After how many games a score was reached, or None where it was not."""
        best = np.maximum.accumulate(self.scores)
        if score > best[-1]:
            return None
        return float(np.interp(score, best, self.games))
