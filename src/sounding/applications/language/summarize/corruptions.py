"""What happens to documents that texts in general are spared: five severities each, the summary stays what it was.

sentence order   20, 40, 60, 80, 100 % of the sentences change places
boilerplate      1 to 5 sentences that are about nothing, as they stand on web pages, at random places
"""

from __future__ import annotations

import numpy as np

from sounding.modalities.text.words import sentence_spans

MOVED = (0.2, 0.4, 0.6, 0.8, 1.0)
BOILERPLATE = (
    "All rights reserved.",
    "Please share this page with your friends.",
    "Sign up for our newsletter to hear more.",
    "This page uses cookies to give you the best experience.",
    "Read more about this below.",
    "Advertisement.",
    "The views expressed here are those of the author.",
    "Follow us for daily updates.",
)


def shuffled(text: str, severity: int, rng: np.random.Generator) -> str:
    """A share of the sentences, two at least, in another order."""
    found, gaps = _parts(text)
    if len(found) < 2:
        return text
    count = min(len(found), max(2, round(MOVED[severity - 1] * len(found))))
    places = sorted(rng.permutation(len(found))[:count].tolist())
    turn = int(rng.integers(1, count))  # none stays where it was
    moved = list(found)
    for place, other in zip(places, [*places[turn:], *places[:turn]], strict=True):
        moved[place] = found[other]
    return _joined(moved, gaps)


def boilerplate(text: str, severity: int, rng: np.random.Generator) -> str:
    """So many sentences more as the severity is."""
    found, gaps = _parts(text)
    for number in rng.permutation(len(BOILERPLATE))[:severity].tolist():
        place = int(rng.integers(len(found) + 1))
        found.insert(place, BOILERPLATE[number])
        gaps.insert(min(place + 1, len(gaps) - 1), " ")
    return _joined(found, gaps)


def _parts(text: str) -> tuple[list[str], list[str]]:
    """The sentences, and what stands before, between and after them."""
    spans = sentence_spans(text)
    edges = [0, *(edge for span in spans for edge in span), len(text)]
    return [text[a:b] for a, b in spans], [text[edges[k] : edges[k + 1]] for k in range(0, len(edges), 2)]


def _joined(sentences: list[str], gaps: list[str]) -> str:
    return gaps[0] + "".join(s + gap for s, gap in zip(sentences, gaps[1:], strict=True))
