"""A translation memory: the translation of the training text that is most like the one asked for.

Likeness is the cosine of counts of words and of pairs of words, rare ones counting more (TF-IDF; Salton 1975).
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise

RARE = 2000
"""Words that more texts have are not looked at: they tell none apart, and take all the time."""


class TranslationMemory:
    """Texts and their translations."""

    def __init__(self, sources: Sequence[str], targets: Sequence[str]) -> None:
        self._targets = targets
        found = [_terms(source) for source in sources]
        texts = Counter(term for terms in found for term in terms)
        self._idf = {term: math.log(len(sources) / n) + 1 for term, n in texts.items() if n <= RARE}
        self._where: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
        for number, terms in enumerate(found):
            weights = self._weights(terms)
            for term, weight in weights.items():
                self._where[term].append((number, weight))

    def translation(self, source: str) -> str:
        """The translation of the most similar text; of the first where none has a word of it."""
        alike: defaultdict[int, float] = defaultdict(float)
        for term, weight in self._weights(_terms(source)).items():
            for number, other in self._where.get(term, ()):
                alike[number] += weight * other
        best = max(alike, key=lambda number: (alike[number], -number), default=0)
        return self._targets[best]

    def _weights(self, terms: Counter[str]) -> dict[str, float]:
        known = {term: (1 + math.log(n)) * self._idf[term] for term, n in terms.items() if term in self._idf}
        length = math.sqrt(sum(weight**2 for weight in known.values())) or 1.0
        return {term: weight / length for term, weight in known.items()}


def _terms(text: str) -> Counter[str]:
    words = text.lower().split()
    return Counter([*words, *(f"{a} {b}" for a, b in pairwise(words))])
