"""A series as examples: what is given, and what comes next. Rolling: one begins a step after the other.

What is asked for lies within a part of the series (training, validation, test) entirely; what is given may reach into
the part before it, as it does when a forecast is made. So no training window reaches into what validates or tests.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sounding.contract.records import Example
from sounding.modalities.series.values import Stretch

MOST_HELD = 5_000
"""Windows of a part to measure on, at most: of more, every second, third … is taken."""


@dataclass(frozen=True)
class Shape:
    """Steps that are given, and steps that are asked for."""

    context: int
    horizon: int


class Windows(Sequence[Example]):
    """The windows of some stretches, each made when it is asked for.

    `starts` [n, 2]: the stretch, and the step where what is asked for begins. Windows whose answers begin in the same
    horizon's length of time are a group, since their errors go together.
    """

    def __init__(self, stretches: Sequence[Stretch], shape: Shape, starts: np.ndarray) -> None:
        self._stretches, self._shape, self._starts = stretches, shape, starts

    @classmethod
    def of(cls, stretches: Sequence[Stretch], shape: Shape) -> Windows:
        """All windows whose answer holds at least one known number, and for which enough is given."""
        found = []
        for number, stretch in enumerate(stretches):
            first = max(stretch.begins, shape.context)
            starts = np.arange(first, len(stretch) - shape.horizon + 1)
            known = np.concatenate([[0], (~np.isnan(stretch.values)).any(axis=1).cumsum()])
            starts = starts[known[starts + shape.horizon] > known[starts]] if len(starts) else starts
            found.append(np.stack([np.full(len(starts), number), starts], axis=1))
        together = np.concatenate(found) if found else np.zeros((0, 2), np.int64)
        held = any(stretch.begins for stretch in stretches)
        return cls(
            stretches, shape, together[:: -(-len(together) // MOST_HELD)] if held and len(together) else together
        )

    def __len__(self) -> int:
        return len(self._starts)

    def __getitem__(self, index: Any) -> Any:
        if not isinstance(index, int | np.integer):
            return Windows(self._stretches, self._shape, self._starts[index])
        number, start = self._starts[index].tolist()
        stretch, shape = self._stretches[number], self._shape
        given = stretch.cut(start - shape.context, start, shape.horizon)
        return Example(given, stretch.cut(start, start + shape.horizon), self._group(stretch, start))

    def _group(self, stretch: Stretch, start: int) -> str:
        first = stretch.begins + (start - stretch.begins) // self._shape.horizon * self._shape.horizon
        return " ".join(filter(None, (stretch.name, f"from {stretch.time(first)}")))
