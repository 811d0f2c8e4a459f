"""A language model as a decoder.

Legend of shapes: B rows of the batch, T tokens, D width, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from sounding.architectures.attention import KeyValueCache
from sounding.architectures.transformer import LanguageModel, Memory
from sounding.decoding.decoder import Windowed
from sounding.decoding.single_step import single_step


class LanguageModelDecoder(Windowed):
    """A language model as a decoder, which computes each token once (`KeyValueCache`).

    `room`: how many tokens the longest text may need; `context`: how many it sees, its own where that is 0.
    """

    def __init__(self, model: LanguageModel, room: int, context: int = 0) -> None:
        super().__init__(room, context or model.transformer.config.context)
        self.model, self.device = model, next(model.parameters()).device
        self._memory: Memory | None = None
        self._cache = KeyValueCache(0, 0)
        self._step = single_step(model)

    @torch.inference_mode()
    def _read(self, space: int) -> np.ndarray:
        self._cache = KeyValueCache(self.model.transformer.config.layers, space)
        logits = self._scores(self.texts)
        if self._step is not None:
            self._cache.widen()
        return logits

    @torch.inference_mode()
    def _gone_on(self, ids: np.ndarray) -> np.ndarray:
        if self._step is None:
            return self._scores(ids[:, None])
        vectors = self._step.vectors(self._there(ids), self._cache, self._padded_there, self._memory)
        return _array(self._logits(vectors, self._step.scores))

    @torch.inference_mode()
    def _take(self, rows: np.ndarray) -> None:
        self._cache.take(self._there(rows))

    def _scores(self, ids: np.ndarray) -> np.ndarray:
        given = {"padded_left": self._padded_there, "cache": self._cache, "memory": self._memory}
        vectors = self.model.transformer(self._there(ids), **given)[:, -1]
        if self._step is None:
            return _array(self._logits(vectors, self.model.scores))
        # The weights of its scores are laid out already, and need no other precision.
        return _array(self._logits(vectors.float(), self._step.scores))

    def _logits(self, vectors: Float[Tensor, "B D"], scores: Callable[[Tensor], Tensor]) -> Float[Tensor, "B V"]:
        return scores(vectors)

    @property
    def _padded_there(self) -> Int[Tensor, " B"] | None:
        return None if self.padded is None else self._there(self.padded)

    def _there(self, numbers: np.ndarray) -> Int[Tensor, " ..."]:
        """Whole numbers where the model is."""
        return torch.from_numpy(np.ascontiguousarray(numbers)).to(self.device)


def _array(logits: Float[Tensor, "B V"]) -> np.ndarray:
    found: np.ndarray = logits.float().cpu().numpy()
    return found
