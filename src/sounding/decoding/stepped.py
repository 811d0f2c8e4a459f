"""Exported networks that go on with texts, in numpy: `step_graphs.py` says what they are given, and what they give.

Legend of shapes: B rows of the batch, T tokens, S positions that were read, G heads of keys and values, E their width,
V vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sounding.contract.postprocessing import Arrays, Network
from sounding.decoding.decoder import Windowed


@dataclass(frozen=True)
class CacheShape:
    """The keys and values of a position, for each of so many `layers` [G, E]."""

    layers: int
    heads: int
    width: int

    def empty(self, batch: int) -> Arrays:
        """Those of no position [B, G, 0, E], of one layer after the other."""
        return (np.zeros((batch, self.heads, 0, self.width), np.float32),) * (2 * self.layers)


class SteppedDecoder(Windowed):
    """A language model by its network alone, which gives keys and values to be given back with the next token."""

    def __init__(self, network: Network, shape: CacheShape, room: int, context: int) -> None:
        super().__init__(room, context)
        self.network, self.shape = network, shape
        self._cache: Arrays = ()

    def _read(self, space: int) -> np.ndarray:
        self._cache = self.shape.empty(len(self.texts))
        return self._asked(self.texts)

    def _gone_on(self, ids: np.ndarray) -> np.ndarray:
        return self._asked(ids[:, None])

    def _take(self, rows: np.ndarray) -> None:
        self._cache = tuple(each[rows] for each in self._cache)

    def _asked(self, ids: np.ndarray) -> np.ndarray:
        logits, *cache = self.network((np.ascontiguousarray(ids), self._padding, *self._cache))
        self._cache = tuple(cache)
        return logits[:, -1]
