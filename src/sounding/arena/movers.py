"""Searches as players of matches. Random, greedy and plain Monte Carlo players, and external engines are in `games`.

Legend of shapes: N positions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sounding.games.game import Game, Positions
from sounding.games.thinking import Strength, Thinker
from sounding.search.evaluator import Evaluator
from sounding.search.gumbel import gumbel_search
from sounding.wording import counted


@dataclass(frozen=True)
class SearchMover:
    """The best move that so many simulations find in each game, all games at a time; with 0, the evaluator's own.

    Gumbel search without noise: nothing is drawn, and the same position has the same answer always.
    """

    name: str
    evaluate: Evaluator
    simulations: int
    considered: int = 16

    def moves(self, game: Game, positions: Positions, rng: np.random.Generator) -> np.ndarray:
        """An action [N] for each position."""
        if self.simulations:
            return gumbel_search(game, positions, self.evaluate, self.simulations, self.considered).actions
        logits, _ = self.evaluate(positions)
        return np.where(game.legal(positions), logits, -np.inf).argmax(axis=1)


@dataclass(frozen=True)
class ThinkerMover:
    """What plays in the terminal and over GTP, at a strength of the dial; one game after the other."""

    thinker: Thinker
    strength: Strength

    @property
    def name(self) -> str:
        """With the simulations, since a player of another strength is another player."""
        drawn = f", temperature {self.strength.temperature:g}" if self.strength.temperature else ""
        return f"{self.thinker.name} ({counted(self.strength.simulations, 'simulation')}{drawn})"

    def moves(self, game: Game, positions: Positions, rng: np.random.Generator) -> np.ndarray:
        """An action [N] for each position."""
        limit = self.strength.limit()
        thoughts = [self.thinker.think(game, positions[i : i + 1], limit) for i in range(len(positions))]
        return np.array([self.strength.choose(thought, rng) for thought in thoughts])
