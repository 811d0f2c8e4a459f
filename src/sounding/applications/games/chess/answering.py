"""From what a network says of positions of chess to the best moves, of players of a rating.

Legend of shapes: N positions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sounding.applications.games.shared.answering import BestMove
from sounding.contract.modality import Modality
from sounding.contract.postprocessing import Arrays, Network
from sounding.contract.records import Prediction
from sounding.games.chess.about import RATING_UNIT, USUAL_RATING, rated
from sounding.games.game import Game
from sounding.modalities.boards.board import Board, many
from sounding.search.evaluator import Evaluator


@dataclass(frozen=True)
class BestMoveOfRating(BestMove):
    """The best move, of a player of this `rating`."""

    rating: int

    @property
    def steps(self) -> Sequence[str]:
        """The rating, and those of every best move."""
        from sounding.games.chess.observation import OF_RATINGS  # compiled: needs numba

        far = (self.rating - USUAL_RATING) / RATING_UNIT
        planes = f"planes {OF_RATINGS} and {OF_RATINGS + 1} are {far:g}, of players rated {self.rating}"
        return (planes, *super().steps)

    def predictions(self, network: Network, x: Arrays, values: Sequence[Any], target: Modality) -> list[Prediction]:
        """Those for positions that such players have come to."""
        board = Board(target.game, "squares")  # type: ignore[attr-defined]
        positions = list(rated(many(values, board.game), self.rating))
        return super().predictions(network, board.arrays(positions), positions, target)

    def evaluator(self, network: Network, game: Game) -> Evaluator:
        """What a search asks, of such players."""
        found = super().evaluator(network, game)
        return lambda positions: found(rated(positions, self.rating))
