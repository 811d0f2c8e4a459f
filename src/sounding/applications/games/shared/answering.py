"""From what a network says of positions to the best moves, at once or after a search; and to what plays with it.

In numpy, with the rules and the search of the game, which numba compiles; without torch.

Legend of shapes: N positions, A actions, H W the board.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sounding.contract.modality import Modality
from sounding.contract.postprocessing import Arrays, Network, Playing
from sounding.contract.records import Prediction
from sounding.games.game import Game, Positions
from sounding.games.thinking import Thinker
from sounding.modalities.boards.board import many
from sounding.modalities.boards.judgement import DRAW, LOSS, WIN, Judgement
from sounding.postprocessing.functions import logistic, softmax
from sounding.search.evaluator import Evaluation, Evaluator, WithRandomGames

if TYPE_CHECKING:
    from sounding.search.thinker import RatedPlayers


@dataclass(frozen=True)
class BestMove(Playing):
    """The best move from logits of the moves [N, A] and of win, draw and loss [N, 3].

    With territory also from logits of the owner of each point [N, H · W] and the score [N, 1], in sides of the board.
    `search` simulations, 0 for none, of which `considered` moves get some, make the answer better; half of the value of
    a position is then the mean of `random_games` from it, where there are some.
    """

    search: int
    considered: int
    random_games: int

    @property
    def steps(self) -> Sequence[str]:
        """Softmax, the largest; the search."""
        searched = (
            f"then a search of {self.search} simulations (Gumbel AlphaZero, {self.considered} moves considered), which "
            "asks the network of the positions ahead: the answer is the policy that it finds"
        )
        random = f"half of a value is the mean result of {self.random_games} random games from the position"
        return (
            "all is said from the view of the player to move",
            "softmax of `policy`: the share of each move; the largest is the answer",
            "softmax of `outcome`: the probabilities of a win, a draw, a loss",
            "where there is `ownership`: 2 · logistic function - 1, from -1 (the other's point) to 1, row by row from "
            "the top; `score` times the side of the board is in points",
            *([searched] if self.search else []),
            *([random] if self.search and self.random_games else []),
        )

    def predictions(self, network: Network, x: Arrays, values: Sequence[Any], target: Modality) -> list[Prediction]:
        """The best move of each position, the shares of all moves, and what is expected of the game."""
        assert isinstance(target, Judgement)
        positions = many(values, target.game)
        return self.answers(network(x), positions, lambda: self.evaluator(network, target.game), target)

    def answers(
        self, outputs: Arrays, positions: Positions, evaluator: Callable[[], Evaluator], target: Judgement
    ) -> list[Prediction]:
        """The same from the outputs for `positions`; `evaluator` makes what a search asks."""
        judged = np.zeros(len(positions), target.dtype)
        policy, outcome = softmax(outputs[0]), softmax(outputs[1])
        if self.search:
            policy, outcome = self._searched(target.game, positions, outcome, evaluator())
        judged["policy"], judged["outcome"] = policy, outcome
        if target.game.speaks_of_positions:
            judged["position"] = positions
        if target.territory:
            judged["ownership"] = 2 * logistic(outputs[2]) - 1
            judged["score"] = outputs[3][:, 0] * target.game.shape[1]
        return [Prediction(value, float(row.max()), row) for value, row in zip(judged, policy, strict=True)]

    def _searched(
        self, game: Game, positions: Positions, outcome: np.ndarray, evaluate: Evaluator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Moves and outcomes after a search; how likely a draw is, is left to the network."""
        from sounding.search.gumbel import gumbel_search

        found = gumbel_search(game, positions, evaluate, self.search, self.considered)
        draw = np.minimum(outcome[:, DRAW], 1 - np.abs(found.values))
        win = (1 - draw + found.values) / 2
        return found.policy, np.stack([win, draw, 1 - draw - win], axis=1)

    def evaluator(self, network: Network, game: Game) -> Evaluator:
        """What a search asks of positions."""
        asked = NetworkOfArrays(game, network)
        return WithRandomGames(game, asked, self.random_games) if self.random_games else asked

    def thinker(self, network: Network, input: Modality, target: Modality) -> Thinker:
        """A search with the network, on the board that it learnt on."""
        assert isinstance(target, Judgement)

        def judged(game: Game, position: Positions) -> Prediction:
            x = game.observe(position), game.legal(position)
            return self.predictions(network, x, list(position), target)[0]

        return thinker(target, lambda game: self.evaluator(network, game), judged)


class NetworkOfArrays:
    """What a search is told of positions by a network that takes arrays."""

    def __init__(self, game: Game, network: Network) -> None:
        self.game, self.network = game, network

    def __call__(self, positions: np.ndarray) -> Evaluation:
        """Logits [N, A] and values [N] in −1…1, from the view of the player to move."""
        every = np.ones((len(positions), self.game.actions), bool)  # the search knows itself what is legal
        policy, outcome = self.network((self.game.observe(positions), every))[:2]
        shares = softmax(outcome)
        return policy, shares[:, WIN] - shares[:, LOSS]


def thinker(
    target: Judgement,
    evaluator_of: Callable[[Game], Evaluator],
    judged: Callable[[Game, Positions], Prediction],
    players: RatedPlayers | None = None,
) -> Thinker:
    """A search for people and other programs, of what `target` judges; `judged` is the network's word of a position.

    `players` are those whose ratings it can play at.
    """
    from sounding.search.thinker import Judged, SearchThinker

    learnt = target.game

    def refusal(game: Game) -> str:
        same = game.name == learnt.name and game.shape == learnt.shape
        return "" if same else f"this run has learnt {learnt}"

    def judge(game: Game, position: np.ndarray) -> Judged:
        if not target.territory:
            return Judged()
        value = judged(game, position).value
        return Judged(float(value["score"]), tuple(value["ownership"].astype(float).tolist()))

    return SearchThinker(f"sounding {learnt.name}", learnt, evaluator_of, refusal, judge, players=players)
