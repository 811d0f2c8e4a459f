"""A game move by move, as a thinker judges it: what was given away, and what would have been better.

Each position is thought about once. A move is worth what the position after it is, for the one who made it; what it
gives away is the difference to the best move's. Centipawns become chances to win as on lichess.org, which fitted
1 / (1 + exp(−0.00368 · centipawns)) to games of players around 2,300; and its names hold: 5 points of a hundred given
away are an inaccuracy, 10 a mistake, 15 a blunder.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from sounding.games.contest import MATE
from sounding.games.game import Game
from sounding.games.thinking import Candidate, Limit, Thinker, Thought

PER_CENTIPAWN = 0.00368208
KINDS = ((0.15, "blunder"), (0.10, "mistake"), (0.05, "inaccuracy"))
"""From how much that is given away, and what it is called; the worst first."""
CEILING = 1000
"""Centipawns beyond which nothing more is lost on average."""


@dataclass(frozen=True)
class Worth:
    """What a position or a move is worth to one player: the chance to win, draws counting half, and centipawns."""

    chance: float
    centipawns: int | None = None
    mate: int | None = None

    @classmethod
    def of(cls, move: Candidate) -> Worth:
        """What a thinker says of its move."""
        if move.mate is not None:
            won = move.mate > 0
            return cls(float(won), MATE if won else -MATE, move.mate)
        if move.centipawns is None:
            return cls(move.win_rate)
        return cls(1 / (1 + math.exp(-PER_CENTIPAWN * move.centipawns)), move.centipawns)

    def turned(self) -> Worth:
        """The same to the other player."""
        points, mate = self.centipawns, self.mate
        return Worth(1 - self.chance, None if points is None else -points, None if mate is None else -mate)


@dataclass(frozen=True)
class Reviewed:
    """A move that was made: by whom, what it is worth, and what the best one is worth, both to the player who moved.

    `better` is the best move with how it would go on; nothing where it is the one that was made.
    """

    ply: int  # from 0
    player: int
    action: int
    position: np.ndarray  # [1], before the move
    worth: Worth
    best: Worth
    better: tuple[int, ...]

    @property
    def lost(self) -> float:
        """The chance to win that it gives away."""
        return max(0.0, self.best.chance - self.worth.chance) if self.better else 0.0

    @property
    def kind(self) -> str:
        """ "blunder", "mistake", "inaccuracy", or nothing."""
        return next((name for least, name in KINDS if self.lost >= least), "")


def review(
    thinker: Thinker, game: Game, positions: Sequence[np.ndarray], actions: Sequence[int], limit: Limit
) -> Iterator[Reviewed]:
    """The moves of a game, in order. `positions` [1] are those before each move, and the last one after it."""
    players = [int(game.to_play(position)[0]) for position in positions]
    thought = _thought(thinker, game, positions[0], limit)
    for ply, action in enumerate(actions):
        player, after = players[ply], positions[ply + 1]
        following = _thought(thinker, game, after, limit)
        if following is None:
            worth = _ended(game, after, player)
        else:
            said = Worth.of(following.candidates[0])
            worth = said.turned() if players[ply + 1] != player else said
        if thought is None:  # the game went on where a draw was to be claimed
            yield Reviewed(ply, player, action, positions[ply], worth, worth, ())
        else:
            best = thought.candidates[0]
            better = () if best.action == action else best.line or (best.action,)
            yield Reviewed(ply, player, action, positions[ply], worth, Worth.of(best), better)
        thought = following


@dataclass(frozen=True)
class Summary:
    """What a player gave away: how many of its moves were of each kind, and centipawns a move, where they are known."""

    moves: int
    kinds: Counter[str]
    centipawns: float | None


def summary(reviewed: Sequence[Reviewed], player: int) -> Summary:
    """Of the moves of one player."""
    mine = [move for move in reviewed if move.player == player]
    pairs = [(move.best.centipawns, move.worth.centipawns) for move in mine]
    known = [(_capped(best), _capped(worth)) for best, worth in pairs if best is not None and worth is not None]
    losses = [max(0, best - worth) for best, worth in known]
    return Summary(
        len(mine), Counter(move.kind for move in mine if move.kind), sum(losses) / len(losses) if losses else None
    )


def _capped(centipawns: int) -> int:
    return max(-CEILING, min(CEILING, centipawns))


def _thought(thinker: Thinker, game: Game, position: np.ndarray, limit: Limit) -> Thought | None:
    """What is thought of a position; None where the game is over."""
    return None if game.over(position)[0] else thinker.think(game, position, limit)


def _ended(game: Game, position: np.ndarray, player: int) -> Worth:
    """What the end of a game is worth."""
    result = int(game.results(position)[0]) * (1 - 2 * player)
    if result == 0:
        return Worth(0.5, 0)
    return Worth(float(result > 0), MATE * result, 0)
