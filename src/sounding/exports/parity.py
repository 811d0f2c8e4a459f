"""Whether an exported model answers as its run does: both on the same real rows.

Where answers are written token by token, the run writes, and the exported network is asked at each step as well: each
probability of a next token is compared. Then the exported model writes alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, is_dataclass
from typing import Any

import numpy as np
from torch import nn

from sounding.architectures.folding import fuse_for_inference
from sounding.contract.inputs import Portable
from sounding.contract.postprocessing import Arrays
from sounding.contract.records import Prediction, chunks
from sounding.contract.task import Task
from sounding.contract.tree import arrays
from sounding.contract.writing import Decoder, Writing
from sounding.evaluation.evaluation import same
from sounding.exports.runtime import ExportedModel
from sounding.machine.setting import inference
from sounding.postprocessing.functions import softmax

ROWS = 500
"""Rows that are compared, at most."""
ALONE = 20
"""Of these, how many are asked one by one, the rest in batches: a network must not know how many there are."""
WRITTEN, WRITTEN_ALONE = 48, 8
"""The same of texts that are written, each of which takes as many passes as it has tokens."""
MOST = 1e-3
"""How far a probability may move in 32 bits."""


@dataclass(frozen=True)
class Parity:
    """What was compared: how many `rows`, how many answers differ, and by how much a number does at most.

    `largest` is that of a probability, None where answers have none; `output` that of an output of the network, as a
    share of the largest output.
    """

    rows: int
    different: int
    largest: float | None
    output: float

    @property
    def kept(self) -> bool:
        """Whether nothing moved by more than `MOST`."""
        return (self.output if self.largest is None else self.largest) <= MOST

    def __str__(self) -> str:
        moved = (
            f"largest change of an output {self.output:.1e} of the largest output"
            if self.largest is None
            else f"largest change of a probability {self.largest:.1e}"
        )
        return f"{moved}; {self.different:,} of {self.rows:,} answers differ"

    def to_json(self) -> dict[str, Any]:
        """The fields by name."""
        return asdict(self)


def parity(task: Task, model: nn.Module, exported: ExportedModel, values: Sequence[Any]) -> Parity:
    """The run's answers to some input values beside the exported model's."""
    fused, changes, outputs, different = fuse_for_inference(model), list[float](), list[float](), 0
    if isinstance(exported.processing.post, Writing):
        return _parity_of_texts(task, fused, exported, values[:WRITTEN])
    some = values[:ROWS]
    for batch in [*chunks(some[:ALONE], 1), *chunks(some[ALONE:], exported.description.batch)]:
        with inference():
            x = task.encoded(fused, batch)
            own, theirs = task.predict(fused, batch), exported.predictions(batch)
            outputs.append(_moved(arrays(task.outputs(fused, x)), _outputs(exported, batch)))
        for a, b in zip(own, theirs, strict=True):
            different += not _alike(a.value, b.value)
            changes += _change(a, b)
    return Parity(min(ROWS, len(values)), different, max(changes, default=None), max(outputs, default=0.0))


def _parity_of_texts(task: Task, model: nn.Module, exported: ExportedModel, values: Sequence[Any]) -> Parity:
    """The same of texts."""
    post, target = exported.processing.post, task.target
    assert isinstance(post, Writing)
    seen: list[_Both] = []
    different = 0
    for batch in [*chunks(values[:WRITTEN_ALONE], 1), *chunks(values[WRITTEN_ALONE:], exported.batch)]:
        with inference():
            x, theirs = task.encoded(model, batch), Portable.of(task.input).arrays(batch)

            def begin(room: int, x: Any = x, theirs: Arrays = theirs) -> Decoder:
                seen.append(_Both(task.decoder(model, x, room), post.decoder(exported.network, theirs, room)))
                return seen[-1]

            own = post.answers(begin, theirs, batch, target)
        found = exported.predictions(batch)
        different += sum(not _alike(a.value, b.value) for a, b in zip(own, found, strict=True))
    return Parity(len(values), different, max(each.largest for each in seen), max(each.output for each in seen))


class _Both:
    """A decoder that goes on as `own` does, and asks `theirs` as well: how far the latter's answers are at most."""

    def __init__(self, own: Decoder, theirs: Decoder) -> None:
        self._own, self._theirs = own, theirs
        self.largest = self.output = 0.0

    def start(self, prompts: Sequence[Sequence[int]]) -> np.ndarray:
        return self._compared(self._own.start(prompts), self._theirs.start(prompts))

    def step(self, ids: np.ndarray) -> np.ndarray:
        return self._compared(self._own.step(ids), self._theirs.step(ids))

    def take(self, rows: np.ndarray) -> None:
        self._own.take(rows)
        self._theirs.take(rows)

    def _compared(self, own: np.ndarray, theirs: np.ndarray) -> np.ndarray:
        self.largest = max(self.largest, float(np.abs(softmax(own) - softmax(theirs)).max()))
        self.output = max(self.output, _moved((own,), (theirs,)))
        return own


def _alike(a: Any, b: Any) -> bool:
    """Whether two answers are the same, numbers in them to within `MOST` of the largest."""
    if is_dataclass(a) and type(a) is type(b):
        return all(_alike(getattr(a, field.name), getattr(b, field.name)) for field in fields(a))
    if isinstance(a, np.void) and isinstance(b, np.void) and a.dtype.names and a.dtype == b.dtype:
        return all(_alike(np.asarray(a[name]), np.asarray(b[name])) for name in a.dtype.names)
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray) and a.dtype.kind == b.dtype.kind == "f":
        near = MOST * np.abs(a).max(initial=0, where=np.isfinite(a))
        return a.shape == b.shape and np.allclose(a, b, rtol=0, atol=near, equal_nan=True)
    return same(a, b)


def _outputs(exported: ExportedModel, values: Sequence[Any]) -> Arrays:
    x = Portable.of(exported.processing.input).arrays(values)
    return exported.processing.post.outputs(exported.network, x)


def _moved(own: Arrays, theirs: Arrays) -> float:
    pairs = [(a.astype(float), b.astype(float)) for a, b in zip(own, theirs, strict=True) if a.size]
    return max((float(abs(a - b).max() / max(1e-6, abs(a).max())) for a, b in pairs), default=0.0)


def _change(a: Prediction, b: Prediction) -> list[float]:
    """How far the probabilities of one answer moved, where both have the same ones."""
    if a.scores is None or b.scores is None or np.shape(a.scores) != np.shape(b.scores) or not np.size(a.scores):
        return []
    return [float(np.abs(np.asarray(a.scores, float) - np.asarray(b.scores, float)).max())]
