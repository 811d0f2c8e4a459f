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

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sounding.architectures.encoder_decoder import EncoderDecoder
from sounding.architectures.recurrent_encoder_decoder import RecurrentEncoderDecoder, State
from sounding.architectures.rewriter import Rewriter, Source
from sounding.architectures.whisper import Whisper
from sounding.decoding.constraints import NOTHING, aligned
from sounding.decoding.decoder import LanguageModelDecoder, require_begun


class _Shared:
    """Sources of the rows that are written: rows of one source follow one another, so that it is not copied."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._whose = torch.arange(len(source.ids), device=source.ids.device)

    def take(self, rows: Int[Tensor, " R"]) -> None:
        """Go on with these rows."""
        whose, counts = torch.unique_consecutive(self._whose[rows], return_counts=True)
        if len(counts) and bool((counts != counts[0]).any()):  # rows are no beams of like number
            whose, counts = self._whose[rows], torch.ones_like(rows)
        everyone = torch.arange(len(whose), device=whose.device)
        if len(whose) != len(self.source.ids) or bool((whose != everyone).any()):
            self.source = self.source.take(whose)
        self._whose = everyone.repeat_interleave(counts)


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
        self._shared: _Shared | None = None

    def start(self, prompts: Sequence[Sequence[int]]) -> Float[Tensor, "B V"]:
        """Logits of what follows each prompt, one for each source."""
        given = self._given
        source = given if isinstance(given, Source) else self.net.remember(given, self._lengths)
        if self._step is not None:
            source = replace(source, memory=source.memory.widened())
        self._shared, self._memory = _Shared(source), source.memory
        return super().start(prompts)

    def take(self, rows: Int[Tensor, " R"]) -> None:
        """Go on with these rows."""
        super().take(rows)
        assert self._shared is not None
        self._shared.take(rows)
        self._memory = self._shared.source.memory

    def _logits(self, vectors: Float[Tensor, "R D"], scores: Callable[[Tensor], Tensor]) -> Float[Tensor, "R V"]:
        if self.net.pointer is None:
            return super()._logits(vectors, scores)
        assert self._shared is not None
        return self.net.scores(vectors[:, None], self._shared.source)[:, 0].float()


class RecurrentDecoder:
    """The same for a recurrent net: what is carried from token to token is its state, and no text is too long."""

    def __init__(
        self, model: RecurrentEncoderDecoder, source: Int[Tensor, "B S"], lengths: Int[Tensor, " B"] | None
    ) -> None:
        self.net, self._given = model, (source, lengths)
        self._shared: _Shared | None = None
        self._state: State | None = None

    def start(self, prompts: Sequence[Sequence[int]]) -> Float[Tensor, "B V"]:
        """Logits of what follows each prompt, one for each source. Raises UsageError for a prompt without a token."""
        require_begun(prompts)
        source = self.net.remember(*self._given)
        self._shared, self._state = _Shared(source), self.net.begin(source)
        for ids in aligned(prompts, source.ids.device).T:
            before, waits = self._state, (ids == NOTHING)[:, None]
            logits = self.step(ids.clamp(min=0))
            hidden, cells = (torch.where(waits, *each) for each in zip(before, self._state, strict=True))
            self._state = hidden, cells
        return logits

    def step(self, ids: Int[Tensor, " B"]) -> Float[Tensor, "B V"]:
        """Logits of what follows the texts with one more token each."""
        assert self._shared is not None
        assert self._state is not None
        vectors, self._state = self.net.advance(ids[:, None], self._shared.source, self._state)
        return self.net.scores(vectors, self._shared.source)[:, 0].float()

    def take(self, rows: Int[Tensor, " R"]) -> None:
        """Go on with these rows."""
        assert self._shared is not None
        assert self._state is not None
        self._shared.take(rows)
        hidden, cells = self._state
        self._state = hidden[:, rows], cells[:, rows]


def source_decoder(
    model: Rewriter, source: Int[Tensor, "B S"], lengths: Int[Tensor, " B"] | None, room: int
) -> SourceDecoder | RecurrentDecoder:
    """The decoder of a net that reads `source` and writes; `room`: how many tokens the longest text may need."""
    if isinstance(model, RecurrentEncoderDecoder):
        return RecurrentDecoder(model, source, lengths)
    assert isinstance(model, EncoderDecoder)
    return SourceDecoder(model, source, lengths, room)
