"""A search that a UCI program has asked for: its limit, what is news of it, and the move that it ends with."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from sounding.games.game import Game
from sounding.games.protocols.clock import SOONEST, Share
from sounding.games.protocols.uci_go import Asked
from sounding.games.protocols.uci_info import texts
from sounding.games.thinking import Limit, Strength, Thought

SAID = 0.5
"""Seconds between two lines on a search that has come no deeper."""


@dataclass
class Search:
    """A search that goes on. `waits`: its move may not be told before `stop` or `ponderhit`; it then `stopped`."""

    share: Share | None
    waits: bool
    began: float = field(default_factory=time.monotonic)
    stopped: bool = False
    _until: float = math.inf
    _shown: Thought | None = None
    _said: float = -math.inf

    @property
    def over(self) -> bool:
        """Whether nobody waits for more of it."""
        return self.stopped or time.monotonic() >= self._until

    def hit(self) -> None:
        """The move that was expected has been played: the time that it may take counts, from its beginning."""
        self.waits = False
        if self.share is not None:
            self._until = self.began + self.share.target

    def is_news(self, thought: Thought, is_last: bool = False) -> bool:
        """Whether it should be told: each depth, after some time, and at the end. It then counts as told."""
        now = time.monotonic()
        is_deeper = self._shown is None or thought.depth > self._shown.depth
        if thought is self._shown or not (is_deeper or is_last or now >= self._said + SAID):
            return False
        self._shown, self._said = thought, now
        return True


def limit_of(asked: Asked, share: Share | None, actions: Sequence[int], lines: int, strength: Strength | None) -> Limit:
    """What is asked as a limit for the actions that may be played; while it ponders, no clock of its own runs.

    A single one needs no thought where a clock runs. A move time is used up.
    """
    nodes = [asked.nodes, None if strength is None else strength.simulations]
    wanted = [number for number in nodes if number is not None]
    seconds, target = (None, None) if share is None or asked.ponder else (share.most, share.target)
    if asked.move_time is not None:
        target = None
    elif target is not None and len(actions) == 1:
        seconds = target = SOONEST
    return Limit(
        simulations=max(1, min(wanted)) if wanted else None,
        seconds=seconds,
        target=target,
        depth=None if asked.depth is None else max(1, asked.depth),
        mate=asked.mate,
        actions=tuple(actions) if asked.actions else (),
        lines=max(lines, 1 if strength is None else strength.limit().lines),
        rating=0 if strength is None else strength.rating,
    )


def played(
    game: Game, position: np.ndarray, thought: Thought, strength: Strength | None, rng: np.random.Generator
) -> str:
    """The line that ends a search: the move, and the answer to it that is expected."""
    action = thought.candidates[0].action if strength is None else strength.choose(thought, rng)
    expected = next(move.line for move in thought.candidates if move.action == action)
    move, *answer = texts(game, position, (action, *expected[1:2]))
    return " ".join(["bestmove", move, *(["ponder", *answer] if answer else [])])
