"""What protocols and terminals ask of a player: how good each move is, better and better while it thinks.

Limit      how long: simulations, seconds
Thought    what was found: a win rate, and each legal move with its visits and main line
Thinker    finds it; a search with a network is one
Strength   a dial from beginner to full: how much is thought, and how freely one of the moves is chosen
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np

from sounding.errors import UsageError

if TYPE_CHECKING:
    from sounding.games.game import Game


@dataclass(frozen=True)
class Limit:
    """How long to think: until the first of the two is reached; with neither, until nobody asks any more."""

    simulations: int | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Candidate:
    """A legal move of the player to move, and what is known of it.

    `win_rate` from 0 to 1, a draw being half a win, and `lead` in points, are from the view of the player to move.
    `prior` is the share that the network gives it, `line` the moves that are expected, beginning with this one.
    """

    action: int
    visits: int
    prior: float
    win_rate: float
    line: tuple[int, ...]
    lead: float | None = None


@dataclass(frozen=True)
class Thought:
    """What is known of a position, from the view of the player to move.

    `candidates` are all legal moves, best first, those that were not tried with 0 visits. `ownership`, where it is
    known, has a number from -1 to 1 for each point, row by row from the top left: above 0 for the player to move.
    """

    win_rate: float
    candidates: tuple[Candidate, ...]
    simulations: int
    lead: float | None = None
    ownership: tuple[float, ...] | None = None


class Thinker(ABC):
    """Thinks about positions of a game. A subclass has `name` and `game`, and writes `ponder`."""

    name: str
    game: Game
    """The game that it was made for."""

    def refuses(self, game: Game) -> str:
        """Why it cannot play this game, board or komi; nothing where it can."""
        return "" if game == self.game else f"{self.name} plays {self.game.name} as it learnt it alone"

    @abstractmethod
    def ponder(self, game: Game, position: np.ndarray, limit: Limit, every: float = 1.0) -> Iterator[Thought]:
        """Thoughts on `position` [1], each better than the last: about one every `every` seconds, and the final one.

        At least one. The caller may stop asking at any time. Raises ValueError for a game that is over.
        """

    @final
    def think(self, game: Game, position: np.ndarray, limit: Limit) -> Thought:
        """The final thought. Raises ValueError for a limit that has no end."""
        if limit.simulations is None and limit.seconds is None:
            raise ValueError("thinking without a limit has no end: ponder, and stop asking")
        *_, thought = self.ponder(game, position, limit, every=float("inf"))
        return thought


LEVELS = ((1, 2.0), (1, 1.0), (1, 0.5), (4, 0.5), (8, 0.3), (16, 0.2), (32, 0.1), (64, 0.0), (200, 0.0), (800, 0.0))
"""Simulations and temperature of the levels 1 to 10."""


@dataclass(frozen=True)
class Strength:
    """How much is thought before a move, and how freely one is chosen (temperature 0: the best one)."""

    simulations: int
    temperature: float = 0.0

    @classmethod
    def named(cls, word: str) -> Strength:
        """A level from 1 to 10, or above that a number of simulations. Raises UsageError for anything else."""
        if not (word.isascii() and word.isdecimal()) or not 1 <= int(word) <= 10_000_000:
            what = f"strength {word!r} is neither a level nor a number of simulations"
            raise UsageError(what, fix=f"Give 1 (a beginner) to {len(LEVELS)}, or more than that many simulations")
        number = int(word)
        return cls(*LEVELS[number - 1]) if number <= len(LEVELS) else cls(number)

    def limit(self, seconds: float | None = None) -> Limit:
        """How long to think, where a clock leaves so many seconds."""
        return Limit(self.simulations, seconds)

    def choose(self, thought: Thought, rng: np.random.Generator) -> int:
        """The move to play: shares of visits, or of the network where little was tried, to the power of 1 / T."""
        if self.temperature == 0 or len(thought.candidates) == 1:
            return thought.candidates[0].action
        shares = np.array([candidate.visits + candidate.prior for candidate in thought.candidates], dtype=float)
        if not shares.any():
            return thought.candidates[int(rng.integers(len(shares)))].action
        weights = (shares / shares.max()) ** (1 / self.temperature)
        return thought.candidates[int(rng.choice(len(shares), p=weights / weights.sum()))].action
