"""What is the same of all board games that are learnt by playing: the recipe, the loss, the answers, the matches.

An application says which game it is, what it is drawn like, and against whom it is tried.

Legend of shapes: B batch, A actions.
"""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sounding.applications.games.shared import judging
from sounding.applications.games.shared.answering import BestMove, thinker
from sounding.applications.games.shared.board_concepts import distance_to_the_edge
from sounding.applications.games.shared.curves import Curve
from sounding.applications.games.shared.matches import NetworkMover, match, scores
from sounding.applications.games.shared.network import BoardModel, StandIn, evaluator
from sounding.applications.games.shared.recorded_positions import RecordedPositions
from sounding.applications.games.shared.self_play import Ending, SelfPlay
from sounding.architectures.board_network import BoardConfig, BoardOutputs, Moves
from sounding.arena.matches import Mover
from sounding.contract.behaviour import EQUIVARIANCE, Behaviour, Changed
from sounding.contract.change import Change
from sounding.contract.concepts import Concept
from sounding.contract.contest import Contest
from sounding.contract.evidence import Figure
from sounding.contract.metrics import Metric
from sounding.contract.modality import Row
from sounding.contract.options import Options
from sounding.contract.player import Experience, Player, PlayRecipe
from sounding.contract.records import Example, Prediction, Record
from sounding.contract.tree import arrays
from sounding.errors import DataError, UsageError
from sounding.games.game import Game
from sounding.games.thinking import Thinker
from sounding.modalities.boards.board import TURNED, Board, Encoded, many
from sounding.modalities.boards.drawing import Look
from sounding.modalities.boards.judgement import EncodedJudgement, Judgement, win_rate
from sounding.modalities.boards.recorded import RecordedGame
from sounding.modalities.boards.turning import Turned
from sounding.randomness import stream
from sounding.search.evaluator import Evaluator


@dataclass(frozen=True)
class BoardGameRecipe(PlayRecipe):
    """The numbers of a training by self-play."""

    shaping: ClassVar[Sequence[str]] = ("blocks", "channels")

    batch: int = 128
    average: float = 0.98
    warmup: float = 0.02
    hold: float = 0.6
    validations: int = 3
    players: int = 2
    held_out: float = 0.05
    blocks: int = 4
    channels: int = 48
    games: int = 256  # that a round plays
    parallel: int = 64  # that are played at a time
    simulations: int = 32  # of a move that is learnt from
    quick_simulations: int = 8  # of any other
    share: float = 0.25  # of the moves that are learnt from
    considered: int = 8  # moves that a search begins with
    value_scale: float = 1.0  # how much the values of a search weigh beside the shares that the network gave
    opening: int = 4  # random moves at the beginning of a game, at most
    results: float = 0.5  # how much a game's result weighs in what is learnt of who wins, beside what a search thought
    plain: int = 4  # rounds of steps until the network plays; before, a plain search with random games does
    plain_rollouts: int = 400  # random games of each of its moves
    random_games: int = 0  # from each position that a search looks at: their mean is half of its value
    match_games: int = 40  # against each opponent, when it is tried
    match_simulations: int = 32  # of each of its moves there
    match_opening: int = 3  # random moves at the beginning of those
    measured: int = 10_000  # positions of held-out recorded games that are measured, at most
    rollouts: int = 1000  # of each move of the strongest opponent

    def __post_init__(self) -> None:
        """Raises UsageError for numbers with which no game could be played."""
        super().__post_init__()
        names = ["games", "parallel", "simulations", "quick_simulations", "considered"]
        names += ["match_games", "rollouts", "plain_rollouts"]
        for name in names:
            if getattr(self, name) < 1:
                raise UsageError(f"{name}={getattr(self, name)} leaves nothing to play", fix=f"Give {name} 1 or more")
        if not 0 <= self.results <= 1:
            raise UsageError(f"results={self.results:g} is out of range", fix="Give a share from 0 to 1")
        for name in ("plain", "random_games"):
            if getattr(self, name) < 0:
                raise UsageError(f"{name}={getattr(self, name)} is out of range", fix=f"Give {name} 0 or more")
        if not 0 < self.share <= 1:
            raise UsageError(f"share={self.share:g} is out of range", fix="Give a share above 0, up to 1")

    @property
    def is_usual(self) -> bool:
        """Whether what decides how strong so many games make it is as by default."""
        names = ("blocks", "channels", "batch", "round_steps", "simulations", "share", "plain", "random_games")
        usual = type(self)()
        return all(getattr(self, name) == getattr(usual, name) for name in names)


