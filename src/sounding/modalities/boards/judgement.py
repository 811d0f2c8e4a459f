"""A move with what is expected of the game, as an answer: how good each move is, who wins, whose each point will be.

A value is one record of `record(game, territory)`, all from the view of the player to move:

    policy      [A]    the share of each move: what a search found, or what a network says
    outcome     [3]    the probabilities of a win, a draw and a loss; of a game that was played, one of them is 1
    ownership   [H·W]  from −1 (the other's) to 1 (one's own), where the game has territory
    score              points by which the game is won, where it has territory
    thought     [3]    what a search, which saw neither the end nor a proof, said of the outcome; zeros: there was none
    position           that it is of, where moves cannot be written without it; nothing (zeros) where it is of none

What nobody knows of a game that was played is NaN: how it ended, whose the points were.

Legend of shapes: B batch, A actions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from sounding.contract.answers import Answer, Averaged, Overlaid, Transformed
from sounding.contract.change import Change, refusal
from sounding.drawing.colours import GREEN, INK, PURPLE, VERMILION
from sounding.drawing.rendering import Marks
from sounding.drawing.shapes import Disc, Rectangle, Shape, Words
from sounding.errors import DataError
from sounding.games.game import Game
from sounding.modalities.boards.turning import Turned
from sounding.wording import percent

if TYPE_CHECKING:
    from torch import Tensor

WIN, DRAW, LOSS = range(3)
SHOWN = 5
"""Moves that are told, the best first."""
VISIBLE = 0.02
"""The share from which on a move is drawn."""


class EncodedJudgement(NamedTuple):
    """The fields of B values as tensors of float32."""

    policy: Tensor  # [B, A]
    outcome: Tensor  # [B, 3]
    ownership: Tensor  # [B, H · W], or [B, 0]
    score: Tensor  # [B, 1], or [B, 0]
    thought: Tensor  # [B, 3]


@dataclass(frozen=True)
class MatchGame:
    """What a match gives instead: one game against an opponent, with its points (1, 0.5 for a draw, 0) and its moves.

    `first` is whether the model moved first.
    """

    opponent: str
    points: float
    first: bool
    moves: str


def record(game: Game, territory: bool) -> np.dtype[Any]:
    """The type of a value. Half precision is enough for what a search finds, and there are many of them."""
    _, rows, columns = game.shape
    fields: list[Any] = [("policy", np.float16, (game.actions,)), ("outcome", np.float16, (3,))]
    if territory:
        fields += [("ownership", np.float16, (rows * columns,)), ("score", np.float16)]
    if game.speaks_of_positions:
        fields += [("position", game.dtype)]
    return np.dtype([*fields, ("thought", np.float16, (3,))])


class Judgement(Answer, Averaged, Overlaid, Transformed):
    """The best move of a position of `game`, how good the others are, and how the game is expected to end."""

    noun = "move"

    def __init__(self, game: Game, territory: bool) -> None:
        self.game, self.territory = game, territory
        self.dtype = record(game, territory)

    @property
    def arguments(self) -> Mapping[str, Any]:
        """The game, and whether it ends in points."""
        return {"game": self.game, "territory": self.territory}

    def read(self, cell: Any, root: Path = Path()) -> np.void:
        """A record as it is. Raises DataError for anything else: moves are not learnt from tables."""
        if isinstance(cell, np.void) and cell.dtype == self.dtype:
            return cell
        raise DataError(f"a {type(cell).__name__} is no judgement of a position", fix="Let the task play its games")

    def accepts(self, cell: Any) -> bool:
        """Records alone."""
        return isinstance(cell, np.void)

    def encode(self, values: Sequence[np.void]) -> EncodedJudgement:
        """The fields, float32."""
        import torch

        batch = np.empty(len(values), self.dtype)
        for number, value in enumerate(values):
            batch[number] = value
        none = np.zeros((len(values), 0), np.float32)
        owned = batch["ownership"] if self.territory else none
        score = batch["score"][:, None] if self.territory else none
        fields = (batch["policy"], batch["outcome"], owned, score, batch["thought"])
        return EncodedJudgement(*(torch.from_numpy(np.ascontiguousarray(f, np.float32)) for f in fields))

    def move(self, value: np.void) -> int:
        """The best move."""
        return int(np.argmax(value["policy"]))

    def text(self, value: np.void, action: int) -> str:
        """A move of a value as people write it."""
        known = self.game.speaks_of_positions and value["position"].tobytes().strip(b"\0")
        return self.game.text(action, value["position"] if known else None)

    def constant_baseline(self, values: Sequence[np.void]) -> np.void:
        """The mean of each field where it is known: the moves that are played most, how often who moves wins."""
        batch = np.empty(len(values), self.dtype)
        for number, value in enumerate(values):
            batch[number] = value
        found = np.zeros(1, self.dtype)
        for name in (name for name in self.dtype.names or () if name != "position"):
            known = ~np.isnan(batch[name])
            total = np.where(known, batch[name], 0).astype(np.float64).sum(axis=0)
            found[name] = total / np.maximum(1, known.sum(axis=0))
        return found[0]

    def transform_targets(self, values: Sequence[np.void], change: Change) -> list[np.void]:
        """Moves and owners turned with the board. Raises UsageError for another change."""
        if not isinstance(change, Turned):
            raise refusal(self, change)
        found = []
        for value, symmetry in zip(values, change.symmetry.tolist(), strict=True):
            other = value.copy()
            other["policy"][self.game.symmetries[symmetry]] = value["policy"]
            if self.territory:
                other["ownership"][self.game.squares[symmetry]] = value["ownership"]
            found.append(other)
        return found

    # ---- showing

    def describe(self, value: Any) -> str:
        """The move, how likely who moves is to win, and by how much."""
        if isinstance(value, MatchGame):
            return f"{value.points:g} against {value.opponent}"
        said = self.text(value, self.move(value))
        if not np.isnan(win_rate(value)):
            said += f", wins {percent(win_rate(value))}"
        by = self.territory and not np.isnan(value["score"])
        return f"{said}, by {float(value['score']):+.1f} points" if by else said

    def to_json(self, value: Any) -> Any:
        """The move, the probabilities of the outcomes, the best moves with their shares; of a match its game."""
        if isinstance(value, MatchGame):
            return asdict(value)
        if not isinstance(value, np.void):
            return value
        outcome = [_rounded(p, 3) for p in value["outcome"]]
        found: dict[str, Any] = {
            "move": self.text(value, self.move(value)),
            **dict(zip(("win", "draw", "loss"), outcome, strict=True)),
        }
        found["policy"] = {self.text(value, a): round(p, 3) for a, p in self._best(value)}
        if self.territory:
            found["score"] = _rounded(value["score"], 1)
        return found

    def _best(self, value: np.void) -> list[tuple[int, float]]:
        policy = value["policy"].astype(float)
        return [(int(a), float(policy[a])) for a in np.argsort(-policy, kind="stable")[:SHOWN] if policy[a] > 0.001]

    def answers(self, value: np.void, confidence: float | None, scores: np.ndarray | None) -> list[dict[str, Any]]:
        """The best moves with their shares; the win rate is that of the position."""
        rate = win_rate(value)
        return [{"label": self.text(value, a), "score": p, "win_rate": rate} for a, p in self._best(value)]

    def fields(self, value: np.void, scores: np.ndarray | None) -> Mapping[str, Callable[[], Any]]:
        """`move`, `win_rate`, `policy` [A], `outcome` [3]; with territory `ownership` [H, W] and `lead`."""
        _, rows, columns = self.game.shape
        found: dict[str, Callable[[], Any]] = {
            "move": lambda: self.text(value, self.move(value)),
            "win_rate": lambda: win_rate(value),
            "policy": lambda: value["policy"].astype(np.float32),
            "outcome": lambda: value["outcome"].astype(np.float32),
        }
        if self.territory:
            found["ownership"] = lambda: value["ownership"].astype(np.float32).reshape(rows, columns)
            found["lead"] = lambda: float(value["score"])
        return found

    def lines(self, value: np.void) -> list[str]:
        """The other moves that were thought of."""
        others = [f"{self.text(value, a)} {percent(p)}" for a, p in self._best(value)]
        return [f"moves: {', '.join(others)}"]

    def marks(self, value: np.void) -> Marks:
        """The share of each move in red, a ring around the best, and small squares in the colour of the owner."""
        _, rows, columns = self.game.shape
        shapes: list[Shape] = []
        if self.territory:
            for point, owner in enumerate(np.nan_to_num(value["ownership"].astype(float))):
                row, column = divmod(point, columns)
                colour = GREEN if owner > 0 else PURPLE
                opacity = min(1.0, abs(owner))
                shapes.append(Rectangle(column + 0.36, row + 0.36, 0.28, 0.28, colour, opacity=opacity))
        points = self.game.actions >= rows * columns
        for action, share in enumerate(value["policy"].astype(float)):
            if share < VISIBLE or (points and action >= rows * columns):
                continue
            row, column = divmod(action, columns) if points else (-1, action)
            shapes.append(Rectangle(column + 0.06, row + 0.06, 0.88, 0.88, VERMILION, opacity=min(0.8, share)))
            shapes.append(Words(column + 0.5, row + 0.5, f"{100 * share:.0f}", 10, INK, anchor="middle", shift=4))
            if action == self.move(value):
                shapes.append(Disc(column + 0.5, row + 0.5, 0.46, "", VERMILION, 2.0))
        legend = [(VERMILION, "moves, in percent")]
        legend += [(GREEN, "point of who moves"), (PURPLE, "point of the other")] if self.territory else []
        return Marks(tuple(shapes), tuple(legend))


def _rounded(number: Any, digits: int) -> float | None:
    """A number as JSON can hold it; None where it is not known."""
    return None if np.isnan(number) else round(float(number), digits)


def win_rate(value: np.void) -> float:
    """The expected points of who moves, a draw being half a win; NaN where nothing is known of the outcome."""
    return float(value["outcome"][WIN]) + float(value["outcome"][DRAW]) / 2
