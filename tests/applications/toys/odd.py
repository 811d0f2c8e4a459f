"""A toy of an int input: whether a number is odd, by an embedding of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from series import Choice, Whole
from torch import nn

from sounding.contract.recipe import Recipe
from sounding.contract.records import Example
from sounding.modalities.category import Category


@dataclass(frozen=True)
class OddRecipe(Recipe):
    """The numbers of a training of `Odd`."""

    lr: float = 5e-2
    average: float = 0.95


class Odd(Choice):
    """Whether a number is odd or even."""

    Recipe = OddRecipe
    input: Whole

    def modalities(self) -> tuple[Whole, Category]:
        return Whole(), Category()

    def build(self) -> nn.Module:
        return nn.Sequential(nn.Embedding(100, 8), nn.Linear(8, 2))

    def embedding_layer(self, model: nn.Module) -> nn.Module:
        return model.get_submodule("0")

    def demo(self, rng: np.random.Generator, n: int) -> list[Example]:
        return [Example(int(i), ("even", "odd")[i % 2]) for i in rng.integers(0, 100, n)]
