"""A toy of an int input: whether a number is odd, by an embedding of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from series import Whole
from torch import Tensor, nn
from torch.nn import functional as F

from sounding.contract.metrics import Metric, accuracy
from sounding.contract.recipe import Recipe
from sounding.contract.records import Example, Prediction
from sounding.contract.task import Task
from sounding.modalities.category import Category


@dataclass(frozen=True)
class OddRecipe(Recipe):
    """The numbers of a training of `Odd`."""

    lr: float = 5e-2
    average: float = 0.95


class Odd(Task):
    """Whether a number is odd or even."""

    Recipe = OddRecipe
    input: Whole
    target: Category

    def modalities(self) -> tuple[Whole, Category]:
        return Whole(), Category()

    @property
    def metrics(self) -> Sequence[Metric]:
        return (accuracy(),)

    def build(self) -> nn.Module:
        return nn.Sequential(nn.Embedding(100, 8), nn.Linear(8, 2))

    def embedding_layer(self, model: nn.Module) -> nn.Module:
        return model.get_submodule("0")

    def loss(self, model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        return F.cross_entropy(model(x).float(), y, reduction="none")

    @torch.no_grad()
    def predict(self, model: nn.Module, inputs: Sequence[Any]) -> list[Prediction]:
        scores = model(self.encoded(model, inputs)).float().softmax(1).cpu().numpy()
        return [Prediction(self.target.classes[int(row.argmax())], float(row.max()), row) for row in scores]

    def demo(self, rng: np.random.Generator, n: int) -> list[Example]:
        return [Example(int(i), ("even", "odd")[i % 2]) for i in rng.integers(0, 100, n)]
