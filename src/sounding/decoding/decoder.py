"""What decoding asks of a model: scores of the next token behind some prompts, and again behind each token chosen.

Legend of shapes: B rows of the batch, T tokens, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sounding.architectures.attention import KeyValueCache
from sounding.architectures.transformer import LanguageModel, Memory
from sounding.decoding.single_step import single_step
from sounding.errors import UsageError


class Decoder(Protocol):
    """A batch of texts that are being written."""

    def start(self, prompts: Sequence[Sequence[int]]) -> Tensor:
        """Logits [B, V] of what follows each prompt, which begins the batch anew."""

    def step(self, ids: Tensor) -> Tensor:
        """Logits [B, V] of what follows, where each row [B] goes on with its id."""

    def take(self, rows: Tensor) -> None:
        """Go on with these rows [R] of the batch, in their order; one may come twice, or not at all."""


class LanguageModelDecoder:
    """A language model as a decoder, which computes each token once (`KeyValueCache`).

    `room`: how many tokens the longest text may need. Beyond `context` tokens (the model's own, where `context` is 0)
    the beginning is forgotten: the model goes on behind the last half of what it could see.
    """

    def __init__(self, model: LanguageModel, room: int, context: int = 0) -> None:
        self.model, self.context = model, context or model.transformer.config.context
        self._memory: Memory | None = None
        self.room = min(room, self.context)
        self._texts = torch.zeros(0, 0, dtype=torch.int64)
        self._padded, self._any_padded = torch.zeros(0, dtype=torch.int64), False
        self._cache = KeyValueCache(0, 0)
        self._step = single_step(model)

    def start(self, prompts: Sequence[Sequence[int]]) -> Float[Tensor, "B V"]:
        """Logits of what follows each prompt. Raises UsageError for a prompt without a token."""
        require_begun(prompts)
        device = next(self.model.parameters()).device
        kept = [torch.as_tensor(prompt, dtype=torch.int64)[-self.context :] for prompt in prompts]
        longest = max(len(ids) for ids in kept)
        self._padded = torch.tensor([longest - len(ids) for ids in kept], device=device)
        texts = torch.zeros(len(kept), longest, dtype=torch.int64)
        for row, ids in enumerate(kept):
            texts[row, longest - len(ids) :] = ids
        self._texts = texts.to(device)
        return self._read()

    def step(self, ids: Int[Tensor, " B"]) -> Float[Tensor, "B V"]:
        """Logits of what follows the texts with one more token each."""
        self._texts = torch.cat([self._texts, ids[:, None]], dim=1)
        if self._cache.length == self._cache.room:
            self._forget()
            return self._read()
        if self._step is not None:
            padded = self._padded if self._any_padded else None
            return self._logits(self._step.vectors(ids, self._cache, padded, self._memory), self._step.scores)
        return self._scores(self._texts[:, -1:])

    def take(self, rows: Int[Tensor, " R"]) -> None:
        """Go on with these rows."""
        self._texts, self._padded = self._texts[rows], self._padded[rows]
        self._any_padded = bool(self._padded.any())
        self._cache.take(rows)

    def _forget(self) -> None:
        half = max(1, self.context // 2)
        cut = self._texts.shape[1] - half
        self._texts, self._padded = self._texts[:, cut:], (self._padded - cut).clamp(min=0)

    def _read(self) -> Float[Tensor, "B V"]:
        """Read the texts from their beginning."""
        layers = self.model.transformer.config.layers
        room = self.room if self._texts.shape[1] < self.room else self.context
        self._cache = KeyValueCache(layers, max(room, self._texts.shape[1]))
        self._any_padded = bool(self._padded.any())
        logits = self._scores(self._texts)
        if self._step is not None:
            self._cache.widen()
        return logits

    def _scores(self, ids: Int[Tensor, "B T"]) -> Float[Tensor, "B V"]:
        padded = self._padded if self._any_padded else None
        vectors = self.model.transformer(ids, padded_left=padded, cache=self._cache, memory=self._memory)[:, -1]
        if self._step is not None:  # its weights are laid out already, and need no other precision
            return self._logits(vectors.float(), self._step.scores)
        return self._logits(vectors, self.model.scores)

    def _logits(self, vectors: Float[Tensor, "B D"], scores: Callable[[Tensor], Tensor]) -> Float[Tensor, "B V"]:
        return scores(vectors).float()


def require_begun(prompts: Sequence[Sequence[int]]) -> None:
    """Raise UsageError for a prompt without a token."""
    if any(not len(prompt) for prompt in prompts):
        raise UsageError("there is nothing to go on from", fix="Give a prompt of one token or more")
