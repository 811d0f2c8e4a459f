"""Texts as words that know their letters: a word is its number, and the hashes of the short strings in it.

Legend of shapes: B batch, T tokens, P pieces of a word at most.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple
from zlib import crc32

import numpy as np

from sounding.modalities.text.text import Text, Tokens

if TYPE_CHECKING:
    from torch import Tensor

LENGTHS = (3, 4, 5)
"""Letters of a piece."""
MOST = 40
"""Pieces of a word, at most: those of a word of 14 letters."""


class SpeltTokens(NamedTuple):
    """A batch of texts: `ids` [B, T] and `lengths` [B] as in `Tokens`, and of each token its spelling.

    `pieces` [B, T, P] are hashes, from 1 to 2³², of strings of its letters, and `pairs` [B, T] that of the word with
    the one before it; 0 stands where there is none.
    """

    ids: Tensor
    lengths: Tensor
    pieces: Tensor
    pairs: Tensor

    def hidden(self, where: Tensor, mask: int) -> SpeltTokens:
        """With the token `mask`, which is spelt in no way, in the places `where` [B, T]."""
        beside = where.clone()
        beside[:, 1:] |= where[:, :-1]
        ids, pieces = self.ids.masked_fill(where, mask), self.pieces.masked_fill(where[..., None], 0)
        return SpeltTokens(ids, self.lengths, pieces, self.pairs.masked_fill(beside, 0))


class SpeltText(Text):
    """A text whose tokens also say how they are spelt, so that words that training never saw mean something."""

    def encode(self, values: Sequence[str]) -> SpeltTokens:  # type: ignore[override]
        """The ids of each text, and how each token is spelt."""
        import torch

        return SpeltTokens(*map(torch.from_numpy, self.arrays(values)))

    def arrays(self, values: Sequence[str]) -> tuple[np.ndarray, ...]:
        """The same without torch."""
        ids, lengths = super().arrays(values)
        rows = [self._words(value) for value in values]
        spelt = [[pieces(word) if word else () for word in row] for row in rows]
        most = max((len(found) for row in spelt for found in row), default=0)
        letters, pairs = np.zeros((*ids.shape, most), np.int64), np.zeros(ids.shape, np.int64)
        for text, row in enumerate(rows):
            for place, word in enumerate(row):
                letters[text, place, : len(spelt[text][place])] = spelt[text][place]
                if place and word and row[place - 1]:
                    pairs[text, place] = hashed(f"{row[place - 1]} {word}")
        return ids, lengths, letters, pairs

    @property
    def axes(self) -> Mapping[str, tuple[str | int, ...]]:
        """Those of a text, and how each token is spelt."""
        return {**super().axes, "pieces": ("batch", "tokens", "pieces"), "pairs": ("batch", "tokens")}

    @property
    def steps(self) -> Sequence[str]:
        """Those of a text, and the hashes."""
        return (
            *super().steps,
            f"`pieces` int64: 1 + the CRC-32 of each string of {', '.join(map(str, LENGTHS))} letters (UTF-8) of "
            f"'<token>' in lower case (NFC), at most {MOST}, filled with 0; none of a special token",
            "`pairs` int64: 1 + the CRC-32 of the token before, a space and the token; 0 for the first",
        )

    def _words(self, value: str) -> list[str]:
        """The letters of each token as `encode` counts them, in lower case; none of a special token."""
        special = self.tokenizer.specials.ids - {self.tokenizer.specials.unknown}
        ids, offsets = self.encoded(value)
        return [
            "" if id in special else unicodedata.normalize("NFC", value[start:end]).lower()
            for id, (start, end) in zip(ids.tolist(), offsets.tolist(), strict=False)
        ]

    def blank(self, x: SpeltTokens) -> SpeltTokens:  # type: ignore[override]
        """As many masks as there are tokens, which are spelt in no way."""
        import torch

        ids, lengths = super().blank(Tokens(x.ids, x.lengths))
        return SpeltTokens(ids, lengths, torch.zeros_like(x.pieces), torch.zeros_like(x.pairs))


@lru_cache(maxsize=2**17)
def pieces(word: str) -> tuple[int, ...]:
    """The hashes of the strings of three to five letters of a word between marks of its ends."""
    marked = f"<{word}>"
    places = ((start, length) for length in LENGTHS for start in range(len(marked) - length + 1))
    return tuple(hashed(marked[start : start + length]) for start, length in places)[:MOST]


def hashed(letters: str) -> int:
    """A number from 1 to 2³², the same on every machine."""
    return crc32(letters.encode(errors="replace")) + 1
