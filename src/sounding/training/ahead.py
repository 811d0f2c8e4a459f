"""Encoding ahead of the model, in a thread, where there is enough to encode.

Where the model's own threads use every core, one more makes them wait for one another: it has a low priority then, and
what takes a small share of a step costs less in between. What is made is the same to the bit either way, since it is
made on one core either way.
"""

from __future__ import annotations

import itertools
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from statistics import median
from typing import NamedTuple, TypeVar

import torch

from sounding.machine.setting import usable_cores

DEPTH = 2
"""Items that are made before they are needed."""
TIMED = 6
"""Items that are made in between, to see which share of a step that takes."""
PERIOD = 100
"""Items until that is looked at again: pictures that were decoded once lie in memory later."""
RARELY = 3200
"""Where the thread did not make steps shorter, the period is doubled each time, up to this."""
WORTH = 0.1
"""The share of a step from which on items are made in a thread."""

A = TypeVar("A")
B = TypeVar("B")


def made_ahead(make: Callable[[A], B], items: Iterable[A]) -> Iterator[B]:
    """`map(make, items)`, in order, each item made while the one before is worked on, where that is worth a thread."""
    iterator, period = iter(items), PERIOD
    while share := (yield from _timed(make, itertools.islice(iterator, TIMED))):
        some = itertools.islice(iterator, period)
        if share.of_a_step >= WORTH:
            slower = yield from _in_thread(make, some, share.step)
            period = min(2 * period, RARELY) if slower else PERIOD
        for item in some:
            yield _on_one_core(make, item)


class Share(NamedTuple):
    """A step with its item made in between: its seconds, and the share of them that making the item takes."""

    step: float
    of_a_step: float


def _timed(make: Callable[[A], B], items: Iterator[A]) -> Generator[B, None, Share | None]:
    """Items made in between; returns what that took, None where there were none."""
    made: list[float] = []
    steps: list[float] = []
    for item in items:
        started = time.perf_counter()
        result = _on_one_core(make, item)
        made.append(time.perf_counter() - started)
        yield result
        steps.append(time.perf_counter() - started)
    if not made:
        return None
    step = max(median(steps), 1e-9)
    return Share(step, median(made) / step)


def _on_one_core(make: Callable[[A], B], item: A) -> B:
    """An item made here: sums over a tensor are split by the number of threads, and so are their last digits."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return make(item)
    finally:
        torch.set_num_threads(threads)


def _in_thread(make: Callable[[A], B], items: Iterator[A], step: float) -> Generator[B, None, bool]:
    """The items made in a thread, at most `DEPTH` ahead; returns whether it was left again.

    It is left where steps take longer so than the `step` seconds that they take with items made in between: where other
    programs use every core, a thread of low priority lags, and while it holds the interpreter nobody else runs.
    """
    threads = torch.get_num_threads()
    every_core = threads >= usable_cores()  # then the model's threads would wait for one another at every layer
    pool = ThreadPoolExecutor(1, "feed", initializer=_one_core, initargs=(every_core,))
    waiting: deque[Future[B]] = deque()
    lately: deque[float] = deque(maxlen=TIMED)
    number, slower = 0, False
    try:
        pool.submit(torch.get_num_threads).result()  # once the thread has set its own number,
        torch.set_num_threads(threads)  # put back what new threads begin with
        waiting.extend(pool.submit(make, item) for item in itertools.islice(items, DEPTH))
        while waiting:
            started = time.perf_counter()
            result = waiting.popleft().result()
            if not slower:
                waiting.extend(pool.submit(make, item) for item in itertools.islice(items, 1))
            yield result
            number += 1
            if number > DEPTH:  # the first are waited for in any case
                lately.append(time.perf_counter() - started)
            slower = slower or (len(lately) == TIMED and median(lately) > step)
        return slower
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _one_core(humble: bool) -> None:
    """One core for this thread; `humble`: and that one only while the model leaves it idle."""
    torch.get_num_threads()  # a thread takes the process's number when it first asks, which must not come later
    torch.set_num_threads(1)
    if humble and sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 19)
