"""Go on boards of 5 to 19 lines, learnt by playing against itself, or from games that others played."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np

from sounding.applications.games.go.concepts import go_concepts
from sounding.applications.games.go.recorded import SGF_FILES, RecordedGo
from sounding.applications.games.go.teacher import Teacher
from sounding.applications.games.go.territory import Territory
from sounding.applications.games.shared.board_game import BoardGame, BoardGameRecipe
from sounding.applications.games.shared.curves import Curve
from sounding.applications.games.shared.demonstration import demonstrated
from sounding.arena.matches import Mover
from sounding.contract.concepts import Concept
from sounding.contract.records import Example
from sounding.errors import UsageError
from sounding.games.game import Game

SEVEN = Curve("MCTS 1000", moves=54, games=(0, 3840, 8704), scores=(0.0, 1.0, 1.0))
"""One run of 35 minutes on 7 lines, komi 9: 40 games at each look, with 32 simulations a move (docs/benchmarks.md)."""
LINES = range(5, 20)
USUAL, TINY = 7, 5
"""Lines of the board where nobody says."""


@dataclass(frozen=True)
class GoRecipe(BoardGameRecipe):
    """The numbers of a training of Go. A `size` that is a number is that of the board."""

    sizes: ClassVar = {
        "tiny": {
            "blocks": 2, "channels": 16, "batch": 32, "games": 8, "parallel": 8, "simulations": 6,
            "quick_simulations": 2, "considered": 4, "match_games": 2, "match_simulations": 2, "rollouts": 5,
            "plain": 1, "plain_rollouts": 5,
        },
        "small": {},
        "base": {"blocks": 6, "channels": 64},
    }  # fmt: skip
    shaping: ClassVar[Sequence[str]] = ("blocks", "channels", "lines", "komi")

    lines: int = 0  # of the board; 0: those of the games that are learnt from, and 7 where it plays
    komi: float = 9.0
    considered: int = 8
    simulations: int = 32
    quick_simulations: int = 8
    match_simulations: int = 32
    share: float = 0.5  # a network of Go is slow beside its learning: half of the moves are worth a full search
    round_steps: int = 240  # each position is learnt from four times
    window: int = 100_000
    plain: int = 2
    rollouts: int = 1000
    plain_rollouts: int = 100

    def __post_init__(self) -> None:
        """Raises UsageError for a board that Go is not played on."""
        super().__post_init__()
        if self.lines and self.lines not in LINES:
            raise UsageError(f"a board of {self.lines} lines is out of range", fix="Give 5 to 19")

    @property
    def board(self) -> int:
        """The lines of the board that it plays on."""
        return self.lines or (TINY if self.size == "tiny" else USUAL)

    @classmethod
    def make(cls, size: str = "small", settings: Mapping[str, Any] | None = None) -> Self:
        """As every recipe is made; `size=7` is a small network for a board of 7 lines."""
        if str(size).isdigit():
            return super().make("small", {"lines": size, **(settings or {})})
        return super().make(size, settings)


class GoGame(BoardGame):
    """Go: where to play, who wins and by how much; learnt by playing against itself, or from recorded games."""

    Recipe = GoRecipe
    recipe: GoRecipe
    look = "lines"
    moves = "points"
    ending = Territory()
    layouts = (SGF_FILES,)
    caution = (
        "Strength holds for the size and the komi that it was trained with, against the opponents that are named; an "
        "opponent that looks for weaknesses may find them."
    )

    @cached_property
    def game(self) -> Game:
        """The rules, with the recipe's board and komi."""
        from sounding.games.go import Go

        return Go(self.recipe.board, self.recipe.komi)

    @cached_property
    def recorded(self) -> RecordedGo:
        """SGF, or rows with letter pairs."""
        return RecordedGo(self.recipe.lines, self.recipe.komi)

    def fit(self, examples: Sequence[Example]) -> None:
        """Take the board and the komi of recorded games."""
        if not self.plays:
            self.recipe = replace(self.recipe, lines=self.recorded.size, komi=self.recorded.komi)
            self.__dict__.pop("game", None)
            self.input, self.target = self.modalities()
        super().fit(examples)

    @property
    def curve(self) -> Curve | None:
        """That of 7 lines with a komi of 9."""
        return SEVEN if self.recipe.is_usual and (self.recipe.board, self.recipe.komi) == (7, 9) else None

    def opponents(self) -> Sequence[Mover]:
        """A plain tree search with random rollouts, a player that looks one move ahead, one at random."""
        from sounding.games.playouts import Greedily, Randomly, Rollouts

        return Rollouts(self.recipe.rollouts), Greedily(), Randomly()

    def variants(self) -> Mapping[str, Game]:
        """Other komi: one that decides games, and one that may."""
        from sounding.games.go import Go

        changes = (-4, -2, 2, 4)
        return {
            f"komi {change:+d}".replace("-", "−"): Go(self.recipe.board, self.recipe.komi + change)
            for change in changes
        }

    @property
    def concepts(self) -> Sequence[Concept]:
        """Liberties, captures and ladders."""
        return (*super().concepts, *go_concepts(self.game))

    def demo(self, rng: np.random.Generator, n: int) -> list[Example]:
        """Games of a player who takes what it can and stays together, ended after as many moves as there are points."""
        return demonstrated(self.game, Teacher(), self.ending, rng, n, longest=self.recipe.board**2)
