"""Encoding ahead of the model: in a thread of low priority, where that is faster than encoding in between.

On a machine with cores to spare the model never waits. Where the model's own threads use every core, a third thread
makes them wait for one another, and encoding in between may be faster: the first steps try both, and later ones notice
when the thread no longer keeps up. What is encoded is the same either way.
"""

from __future__ import annotations

import itertools
import math
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from statistics import median
from typing import TypeVar

import torch

DEPTH = 2
"""Items that are made before they are needed."""
TRIED = 6
"""Steps of each trial; there are two of each way."""
LAGS = 8
"""Steps in a row that wait longer for the thread than encoding in between took, before it is given up."""

A = TypeVar("A")
B = TypeVar("B")


def made_ahead(make: Callable[[A], B], items: Iterable[A]) -> Iterator[B]:
    """`map(make, items)`, in order, each item made while the one before is worked on, where that is faster."""
    iterator = iter(items)
    making: list[float] = []

    def clocked(item: A) -> B:
        started = time.perf_counter()
        made = make(item)
        making.append(time.perf_counter() - started)
        return made

    between: list[float] = []
    beside: list[float] = []
    for _ in range(2):
        yield from _timed(map(clocked, itertools.islice(iterator, TRIED)), between)
        yield from _timed(_in_thread(make, itertools.islice(iterator, TRIED), math.inf), beside)
    if beside and median(beside) < median(between):
        yield from _in_thread(make, iterator, 1.5 * median(making))  # ends early where it no longer keeps up
    yield from map(make, iterator)


def _timed(made: Iterator[B], spent: list[float]) -> Iterator[B]:
    """Adds the seconds from item to item, the work on it included; the first of a trial is not counted."""
    last = None
    for item in made:
        now = time.perf_counter()
        if last is not None:
            spent.append(now - last)
        last = now
        yield item


def _in_thread(make: Callable[[A], B], items: Iterator[A], longest: float) -> Iterator[B]:
    """The items made in a thread, at most `DEPTH` ahead.

    Where several in a row are waited for longer than `longest` seconds, what `items` still holds is left there.
    """
    threads = torch.get_num_threads()
    pool = ThreadPoolExecutor(1, "feed", initializer=_humble)
    waiting: deque[Future[B]] = deque()
    lags = 0
    try:
        waiting.extend(pool.submit(make, item) for item in itertools.islice(items, DEPTH))
        torch.set_num_threads(threads)  # the thread's own number is what new threads would begin with
        while waiting:
            asked = time.perf_counter()
            made = waiting.popleft().result()
            lags = lags + 1 if time.perf_counter() - asked > longest else 0
            if lags < LAGS:
                waiting.extend(pool.submit(make, item) for item in itertools.islice(items, 1))
            yield made
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _humble() -> None:
    """One core, and that one only while the model leaves it idle: its threads wait for one another at every layer."""
    torch.set_num_threads(1)
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 19)
