"""Which words some texts have, kept in little room, so that it can be told of another text how many are new.

A Bloom filter (1970): ten bits a word. A word that the texts have is always known; of 1,000 that they have not, about 8
are taken for known as well. Words are compared without case; numbers and signs are none.
"""

from __future__ import annotations

import base64
import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

import numpy as np

from sounding.modalities.text.words import words

BITS, HASHES = 10, 7
"""Bits for each word, and how many of them a word sets: the least errors for so many bits."""
LOOKED_AT = 500
"""Words of a text, at most, that are looked up: the first ones."""
LEAST = 0.01
"""The share of new words that is expected at least, however few words occurred once."""
RARELY = 1e-3
"""How probable as many new words may be in a text like those of the training, so that it is called unlike them."""


class KnownWords:
    """The words of some texts. `once` is the share of these that occurred once.

    By that share one expects new words in another text of that kind (Good 1953).
    """

    def __init__(self, bits: np.ndarray, once: float) -> None:
        self._bits, self.once = bits, once

    @classmethod
    def of(cls, texts: Iterable[str]) -> Self:
        """The words of these texts."""
        counts = Counter(word for text in texts for word in _words(text))
        size = max(64, BITS * len(counts))
        bits = np.zeros(-(-size // 8), np.uint8)
        known = cls(bits, sum(n == 1 for n in counts.values()) / max(1, counts.total()))
        for word in counts:
            for place in known._places(word):
                bits[place >> 3] |= 1 << (place & 7)
        return known

    def __contains__(self, word: str) -> bool:
        return all(self._bits[place >> 3] >> (place & 7) & 1 for place in self._places(word))

    def new(self, text: str) -> tuple[int, int]:
        """How many of the first words of a text are not known, and how many words were looked up."""
        found = _words(text)[:LOOKED_AT]
        return sum(word not in self for word in found), len(found)

    def unlike(self, new: int, looked_up: int) -> bool:
        """Whether a text with so many new words is another kind of text: another language, another script.

        Half of its words are new, and in a text of the kind that is known that hardly ever happens.
        """
        return 2 * new >= looked_up > 0 and _at_least(new, looked_up, max(LEAST, self.once)) < RARELY

    def state(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {"bits": base64.b64encode(self._bits.tobytes()).decode(), "once": self.once}

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> Self:
        """What gave `state`."""
        return cls(np.frombuffer(base64.b64decode(state["bits"]), np.uint8), float(state["once"]))

    def _places(self, word: str) -> list[int]:
        digest = hashlib.blake2b(word.encode(), digest_size=16).digest()
        first, step = int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little") | 1
        return [(first + k * step) % (8 * len(self._bits)) for k in range(HASHES)]


def _words(text: str) -> Sequence[str]:
    return [word for word in words(text.casefold()) if any(letter.isalpha() for letter in word)]


def _at_least(k: int, n: int, share: float) -> float:
    """How probable k or more of n are, each being one with the probability `share`."""
    if share >= 1:
        return 1.0
    return math.fsum(math.comb(n, j) * share**j * (1 - share) ** (n - j) for j in range(k, n + 1))
