"""Nets that read one text, or hear one, and write another, as decoders: what was read is encoded once.

    SourceDecoder      a Transformer, which carries its cache of keys and values from token to token
    RecurrentDecoder   a recurrent net, which carries its state
    source_decoder     that of a net

Legend of shapes: B texts that are read, S tokens of these, R rows that are written (B, or beams of each), D width,
V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from sounding.architectures.encoder_decoder import EncoderDecoder
from sounding.architectures.recurrent_encoder_decoder import RecurrentEncoderDecoder, State
from sounding.architectures.rewriter import Rewriter, Source
from sounding.architectures.whisper import Whisper
from sounding.decoding.constraints import NOTHING, aligned
from sounding.decoding.decoder import Sharing, require_begun
from sounding.decoding.language_model import LanguageModelDecoder


class SourceDecoder(LanguageModelDecoder):
    """A net that reads `source` [B, S], of `lengths` [B] tokens, and writes a text for each; prompts begin these.

    Whisper hears sounds instead. The source is encoded once, or was so already. Rows that share one, the beams of a
    text, look at it together.
    """

    def __init__(
        self,
        model: EncoderDecoder | Whisper,
        source: Tensor | Source,
        lengths: Int[Tensor, " B"] | None,
        room: int,
    ) -> None:
        super().__init__(model.decoder, room)
        self.net, self._given, self._lengths = model, source, lengths
        self._source: Source  # from `start` on
        self._sharing = Sharing(0)

    @torch.inference_mode()
    def start(self, prompts: Sequence[Sequence[int]]) -> np.ndarray:
        """Logits of what follows each prompt, one for each source."""
        given = self._given
        source = given if isinstance(given, Source) else self.net.remember(given, self._lengths)
        if self._step is not None:
            source = replace(source, memory=source.memory.widened())
        self._source, self._sharing, self._memory = source, Sharing(len(source.ids)), source.memory
        return super().start(prompts)

    @torch.inference_mode()
    def _take(self, rows: np.ndarray) -> None:
        super()._take(rows)
        needed = self._sharing.take(rows)
        if needed is not None:
            self._source = self._source.take(self._there(needed))
            self._memory = self._source.memory

    def _logits(self, vectors: Float[Tensor, "R D"], scores: Callable[[Tensor], Tensor]) -> Float[Tensor, "R V"]:
        if self.net.pointer is None:
            return super()._logits(vectors, scores)
        return self.net.scores(vectors[:, None], self._source)[:, 0]


class RecurrentDecoder:
    """The same for a recurrent net: what is carried from token to token is its state, and no text is too long."""

    def __init__(
        self, model: RecurrentEncoderDecoder, source: Int[Tensor, "B S"], lengths: Int[Tensor, " B"] | None
    ) -> None:
        self.net, self._given = model, (source, lengths)
        self._source: Source  # from `start` on
        self._state: State
        self._sharing = Sharing(0)

    @torch.inference_mode()
    def start(self, prompts: Sequence[Sequence[int]]) -> np.ndarray:
        """Logits of what follows each prompt, one for each source. Raises UsageError for a prompt without a token."""
        require_begun(prompts)
        self._source = self.net.remember(*self._given)
        self._sharing, self._state = Sharing(len(prompts)), self.net.begin(self._source)
        for ids in aligned(prompts).T:
            before, waits = self._state, torch.from_numpy(ids == NOTHING).to(self._source.ids.device)[:, None]
            logits = self.step(ids.clip(min=0))
            hidden, cells = (torch.where(waits, *each) for each in zip(before, self._state, strict=True))
            self._state = hidden, cells
        return logits

    @torch.inference_mode()
    def step(self, ids: np.ndarray) -> np.ndarray:
        """Logits of what follows the texts with one more token each."""
        last = torch.from_numpy(ids[:, None]).to(self._source.ids.device)
        vectors, self._state = self.net.advance(last, self._source, self._state)
        logits: np.ndarray = self.net.scores(vectors, self._source)[:, 0].float().cpu().numpy()
        return logits

    @torch.inference_mode()
    def take(self, rows: np.ndarray) -> None:
        """Go on with these rows."""
        device = self._source.ids.device
        if (needed := self._sharing.take(rows)) is not None:
            self._source = self._source.take(torch.from_numpy(needed).to(device))
        hidden, cells = self._state
        at = torch.from_numpy(rows).to(device)
        self._state = hidden[:, at], cells[:, at]


def source_decoder(
    model: Rewriter, source: Int[Tensor, "B S"], lengths: Int[Tensor, " B"] | None, room: int
) -> SourceDecoder | RecurrentDecoder:
    """The decoder of a net that reads `source` and writes; `room`: how many tokens the longest text may need."""
    if isinstance(model, RecurrentEncoderDecoder):
        return RecurrentDecoder(model, source, lengths)
    assert isinstance(model, EncoderDecoder)
    return SourceDecoder(model, source, lengths, room)
