"""A task that wraps another and does one thing otherwise: capabilities change a training, and the loop stays as it is.

Hardening wraps the loss or the augmentation, self-training what is trained on next. The wrapped task stays what is
saved, predicts and is measured; the wrapper is only there while weights are learnt.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sounding.contract.metrics import Metric
from sounding.contract.modality import Change, InputModality, Modality
from sounding.contract.records import Example, Prediction, Record
from sounding.contract.task import Task


class TaskWrapper(Task):
    """Every word of the contract, passed on to the task inside."""

    def __init__(self, inside: Task) -> None:
        self.inside = inside
        super().__init__(inside.recipe)

    def modalities(self) -> tuple[InputModality, Modality]:
        """Those of the task inside, fitted as they are."""
        return self.inside.input, self.inside.target

    @property
    def metrics(self) -> Sequence[Metric]:
        """How records are judged."""
        return self.inside.metrics

    @property
    def collects(self) -> bool:
        """Whether `gather` does more than give the rows."""
        return self.inside.collects

    @property
    def passes(self) -> float:
        """Forward and backward passes for each training example."""
        return self.inside.passes

    def build(self) -> nn.Module:
        """A new model."""
        return self.inside.build()

    def loss(self, model: nn.Module, x: Any, targets: Sequence[Any]) -> Tensor:
        """Loss [B] in nats."""
        return self.inside.loss(model, x, targets)

    def predict(self, model: nn.Module, inputs: Sequence[Any]) -> list[Prediction]:
        """One prediction for each input value."""
        return self.inside.predict(model, inputs)

    def log_likelihood(self, model: nn.Module, x: Any, values: Sequence[Any]) -> Tensor:
        """Support [B] of answers."""
        return self.inside.log_likelihood(model, x, values)

    def embedding_layer(self, model: nn.Module) -> nn.Module | None:
        """Where gradients explain."""
        return self.inside.embedding_layer(model)

    def augment(self, x: Tensor, rng: torch.Generator) -> tuple[Tensor, Change]:
        """A training batch, changed."""
        return self.inside.augment(x, rng)

    def collect(self, model: nn.Module, examples: Sequence[Example], rng: np.random.Generator) -> Sequence[Example]:
        """What to train on next."""
        return self.inside.collect(model, examples, rng)

    def calibrate(self, model: nn.Module, validation: Sequence[Example], train: Sequence[Example]) -> bool:
        """Set what no gradient teaches."""
        return self.inside.calibrate(model, validation, train)

    def evaluate_rows(self, model: nn.Module, examples: Sequence[Example]) -> list[Record]:
        """The records of a measurement."""
        return self.inside.evaluate_rows(model, examples)

    def demo(self, rng: np.random.Generator, n: int) -> list[Example]:
        """`n` small generated examples."""
        return self.inside.demo(rng, n)
