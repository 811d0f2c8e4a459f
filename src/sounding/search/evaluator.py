"""What a search asks of a network: how good are the moves, and how good is the position?

Legend of shapes: N positions, A actions.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Protocol

import numpy as np

from sounding.games.game import Game

Evaluation = tuple[np.ndarray, np.ndarray]
"""Logits of the actions, float32 [N, A], and values, float32 [N] in -1…1: +1 is won for the player to move.

Logits of illegal actions are not looked at.
"""


class Evaluator(Protocol):
    """Judges positions, none of which is of a finished game. Each by itself: a row knows nothing of its neighbours."""

    def __call__(self, positions: np.ndarray) -> Evaluation:
        """Logits [N, A] and values [N] of `positions` [N]."""


class Uniform:
    """No knowledge: all moves are alike, and every position is even."""

    def __init__(self, game: Game) -> None:
        self.game = game

    def __call__(self, positions: np.ndarray) -> Evaluation:
        """Zeros."""
        n = len(positions)
        return np.zeros((n, self.game.actions), np.float32), np.zeros(n, np.float32)


class WithRandomGames:
    """An evaluator whose values are half its own, and half the mean of `games` random games from each position.

    After Silver et al., "Mastering the game of Go with deep neural networks and tree search" (Nature 529, 2016), where
    equal weights did best. Random games know little and are never far off, a network knows more and can be.
    """

    def __init__(self, game: Game, evaluate: Evaluator, games: int) -> None:
        self.game, self.evaluate, self.games = game, evaluate, games

    def __call__(self, positions: np.ndarray) -> Evaluation:
        """Logits of the evaluator, and the mixed values."""
        from sounding.games.playouts import mean_results  # compiled: a network alone needs none of it

        logits, values = self.evaluate(positions)
        sign = 1 - 2 * self.game.to_play(positions).astype(np.float32)
        return logits, (values + sign * mean_results(self.game, positions, self.games)) / 2


class Remembered:
    """An evaluator that is not asked twice about a position: its answers are kept by `Game.keys`, the latest `room`.

    Of positions with the same key the first one's answer holds, also where a superko would tell them apart.
    """

    def __init__(self, game: Game, evaluate: Evaluator, room: int = 100_000) -> None:
        self.game, self.evaluate, self.room = game, evaluate, room
        self._known: OrderedDict[int, tuple[np.ndarray, np.float32]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def __call__(self, positions: np.ndarray) -> Evaluation:
        """Logits and values, of which only those of new positions are asked for."""
        keys = self.game.keys(positions).tolist()
        new = [row for row, key in enumerate(keys) if key not in self._known]
        answers = {key: self._known[key] for key in keys if key in self._known}
        if new:
            logits, values = self.evaluate(positions[new])
            for row, logit, value in zip(new, logits, values, strict=True):
                answers[keys[row]] = self._known[keys[row]] = (np.array(logit), value)
        for key in answers:
            self._known.move_to_end(key)
        while len(self._known) > self.room:
            self._known.popitem(last=False)
        found = [answers[key] for key in keys]
        return np.stack([logit for logit, _ in found]), np.array([value for _, value in found], np.float32)
