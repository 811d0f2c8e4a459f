"""Word and character error rates: edits for each word or character of the true transcript, over all rows.

An edit is a word put in, left out, or put in place of another, as few of them as it takes (Levenshtein 1966). Spaces
are characters. Transcripts are compared as they are: both are in one form (`transcript.in_form`).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from sounding.contract.metrics import POSITIVE, Hits, Metric
from sounding.contract.records import Record

_LISTED = 10


def edits(said: Sequence[Any], meant: Sequence[Any]) -> int:
    """The least number of insertions, deletions and substitutions."""
    row = np.arange(len(said) + 1)
    numbers = {item: k for k, item in enumerate(dict.fromkeys((*said, *meant)))}
    ours = np.array([numbers[item] for item in said], int)
    places = np.arange(len(said) + 1)
    for count, item in enumerate(meant, 1):
        best = np.empty_like(row)
        best[0] = count
        best[1:] = np.minimum(row[1:] + 1, row[:-1] + (ours != numbers[item]))
        row = np.minimum.accumulate(best - places) + places  # an insertion after another
    return int(row[-1])


def aligned(said: Sequence[str], meant: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs (said, meant) of the words that stand for one another, with "" where one has no counterpart."""
    table = np.zeros((len(said) + 1, len(meant) + 1), int)
    table[:, 0], table[0] = np.arange(len(said) + 1), np.arange(len(meant) + 1)
    for i, ours in enumerate(said, 1):
        for j, theirs in enumerate(meant, 1):
            table[i, j] = min(table[i - 1, j] + 1, table[i, j - 1] + 1, table[i - 1, j - 1] + (ours != theirs))
    i, j, pairs = len(said), len(meant), []
    while i or j:
        if i and j and table[i, j] == table[i - 1, j - 1] + (said[i - 1] != meant[j - 1]):
            i, j = i - 1, j - 1
            pairs.append((said[i], meant[j]))
        elif i and table[i, j] == table[i - 1, j] + 1:
            i -= 1
            pairs.append((said[i], ""))
        else:
            j -= 1
            pairs.append(("", meant[j]))
    return pairs[::-1]


def word_hits(record: Record) -> Hits:
    """Each word of an answer: the confidence in it, and whether it stands in the true transcript at its place.

    Of an answer without confidences for its words, that of the whole counts for each.
    """
    if record.confidence is None:
        return []
    right = [said == meant for said, meant in aligned(record.value.split(), record.truth.split()) if said]
    if record.scores is not None and len(record.scores) == len(right):
        return list(zip(record.scores.tolist(), right, strict=True))
    return [(record.confidence, hit) for hit in right]


def word_error_rate() -> Metric:
    """Edits for each true word."""
    definition = "words put in, left out or exchanged, for each word of the true transcripts"
    return _rate("word error rate", definition, lambda text: text.split())


def character_error_rate() -> Metric:
    """Edits for each true character."""
    definition = "characters put in, left out or exchanged, for each character of the true transcripts"
    return _rate("character error rate", definition, list)


def _rate(name: str, definition: str, parts: Any) -> Metric:
    def judge(record: Record) -> tuple[int, int]:
        meant = parts(record.truth)
        return edits(parts(record.value), meant), len(meant)

    return Metric(
        name, judge, _ratio, definition, higher_is_better=False, hit=word_hits, bounds=POSITIVE, needs="a true word"
    )


def _ratio(found: np.ndarray) -> float:
    wrong, whole = found.sum(axis=0)
    return float(wrong / whole) if whole else math.nan


def details(records: Sequence[Record]) -> dict[str, Any]:
    """How many words were put in, left out and exchanged, and which most often."""
    kinds: Counter[str] = Counter()
    pairs: Counter[tuple[str, str]] = Counter()
    for record in records:
        for said, meant in aligned(record.value.split(), record.truth.split()):
            if said != meant:
                kinds["put in" if not meant else "left out" if not said else "exchanged"] += 1
                pairs[said, meant] += 1
    rows = [
        {"meant": meant or "(nothing)", "heard": said or "(nothing)", "times": times}
        for (said, meant), times in pairs.most_common(_LISTED)
    ]
    counts = [f"{kinds[kind]:,} words were {kind}" for kind in ("exchanged", "left out", "put in")]
    return {"word_errors": rows, "notes": [f"{', '.join(counts)}."]} if rows else {}
