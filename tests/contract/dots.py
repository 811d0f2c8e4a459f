"""Dots: says which of two clouds a point comes from. A small task that tests train in a second."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

import sounding as sd
from sounding.contract.inputs import Attributable, Continuous, Threat
from sounding.modalities.category import Category


class Point(Attributable, Continuous):
    """A row of numbers."""

    columns = ("point",)
    baselines = ("zero", "mean")
    value_range = (-10.0, 10.0)
    threats = (Threat("L∞ 0.1", "linf", 0.1),)
    mean = 0.0

    def read(self, cell: Any, root: Path = Path()) -> np.ndarray:
        numbers = [float(word) for word in cell.split()] if isinstance(cell, str) else cell
        return np.asarray(numbers, np.float32)

    def fit(self, values: Iterable[np.ndarray]) -> None:
        self.mean = float(np.mean([np.mean(value) for value in values]))

    def encode(self, values: Sequence[np.ndarray]) -> Tensor:
        return torch.from_numpy(np.stack(values))

    def decode(self, x: Tensor) -> list[np.ndarray]:
        return list(x.numpy())

    def segments(self, value: np.ndarray) -> int:
        return len(value)

    def mask(self, value: np.ndarray, mask: np.ndarray, baseline: str) -> np.ndarray:
        return np.where(mask, value, 0.0 if baseline == "zero" else self.mean).astype(np.float32)

    def aggregate(self, saliency: Tensor, value: np.ndarray) -> np.ndarray:
        return saliency.numpy()

    def to_json(self, value: np.ndarray) -> list[float]:
        return value.tolist()

    def state(self) -> dict[str, Any]:
        return {"mean": self.mean}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.mean = state.get("mean", 0.0)


@dataclass(frozen=True)
class Numbers(sd.Recipe):
    batch: int = 16
    lr: float = 0.02
    dropout: float = 0.2
    width: int = 16


class Dots(sd.Task):
    """Point classification: which of two clouds."""

    Recipe: ClassVar = Numbers

    def modalities(self) -> tuple[Point, Category]:
        return Point(), Category()

    @property
    def metrics(self) -> list[sd.Metric]:
        def right(record: sd.Record) -> float:
            return float(record.value == record.truth)

        def decided(record: sd.Record) -> list[tuple[float, bool]]:
            return [(record.confidence or 0.0, record.value == record.truth)]

        said = "share of rows answered right"
        return [sd.Metric("accuracy", right, np.mean, said, proportion=True, hit=decided)]

    def build(self) -> nn.Module:
        recipe = self.recipe
        return nn.Sequential(
            nn.Linear(4, recipe.width),
            nn.BatchNorm1d(recipe.width),
            nn.ReLU(),
            nn.Dropout(recipe.dropout),
            nn.Linear(recipe.width, 2),
        )

    def loss(self, model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        return functional.cross_entropy(model(x), y, reduction="none")

    def predict(self, model: nn.Module, inputs: Sequence[np.ndarray]) -> list[sd.Prediction]:
        scores = model(self.input.encode(inputs)).softmax(-1).numpy()
        return [sd.Prediction(self.target.classes[row.argmax()], float(row.max()), row) for row in scores]

    def demo(self, rng: np.random.Generator, n: int) -> list[sd.Example]:
        sides = rng.integers(0, 2, n)
        points = rng.normal(size=(n, 4)) + 1.2 * np.outer(2 * sides - 1, [1, 1, 0, 0])
        return [sd.Example(p.astype(np.float32), "right" if side else "left") for p, side in zip(points, sides)]
