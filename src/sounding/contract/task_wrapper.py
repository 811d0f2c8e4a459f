"""A task that wraps another and does one thing otherwise: capabilities change a training, and the loop stays as it is.

Hardening wraps the loss or the augmentation, self-training what is trained on next. The wrapped task stays what is
saved, predicts and is measured; the wrapper is only there while weights are learnt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sounding.contract.change import Change
from sounding.contract.concepts import Concept
from sounding.contract.evidence import Figure
from sounding.contract.graph import Graph
from sounding.contract.metrics import Metric
from sounding.contract.modality import Modality
from sounding.contract.postprocessing import Postprocessing
from sounding.contract.records import Example, Prediction, Record
from sounding.contract.task import Task
from sounding.contract.writing import Decoder


class TaskWrapper(Task):
    """Every word of the contract, passed on to the task wrapped."""

    def __init__(self, wrapped: Task) -> None:
        self.wrapped = wrapped
        super().__init__(wrapped.recipe, wrapped.options)

    def modalities(self) -> tuple[Modality, Modality]:
        """Those of the task wrapped, fitted as they are."""
        return self.wrapped.input, self.wrapped.target

    @property
    def metrics(self) -> Sequence[Metric]:
        """How records are judged."""
        return self.wrapped.metrics

    @property
    def collects(self) -> bool:
        """Whether `collect` does more than give the rows."""
        return self.wrapped.collects

    @property
    def passes(self) -> float:
        """Forward and backward passes for each training example."""
        return self.wrapped.passes

    def build(self) -> nn.Module:
        """A new model."""
        return self.wrapped.build()

    @property
    def row_metrics(self) -> Sequence[Metric]:
        """How records of rows are judged."""
        return self.wrapped.row_metrics

    @property
    def set_metrics(self) -> Sequence[Metric]:
        """How records of more than rows are judged."""
        return self.wrapped.set_metrics

    def evaluate_set(self, model: nn.Module, examples: Sequence[Example]) -> list[Record]:
        """The records of more than rows."""
        return self.wrapped.evaluate_set(model, examples)

    def encode_inputs(self, values: Sequence[Any]) -> Any:
        """Inputs as trees of tensors."""
        return self.wrapped.encode_inputs(values)

    def encode_targets(self, values: Sequence[Any]) -> Any:
        """Targets as trees of tensors."""
        return self.wrapped.encode_targets(values)

    def loss(self, model: nn.Module, x: Any, y: Any) -> Tensor:
        """Loss [B] in nats."""
        return self.wrapped.loss(model, x, y)

    def predict(self, model: nn.Module, inputs: Sequence[Any]) -> list[Prediction]:
        """One prediction for each input value."""
        return self.wrapped.predict(model, inputs)

    def length(self, example: Example) -> int:
        """How many positions an example takes."""
        return self.wrapped.length(example)

    def log_likelihood(self, model: nn.Module, x: Any, y: Any) -> Tensor:
        """Log-likelihood [B] of answers."""
        return self.wrapped.log_likelihood(model, x, y)

    @property
    def estimates(self) -> Mapping[str, Callable[[nn.Module, Any], Tensor]]:
        """What is told beside answers."""
        return self.wrapped.estimates

    def embedding_layer(self, model: nn.Module) -> nn.Module | None:
        """Where gradients explain."""
        return self.wrapped.embedding_layer(model)

    def augment(self, x: Any, rng: torch.Generator) -> tuple[Any, Change]:
        """A training batch, changed."""
        return self.wrapped.augment(x, rng)

    def collect(self, model: nn.Module, examples: Sequence[Example], rng: np.random.Generator) -> Sequence[Example]:
        """What to train on next."""
        return self.wrapped.collect(model, examples, rng)

    def calibrate(self, model: nn.Module, validation: Sequence[Example], train: Sequence[Example]) -> bool:
        """Set what no gradient teaches."""
        return self.wrapped.calibrate(model, validation, train)

    def nested(self, train: Sequence[Example]) -> np.ndarray | None:
        """An order of training rows of which every beginning is less data."""
        return self.wrapped.nested(train)

    def windows(self, documents: Sequence[Any]) -> Sequence[Example]:
        """The examples in documents."""
        return self.wrapped.windows(documents)

    def evaluate(self, model: nn.Module, examples: Sequence[Example]) -> list[Record]:
        """The records of a measurement."""
        return self.wrapped.evaluate(model, examples)

    def validate(self, model: nn.Module, examples: Sequence[Example]) -> list[Record]:
        """The records by which a training is steered."""
        return self.wrapped.validate(model, examples)

    def evaluate_rows(self, model: nn.Module, examples: Sequence[Example]) -> list[Record]:
        """The records of a measurement."""
        return self.wrapped.evaluate_rows(model, examples)

    @property
    def evaluates(self) -> bool:
        """Whether something else than rows is measured."""
        return self.wrapped.evaluates

    def outputs(self, model: nn.Module, x: Any) -> Any:
        """The forward pass that answers come from."""
        return self.wrapped.outputs(model, x)

    def standing_in(self, model: nn.Module, outputs: Callable[[Any], Any]) -> nn.Module:
        """A model with another forward pass."""
        return self.wrapped.standing_in(model, outputs)

    def postprocessing(self, model: nn.Module) -> Postprocessing | None:
        """How outputs become answers without torch."""
        return self.wrapped.postprocessing(model)

    def graphs(self, model: nn.Module) -> Mapping[str, Graph]:
        """The networks that are written down."""
        return self.wrapped.graphs(model)

    def decoder(self, model: nn.Module, x: Any, room: int) -> Decoder:
        """What goes on with texts."""
        return self.wrapped.decoder(model, x, room)

    @property
    def streams(self) -> bool:
        """Whether answers are made piece by piece."""
        return self.wrapped.streams

    def stream(self, model: nn.Module, input: Any) -> Iterator[Any]:
        """An answer piece by piece."""
        return self.wrapped.stream(model, input)

    def baselines(self, train: Sequence[Example], examples: Sequence[Example]) -> Mapping[str, Sequence[Record]]:
        """Simple models that stand beside the trained one."""
        return self.wrapped.baselines(train, examples)

    @property
    def ranking(self) -> Metric:
        """What tells a good answer to a row from a bad one."""
        return self.wrapped.ranking

    @property
    def concepts(self) -> Sequence[Concept]:
        """What people see in an input."""
        return self.wrapped.concepts

    def accomplished(self, records: Sequence[Record]) -> Mapping[str, float]:
        """Units of its own."""
        return self.wrapped.accomplished(records)

    def figures(self, records: Sequence[Record]) -> Sequence[Figure]:
        """Plots of its own."""
        return self.wrapped.figures(records)

    def details(self, records: Sequence[Record]) -> Mapping[str, Any]:
        """Tables of its own."""
        return self.wrapped.details(records)

    def demo(self, rng: np.random.Generator, n: int) -> list[Example]:
        """`n` small generated examples."""
        return self.wrapped.demo(rng, n)
