"""A thinker that knows nothing: it stands in for a search with a network."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import count

import numpy as np

from sounding.games.game import Game
from sounding.games.thinking import Candidate, Limit, Thinker, Thought


class RandomThinker(Thinker):
    """Moves at random, a function of the seed and the number of thoughts so far; one simulation a thought.

    `any_board`: it plays any game of the name of its own. `points`: the last candidate is what a pass is to it, so that
    games of Go end with full boards.
    """

    name = "random"

    def __init__(self, game: Game, seed: int = 0, any_board: bool = True) -> None:
        self.game, self.any_board = game, any_board
        self.rng = np.random.default_rng(seed)
        self.limits: list[Limit] = []

    def refuses(self, game: Game) -> str:
        if game == self.game or (self.any_board and game.name == self.game.name):
            return ""
        return f"{self.name} plays {self.game} alone"

    def ponder(self, game: Game, position: np.ndarray, limit: Limit, every: float = 1.0) -> Iterator[Thought]:
        self.limits.append(limit)
        actions = np.flatnonzero(game.legal(position)[0])
        if not len(actions):
            raise ValueError("the game is over")
        passes = game.actions == np.prod(game.shape[1:]) + 1
        keen = self.rng.random(len(actions)) - 10.0 * (passes & (actions == game.actions - 1))
        order = actions[np.argsort(-keen)]
        visits = np.zeros(len(order), int)
        end = None if limit.seconds is None else time.monotonic() + limit.seconds
        for done in count(1):
            visits[min(done - 1, len(order) - 1) if done < 3 else 0] += 1
            moves = [
                Candidate(int(action), int(n), 1 / len(order), 0.5 + 0.1 * (k == 0), (int(action),))
                for k, (action, n) in enumerate(zip(order, visits, strict=True))
            ]
            yield Thought(0.6, tuple(moves), done)
            if (limit.simulations is not None and done >= limit.simulations) or (end and time.monotonic() >= end):
                return
            if limit.simulations is None:
                time.sleep(0.01)


def with_lead(thought: Thought, squares: int) -> Thought:
    """The same thought with points and ownership."""
    candidates = tuple(replace(move, lead=1.5) for move in thought.candidates)
    return replace(thought, candidates=candidates, lead=1.5, ownership=(0.5,) * squares)