class PolicyAndOutcome(NamedTuple):
    """What a network says of B positions of a game that does not end in points: [B, A] and [B, 3], logits."""

    policy: Tensor
    outcome: Tensor


@dataclass(frozen=True)
class BoardGameOptions(Options):
    """How a position is answered."""

    modest: ClassVar = {"search": (0, 1600)}

    search: int = (
        0  # simulations of an answer (0: what the network says at once), and of a move in matches (0: as in training)
    )
    matches: int = 0  # games against each opponent, when it is measured; 0: as in training


class BoardGame(Player):
    """A board game for two, learnt by playing against itself. A subclass says which."""

    Recipe = BoardGameRecipe
    Options = BoardGameOptions
    recipe: BoardGameRecipe
    options: BoardGameOptions
    input: Board
    target: Judgement

    look: ClassVar[Look]
    moves: ClassVar[Moves]
    ending: ClassVar[Ending] = Ending()

    @cached_property
    @abstractmethod
    def game(self) -> Game:
        """The rules. Raises UsageError where they cannot be compiled, since numba is missing."""

    @abstractmethod
    def opponents(self) -> Sequence[Mover]:
        """Against whom it is tried, the strongest first; with each a score, the first of which is the headline."""

    @property
    def steps(self) -> tuple[tuple[int, int], ...]:
        """Rows and columns that each kind of move goes, where pieces move; nothing where stones are placed."""
        return ()

    @property
    def territory(self) -> bool:
        """Whether a game ends in points."""
        return self.ending.territory

    def modalities(self) -> tuple[Board, Judgement]:
        """A position; the best move, and what is expected."""
        return Board(self.game, self.look), Judgement(self.game, self.territory)

    @property
    def metrics(self) -> Sequence[Metric]:
        """The score against each opponent; of what learns from records, how single positions are judged."""
        if not self.plays:
            return self.row_metrics
        return scores([opponent.name for opponent in self.opponents()], self._simulations)

    @property
    def _simulations(self) -> int:
        """Of a move in a match."""
        return self.options.search or self.recipe.match_simulations

    @property
    def row_metrics(self) -> Sequence[Metric]:
        """How single positions are judged."""
        return judging.row_metrics(self.territory, of_records=not self.plays)

    # ---- recorded games

    def windows(self, documents: Sequence[RecordedGame]) -> RecordedPositions:
        """The positions of recorded games."""
        return RecordedPositions(self.game, self.ending, documents)

    def measured(self, windows: Sequence[Example]) -> Sequence[Example]:
        """As many as the recipe says, evenly spread over the games."""
        assert isinstance(windows, RecordedPositions)
        return windows.spread(self.recipe.measured)

    def likelihood(self, rows: Sequence[Row]) -> tuple[float, str]:
        """The share of the first rows that are games of its kind."""
        some = rows[:20]
        sound = 0
        for row in some:
            with suppress(DataError):
                self.document.read(row.input, row.root)
                sound += 1
        return 0.9 * sound / max(1, len(some)), f"records of {len(rows):,} games"

    # ---- learning

    def build(self) -> nn.Module:
        """The network, of the recipe's blocks and channels."""
        passes = self.game.actions == self.game.shape[1] * self.game.shape[2] + 1
        config = BoardConfig(
            self.game.shape[0], self.recipe.blocks, self.recipe.channels, self.moves, passes, self.territory, self.steps
        )
        return BoardModel(config)

    def loss(self, model: nn.Module, x: Encoded, y: EncodedJudgement) -> Tensor:
        """How far what the network says is from what is to be learnt [B], in nats: 0 where it says the same.

        Divergences (Kullback-Leibler) of the moves and the outcomes; with territory also that of the owners, a mean
        over the points, and of the score, a Huber loss in units of the board's side. What is not known of a recorded
        game (NaN) is not learnt.
        """
        found: BoardOutputs = model(x)
        total = divergence(y.policy, found.policy) + divergence(self._likely(y), found.outcome)
        if not self.territory:
            return total
        mine = (1 + y.ownership) / 2
        owners = torch.stack([mine, 1 - mine], dim=-1)
        chances = torch.stack([found.ownership.float(), torch.zeros_like(mine)], dim=-1)
        owned = divergence(owners.flatten(0, 1), chances.flatten(0, 1)).view(mine.shape).mean(dim=1)
        side = self.game.shape[1]
        truth = torch.where(y.score.isnan(), found.score.float().detach(), y.score / side)
        score = F.smooth_l1_loss(found.score.float(), truth, reduction="none").mean(dim=1)
        return total + owned + 0.1 * score

    def _likely(self, y: EncodedJudgement) -> Tensor:
        """How likely each outcome is to be called [B, 3]: the result, and what the search thought, as the recipe says.

        A result is one draw of chance, the thought of a search less than the truth; together they are better than both.
        """
        share = torch.where(y.thought.sum(dim=1, keepdim=True) > 0, self.recipe.results, 1.0)
        return share * y.outcome + (1 - share) * y.thought

    def log_likelihood(self, model: nn.Module, x: Encoded, y: EncodedJudgement) -> Tensor:
        """The log-probability [B] of the best move of each answer."""
        policy = model(x).policy.float().log_softmax(dim=1)
        return policy.gather(1, y.policy.argmax(dim=1, keepdim=True))[:, 0]

    def augment(self, x: Encoded, rng: torch.Generator) -> tuple[Encoded, Change]:
        """Each position under a symmetry of its board."""
        symmetry = torch.randint(len(self.game.symmetries), (len(x.planes),), generator=rng).numpy()
        legal = np.empty_like(x.legal.numpy())
        np.put_along_axis(legal, self.game.symmetries[symmetry], x.legal.numpy(), axis=1)
        planes = np.ascontiguousarray(self.game.flip(x.planes.numpy(), symmetry))
        return Encoded(torch.from_numpy(planes), torch.from_numpy(legal)), Turned(symmetry)

    # ---- playing

    def play(self, model: nn.Module, rng: np.random.Generator) -> Experience:
        """A round of games against itself: by a plain search as long as the network has hardly learnt anything."""
        assert isinstance(model, BoardModel)
        r = self.recipe
        plan = SelfPlay(
            r.games, r.parallel, r.simulations, r.quick_simulations, r.share, r.considered, r.opening, r.value_scale
        )
        if model.batches < r.plain * r.round_steps:
            return plan.plainly(self.game, r.plain_rollouts, rng, self.ending)
        return plan(self.game, self.evaluator(model), rng, self.ending)

    @property
    def curve(self) -> Curve | None:
        """How strong former runs with this recipe became, where that is known."""
        return None

    def foretold(self, setting: Any, seconds: float | None, until: float | None, steps: int | None = None) -> str:
        """How strong it becomes, and when, by the curve of former runs and the pace of this machine."""
        from sounding.applications.games.shared.foretelling import foretold

        return "" if self.curve is None else foretold(self, self.curve, setting, seconds, until)

    def evaluator(self, model: nn.Module, game: Game | None = None, rating: int = 0) -> Evaluator:
        """What a search asks of positions, of another board than the recipe's where one is named.

        With a `rating`, as a player of this rating sees them, where the task has learnt that (`ratings`).
        """
        return evaluator(game or self.game, model, self.recipe.random_games)

    def matches(self, model: nn.Module, rng: np.random.Generator) -> list[Record]:
        """Games against each opponent, every opening twice with sides changed."""
        r = self.recipe
        mine = NetworkMover(self.evaluator(model), self._simulations, r.considered)
        games = self.options.matches or r.match_games
        found = []
        for opponent in self.opponents():
            found += match(self.game, mine, opponent, games, r.match_opening, rng)
        return found

    def standing(self, records: Sequence[Record], model: nn.Module, earlier: nn.Module | None) -> Sequence[str]:
        """The scores against the weaker opponents, and against itself as it was when matches were last played."""
        opponents = [opponent.name for opponent in self.opponents()]
        said = [
            f"{metric.value(records):.2f} against {name}"
            for metric, name in zip(self.metrics[1:], opponents[1:], strict=True)
        ]
        if earlier is None:
            return said
        r = self.recipe
        mine, former = (
            NetworkMover(self.evaluator(each), self._simulations, r.considered) for each in (model, earlier)
        )
        games = match(self.game, mine, former, r.match_games, r.match_opening, stream("earlier"))
        score = np.mean([game.value.points for game in games])
        return [*said, f"{score:.2f} against itself at the last matches"]

    # ---- answering

    @torch.inference_mode()
    def predict(self, model: nn.Module, inputs: Sequence[np.void]) -> list[Prediction]:
        """The best move of each position, with the shares of all moves and what is expected of the game."""
        if not len(inputs):
            return []
        outputs = arrays(self.outputs(model, self.encoded(model, inputs)))
        positions = many(inputs, self.game)
        return self.postprocessing(model).answers(outputs, positions, lambda: self.evaluator(model), self.target)

    def outputs(self, model: nn.Module, x: Encoded) -> BoardOutputs | PolicyAndOutcome:
        """What is said of positions, without what the game has not."""
        found: BoardOutputs = model(x)
        return found if self.territory else PolicyAndOutcome(found.policy, found.outcome)

    def standing_in(self, model: nn.Module, outputs: Callable[[Any], Any]) -> nn.Module:
        """A copy of `model` that a search asks as well."""
        assert isinstance(model, BoardModel)
        twin = copy.copy(model)
        twin.__dict__["_modules"] = {"network": StandIn(model.network, self.game.actions, outputs)}
        return twin

    def postprocessing(self, model: nn.Module) -> BestMove:
        """The best move, after a search where the options say so."""
        return BestMove(self.options.search, self.recipe.considered, self.recipe.random_games)

    def thinker(self, model: nn.Module) -> Thinker:
        """A search with the network, for people and other programs; on the board that it learnt on."""
        from sounding.search.thinker import RatedPlayers

        def judged(game: Game, position: np.ndarray) -> Prediction:
            return self.predict(model, [position[0]])[0]

        def evaluator_of(game: Game, rating: int = 0) -> Evaluator:
            return self.evaluator(model, game, rating)

        players = None if self.ratings is None else RatedPlayers(*self.ratings, evaluator_of)
        return thinker(self.target, evaluator_of, judged, players)

    def contest(self, model: nn.Module) -> Contest:
        """The model as it plays its matches, the fixed opponents, and the rules that it has not learnt."""
        r, evaluate, alone = self.recipe, self.evaluator(model), evaluator(self.game, model)

        def mover(simulations: int, rehearses: bool) -> NetworkMover:
            return NetworkMover(evaluate, simulations, r.considered, draws=rehearses)

        def judge(positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            logits, values = alone(positions)
            shares = np.exp(logits - logits.max(axis=1, keepdims=True))
            return shares / shares.sum(axis=1, keepdims=True), (1 + values) / 2

        opening, games = (r.opening, r.games) if self.plays else (0, 0)
        return Contest(
            self.game,
            mover,
            judge,
            win_rate,
            self.opponents(),
            self._simulations,
            r.match_opening,
            opening,
            self.variants(),
            games,
            r.match_games,
        )

    def variants(self) -> Mapping[str, Game]:
        """The game by rules that it was not trained by, by what they are called; none by default."""
        return {}

    def agree(self, answer: np.void, other: np.void) -> bool:
        """Whether the best move is the same."""
        return judging.move_of(answer) == judging.move_of(other)

    def behaviours(self, train: Sequence[Example]) -> Mapping[str, Behaviour]:
        """Turn the board, and the move should turn with it."""
        if len(self.game.symmetries) < 2:
            return {}

        def changed(example: Example, rng: np.random.Generator) -> Changed | None:
            symmetry = int(rng.integers(1, len(self.game.symmetries)))
            value = self.input.turned(example.input, symmetry)
            return (
                None if value is None else Changed(value, lambda before, after: self._unlike(before, after, symmetry))
            )

        fails = "whose best move did not turn with the board"
        return {TURNED: Behaviour(changed, EQUIVARIANCE, fails)}

    def _unlike(self, before: np.void, after: np.void, symmetry: int) -> str:
        expected = int(self.game.symmetries[symmetry][judging.move_of(before)])
        return "" if judging.move_of(after) == expected else "the move did not turn with the board"

    @property
    def concepts(self) -> Sequence[Concept]:
        """What people see on the board; a game adds its own."""
        return (distance_to_the_edge(self.game),)

    def figures(self, records: Sequence[Record]) -> Sequence[Figure]:
        """Whether it wins as often as it says."""
        return tuple(judging.reliability(records))

    def details(self, records: Sequence[Record]) -> Mapping[str, Any]:
        """The same as a table."""
        return judging.calibration_of_value(records)


def divergence(truth: Tensor, logits: Tensor) -> Tensor:
    """The Kullback-Leibler divergence [B] of softmax(`logits` [B, K]) from the shares `truth` [B, K], in nats.

    0 where the shares are not known (NaN).
    """
    truth, said = truth.nan_to_num(nan=0.0), logits.float().log_softmax(dim=-1)
    return (torch.xlogy(truth, truth) - truth * said).sum(dim=-1)
