"""What a training is fed with: the order of the rows, how they make up batches, and encoding ahead of the model.

order         drawn from (seed, rollbacks, epoch) alone
composition   `recipe.batch` rows a step; or, where `recipe.tokens` is set, rows of like length, as many as that budget
              of positions holds with their padding
encoding      reading, encoding, augmentation and the encoding of targets, ahead of the model (ahead.py)

The state is where an epoch began, and the step: both are counters of the training, so that one which was killed goes on
with the very batch that it would have had.

Legend of shapes: n rows, B examples of a batch.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import torch

from sounding.contract.answers import transformed
from sounding.contract.batch import Batch
from sounding.contract.records import Example
from sounding.contract.task import Task, chunks
from sounding.data import Examples
from sounding.errors import DataError
from sounding.randomness import generator, stream
from sounding.training.ahead import made_ahead
from sounding.training.train_state import TrainState

SORTED = 50
"""Steps' worth of rows that are sorted by length together: more would waste less, and make orders less random."""


class Feed(Protocol):
    """Gives the batches of each step, those that one step accumulates in a list, from where a training stands."""

    def steps(self, state: TrainState) -> Iterator[list[Batch]]:
        """Endless, from `state.counters` on, which it moves from epoch to epoch."""

    @property
    def steps_per_epoch(self) -> int:
        """How many steps are an epoch, or 1 where there are no epochs."""


@dataclass(frozen=True)
class Planned:
    """A step before its rows are read: its number, the epoch that it belongs to, and its rows [B] in what is learnt."""

    step: int
    epoch: int
    epoch_began: int
    rows: np.ndarray


class RowFeed:
    """Feeds the rows of a data set, or what the task collects from them, epoch after epoch.

    Raises DataError where there are no rows, and for a row that alone is longer than the budget of tokens.
    """

    def __init__(self, task: Task, examples: Sequence[Example], seed: int) -> None:
        if not len(examples):
            raise DataError("there are no rows to learn from", fix="Give at least one training row")
        self.task, self.examples, self.seed = task, examples, seed
        self._lengths: np.ndarray | None = None

    @cached_property
    def steps_per_epoch(self) -> int:
        """Whole batches in one pass over the rows; the few rows left over come earlier in another epoch's order.

        Kept, since it is asked for at every step, and to put millions of rows in order takes longer than a step does.
        """
        return max(1, len(self.plan(self.examples, 0, 0)))

    def steps(self, state: TrainState) -> Iterator[list[Batch]]:
        """Batches from the training's step on, each epoch in an order of its own."""
        counters = state.counters
        if not self.task.collects:
            for planned, batches in self._encoded(self.examples, self._endless(state), counters.rollbacks):
                counters.epoch, counters.epoch_began = planned.epoch, planned.epoch_began
                yield batches
        while True:
            examples = state.collected(self.examples)
            rest = self._epoch(examples, counters.rollbacks, counters.epoch, counters.epoch_began, counters.step)
            for _, batches in self._encoded(examples, rest, counters.rollbacks):
                yield batches
            counters.epoch, counters.epoch_began = counters.epoch + 1, counters.step

    def plan(self, examples: Sequence[Example], rollbacks: int, epoch: int) -> list[np.ndarray]:
        """The rows of each step of an epoch."""
        rng = stream("order", self.seed, rollbacks, epoch)
        order = rng.permutation(len(examples))
        if not self.task.recipe.tokens:
            size = min(self.task.recipe.batch, len(order))
            return [order[i * size : (i + 1) * size] for i in range(max(1, len(order) // max(1, size)))]
        return buckets(order, self.lengths(examples), self.task.recipe.tokens, rng)

    def lengths(self, examples: Sequence[Example]) -> np.ndarray:
        """[n]: positions that each row takes when it is encoded; all rows are read for it, once."""
        if examples is self.examples and self._lengths is not None:
            return self._lengths
        found = np.array([self.task.length(example) for example in examples], np.int64)
        budget = self.task.recipe.tokens
        if len(found) and found.max() > budget:
            row = int(found.argmax())
            where = examples.where(row) if isinstance(examples, Examples) else f"example {row + 1}"
            what = f"this row has {found[row]:,} tokens, and a step holds {budget:,} (tokens={budget})"
            raise DataError(what, where=where, fix=f"Train with --set tokens={found[row]}, or shorten the row")
        if examples is self.examples:
            self._lengths = found
        return found

    def _endless(self, state: TrainState) -> Iterator[Planned]:
        counters = state.counters
        epoch, began, step = counters.epoch, counters.epoch_began, counters.step
        while True:
            for planned in self._epoch(self.examples, counters.rollbacks, epoch, began, step):
                yield planned
                step = planned.step + 1
            epoch, began = epoch + 1, step

    def _epoch(
        self, examples: Sequence[Example], rollbacks: int, epoch: int, began: int, step: int
    ) -> Iterator[Planned]:
        """What is left of an epoch at `step`."""
        for number, rows in enumerate(self.plan(examples, rollbacks, epoch)):
            if began + number >= step:
                yield Planned(began + number, epoch, began, rows)

    def _encoded(
        self, examples: Sequence[Example], planned: Iterable[Planned], rollbacks: int
    ) -> Iterator[tuple[Planned, list[Batch]]]:
        def encode(step: Planned) -> tuple[Planned, list[Batch]]:
            taken = (
                examples.take(step.rows) if isinstance(examples, Examples) else [examples[int(i)] for i in step.rows]
            )
            return step, encoded(self.task, taken, generator("augment", self.seed, rollbacks, step.step))

        return made_ahead(encode, planned)


def encoded(task: Task, examples: Sequence[Example], rng: torch.Generator) -> list[Batch]:
    """The batches that one step accumulates, encoded and augmented."""
    batches = []
    for part in chunks(examples, math.ceil(len(examples) / task.recipe.accumulate)):
        x, change = task.augment(task.encode_inputs([e.input for e in part]), rng)
        y = task.encode_targets(transformed(task.target, [e.target for e in part], change))
        batches.append(Batch(x, y, len(part), tuple(part)))
    return batches


def buckets(order: np.ndarray, lengths: np.ndarray, budget: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Rows of like length together, so many that the longest times their number stays within `budget`.

    `order` [n] is a drawn order of rows, `lengths` [n] are the rows' own. Stretches of `SORTED` budgets are sorted by
    length and cut; then the order of the batches is drawn anew.
    """
    found: list[np.ndarray] = []
    stretch = np.cumsum(lengths[order]) // (SORTED * budget)
    for some in np.split(order, np.flatnonzero(np.diff(stretch)) + 1):
        by_length = some[np.argsort(lengths[some], kind="stable")]
        start = 0
        for end in range(1, len(by_length) + 1):
            if end == len(by_length) or lengths[by_length[end]] * (end + 1 - start) > budget:
                found.append(by_length[start:end])
                start = end
    return [found[int(i)] for i in rng.permutation(len(found))]
