"""Drawing by weight where weights change all the time: a tree of sums (Schaul et al. 2016, arXiv 1511.05952).

Each node is the sum of its two children whenever it is set, never what a difference was added to: so a tree that is
built again from its leaves is the same to the bit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class SumTree:
    """Weights of `capacity` leaves, all 0 at first."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._first = 1 << max(0, capacity - 1).bit_length()
        self._nodes = np.zeros(2 * self._first)

    @property
    def total(self) -> float:
        """The sum of all weights."""
        return float(self._nodes[1])

    @property
    def leaves(self) -> NDArray[np.float64]:
        """The weights [capacity], to be read."""
        return self._nodes[self._first : self._first + self.capacity]

    def set(self, leaves: NDArray[np.int64], weights: NDArray[np.float64] | float) -> None:
        """Give some leaves weights; of a leaf that is there twice the last one counts."""
        nodes = leaves + self._first
        self._nodes[nodes] = weights
        while nodes.size and nodes[0] > 1:
            nodes = nodes >> 1
            self._nodes[nodes] = self._nodes[2 * nodes] + self._nodes[2 * nodes + 1]

    def restore(self, leaves: NDArray[np.float64]) -> None:
        """Give all leaves their weights [capacity]."""
        self.leaves[:] = leaves
        start = self._first
        while start > 1:
            start //= 2
            below = self._nodes[2 * start : 4 * start]
            self._nodes[start : 2 * start] = below[::2] + below[1::2]

    def find(self, where: NDArray[np.float64]) -> NDArray[np.int64]:
        """The leaves [B] at some places [B] of the weights laid end to end, each from 0 to below `total`.

        A leaf without a weight is never found.
        """
        nodes, left = np.ones(len(where), np.int64), where.copy()
        for _ in range(self._first.bit_length() - 1):
            nodes = 2 * nodes
            before = self._nodes[nodes]
            right = (left >= before) & (self._nodes[nodes + 1] > 0)  # rounding must not lead to where nothing is
            left = np.where(right, left - before, left)
            nodes = nodes + right
        return nodes - self._first
