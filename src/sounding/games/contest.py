"""What players of a game are asked, and what they answer: one game at a time, with or without clocks.

Pace        how much a move may take: a clock, or so many seconds, nodes or moves ahead
Clocks      what both have left
Contestant  a player: it is told of a new game, and asked for a move in a game in progress
Answer      its move, and what it thinks of the position

`Thinking` and `Moving` make contestants of thinkers and of movers; `protocols.uci_mover` of other programs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from sounding.errors import UsageError
from sounding.games.protocols.clock import share
from sounding.games.session import Session
from sounding.games.thinking import Limit, Strength, Thinker
from sounding.wording import counted

_CLOCK = re.compile(r"(\d+(?:\.\d+)?)(?:\+(\d+(?:\.\d+)?))?")


class Forfeit(Exception):
    """A player cannot go on: it has lost the game, and this says why."""


@dataclass(frozen=True)
class Pace:
    """What a move may take: the first of these that is not None. `seconds` and `added` for each move make a clock."""

    seconds: float | None = None
    added: float = 0.0
    move_seconds: float | None = None
    nodes: int | None = None
    depth: int | None = None

    @classmethod
    def clock(cls, text: str) -> Pace:
        """The clock of "10+0.1": so many seconds for all moves, and so many more for each. Raises UsageError."""
        found = _CLOCK.fullmatch(text.strip())
        if not found or float(found[1]) <= 0:
            raise UsageError(f"{text!r} is no clock", fix="Give seconds, and what each move adds: 10+0.1")
        return cls(seconds=float(found[1]), added=float(found[2] or 0))

    def __str__(self) -> str:
        if self.seconds is not None:
            return f"{self.seconds:g} s + {self.added:g} s a move"
        if self.move_seconds is not None:
            return f"{self.move_seconds:g} s a move"
        if self.nodes is not None:
            return f"{counted(self.nodes, 'node')} a move"
        return "no limit" if self.depth is None else f"depth {self.depth}"


class Clocks:
    """The time of two players, by number; `is_set` where it runs."""

    def __init__(self, pace: Pace) -> None:
        self.is_set, self.added = pace.seconds is not None, pace.added
        self.left = [pace.seconds or 0.0, pace.seconds or 0.0]

    def spend(self, player: int, seconds: float) -> bool:
        """Take off what a move took, and add what it adds. False where the time has run out."""
        if not self.is_set:
            return True
        self.left[player] -= seconds
        if self.left[player] < 0:
            return False
        self.left[player] += self.added
        return True


@dataclass(frozen=True)
class Answer:
    """A move, and what the player to move thinks that it is worth, in centipawns; mates count as `MATE`."""

    action: int
    centipawns: int | None = None


MATE = 32_000


class Contestant(Protocol):
    """A player of one game at a time."""

    @property
    def name(self) -> str:
        """What it is called in tables."""

    def begin(self) -> None:
        """A new game begins."""

    def answer(self, session: Session, clocks: Clocks, pace: Pace) -> Answer:
        """A move in the game as it stands, which is not over. Raises Forfeit."""

    def close(self) -> None:
        """There are no more games."""


@dataclass
class Thinking:
    """A thinker as a contestant, at full strength or at one of its dial, where a pace does not end it sooner."""

    thinker: Thinker
    rng: np.random.Generator
    strength: Strength | None = None
    name: str = ""

    def __post_init__(self) -> None:
        self.name = self.name or self.thinker.name

    def begin(self) -> None:
        """Forget the last game."""
        self.thinker.forget()

    def answer(self, session: Session, clocks: Clocks, pace: Pace) -> Answer:
        """The move that it finds."""
        limit = self._limit(session.to_play, clocks, pace)
        thought = self.thinker.think(session.game, session.position, limit)
        action = thought.candidates[0].action if self.strength is None else self.strength.choose(thought, self.rng)
        best = thought.candidates[0]
        if best.mate is not None:
            return Answer(action, MATE if best.mate > 0 else -MATE)
        return Answer(action, best.centipawns)

    def close(self) -> None:
        """Nothing is open."""

    def _limit(self, player: int, clocks: Clocks, pace: Pace) -> Limit:
        wanted: dict[str, Any] = {}
        if clocks.is_set:
            part = share(clocks.left[player], clocks.added)
            wanted = {"seconds": part.most, "target": part.target}
        elif pace.move_seconds is not None:
            wanted = {"seconds": pace.move_seconds}
        of_strength = None if self.strength is None else self.strength.simulations
        nodes = [number for number in (pace.nodes, of_strength) if number is not None]
        if self.strength is not None:
            wanted |= {"lines": self.strength.limit().lines, "rating": self.strength.rating}
        return Limit(simulations=min(nodes) if nodes else None, depth=pace.depth, **wanted)


class Mover(Protocol):
    """What chooses moves for positions, and may know why it gave up: as in `sounding.arena.matches`."""

    @property
    def name(self) -> str:
        """What it is called in tables."""

    def moves(self, game: Any, positions: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """An action [N] for each position; below 0 gives the game up."""


@dataclass(frozen=True)
class Moving:
    """A mover as a contestant; what a move may take, it decides itself."""

    mover: Mover
    rng: np.random.Generator

    @property
    def name(self) -> str:
        """That of the mover."""
        return self.mover.name

    def begin(self) -> None:
        """Nothing is kept."""

    def answer(self, session: Session, clocks: Clocks, pace: Pace) -> Answer:
        """The move that is chosen. Raises Forfeit where it gives up."""
        action = int(self.mover.moves(session.game, session.position.copy(), self.rng)[0])
        if action < 0:
            raise Forfeit((getattr(self.mover, "forfeits", None) or [f"{self.name} gave up"])[-1])
        return Answer(action)

    def close(self) -> None:
        """Close what the mover has open."""
        close = getattr(self.mover, "close", None)
        if close is not None:
            close()
