"""What goes through a task: rows in, answers out, trials to be judged."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T", bound=Hashable)


@dataclass(frozen=True)
class Example:
    """One row that was read. `group` names what must not be torn apart: a patient, a speaker, a document."""

    input: Any
    target: Any = None
    group: str = ""


@dataclass(frozen=True)
class Prediction:
    """A label that the model wrote. `confidence` is in [0, 1] (None when the task has no such thing).

    `scores` [K] are the probabilities of `task.target.classes`, in their order, where the answers are a finite list;
    for an answer of several parts (boxes, words) they may be the confidence in each part.
    """

    value: Any
    confidence: float | None = None
    scores: np.ndarray | None = None


@dataclass(frozen=True)
class Record:
    """One trial: a prediction beside the truth, with the loss in nats and the group of its example."""

    value: Any
    truth: Any
    confidence: float | None
    loss: float
    group: str = ""
    scores: np.ndarray | None = None


def chunks(items: Sequence[Any], size: int) -> list[Sequence[Any]]:
    """Consecutive slices of at most `size` items; a slice of lazily read examples reads them when it is used."""
    return [items[start : start + size] for start in range(0, len(items), size)]


def grouped(kinds: Sequence[T]) -> dict[T, list[int]]:
    """The places of each kind (a size, say), in the order in which they come first."""
    found: dict[T, list[int]] = {}
    for place, kind in enumerate(kinds):
        found.setdefault(kind, []).append(place)
    return found
