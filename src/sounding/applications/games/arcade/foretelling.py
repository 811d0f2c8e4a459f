"""How far a training of an agent comes on this machine, or how long it takes, said before it starts.

The very feed of the training is run for a moment, on a task and a model of their own: environments, network and
optimizer, with all that waits for one another. What it played and learnt is thrown away.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

import torch

from sounding.contract.batch import Batch
from sounding.contract.task import built
from sounding.machine.setting import Setting
from sounding.training.experience import PlayFeed
from sounding.training.feed import Feed
from sounding.training.shards import Shards
from sounding.training.train_state import TrainState
from sounding.wording import roughly

if TYPE_CHECKING:
    from sounding.applications.games.arcade.task import Arcade

LEAST, MOST = 1.5, 8.0
"""Seconds: whole rounds are measured until there were so many; none but the first where that took so many."""
SHARE = 0.01
"""Of the time of a training, which may be taken instead of `MOST`: to make 64 emulators takes some seconds."""


@dataclass(frozen=True)
class Pace:
    """Steps of learning in a second, and steps of the environment for each."""

    steps: float
    played: float

    def __str__(self) -> str:
        return f"{self.steps * self.played:,.0f} steps of the environment a second, with what is learnt of them"


def foretold(task: Arcade, setting: Setting, seconds: float | None, steps: int | None) -> str:
    """What a person is told: how many steps there will be in `seconds`, or how long so many steps of learning take."""
    pace = measured(task, setting, max(MOST, SHARE * (seconds or 0.0)))
    if seconds is not None:
        there = _rounded(seconds * pace.steps * pace.played)
        return f"foretold for this machine: {pace}; {there} in {roughly(seconds).removeprefix('about ')}"
    wanted = task.recipe.least_steps if steps is None else steps
    learning = f"{wanted:,} steps of learning with about {_rounded(wanted * pace.played)} of the environment"
    return f"foretold for this machine: {pace}; {learning} take {roughly(wanted / pace.steps)}"


def measured(task: Arcade, setting: Setting, patience: float = MOST) -> Pace:
    """The pace of whole rounds after a first one, in which all is made; of that one where it took over `patience`."""
    r = task.recipe
    small = replace(r, warm=min(r.warm, 4 * r.batch), replay=min(r.replay, 4_096))
    other = type(task)(small, task.options)
    with torch.random.fork_rng(devices=[]):
        state = TrainState(other, 0, setting, setting.place(built(other)))
        own: Feed | None = other.feed(Shards(None), 0)
        feed = own or PlayFeed(other, Shards(None), 0)
        done, seconds = _timed(state, feed, r.round_steps, patience)
    return Pace(done / seconds, r.copies * r.length / r.round_steps)


def _timed(state: TrainState, feed: Feed, every: int, patience: float) -> tuple[int, float]:
    """(steps of learning, seconds) of whole rounds of `every` steps; of the first one only where that takes long."""
    batches, began = feed.steps(state), time.perf_counter()
    _step(state, batches, every)
    started = time.perf_counter()
    if started - began > patience:
        return every, started - began
    done = 0
    while not done or time.perf_counter() - started < LEAST:
        _step(state, batches, every)
        done += every
    return done, time.perf_counter() - started


def _step(state: TrainState, batches: Iterator[list[Batch]], count: int) -> None:
    for batch in islice(batches, count):
        state.step(batch)


def _rounded(number: float) -> str:
    """Two digits of a number, written out."""
    return f"{float(f'{number:.2g}'):,.0f}"
