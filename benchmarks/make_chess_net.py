"""Makes src/sounding/games/chess/nnue/net.safetensors, the network with which the engine judges positions of chess.

    sounding teach games.parquet --engine stockfish --limit "nodes 300" --ahead 16 --out labels
    python benchmarks/make_chess_net.py labels [MORE] [--out runs/chess_net] [--time 1200]

Both commands go on from where they were stopped. The labels of one game in fifty are not learnt from: at the end the
error on them is printed, of the trained net and of the same in whole numbers, beside that of always saying 50 %.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sounding.architectures.nnue import LARGEST, Nnue
from sounding.contract.batch import Batch
from sounding.contract.metrics import Metric
from sounding.contract.modality import Modality
from sounding.contract.recipe import Recipe
from sounding.contract.records import Example, Prediction
from sounding.contract.task import Task
from sounding.games.chess.labels import Labels, read_labels
from sounding.games.chess.nnue.accumulators import evaluate
from sounding.games.chess.nnue.features import dense
from sounding.games.chess.nnue.network import SCALE, SHIPPED, UNITS, Net, quantised, write_net
from sounding.machine.setting import choose, inference, prepare
from sounding.randomness import stream
from sounding.training.ahead import made_ahead
from sounding.training.checkpointer import FolderCheckpointer
from sounding.training.loop import Budget, fit
from sounding.training.progress import reporter
from sounding.training.train_state import TrainState

HELD_OUT = 50
"""One game of so many is for the test."""


@dataclass(frozen=True)
class JudgingRecipe(Recipe):
    """The numbers of the training."""

    batch: int = 8_192
    optimizer: str = "adamw"
    lr: float = 1e-3
    weight_decay: float = 0.0
    warmup: float = 0.02
    average: float = 0.999
    clip: float = 0.0
    select: str = "last"
    validations: int = 10


class Board(Modality):
    """The words of a board that the network sees."""

    def read(self, cell: Any, root: Path = Path()) -> Any:
        raise NotImplementedError("boards come from labels")

    def encode(self, values: Sequence[Any]) -> Any:
        boards = np.ascontiguousarray(values, np.uint64)
        inputs, buckets = np.empty((len(boards), 2, 768), np.uint8), np.empty(len(boards), np.int64)
        dense(boards, np.arange(len(boards)), inputs, buckets)
        return {"inputs": torch.from_numpy(inputs), "buckets": torch.from_numpy(buckets)}


class Score(Modality):
    """A score in centipawns, learnt as the share of points that is expected."""

    def read(self, cell: Any, root: Path = Path()) -> Any:
        return int(cell)

    def encode(self, values: Sequence[Any]) -> Any:
        return torch.sigmoid(torch.as_tensor(np.asarray(values), dtype=torch.float32) / SCALE)


class Judging(Task):
    """How good a position of chess is."""

    Recipe = JudgingRecipe

    def modalities(self) -> tuple[Modality, Modality]:
        return Board(), Score()

    @property
    def metrics(self) -> Sequence[Metric]:
        definition = "mean difference of the expected share of points"
        return [Metric("error", lambda r: abs(r.value - r.truth), np.mean, definition, higher_is_better=False)]

    def build(self) -> nn.Module:
        return Nnue()

    def loss(self, model: nn.Module, x: Any, y: Any) -> Tensor:
        return (torch.sigmoid(model(**x)) - y).abs().pow(2.5)

    def predict(self, model: nn.Module, inputs: Sequence[Any]) -> list[Prediction]:
        return [Prediction(value) for value in torch.sigmoid(model(**self.encode_inputs(inputs))).tolist()]

    def demo(self, rng: np.random.Generator, n: int) -> list[Example]:
        raise NotImplementedError("it learns from labels")


@dataclass(frozen=True)
class LabelFeed:
    """Batches of labels, epoch after epoch, each in an order of its own."""

    task: Task
    labels: Labels
    seed: int = 0

    @property
    def steps_per_epoch(self) -> int:
        return max(1, len(self.labels) // self.task.recipe.batch)

    def steps(self, state: TrainState) -> Iterator[list[Batch]]:
        yield from made_ahead(self._batch, self._rows(state))

    def _rows(self, state: TrainState) -> Iterator[np.ndarray]:
        step, size = state.counters.step, self.task.recipe.batch
        while True:
            epoch, number = divmod(step, self.steps_per_epoch)
            order = stream("order", self.seed, epoch).permutation(len(self.labels))
            for place in range(number, self.steps_per_epoch):
                yield order[place * size : (place + 1) * size]
            step = (epoch + 1) * self.steps_per_epoch

    def _batch(self, rows: np.ndarray) -> list[Batch]:
        x = self.task.encode_inputs(self.labels.boards[rows])
        return [Batch(x, self.task.encode_targets(self.labels.scores[rows]), len(rows))]


def whole_numbers(model: nn.Module) -> Net:
    """The trained weights as the engine has them."""
    first, last = model.first, model.last
    weights = {
        "features": first.weight.detach().clamp(-LARGEST, LARGEST).T,
        "bias": first.bias.detach(),
        "output": last.weight.detach().clamp(-LARGEST, LARGEST),
        "output_bias": last.bias.detach(),
    }
    return quantised({name: tensor.float().numpy() for name, tensor in weights.items()})


def judged(net: Net, boards: np.ndarray) -> np.ndarray:
    """[N]: the expected shares of points, computed as the engine does."""
    accumulators, found = np.zeros((1, 2, UNITS), np.int16), np.empty(len(boards))
    for n in range(len(boards)):
        views = np.zeros((1, 2), np.int8)
        score = evaluate(boards[n : n + 1], 0, net, accumulators, views)
        found[n] = 1 / (1 + math.exp(-score / SCALE))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("labels", type=Path, nargs="+", help="folders that sounding teach has made")
    parser.add_argument("--out", type=Path, default=Path("runs/chess_net"))
    parser.add_argument("--time", type=float, default=1200, help="seconds of training")
    parser.add_argument("--net", type=Path, default=SHIPPED, help="where the net is written")
    options = parser.parse_args()
    prepare()
    labels = read_labels(options.labels, print)
    kept = labels.games % HELD_OUT != 0
    train, test = (Labels(labels.boards[w], labels.scores[w], labels.games[w]) for w in (kept, ~kept))
    print(f"{len(train):,} positions to learn from, {len(test):,} for the test")
    task = Judging()
    result = fit(
        task,
        (),
        (),
        budget=Budget(seconds=options.time),
        setting=choose(),
        checkpointer=FolderCheckpointer(options.out),
        reporter=reporter("chess net"),
        feed=LabelFeed(task, train),
    )
    net = whole_numbers(result.model)
    write_net(options.net, net, {"made by": "benchmarks/make_chess_net.py", "labels": f"{len(train):,}"})
    truth = 1 / (1 + np.exp(-test.scores / SCALE))
    with inference():
        learnt = np.array(
            [p.value for k in range(0, len(test), 8192) for p in task.predict(result.model, test.boards[k : k + 8192])]
        )
    for name, found in (("trained", learnt), ("in whole numbers", judged(net, test.boards)), ("always 50 %", 0.5)):
        print(f"{name}: mean error {np.abs(found - truth).mean():.4f}, squared {np.square(found - truth).mean():.5f}")


if __name__ == "__main__":
    main()
