"""The segments of a history: stretches of time in one column, which explanations weigh and mask.

Where columns are known ahead, the time to come is one more stretch, of these columns alone.

Legend of shapes: T steps, A steps after them, C columns, K columns known ahead, E stretches of time, P segments.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from sounding.drawing.rendering import Rendering
from sounding.modalities.series.drawing import columns_drawn
from sounding.modalities.series.values import Stretch, carried

PARTS = 8
"""Stretches of time that a history falls into, at most."""


@dataclass(frozen=True)
class Segments:
    """The segments of one history: `edges` [E + 1] of the stretches in steps; `cells` [P, 2]: stretch and column."""

    value: Stretch
    ahead: int
    edges: np.ndarray
    cells: np.ndarray

    @classmethod
    def of(cls, value: Stretch, context: int, ahead: int = 0) -> Segments:
        """Those of the last `context` steps (0: of all), and of `ahead` steps after them that something is known of."""
        read = min(context or len(value), len(value))
        edges = np.linspace(len(value) - read, len(value), min(PARTS, read) + 1).round().astype(int)
        columns, known = value.values.shape[1], len(value.known_columns)
        cells = np.argwhere(np.ones((len(edges) - 1, columns + known), bool))
        if known:
            to_come = np.stack([np.full(known, len(edges) - 1), columns + np.arange(known)], axis=1)
            cells, edges = np.concatenate([cells, to_come]), np.append(edges, len(value) + ahead)
        return cls(value, ahead, edges, cells)

    def __len__(self) -> int:
        return len(self.cells)

    @property
    def columns(self) -> Sequence[str]:
        """The names of all columns, those known ahead last."""
        return *self.value.columns, *self.value.known_columns

    def name(self, part: int) -> str:
        """The column, and from when to when."""
        when, column = self.cells[part].tolist()
        first, last = self.edges[when : when + 2].tolist()
        return f"{self.columns[column]}, {self.value.time(first)} to {self.value.time(last - 1)}"

    def masked(self, kept: np.ndarray, fill: np.ndarray, own: bool) -> Stretch:
        """The history with `fill` [C + K] in the segments that are not kept [P]; its `own` mean, if it has one."""
        if kept.all():
            return self.value
        whole = self.value.joined(self.ahead)
        if own:
            read = carried(whole[self.edges[0] : len(self.value)])
            fill = np.where(np.isnan(read).all(axis=0), fill, np.nan_to_num(read).mean(axis=0))
        for when, column in self.cells[~kept].tolist():
            whole[self.edges[when] : self.edges[when + 1], column] = fill[column]
        return self.value.parted(whole)

    def summed(self, saliency: np.ndarray) -> np.ndarray:
        """The sum of saliency [T + A, C + K], which ends where the segments do, over each of them [P]."""
        steps = self.edges + (len(saliency) - self.ahead - len(self.value))
        sums = np.stack([saliency[max(0, a) : b].sum(axis=0) for a, b in pairwise(steps.tolist())])
        return sums[self.cells[:, 0], self.cells[:, 1]]

    def drawn(self, weights: np.ndarray | None) -> Rendering:
        """A line for each column, over the stretches in the colours of their weights [P]."""
        read = self.value.cut(int(self.edges[0]), len(self.value))
        shown = replace(read, values=read.joined(self.ahead), columns=tuple(self.columns))
        edges = self.edges - self.edges[0]
        if weights is None:
            return columns_drawn(shown, edges)
        grid = np.zeros((len(edges) - 1, len(self.columns)))
        grid[self.cells[:, 0], self.cells[:, 1]] = weights
        parts = {tuple(cell): part for part, cell in enumerate(self.cells.tolist())}

        def named(number: int) -> str:
            part = parts.get(divmod(number, len(self.columns)))
            return "" if part is None else self.name(part)

        return columns_drawn(shown, edges, grid.ravel(), named)
