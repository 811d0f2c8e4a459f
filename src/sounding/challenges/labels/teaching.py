"""What trainings with rows of a pool have in common: a teacher that answers these, and rounds of both kinds of rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import nn

from sounding.contract.records import Example, Prediction
from sounding.contract.task import Task, chunks
from sounding.machine.setting import inference

ROUND = 4096
"""Rows in a round, labelled (repeated as it takes) and unlabelled."""


class Teacher:
    """A trained `model` of a `task` that answers `rows` of a pool, each once."""

    def __init__(self, task: Task, model: nn.Module, rows: Sequence[Example]) -> None:
        self.task, self.model, self.rows = task, model, rows
        self._answered: dict[int, Prediction] = {}

    def answers(self, asked: np.ndarray) -> list[Prediction]:
        """What it says of the rows at `asked`."""
        new = [int(i) for i in asked if int(i) not in self._answered]
        for batch in chunks(new, 4 * self.task.recipe.batch):
            with inference():
                said = self.task.predict(self.model, [self.rows[i].input for i in batch])
            self._answered.update(zip(batch, said, strict=True))
        return [self._answered[int(i)] for i in asked]


def repeated(rows: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """`count` of so many rows in a drawn order [count]: all of them once before any comes again."""
    turns = -(-count // rows)
    return np.concatenate([rng.permutation(rows) for _ in range(turns)])[:count]
