"""What the small toys share: a series of numbers, a whole number, and the choice of a category."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sounding.contract.inputs import Explainable
from sounding.contract.metrics import Metric, accuracy
from sounding.contract.records import Prediction
from sounding.contract.task import Task
from sounding.errors import DataError
from sounding.modalities.category import Category


class Padded(NamedTuple):
    """Series of several lengths: `values` [B, T], padded with 0, and their `lengths` [B]."""

    values: Tensor
    lengths: Tensor


class Series(Explainable):
    """Numbers one after the other, as many as there are: float32 [T]. Encoded they are two tensors."""

    columns = ("series",)
    baselines = ("zero", "mean")

    def read(self, cell: Any, root: Path = Path()) -> np.ndarray:
        values = np.asarray(cell, np.float32)
        if values.ndim != 1 or not len(values):
            raise DataError("this is no series", fix="Give a list of numbers")
        return values

    def length(self, value: Any) -> int:
        return len(value)

    def encode(self, values: Sequence[Any]) -> Padded:
        lengths = torch.tensor([len(value) for value in values])
        rows = [torch.from_numpy(np.asarray(value, np.float32)) for value in values]
        return Padded(torch.nn.utils.rnn.pad_sequence(rows, batch_first=True), lengths)

    def segments(self, value: Any) -> int:
        return len(value)

    def mask(self, value: Any, mask: np.ndarray, baseline: str) -> Any:
        return np.where(mask, value, 0.0 if baseline == "zero" else value.mean()).astype(np.float32)

    def to_json(self, value: Any) -> list[float]:
        return [round(float(number), 4) for number in value]


class Whole(Explainable):
    """A whole number from 0 to 99: encoded as int64 [B], a place in an embedding."""

    columns = ("number",)
    baselines = ("zero", "last")

    def read(self, cell: Any, root: Path = Path()) -> int:
        if not str(cell).isdigit() or int(cell) > 99:
            raise DataError(f"{cell!r} is no whole number from 0 to 99", fix="Give one")
        return int(cell)

    def encode(self, values: Sequence[Any]) -> Tensor:
        return torch.tensor([int(value) for value in values])

    def segments(self, value: Any) -> int:
        return 2

    def mask(self, value: Any, mask: np.ndarray, baseline: str) -> Any:
        """Its two digits are its segments."""
        gone = 0 if baseline == "zero" else 9
        tens, ones = (digit if kept else gone for digit, kept in zip(divmod(int(value), 10), mask, strict=True))
        return 10 * tens + ones


class TwoSeries(Series):
    """Two series of one length, [2, T], which a model takes as two tensors."""

    def read(self, cell: Any, root: Path = Path()) -> np.ndarray:
        values = np.asarray(cell, np.float32)
        if values.ndim != 2 or len(values) != 2 or not values.size:
            raise DataError("these are no two series of one length", fix="Give two lists of numbers")
        return values

    def length(self, value: Any) -> int:
        return value.shape[1]

    def encode(self, values: Sequence[Any]) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        longest = max(value.shape[1] for value in values)
        both = torch.zeros(2, len(values), longest)
        for i, value in enumerate(values):
            both[:, i, : value.shape[1]] = torch.from_numpy(value)
        return both[0], both[1]

    def segments(self, value: Any) -> int:
        return value.shape[1]

    def to_json(self, value: Any) -> list[list[float]]:
        return [[round(float(number), 4) for number in row] for row in value]


class Choice(Task):
    """Which of some categories an input is of: everything but the input and the network."""

    target: Category

    @property
    def metrics(self) -> Sequence[Metric]:
        return (accuracy(),)

    def logits(self, model: nn.Module, x: Any) -> Tensor:
        """[B, K]."""
        return model(x).float()

    def loss(self, model: nn.Module, x: Any, y: Tensor) -> Tensor:
        return F.cross_entropy(self.logits(model, x), y, reduction="none")

    @torch.no_grad()
    def predict(self, model: nn.Module, inputs: Sequence[Any]) -> list[Prediction]:
        scores = self.logits(model, self.encoded(model, inputs)).softmax(1).cpu().numpy()
        return [Prediction(self.target.classes[int(row.argmax())], float(row.max()), row) for row in scores]
