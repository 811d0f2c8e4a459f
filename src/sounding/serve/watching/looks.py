"""What is seen of a model while it is trained: its layers on rows of the batch, and its answers to a few examples.

A look takes time of the training, so looks are spaced to take no more than `SHARE` of it. They change nothing: layers
are looked at on a copy, answers are those of the averaged weights in evaluation mode, and torch's random numbers go on
where they were.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from sounding.contract.batch import Batch
from sounding.contract.player import Experience, Player
from sounding.contract.records import Example, Prediction, Record
from sounding.contract.task import Task
from sounding.evaluation.evaluation import evaluate_rows
from sounding.inspection import inspect, sample
from sounding.inspection.journal import entry
from sounding.runs.prediction import Result
from sounding.serve.answers import shown
from sounding.serve.watching.course import Course
from sounding.training.experience import PlayFeed
from sounding.training.feed import Feed
from sounding.training.optimization import learning_rate
from sounding.training.train_state import TrainState

SHARE = 0.012
"""Of the time of a training, what is taken by looks at most."""
FIRST = 2.0
"""Seconds of a training ahead of its first look."""
ROWS = 16
"""Of a batch, on which layers are looked at."""
EXAMPLES = 6
"""That are answered."""


Look = Callable[[TrainState, Batch], None]


class Allowance:
    """Says when time may be taken: where what was taken, and what is asked for, is a small share of all that passed."""

    def __init__(self, share: float = SHARE, first: float = FIRST, clock: Callable[[], float] = time.monotonic) -> None:
        self._share, self._first, self._clock = share, first, clock
        self._began, self._taken = clock(), 0.0

    def allows(self, seconds: float) -> bool:
        """Whether so many may be taken now."""
        passed = self._clock() - self._began
        return passed >= self._first and self._taken + seconds <= self._share * passed

    def took(self, seconds: float) -> None:
        """Note what was taken, from any thread."""
        self._taken += seconds


class Looks:
    """A journal that tells a course what it sees. `drawn` is asked by the page, from a thread of its own."""

    def __init__(
        self,
        course: Course,
        task: Task,
        validation: Sequence[Example],
        feed: Feed,
        allowance: Allowance | None = None,
    ) -> None:
        self._course, self._task, self._feed = course, task, feed
        self._rows = sample(validation, EXAMPLES) if len(validation) else []
        self._allowance = allowance or Allowance()
        self._answered: list[tuple[Example, Record]] = []
        self._drawing = threading.Lock()
        self._drawn: tuple[int, list[dict[str, Any]]] = (-1, [])
        self._began = False
        self._turns: deque[tuple[Look, float]] = deque([(self._answer, 0.0), (self._look_at_layers, 0.0)])
        """What is looked at next, with the seconds that it took last time; nothing is known of a first time."""

    def stepped(self, state: TrainState, batch: Batch) -> None:
        """After each step. Costs an assignment where no look is due."""
        counters = state.counters
        if not self._began:
            self._began = True
            self._course.earlier(counters.history, counters.cost)
        rate = learning_rate(state.task.recipe, counters.progress) * counters.damping
        self._course.seen(rate)
        look, expected = self._turns[0]
        if not self._allowance.allows(expected):
            return
        began = time.perf_counter()
        try:
            with torch.random.fork_rng(devices=[]):
                look(state, batch)
        except Exception as error:  # a training does not fail for somebody who looks on
            self._course.say(f"step {counters.step}: nothing could be seen ({type(error).__name__}: {error})")
        took = time.perf_counter() - began
        self._allowance.took(took)
        self._turns[0] = (look, took)
        self._turns.rotate()

    def _look_at_layers(self, state: TrainState, batch: Batch) -> None:
        rate = learning_rate(state.task.recipe, state.counters.progress) * state.counters.damping
        rows, step = batch.examples[:ROWS], state.counters.step
        seen = inspect(self._task, state.model, rows, seed=step, rate=rate, setting=state.setting, moved={})
        self._course.show({"step": step, "rows": seen.rows, **entry(seen)})

    def _answer(self, state: TrainState, batch: Batch) -> None:
        rows = self._latest(state) or self._rows or list(batch.examples[:EXAMPLES])
        records = evaluate_rows(self._task, state.average.model, rows, state.setting)
        self._answered = list(zip(rows, records, strict=True))
        self._course.examples += 1

    def _latest(self, state: TrainState) -> list[Example]:
        """Positions of the latest game that was played, the last first; none of what does not play."""
        if not isinstance(self._feed, PlayFeed) or not isinstance(self._task, Player):
            return []
        experience = self._feed.shards.get(state.counters.step // self._task.recipe.round_steps)
        return [] if experience is None else _of_last_game(experience)

    # ---- asked by the page

    def drawn(self) -> list[dict[str, Any]]:
        """The examples with their answers and the truth, as a page shows them; drawn once for all who ask."""
        with self._drawing:
            number, answered = self._course.examples, self._answered
            if self._drawn[0] != number:
                began = time.thread_time()
                self._drawn = number, [self._shown(example, record) for example, record in answered]
                self._allowance.took(time.thread_time() - began)
            return self._drawn[1]

    def _shown(self, example: Example, record: Record) -> dict[str, Any]:
        prediction = Prediction(record.value, record.confidence, record.scores)
        result = Result("", example.input, prediction, self._task)
        return {**shown(result), "truth": self._task.target.describe(record.truth), "loss": record.loss}


def _of_last_game(experience: Experience) -> list[Example]:
    """At most `EXAMPLES` positions of the last game of a round, spread over it, the last one first."""
    places = np.flatnonzero(experience.games == experience.games[-1])
    chosen = dict.fromkeys(np.linspace(len(places) - 1, 0, EXAMPLES).round().astype(int).tolist())
    rows = [int(places[k]) for k in chosen]
    return [Example(experience.inputs[row], experience.targets[row]) for row in rows]
