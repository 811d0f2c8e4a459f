"""Where to cut one long text, so that what belongs together is not torn."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

_BORDERS = (r"\n\s*\n+", r"\n+", r"[.!?…。！？]+[\"'”’»)\]]*\s*", r"\s+")
"""Paragraphs, lines, sentences, words; a stretch begins after one of them."""
_REACH = 0.05
"""A better border counts if it is no farther away than this share of the text, or of the stretch beside it."""


def cuts(text: str, shares: Sequence[float]) -> list[int]:
    """Places [len(shares) + 1] from 0 to the end of the text, about as far apart as `shares` say."""
    places = [0]
    for wanted in np.cumsum(shares)[:-1]:
        ideal = round(len(text) * float(wanted))
        reach = max(1, round(len(text) * min(_REACH, min(share for share in shares if share > 0) / 2)))
        places.append(max(places[-1], _border(text, ideal, max(places[-1], ideal - reach), ideal + reach)))
    return [*places, len(text)]


def _border(text: str, ideal: int, first: int, last: int) -> int:
    """The end of the best kind of border between two places that is nearest to the ideal place."""
    for border in _BORDERS:
        ends = [found.end() for found in re.finditer(border, text[first:last])]
        if ends:
            return first + min(ends, key=lambda end: abs(first + end - ideal))
    return ideal
