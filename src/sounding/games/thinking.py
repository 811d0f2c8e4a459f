"""What protocols and terminals ask of a player: how good each move is, better and better while it thinks.

Limit      how long: simulations, seconds, depth; and which moves are wanted
Thought    what was found: a win rate, and each legal move with its visits and main line
Thinker    finds it; a search with a network is one
Strength   a dial from beginner to full: how much is thought, and how freely one of the moves is chosen
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np

from sounding.errors import UsageError

if TYPE_CHECKING:
    from sounding.games.game import Game


@dataclass(frozen=True)
class Limit:
    """How long to think: until the first end is reached; with none, until nobody asks any more.

    `seconds` are never exceeded; after `target` seconds a thinker ends as well, where what it would begin next would
    hardly be done in time, or changes little. `depth` counts the moves of both players that are looked ahead, `mate`
    ends it when a mate in so many moves of the player to move is proven. A thinker that proves no mates, or counts no
    depth, goes on until another end.

    Of `actions`, where some are named, the move is chosen; the `lines` best moves are wanted with exact values. Where a
    thinker knows how players of different ratings move, `rating` says of which the move is wanted; 0: of none.
    """

    simulations: int | None = None
    seconds: float | None = None
    target: float | None = None
    depth: int | None = None
    mate: int | None = None
    actions: tuple[int, ...] = ()
    lines: int = 1
    rating: int = 0

    @property
    def is_endless(self) -> bool:
        """Whether only the one who asks can end it."""
        return self.simulations is None and self.seconds is None and self.depth is None


@dataclass(frozen=True)
class Candidate:
    """A legal move of the player to move, and what is known of it.

    `win_rate` from 0 to 1, a draw being half a win, and `lead` in points, are from the view of the player to move.
    `prior` is the share that the network gives it, `line` the moves that are expected, beginning with this one.

    Searches that count so tell `centipawns`, from the same view, and `mate`: in how many own moves, below 0 against the
    player to move. `draws` is the probability of a draw, where it is known.
    """

    action: int
    visits: int
    prior: float
    win_rate: float
    line: tuple[int, ...]
    lead: float | None = None
    centipawns: int | None = None
    mate: int | None = None
    draws: float | None = None


@dataclass(frozen=True)
class Thought:
    """What is known of a position, from the view of the player to move.

    `candidates` are all moves that may be chosen, best first, those that were not tried with 0 visits. `ownership`,
    where it is known, has a number from -1 to 1 for each point, row by row from the top left: above 0 for the player
    to move. `depth` is how many moves ahead was looked everywhere, `deepest` the most anywhere; 0: not counted.
    """

    win_rate: float
    candidates: tuple[Candidate, ...]
    simulations: int
    lead: float | None = None
    ownership: tuple[float, ...] | None = None
    depth: int = 0
    deepest: int = 0


LEVELS = ((1, 2.0), (1, 1.0), (1, 0.5), (4, 0.5), (8, 0.3), (16, 0.2), (32, 0.1), (64, 0.0), (200, 0.0), (800, 0.0))
"""Simulations and temperature of the levels 1 to 10 of a search with a network."""
DRAWN_FROM = 8
"""Moves with exact values from which a weak player chooses."""


@dataclass(frozen=True)
class Strength:
    """How much is thought before a move, and how freely one is chosen (temperature 0: the best one).

    With a `rating` the move is that of a player of this rating, where the thinker has learnt how such players move.
    """

    simulations: int
    temperature: float = 0.0
    rating: int = 0

    @classmethod
    def named(cls, word: str, levels: Sequence[tuple[int, float]] = LEVELS) -> Strength:
        """One of the levels from 1 on, or above them a number of simulations. Raises UsageError for anything else."""
        if not (word.isascii() and word.isdecimal()) or not 1 <= int(word[:12]) <= 10_000_000:
            what = f"strength {word!r} is neither a level nor a number of simulations"
            raise UsageError(what, fix=f"Give 1 (a beginner) to {len(levels)}, or more than that many simulations")
        number = int(word)
        return cls(*levels[number - 1]) if number <= len(levels) else cls(number)

    def limit(self, seconds: float | None = None) -> Limit:
        """How long to think, where a clock leaves so many seconds."""
        return Limit(self.simulations, seconds, lines=DRAWN_FROM if self.temperature else 1, rating=self.rating)

    def choose(self, thought: Thought, rng: np.random.Generator) -> int:
        """The move to play.

        Drawn by shares of visits, or of the network where little was tried, to the power of 1 / T; where values in
        centipawns are known, by the exponential of pawns / T.
        """
        if self.temperature == 0 or len(thought.candidates) == 1:
            return thought.candidates[0].action
        worth = np.array([np.nan if move.centipawns is None else move.centipawns for move in thought.candidates])
        if np.isfinite(worth).any():
            weights = np.nan_to_num(np.exp((worth - np.nanmax(worth)) / (100 * self.temperature)))
        else:
            shares = np.array([candidate.visits + candidate.prior for candidate in thought.candidates], dtype=float)
            if not shares.any():
                return thought.candidates[int(rng.integers(len(shares)))].action
            weights = (shares / shares.max()) ** (1 / self.temperature)
        return thought.candidates[int(rng.choice(len(weights), p=weights / weights.sum()))].action


def rated(ratings: Sequence[tuple[int, Strength]], elo: float) -> Strength:
    """The strength of a rating, between the two nearest of `ratings`, which are measured and rise.

    Simulations are taken in proportion of their logarithms, all else of itself; outside, the nearest holds.
    """
    known = [rating for rating, _ in ratings]
    simulations = np.interp(elo, known, [np.log(strength.simulations) for _, strength in ratings])
    temperature = np.interp(elo, known, [strength.temperature for _, strength in ratings])
    rating = np.interp(elo, known, [strength.rating for _, strength in ratings])
    return Strength(round(float(np.exp(simulations))), float(temperature), round(float(rating)))


class Thinker(ABC):
    """Thinks about positions of a game. A subclass has `name` and `game`, and writes `ponder`.

    `levels` are the simulations and temperatures of its dial. `ratings` are strengths whose Elo was measured, weakest
    first, or the ratings of players whose moves it has learnt: nothing where there are neither. `unit` is what people
    call one of its simulations.
    """

    name: str
    game: Game
    """The game that it was made for."""
    levels: Sequence[tuple[int, float]] = LEVELS
    ratings: Sequence[tuple[int, Strength]] = ()
    unit: str = "simulation"

    def refuses(self, game: Game) -> str:
        """Why it cannot play this game, board or komi; nothing where it can."""
        return "" if game == self.game else f"{self.name} plays {self.game.name} as it learnt it alone"

    @abstractmethod
    def ponder(self, game: Game, position: np.ndarray, limit: Limit, every: float = 1.0) -> Iterator[Thought]:
        """Thoughts on `position` [1], each better than the last: one every `every` seconds, and the final one.

        At least one. Where there is nothing new after `every` seconds the same thought comes again, so that the caller
        can look around, and stop asking at any time. Raises ValueError for a game that is over.
        """

    def forget(self) -> None:
        """Forget what was found in earlier games, where that is kept."""
        return None

    def set_memory(self, mebibytes: int) -> None:
        """How much may be kept of what was found, where that can be chosen."""
        return None

    @final
    def rated(self, elo: int) -> Strength:
        """How it plays at a rating. Raises UsageError where it knows none, or not this one."""
        if not self.ratings:
            what = f"{self.name} cannot play at a rating: none is known of it"
            raise UsageError(what, fix="Say how strongly it plays by strength, 1 to 10; or train on games with ratings")
        least, most = self.ratings[0][0], self.ratings[-1][0]
        if not least <= elo <= most:
            raise UsageError(f"a rating of {elo} is not known of {self.name}", fix=f"Give {least} to {most}")
        return rated(self.ratings, elo)

    @final
    def think(self, game: Game, position: np.ndarray, limit: Limit) -> Thought:
        """The final thought. Raises ValueError for a limit that has no end."""
        if limit.is_endless:
            raise ValueError("thinking without a limit has no end: ponder, and stop asking")
        *_, thought = self.ponder(game, position, limit, every=float("inf"))
        return thought
