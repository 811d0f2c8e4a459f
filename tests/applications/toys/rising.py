"""A toy of a tuple: whether a series rises, from its values and its lengths, in batches of a budget of numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from series import Choice, Padded, Series
from torch import Tensor, nn

from sounding.contract.recipe import Recipe
from sounding.contract.records import Example
from sounding.modalities.category import Category


class Slope(nn.Module):
    """A padded batch of series → logits [B, K], from the difference of the ends and the mean step."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(2, 8)
        self.out = nn.Linear(8, classes)

    def forward(self, x: Padded) -> Tensor:
        last = x.values.gather(1, (x.lengths - 1)[:, None])[:, 0]
        change = last - x.values[:, 0]
        return self.out(self.hidden(torch.stack([change, change / x.lengths], 1)).tanh())


@dataclass(frozen=True)
class RisingRecipe(Recipe):
    """The numbers of a training of `Rising`."""

    tokens: int = 400
    lr: float = 2e-2
    average: float = 0.95


class Rising(Choice):
    """Whether a series rises or falls."""

    Recipe = RisingRecipe
    input: Series

    def modalities(self) -> tuple[Series, Category]:
        return Series(), Category()

    def build(self) -> nn.Module:
        return Slope(len(self.target.classes or ()))

    def demo(self, rng: np.random.Generator, n: int) -> list[Example]:
        """Straight lines up or down with noise, 3 to 60 numbers long."""
        return [line(rng, i % 2 == 0) for i in range(n)]


def line(rng: np.random.Generator, up: bool) -> Example:
    way = np.linspace(0, 1, rng.integers(3, 61)) * (1 if up else -1)
    values = way + rng.normal(0, 0.15, len(way))
    return Example(values.astype(np.float32), "rises" if up else "falls")
