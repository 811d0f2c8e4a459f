"""Chess, learnt from games that others played and from puzzles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from torch import nn

from sounding.applications.games.chess.concepts import chess_concepts
from sounding.applications.games.chess.recorded import CHESS_FILES, RecordedChess
from sounding.applications.games.chess.teacher import Teacher
from sounding.applications.games.shared import judging as shared
from sounding.applications.games.shared.answering import BestMove
from sounding.applications.games.shared.board_game import BoardGame, BoardGameOptions, BoardGameRecipe
from sounding.applications.games.shared.demonstration import demonstrated
from sounding.applications.games.shared.recorded_positions import RecordedPositions
from sounding.arena.matches import Mover
from sounding.contract.behaviour import EQUIVARIANCE, Behaviour, Changed
from sounding.contract.change import Change, Unchanged
from sounding.contract.concepts import Concept
from sounding.contract.metrics import Metric
from sounding.contract.records import Example, Prediction, Record
from sounding.games.game import Game
from sounding.modalities.boards.board import Encoded, many
from sounding.modalities.boards.chess import MIRRORED, ChessBoard, ChessJudgement
from sounding.modalities.boards.recorded import RecordedGame
from sounding.search.evaluator import Evaluator

if TYPE_CHECKING:
    from sounding.games.chess import Chess


@dataclass(frozen=True)
class ChessRecipe(BoardGameRecipe):
    """The numbers of a training of chess."""

    sizes: ClassVar = {
        "tiny": {
            "blocks": 1, "channels": 16, "batch": 32, "games": 4, "parallel": 4, "simulations": 4,
            "quick_simulations": 2, "considered": 4, "match_games": 2, "match_simulations": 2,
        },
        "small": {},
        "base": {"blocks": 8, "channels": 96},
    }  # fmt: skip

    batch: int = 128
    channels: int = 64
    validations: int = 8
    measured: int = 6_000
    puzzle_share: float = 0.3  # of the positions that are learnt from, where there are games and puzzles
    unrated: float = 0.2  # share of the positions whose ratings are hidden, so that it plays without one as well
    least_rating: int = 0  # of the players that it learnt from; found in the data
    most_rating: int = 0
    plain: int = 0  # the rules of chess have no quick random games
    considered: int = 8
    opening: int = 12
    match_opening: int = 8


@dataclass(frozen=True)
class ChessOptions(BoardGameOptions):
    """How a position is answered."""

    rating: int = 0  # of the player whose move is wanted; 0: as the games have it, or not known


class ChessGame(BoardGame):
    """Chess: the move that people would play, or that solves a puzzle, and who wins; learnt from games and puzzles."""

    Recipe = ChessRecipe
    Options = ChessOptions
    recipe: ChessRecipe
    options: ChessOptions
    input: ChessBoard
    look = "squares"
    moves = "pieces"
    layouts = (CHESS_FILES,)
    caution = (
        "It says what players like those of its games would do, which is not always good; strength holds against the "
        "opponents that are named."
    )

    @cached_property
    def game(self) -> Chess:
        """The rules, with draws as they are claimed."""
        from sounding.games.chess import Chess

        return Chess()

    @cached_property
    def recorded(self) -> RecordedChess:
        """PGN, or rows with moves in UCI."""
        return RecordedChess()

    @property
    def steps(self) -> tuple[tuple[int, int], ...]:
        """Rows and columns that each kind of move goes."""
        from sounding.games.chess.actions import ACTIONS, steps_of

        ends = (steps_of(kind * 64) for kind in range(ACTIONS // 64))
        return tuple((to_row - row, to_column - column) for row, column, to_row, to_column in ends)

    def modalities(self) -> tuple[ChessBoard, ChessJudgement]:
        """A position; the best move, and what is expected."""
        return ChessBoard(self.game), ChessJudgement(self.game, self.territory)

    def fit(self, examples: Sequence[Example]) -> None:
        """Take over the ratings of the players."""
        if not self.plays:
            least, most = self.recorded.ratings
            self.recipe = replace(self.recipe, least_rating=least, most_rating=most)
        super().fit(examples)

    def opponents(self) -> Sequence[Mover]:
        """A player that looks one move ahead, one at random."""
        from sounding.games.playouts import Greedily, Randomly

        return Greedily(), Randomly()

    def variants(self) -> Mapping[str, Game]:
        """Chess960: other starting positions, and castling from them."""
        from sounding.games.chess import Chess960

        return {"Chess960": Chess960()}

    # ---- recorded games and puzzles

    def windows(self, documents: Sequence[RecordedGame]) -> RecordedPositions:
        """The positions of recorded games, and those of puzzles so often that they are the share that is wanted."""
        found = super().windows(documents)
        puzzles = found.puzzles
        share, others = self.recipe.puzzle_share, int((~puzzles).sum())
        if not others or not puzzles.any() or share >= 1:
            return found
        return found.again(puzzles, max(1, round(share / (1 - share) * others / int(puzzles.sum()))))

    def measured(self, windows: Sequence[Example]) -> Sequence[Example]:
        """As many as the recipe says: half of them first positions of puzzles, where there are games and puzzles."""
        assert isinstance(windows, RecordedPositions)
        every, number = windows.once(), self.recipe.measured
        first, games = every[every.puzzles & every.first_moves], every[~every.puzzles]
        if not len(first) or not len(games):
            return (first if len(first) else games).spread(number)
        return games.spread(number // 2).joined(first.spread(number // 2))

    @property
    def row_metrics(self) -> Sequence[Metric]:
        """How single positions are judged."""
        if self.plays:
            return super().row_metrics
        from sounding.applications.games.chess.judging import metrics

        first, *others = super().row_metrics
        return [first, *metrics(), *others]

    def details(self, records: Sequence[Record]) -> Mapping[str, Any]:
        """Whether it wins as often as it says; how it does by ratings."""
        from sounding.applications.games.chess.judging import bands

        return {**super().details(records), **bands(records)}

    @property
    def set_metrics(self) -> Sequence[Metric]:
        """What its moves give away, and where it looks in puzzles."""
        from sounding.applications.games.chess.looking import metrics

        return () if self.plays else metrics()

    def evaluate_set(self, model: nn.Module, examples: Sequence[Example]) -> list[Record]:
        """What is seen of some of the positions and puzzles."""
        from sounding.applications.games.chess.looking import looked_at

        return looked_at(self, model, examples)

    # ---- learning

    def augment(self, x: Encoded, rng: torch.Generator) -> tuple[Encoded, Change]:
        """The ratings of some are hidden."""
        from sounding.games.chess.observation import OF_RATINGS

        hidden = torch.rand(len(x.planes), generator=rng) < self.recipe.unrated
        planes = x.planes.clone()
        planes[hidden, OF_RATINGS:] = 0
        return Encoded(planes, x.legal), Unchanged()

    # ---- answering

    @property
    def ratings(self) -> tuple[int, int] | None:
        """Of the players that most of the games were from, where these were told."""
        return (self.recipe.least_rating, self.recipe.most_rating) if self.recipe.most_rating else None

    def predict(self, model: nn.Module, inputs: Sequence[np.void]) -> list[Prediction]:
        """The best move of each position, of a player of the rating that was asked for."""
        rating = self.options.rating
        return super().predict(model, list(_rated(many(inputs, self.game), rating)) if rating else inputs)

    def postprocessing(self, model: nn.Module) -> BestMove:
        """The best move, of a player of the rating that was asked for."""
        found = super().postprocessing(model)
        if not self.options.rating:
            return found
        from sounding.applications.games.chess.answering import BestMoveOfRating

        return BestMoveOfRating(**vars(found), rating=self.options.rating)

    def evaluator(self, model: nn.Module, game: Game | None = None, rating: int = 0) -> Evaluator:
        """What a search asks, of a player of this rating, or of the one that was asked for."""
        found, wanted = super().evaluator(model, game), rating or self.options.rating
        return (lambda positions: found(_rated(positions, wanted))) if wanted else found

    # ---- what should not matter

    def behaviours(self, train: Sequence[Example]) -> Mapping[str, Behaviour]:
        """Mirror the board, where nobody may castle, and the move should be mirrored with it."""
        from sounding.games.chess.mirroring import MIRRORED_ACTIONS

        def changed(example: Example, rng: np.random.Generator) -> Changed | None:
            value = self.input.mirrored(example.input)
            return None if value is None else Changed(value, unlike)

        def unlike(before: np.void, after: np.void) -> str:
            expected = int(MIRRORED_ACTIONS[shared.move_of(before)])
            return "" if shared.move_of(after) == expected else "the move was not mirrored with the board"

        return {MIRRORED: Behaviour(changed, EQUIVARIANCE, "whose best move was not mirrored with the board")}

    @property
    def concepts(self) -> Sequence[Concept]:
        """Checks, pieces that hang, passed pawns, mobility, kings, material."""
        return tuple(chess_concepts(self.game))

    def demo(self, rng: np.random.Generator, n: int) -> list[Example]:
        """Games of a player who takes what it can and else goes forward."""
        return demonstrated(self.game, Teacher(), self.ending, rng, n, longest=60)


def _rated(positions: np.ndarray, rating: int) -> np.ndarray:
    from sounding.games.chess.about import rated

    return rated(positions, rating)
