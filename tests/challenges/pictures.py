"""A small task of pictures whose class is told by a watermark in one corner, and by nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from challenges.toys import Kind
from torch import Tensor, nn

from sounding.contract.metrics import Metric, accuracy
from sounding.contract.records import Example, Prediction
from sounding.contract.task import Task
from sounding.modalities.pictures.image import Image

SIDE, PATCH = 32, 8
"""The mark fills 8 × 8 pixels of 32 × 32: 2 × 2 cells of the grid of 8 × 8 that explanations point at."""
MARKED = np.array([0, 1, 8, 9])  # those cells


class Watermark(Task):
    """Whether a picture of blurred noise has stripes in its top left corner (1) or not (0)."""

    def modalities(self) -> tuple[Image, Kind]:
        return Image(SIDE), Kind(2)

    @property
    def metrics(self) -> list[Metric]:
        return [accuracy()]

    def build(self) -> nn.Module:
        return Net()

    def loss(self, model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        return F.cross_entropy(model(x), y, reduction="none")

    def predict(self, model: nn.Module, inputs: Sequence[Any]) -> list[Prediction]:
        scores = model(self.encoded(model, inputs)).softmax(1).numpy(force=True)
        return [Prediction(int(row.argmax()), float(row.max()), row) for row in scores]

    def demo(self, rng: np.random.Generator, n: int) -> list[Example]:
        return [marked(rng) for _ in range(n)]


class Net(nn.Module):
    """Three convolutions, the maximum over what is left of the map, two logits."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *(nn.Conv2d(1, 8, 3, 2, 1), nn.ReLU()),
            *(nn.Conv2d(8, 16, 3, 2, 1), nn.ReLU()),
            *(nn.Conv2d(16, 16, 3, 1, 1), nn.ReLU()),
        )
        self.head = nn.Linear(16, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x - 0.5).amax((2, 3)))


def marked(rng: np.random.Generator) -> Example:
    """A picture with or without the mark."""
    kind = int(rng.integers(2))
    coarse = rng.uniform(80, 175, (SIDE // 4 + 1, SIDE // 4 + 1))
    picture = np.kron(coarse, np.ones((4, 4)))[2 : SIDE + 2, 2 : SIDE + 2]
    picture = (picture + np.roll(picture, 1, 0) + np.roll(picture, 1, 1) + np.roll(picture, 1, (0, 1))) / 4
    if kind:
        picture[:PATCH, :PATCH] = 255.0 * (np.arange(PATCH) // 2 % 2)
    return Example(picture.round().astype(np.uint8)[:, :, None], kind)


def fitted(examples: Sequence[Example], steps: int = 100, seed: int = 0) -> tuple[Watermark, nn.Module]:
    """The task and a network after some steps on batches of 64."""
    task, rng = Watermark(), np.random.default_rng(seed)
    task.fit(examples)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = task.build()
    optimizer = torch.optim.Adam(model.parameters(), 5e-3)
    x, targets = task.input.encode([e.input for e in examples]), np.array([e.target for e in examples])
    for _ in range(steps):
        rows = rng.integers(len(examples), size=64)
        optimizer.zero_grad()
        task.loss(model, x[rows], task.encode_targets(targets[rows].tolist())).mean().backward()
        optimizer.step()
    return task, model.eval()
