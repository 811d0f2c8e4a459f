"""Timing and metering of predictions, in many short windows, so that the spread between them gives an interval.

A window is a stretch of predicting, end to end (encode, model, decode the answer), on rows that are already in memory.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import cycle, islice
from typing import Any

import numpy as np
from torch import nn

from sounding.contract.answers import Worded
from sounding.contract.evidence import Estimate
from sounding.contract.records import Example
from sounding.evaluation.context import EvaluationContext
from sounding.evaluation.intervals import bootstrap
from sounding.machine.metering.flops import count
from sounding.machine.metering.meter import Cost, Meter

WINDOWS = 12
WINDOW_SECONDS = {"quick": 0.1, "standard": 1.0, "full": 10.0}
COUNTED = 8  # rows whose operations are counted, as time allows
MOST_CALLS = 1000  # of a window, that its share in a percentile is taken from
IDLE_WINDOWS = 5  # windows' worth of doing nothing, where a counter shows what an idle machine draws


@dataclass(frozen=True)
class Window:
    """A stretch of predicting: how many answers, at what cost, the seconds of each call, and words written."""

    predictions: int
    cost: Cost
    calls: np.ndarray
    words: int = 0


def windows(context: EvaluationContext, rows: Sequence[Example], size: int) -> list[Window]:
    """Up to WINDOWS windows at batch `size`; fewer when single calls take so long that the time is used up."""
    batches, length = _batches(rows, size), WINDOW_SECONDS[context.profile]
    first = _window(context, batches, 0.0)  # one call, to warm up; a call that fills a window needs none, and counts
    found = [first] if first.cost.seconds > length else []
    end = time.perf_counter() + 1.5 * WINDOWS * length - (first.cost.seconds if found else 0.0)
    while not found or (len(found) < WINDOWS and time.perf_counter() < end):
        found.append(_window(context, batches, length))
    return found


def idle_watts(context: EvaluationContext) -> float | None:
    """What the counted processors draw while this program does nothing; None where no counter can be read."""
    with Meter() as meter:
        if meter.cost.kind != "measured":
            return None
        time.sleep(IDLE_WINDOWS * WINDOW_SECONDS[context.profile])
    return meter.cost.joules.value / meter.cost.seconds


def operations(rows: Sequence[Example], work: Callable[[Example], Any]) -> tuple[Estimate | None, str]:
    """Mean operations of `work` over the first rows, or None and why they cannot be counted."""
    counts: list[int] = []
    end = time.perf_counter() + 0.5
    try:
        while not counts or (len(counts) < min(COUNTED, len(rows)) and time.perf_counter() < end):
            row = rows[len(counts)]
            counts.append(count(lambda row=row: work(row)))  # type: ignore[misc]
    except (RuntimeError, NotImplementedError) as error:  # Uncountable, or code that cannot run while it is watched
        return None, str(error).splitlines()[0]
    if not any(counts):
        return None, "no matrix product or convolution was seen"
    return mean(np.array(counts, float)), ""


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """The model in evaluation mode, and afterwards each of its parts in the mode it was in."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


# ---- from windows to estimates


def latency(found: Sequence[Window], percent: float, seed: int) -> Estimate:
    """Seconds that `percent` % of all calls do not exceed; windows are drawn again, since calls in one are alike.

    A mean of each window's percentile would be too short: of a few calls the 95th percentile is about the longest.
    """
    calls = [w.calls[:: -(-len(w.calls) // MOST_CALLS)] for w in found]

    def pooled(drawn: np.ndarray) -> float:
        return float(np.percentile(np.concatenate([calls[int(i)] for i in drawn]), percent))

    return _positive(bootstrap(np.arange(len(calls)), pooled, seed=seed))


def throughput(found: Sequence[Window], seed: int) -> Estimate:
    """Predictions a second."""
    return _ratio_of(np.array([(w.predictions, w.cost.seconds) for w in found]), seed)


def joules_each(found: Sequence[Window], seed: int, idle: float = 0.0) -> Estimate:
    """Joules of one prediction beyond `idle` watts: spread over windows, and over the watts where these are a guess."""
    return _joules_of(found, [window.predictions for window in found], seed, idle)


def joules_each_word(found: Sequence[Window], seed: int) -> Estimate:
    """Joules of one word that was written, in the same way."""
    return _joules_of(found, [window.words for window in found], seed)


def _joules_of(found: Sequence[Window], counts: Sequence[int], seed: int, idle: float = 0.0) -> Estimate:
    spent = np.array([(w.cost.joules.value - idle * w.cost.seconds, n) for w, n in zip(found, counts, strict=True)])
    estimate = _ratio_of(spent, seed)
    whole = [w.cost.joules for w in found]
    value = sum(e.value for e in whole)
    if value <= 0 or any(e.low is None or e.high is None for e in whole):
        return estimate
    low, high = (estimate.value if end is None else end for end in (estimate.low, estimate.high))
    low, high = low * sum(e.low or 0.0 for e in whole) / value, high * sum(e.high or 0.0 for e in whole) / value
    return replace(estimate, low=low, high=high, interval="model uncertainty")


def mean(values: np.ndarray, seed: int = 0) -> Estimate:
    """The mean of what cannot be negative."""
    return _positive(bootstrap(values, lambda x: float(x.mean()), seed=seed))


def scaled(estimate: Estimate, by: float) -> Estimate:
    """The estimate in another unit."""
    low, high = (None if end is None else end * by for end in (estimate.low, estimate.high))
    return replace(estimate, value=estimate.value * by, low=low, high=high)


def _ratio_of(pairs: np.ndarray, seed: int) -> Estimate:
    return _positive(bootstrap(pairs, lambda x: float(x[:, 0].sum() / x[:, 1].sum()), seed=seed))


def _positive(estimate: Estimate) -> Estimate:
    """None of these can be negative, though an interval around few windows may reach there."""
    low = None if estimate.low is None else max(0.0, estimate.low)
    high = None if estimate.high is None else max(0.0, estimate.high)
    return replace(estimate, value=max(0.0, estimate.value), low=low, high=high)


def _window(context: EvaluationContext, batches: Iterator[list[Any]], seconds: float) -> Window:
    calls: list[float] = []
    target = context.task.target
    predictions, words = 0, 0
    with Meter() as meter:
        end = time.perf_counter() + seconds
        now = 0.0
        while not calls or now < end:
            inputs = next(batches)
            start = time.perf_counter()
            answers = context.task.predict(context.model, inputs)
            now = time.perf_counter()
            calls.append(now - start)
            predictions += len(inputs)
            if isinstance(target, Worded):
                words += sum(target.word_count(answer.value) for answer in answers)
    return Window(predictions, meter.cost, np.array(calls), words)


def _batches(rows: Sequence[Example], size: int) -> Iterator[list[Any]]:
    values = cycle([e.input for e in rows])
    while True:
        yield list(islice(values, size))
