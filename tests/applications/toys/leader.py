"""A toy of two tensors: which of two series is the larger in the mean; the model is called with both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from series import Choice, TwoSeries
from torch import Tensor, nn

from sounding.contract.recipe import Recipe
from sounding.contract.records import Example
from sounding.modalities.category import Category


class Difference(nn.Module):
    """Two series [B, T] each → logits [B, 2]."""

    def __init__(self) -> None:
        super().__init__()
        self.out = nn.Linear(1, 2)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return self.out((first - second).sum(1, keepdim=True))


@dataclass(frozen=True)
class LeaderRecipe(Recipe):
    """The numbers of a training of `Leader`."""

    lr: float = 5e-2
    average: float = 0.95


class Leader(Choice):
    """Which of two series is the larger."""

    Recipe = LeaderRecipe
    input: TwoSeries

    def modalities(self) -> tuple[TwoSeries, Category]:
        return TwoSeries(), Category()

    def build(self) -> nn.Module:
        return Difference()

    def logits(self, model: nn.Module, x: tuple[Tensor, Tensor]) -> Tensor:
        return model(*x).float()

    def demo(self, rng: np.random.Generator, n: int) -> list[Example]:
        """Noise around 1 and around 0."""
        return [pair(rng, i % 2 == 0) for i in range(n)]


def pair(rng: np.random.Generator, first: bool) -> Example:
    values = rng.normal(0, 0.5, (2, 6))
    values[0 if first else 1] += 1
    return Example(values.astype(np.float32), "first" if first else "second")
