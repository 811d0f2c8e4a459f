"""Summaries made of the document's own sentences: the first ones, or the most central ones (TextRank).

TextRank (Mihalcea and Tarau 2004, W04-3252): sentences vote for those with which they share words, and votes of
sentences that have many themselves count more.

Legend of shapes: S sentences.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from sounding.modalities.text.words import sentence_spans, words

DAMPING, ROUNDS = 0.85, 50
"""The share of a vote that goes by words (the rest goes to all alike), and how often is voted."""
MOST = 200
"""Sentences, at most, that are compared with one another: the first ones."""


def sentences(text: str) -> list[str]:
    """The sentences of a text."""
    return [text[start:end] for start, end in sentence_spans(text)]


def lead(text: str, n: int) -> str:
    """The first n sentences."""
    return " ".join(sentences(text)[:n])


def most_central(text: str, n: int) -> str:
    """The n most central sentences, in their order."""
    found = sentences(text)
    return " ".join(found[place] for place in sorted(by_centrality(text)[:n]))


@lru_cache(maxsize=4096)
def by_centrality(text: str) -> tuple[int, ...]:
    """The numbers of the sentences, the most central first; those that are as central in their order."""
    found = sentences(text)
    bags = [_bag(sentence) for sentence in found[:MOST]]
    shared = np.array([[len(a & b) for b in bags] for a in bags], float).reshape(len(bags), len(bags))
    sizes = np.array([np.log(1 + len(bag)) for bag in bags])
    likeness = shared / np.maximum(sizes[:, None] + sizes[None], 1e-9)  # [S, S]
    np.fill_diagonal(likeness, 0)
    given = likeness.sum(axis=1, keepdims=True)
    votes = np.divide(likeness, given, out=np.full_like(likeness, 1 / max(1, len(bags))), where=given > 0)
    rank = np.full(len(bags), 1 / max(1, len(bags)))
    for _ in range(ROUNDS):
        rank = (1 - DAMPING) / max(1, len(bags)) + DAMPING * rank @ votes
    order = np.argsort(-rank.round(12), kind="stable").tolist()
    return (*order, *range(len(bags), len(found)))


def _bag(sentence: str) -> frozenset[str]:
    return frozenset(word for word in words(sentence.casefold()) if any(letter.isalnum() for letter in word))
