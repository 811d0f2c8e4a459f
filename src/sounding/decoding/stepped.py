"""Exported networks that go on with texts, in numpy: `step_graphs.py` says what they are given, and what they give.

Legend of shapes: B rows of the batch, M texts that are read, T tokens, S positions that were read, G heads of keys and
values, E their width, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sounding.contract.postprocessing import Arrays, Network, Networks
from sounding.decoding.decoder import Sharing, Windowed


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
        logits, *cache = self.network((np.ascontiguousarray(ids), *self._beside, *self._cache))
        self._cache = tuple(cache)
        return logits[:, -1]

    @property
    def _beside(self) -> Arrays:
        """What the network is given between tokens and cache."""
        return (self._padding,)


class SourceSteppedDecoder(SteppedDecoder):
    """A net that reads one text and writes another, by its networks `encoder` and `decoder` alone.

    The texts that are read are `x`: tokens [M, S], and how many there are of each [M]. With `copying` the decoder is
    given these tokens as well. Rows that share a text are queries of one attention.
    """

    def __init__(
        self, networks: Networks, x: Arrays, shape: CacheShape, room: int, context: int, *, copying: bool
    ) -> None:
        super().__init__(networks.named["decoder"], shape, room, context)
        self._encoder, self._x, self._copying = networks.named["encoder"], x, copying
        self._source: Arrays = ()
        self._sharing = Sharing(0)

    def start(self, prompts: Sequence[Sequence[int]]) -> np.ndarray:
        """Logits of what follows each prompt, one for each text that is read; all prompts are equally long."""
        self._encode()
        return super().start(prompts)

    def told(self, ids: np.ndarray) -> np.ndarray:
        """Logits [M, T, V] of what follows each of the tokens [M, T], a row of which stands for each text."""
        self._encode()
        return self.network((ids, *self._source, *self.shape.empty(len(ids))))[0]

    def _encode(self) -> None:
        ids, lengths = self._x
        read = (lengths, ids) if self._copying else (lengths,)
        self._source, self._sharing = (*read, *self._encoder(self._x)), Sharing(len(ids))

    def _take(self, rows: np.ndarray) -> None:
        super()._take(rows)
        if (needed := self._sharing.take(rows)) is not None:
            self._source = tuple(each[needed] for each in self._source)

    @property
    def _beside(self) -> Arrays:
        return self._source
