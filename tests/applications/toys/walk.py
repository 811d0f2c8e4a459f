"""A toy whose loss rises as it learns: what a way still costs, from what the model says of its next place (TD(0)).

A step costs 1 and all that follows counts double, so the costs grow with the distance; while the values grow towards
the truth, so do the errors (Sutton, "Learning to predict by the methods of temporal differences", 1988).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from series import Whole
from torch import Tensor, nn

from sounding.contract.answers import Averaged
from sounding.contract.metrics import Metric, mean
from sounding.contract.recipe import Recipe
from sounding.contract.records import Example, Prediction
from sounding.contract.task import Task

FARTHEST = 6
"""Steps to the goal from the farthest places, whose numbers begin with this digit."""


class Cost(Averaged):
    """What a way costs."""

    columns = ("cost",)

    def read(self, cell: Any, root: Path = Path()) -> float:
        return float(cell)

    def fit(self, values: Iterable[Any]) -> None:
        return None

    def encode(self, values: Sequence[Any]) -> Tensor:
        return torch.tensor([float(value) for value in values])

    def constant_baseline(self, values: Sequence[Any]) -> float:
        return float(np.mean(values))


@dataclass(frozen=True)
class WalkRecipe(Recipe):
    """The numbers of a training of `Walk`."""

    select: str = "last"
    watchdog: str = "finite"
    optimizer: str = "adamw"
    lr: float = 0.3
    warmup: float = 0.0
    average: float = 0.5


class Walk(Task):
    """What a way from a number down to 0 costs, where each step of 10 costs 1 and what follows counts double."""

    Recipe = WalkRecipe
    input: Whole
    target: Cost

    def modalities(self) -> tuple[Whole, Cost]:
        return Whole(), Cost()

    @property
    def metrics(self) -> Sequence[Metric]:
        off = "mean of the distance between the answer and the truth"
        return (Metric("error", lambda r: abs(r.value - r.truth), mean, off, higher_is_better=False),)

    def build(self) -> nn.Module:
        net = nn.Embedding(100, 1)
        nn.init.zeros_(net.weight)
        return net

    def embedding_layer(self, model: nn.Module) -> nn.Module:
        return model

    def collect(self, model: nn.Module, examples: Sequence[Example], rng: np.random.Generator) -> Sequence[Example]:
        """The cost of a step, and twice what the model says of the place after it."""
        following = [max(0, int(example.input) - 10) for example in examples]
        with torch.no_grad():
            worth = [0.0 if i < 10 else p.value for i, p in zip(following, self.predict(model, following), strict=True)]
        return [replace(e, target=1 + 2 * w) for e, w in zip(examples, worth, strict=True)]

    def loss(self, model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        return (model(x)[:, 0].float() - y).square()

    @torch.no_grad()
    def predict(self, model: nn.Module, inputs: Sequence[Any]) -> list[Prediction]:
        return [Prediction(value) for value in model(self.encoded(model, inputs))[:, 0].tolist()]

    def demo(self, rng: np.random.Generator, n: int) -> list[Example]:
        """Places, and their true costs: 1, 3, 7, …"""
        return [Example(int(i), 2.0 ** (int(i) // 10) - 1) for i in rng.integers(10, 10 * FARTHEST + 10, n)]
