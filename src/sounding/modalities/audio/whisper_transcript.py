"""Transcripts in the tokens of Whisper's weights, which come with these and are not learnt.

Legend of shapes: B batch, L tokens.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from sounding.contract.inputs import Tokenized
from sounding.errors import DataError
from sounding.modalities.audio.transcript import Transcript
from sounding.modalities.text.text import Tokens
from sounding.modalities.text.tokenizer import Tokenizer


class WhisperTranscript(Transcript, Tokenized):
    """What is said in a recording, as Whisper writes it; it is compared in `form`, as any transcript."""

    noun = "transcript"

    def __init__(self, form: str = "plain") -> None:
        super().__init__(form)

    def adopt(self, state: Mapping[str, Any]) -> None:
        """Take the tokens of other weights."""
        if state.get("tokenizer"):
            self._tokenizer = Tokenizer.restored(state["tokenizer"])

    def token_texts(self, value: str) -> list[str]:
        """The characters of each token."""
        return [self.tokenizer.decode([number]) for number in self.tokenizer.ids(str(value))]

    def remark(self, value: str) -> str:
        """Nothing: it knows all characters, and numbers in digits."""
        return ""

    def fit(self, values: Iterable[str]) -> None:
        """Count the words of the training transcripts; the tokens are there."""
        texts = list(values)
        if not any(texts):
            raise DataError("there is no transcript to learn from", fix="Give rows with what is said")
        words = [word for text in texts for word in text.split()]
        how = "small letters, without punctuation" if self.form == "plain" else "as written"
        self.learnt = (
            f"transcripts are compared {how} (form={self.form}); {len(words):,} words, {len(set(words)):,} of them "
            "different; a model writes Whisper's tokens"
        )

    def between(self, values: Sequence[str], ahead: Sequence[int], end: int) -> Tokens:
        """The tokens of each transcript [B, L] between those `ahead` and the `end`, padded with the end."""
        rows = [[*ahead, *self._ids(value), end] for value in values]
        lengths = np.array([len(row) for row in rows], np.int64)
        ids = np.full((len(rows), int(lengths.max(initial=1))), end, np.int64)
        for row, found in zip(ids, rows, strict=True):
            row[: len(found)] = found
        return Tokens(torch.from_numpy(ids), torch.from_numpy(lengths))

    def _ids(self, value: str) -> list[int]:
        text = str(value).strip()
        return [int(number) for number in self.tokenizer.ids(f" {text}")] if text else []
