"""A toy player: Nim with one heap, learnt from nothing. Shows that a task without any data fits the contract.

Two players take one to three matches in turn; who takes the last one wins. The winning move leaves a multiple of four.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sounding.contract.metrics import Metric, mean
from sounding.contract.modality import Modality
from sounding.contract.player import Experience, Player, PlayRecipe
from sounding.contract.records import Prediction, Record
from sounding.errors import DataError

LARGEST, MOVES = 15, 3


class Heap(Modality):
    """How many matches are left: a whole number."""

    def read(self, cell: Any, root: Path = Path()) -> int:
        if not str(cell).isdigit() or not 0 < int(cell) <= LARGEST:
            raise DataError(f"{cell!r} is no heap", fix=f"Give a number from 1 to {LARGEST}")
        return int(cell)

    def encode(self, values: Sequence[Any]) -> Tensor:
        """Numbers [B], int64."""
        return torch.tensor([int(value) for value in values])

    def to_json(self, value: Any) -> int:
        return int(value)


class Move(Modality):
    """How many matches to take, 1 to 3, with how good that turned out: the record (move, won)."""

    classes = (1, 2, 3)

    def read(self, cell: Any, root: Path = Path()) -> int:
        return int(cell)

    def fit(self, values: Iterable[Any]) -> None:
        return None

    def encode(self, values: Sequence[Any]) -> Tensor:
        """Places of the moves [B]."""
        return torch.tensor([int(value) - 1 for value in values])

    def to_json(self, value: Any) -> int:
        return int(value)


@dataclass(frozen=True)
class NimRecipe(PlayRecipe):
    """The numbers of a training of `Nim`."""

    batch: int = 64
    lr: float = 3e-2
    average: float = 0.9
    round_steps: int = 10
    games: int = 60  # a round
    window: int = 1500


class Nim(Player):
    """Nim: how many matches to take from a heap."""

    Recipe = NimRecipe
    recipe: NimRecipe

    def modalities(self) -> tuple[Heap, Move]:
        return Heap(), Move()

    @property
    def metrics(self) -> Sequence[Metric]:
        """The share of games won against a player at random, moving second."""
        won = "share of games won against random moves, the opponent moving first"
        return (Metric("score", lambda record: float(record.value), mean, won, proportion=True),)

    @property
    def row_metrics(self) -> Sequence[Metric]:
        """How often the move is the one that won."""
        same = "share of positions whose move is the one that was learnt"
        return (
            Metric("agreement", lambda r: float(int(r.value) == int(r.truth)), mean, same, proportion=True, hit=sure),
        )

    def build(self) -> nn.Module:
        return nn.Sequential(nn.Embedding(LARGEST + 1, 16), nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, MOVES))

    def embedding_layer(self, model: nn.Module) -> nn.Module:
        return model.get_submodule("0")

    def loss(self, model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        return F.cross_entropy(self._logits(model, x), y, reduction="none")

    def predict(self, model: nn.Module, inputs: Sequence[Any]) -> list[Prediction]:
        with torch.no_grad():
            scores = self._logits(model, self.encoded(model, inputs)).softmax(-1).cpu().numpy()
        return [Prediction(int(row.argmax()) + 1, float(row.max()), row) for row in scores]

    def play(self, model: nn.Module, rng: np.random.Generator) -> Experience:
        """Games against itself, six moves in ten drawn; what the winner did is what is learnt."""
        rows = []
        for game in range(self.recipe.games):
            heap, turn, played = int(rng.integers(1, LARGEST + 1)), 0, []
            while heap:
                move = self._move(model, heap, rng if rng.random() < 0.6 else None)
                played.append((heap, move, turn))
                heap, turn = heap - move, 1 - turn
            rows += [(heap, move, game) for heap, move, player in played if player == played[-1][2]]
        inputs, targets, games = (np.array(column) for column in zip(*rows, strict=True))
        return Experience(inputs, targets, games)

    def matches(self, model: nn.Module, rng: np.random.Generator) -> list[Record]:
        """From every heap that is not lost at the start, twenty games against a player at random."""
        return [self._match(model, heap, rng) for heap in range(1, LARGEST + 1) if heap % 4 for _ in range(10)]

    def _match(self, model: nn.Module, heap: int, rng: np.random.Generator) -> Record:
        start, mine = heap, True
        while heap:
            heap -= self._move(model, heap, None if mine else rng)
            mine = not mine
        return Record(not mine, True, None, float("nan"), f"heap {start}")

    def _move(self, model: nn.Module, heap: int, rng: np.random.Generator | None) -> int:
        if rng is not None:
            return int(rng.integers(1, min(MOVES, heap) + 1))
        return int(self._logits(model, torch.tensor([heap])).argmax()) + 1

    @staticmethod
    def _logits(model: nn.Module, x: Tensor) -> Tensor:
        """[B, 3], with moves that take more than there are out of the question."""
        legal = torch.arange(1, MOVES + 1) <= x[:, None].clamp(min=1)
        return model(x).float().masked_fill(~legal, -30.0)


def agrees(record: Record) -> float:
    return float(int(record.value) == int(record.truth))


def sure(record: Record) -> list[tuple[float, bool]]:
    """One decision a position."""
    return [(record.confidence or 0.0, int(record.value) == int(record.truth))]
