"""Connect Four: seven columns, four in a line, learnt from nothing by playing against itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from sounding.applications.games.connect4.concepts import connect4_concepts
from sounding.applications.games.connect4.teacher import Teacher
from sounding.applications.games.shared.board_game import BoardGame, BoardGameRecipe
from sounding.applications.games.shared.curves import Curve
from sounding.applications.games.shared.demonstration import demonstrated
from sounding.arena.matches import Mover
from sounding.contract.concepts import Concept
from sounding.contract.records import Example
from sounding.games.game import Game

FORMER = Curve("MCTS 1000", moves=28, games=(0, 640, 2304, 3200, 5888), scores=(0.0, 0.58, 0.70, 0.81, 0.85))
"""Two runs, the longer one from 3,200 games on: 40 games a look, 32 simulations a move (docs/benchmarks.md)."""


@dataclass(frozen=True)
class Connect4Recipe(BoardGameRecipe):
    """The numbers of a training of Connect Four."""

    sizes: ClassVar = {
        "tiny": {
            "blocks": 2, "channels": 16, "batch": 32, "games": 16, "parallel": 16, "simulations": 8,
            "quick_simulations": 4, "share": 0.25, "match_games": 4, "match_simulations": 4, "rollouts": 20,
            "plain": 2, "plain_rollouts": 20, "random_games": 4,
        },
        "small": {},
        "base": {"blocks": 6, "channels": 64},
    }  # fmt: skip

    blocks: int = 3
    channels: int = 32
    games: int = 128
    simulations: int = 16
    share: float = 1.0  # games are short and searches cheap: every move is learnt from
    opening: int = 6
    plain: int = 20  # random games are so cheap here that a plain search plays five times as fast as the network
    plain_rollouts: int = 600
    random_games: int = 64
    window: int = 60_000


class ConnectFour(BoardGame):
    """Connect Four: where to play, who wins; learnt by playing against itself."""

    Recipe = Connect4Recipe
    recipe: Connect4Recipe
    look = "holes"
    moves = "columns"

    @cached_property
    def game(self) -> Game:
        """The rules."""
        from sounding.games.connect4 import Connect4

        return Connect4()

    @property
    def curve(self) -> Curve | None:
        """How strong the usual recipe became."""
        return FORMER if self.recipe.is_usual else None

    def opponents(self) -> Sequence[Mover]:
        """A plain tree search with random rollouts, a player that looks one move ahead, one at random."""
        from sounding.games.playouts import Greedily, Randomly, Rollouts

        return Rollouts(self.recipe.rollouts), Greedily(), Randomly()

    @property
    def concepts(self) -> Sequence[Concept]:
        """Squares that would complete four."""
        return (*super().concepts, *connect4_concepts(self.game))

    def demo(self, rng: np.random.Generator, n: int) -> list[Example]:
        """Games of a player who wins where it can, blocks where it must, and else plays the lowest column."""
        return demonstrated(self.game, Teacher(), self.ending, rng, n, longest=42)
