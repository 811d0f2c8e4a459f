"""Matches against fixed opponents: pairs of games from the same opening, each side moving first once.

Legend of shapes: N games.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sounding.arena.matches import Mover, PlayedGame, play_match
from sounding.arena.openings import openings
from sounding.contract.metrics import SHARE, Metric, mean_of_counted
from sounding.contract.records import Record
from sounding.games.game import Game, Positions
from sounding.modalities.boards.judgement import MatchGame
from sounding.search.evaluator import Evaluator

AT_A_TIME = 256
"""Games that are advanced together: a network is asked about all of them at once."""


class NetworkMover:
    """The best move that a search with a network finds, or the network alone with 0 simulations.

    Nothing is drawn, unless it `draws`: then moves are those of self-play, and no two games alike.
    """

    def __init__(self, evaluate: Evaluator, simulations: int, considered: int, *, draws: bool = False) -> None:
        self.name = f"the model with {simulations} simulations{', which draws' if draws else ''}"
        self.draws = draws
        self.evaluate = evaluate
        self.simulations, self.considered = simulations, considered

    def moves(self, game: Game, positions: Positions, rng: np.random.Generator) -> np.ndarray:
        """The best moves."""
        if not self.simulations:
            logits, _ = self.evaluate(positions)
            if self.draws:  # Gumbel noise: a draw from the shares that the network gives
                logits = logits + rng.gumbel(size=logits.shape)
            return np.where(game.legal(positions), logits, -np.inf).argmax(axis=1)
        from sounding.search.gumbel import gumbel_search

        drawn = rng if self.draws else None
        return gumbel_search(game, positions, self.evaluate, self.simulations, self.considered, drawn).actions


def match(game: Game, mine: Mover, other: Mover, games: int, plies: int, rng: np.random.Generator) -> list[Record]:
    """Records of `games` games (an even number) after random openings; the two games of an opening are one group."""
    beginnings = openings(game, max(1, games // 2), plies, rng)
    found = play_match(game, mine, other, beginnings, rng, at_a_time=AT_A_TIME)
    return [_record(game, other.name, played) for played in found.games]


def _record(game: Game, opponent: str, played: PlayedGame) -> Record:
    moves = " ".join(game.text(action) for action in played.actions)
    value = MatchGame(opponent, played.points, played.first, moves)
    return Record(value, True, None, float("nan"), f"{opponent}, opening {played.opening + 1}")


def scores(opponents: Sequence[str], simulations: int) -> list[Metric]:
    """The share of points against each opponent."""
    return [_score(name, simulations) for name in opponents]


def _score(name: str, simulations: int) -> Metric:
    def judge(record: Record) -> float:
        return record.value.points if record.value.opponent == name else float("nan")

    definition = (
        f"points a game against {name}, a draw being half a point, with {simulations} simulations a move; random "
        "openings, each played twice with sides changed"
    )
    return Metric(f"score against {name}", judge, mean_of_counted, definition, bounds=SHARE)
