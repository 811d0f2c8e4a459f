"""The segments of an explanation: words, or stretches of sentences where a text has many words.

Segments touch: each holds the spaces after it, and the first those before it too, so that together they are the text.

Legend of shapes: T tokens, P segments.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np

from sounding.modalities.text.words import sentence_spans, word_spans

MOST_WORDS = 60
"""A text of more words is explained by its sentences."""
STRETCH = 20
"""A sentence of more words is cut into stretches that have at most so many."""


@lru_cache(maxsize=1024)
def segment_spans(text: str) -> tuple[tuple[int, int], ...]:
    """(start, end) of each segment; one for a text without words."""
    words = word_spans(text)
    if not words:
        return ((0, len(text)),)
    starts = [start for start, _ in words] if len(words) <= MOST_WORDS else _stretches(text, words)
    return tuple(pairwise([0, *starts[1:], len(text)]))


def segment_texts(text: str) -> list[str]:
    """The segments themselves."""
    return [text[start:end] for start, end in segment_spans(text)]


def masked(text: str, mask: np.ndarray, gap: str) -> str:
    """The text without the segments where `mask` [P] is false; `gap`, if there is one, stands for each of them."""
    kept = np.asarray(mask, bool)
    if kept.all():
        return text
    found, torn = "", ""
    for segment, stays in zip(segment_texts(text), kept.tolist(), strict=True):
        after = segment[len(segment.rstrip()) :]
        if stays or gap:
            apart = "" if not found or found[-1].isspace() else torn
            found += apart + (segment if stays else gap + after)
            torn = ""
        else:
            torn = torn or after[:1]  # what stood on both sides of a deleted word stays apart
    return found.strip()


def summed(values: np.ndarray, offsets: np.ndarray, text: str) -> np.ndarray:
    """The sum of `values` [T] over each segment: [P], float64.

    `offsets` [T, 2] are the characters that each token stands for. A token that reaches over several segments is shared
    among them by the characters of their words; one that stands for no character belongs to none.
    """
    spans = segment_spans(text)
    owner = np.repeat(np.arange(len(spans)), [end - start for start, end in spans])
    dark = np.array([not letter.isspace() for letter in text], bool)
    total = np.zeros(len(spans))
    for value, (start, end) in zip(values.tolist(), offsets.tolist(), strict=True):
        if end <= start:
            continue
        owners = owner[start:end]
        inked = owners[dark[start:end]]
        counts = np.bincount(inked if len(inked) else owners[:1], minlength=len(spans))
        total += value * counts / counts.sum()
    return total


def _stretches(text: str, words: Sequence[tuple[int, int]]) -> list[int]:
    """Where sentences begin, and the parts into which long ones are cut."""
    starts: list[int] = []
    place = 0
    for _, end in sentence_spans(text):
        inside = [start for start, _ in words[place:] if start < end]
        place += len(inside)
        parts = -(-len(inside) // STRETCH)
        starts += [inside[k * len(inside) // parts] for k in range(parts)]
    return starts
