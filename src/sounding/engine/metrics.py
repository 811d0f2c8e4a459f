"""Metrics are judge-then-reduce: judge one record into statistics, reduce many statistics into one number.

`judge(record)` gives a float or a fixed-size array; stacked they are [n, …], and `reduce([n, …]) → float`. `hit(record)`
gives (confidence, right?) pairs, one for each thing that was decided (a class, a box, a word), for calibration.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sounding.engine.task import Record

Hits = Sequence[tuple[float, bool]]


def exact(record: Record) -> Hits:
    """One decision a record: the whole answer, right or wrong."""
    return [] if record.confidence is None else [(record.confidence, record.value == record.truth)]


@dataclass(frozen=True)
class Metric:
    """One way to judge records. A `proportion` is the mean of zeros and ones, and takes a Wilson interval."""

    name: str
    judge: Callable[[Record], Any]
    reduce: Callable[[np.ndarray], float]
    definition: str
    unit: str = ""
    proportion: bool = False
    higher_is_better: bool = True
    hit: Callable[[Record], Hits] = exact
