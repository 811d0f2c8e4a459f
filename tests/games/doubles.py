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


class Materialist(Thinker):
    """Plays chess by counting pieces after each move and the best answer to it; mates are seen."""

    name, unit = "materialist", "node"
    worth = (100, 300, 300, 500, 900, 0)

    def __init__(self, game: Game) -> None:
        self.game = game

    def refuses(self, game: Game) -> str:
        return ""

    def ponder(self, game: Game, position: np.ndarray, limit: Limit, every: float = 1.0) -> Iterator[Thought]:
        actions = np.flatnonzero(game.legal(position)[0])
        if not len(actions):
            raise ValueError("the game is over")
        player = int(game.to_play(position)[0])
        after = np.repeat(position, len(actions))
        game.play(after, actions)
        found = []
        for row, action in enumerate(actions.tolist()):
            answers = np.flatnonzero(game.legal(after[row : row + 1])[0])
            ends = np.repeat(after[row : row + 1], max(1, len(answers)))
            if len(answers):
                game.play(ends, answers)
            scores = self._counted(game, ends, player)
            answer = () if not len(answers) else (int(answers[scores.argmin()]),)
            found.append((int(scores.min()), action, (action, *answer)))
        found.sort(key=lambda entry: -entry[0])
        yield Thought(
            0.5,
            tuple(
                Candidate(a, 1, 0.0, 1 / (1 + 10 ** (-score / 400)), line, centipawns=score)
                for score, a, line in found
                if not limit.actions or a in limit.actions
            ),
            len(found),
            depth=2,
        )

    def _counted(self, game: Game, positions: np.ndarray, player: int) -> np.ndarray:
        """[N]: centipawns for a player; a mate is worth 100 pawns."""
        counts = np.zeros(len(positions), int)
        for kind, worth in enumerate(self.worth):
            for colour, sign in enumerate((1, -1)):
                here = positions["pieces"][:, kind] & positions["colours"][:, colour]
                counts += sign * worth * np.array([int(bits).bit_count() for bits in here])
        counts = counts + 10_000 * game.results(positions).astype(int)
        return counts * (1 - 2 * player)
