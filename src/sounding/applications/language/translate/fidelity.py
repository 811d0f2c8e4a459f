"""What may be wrong with a translation that n-grams do not tell: its length, its words, a copy, no end."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from sounding.applications.language.shared.fidelity import ratio, source, unended
from sounding.contract.metrics import SHARE, Hits, Metric
from sounding.contract.records import Record
from sounding.wording import shortened

COPIED = 0.8
"""An answer is untranslated that shares so large a part of its words, in their places, with its source."""


def copied(answer: str, source: str, truth: str = "") -> bool:
    """Whether a text is its source again, which is not also the true answer."""
    ours, theirs = (text.casefold().split() for text in (answer, source))
    if not ours or answer.casefold().split() == truth.casefold().split():
        return False
    return sum((Counter(ours) & Counter(theirs)).values()) >= COPIED * max(len(ours), len(theirs))


def details(records: Sequence[Record]) -> dict[str, Any]:
    """Answers that are no translation, and how long the others are, as the card tells them."""
    copies = [r for r in records if copied(r.value, source(r), r.truth)]
    loops = [r for r in records if unended(r.value)]
    rows = [
        {"answers": "untranslated", "rows": len(copies), "such as": _such_as(copies)},
        {"answers": "without an end", "rows": len(loops), "such as": _such_as(loops)},
        {"answers": "empty", "rows": sum(not r.value.strip() for r in records), "such as": ""},
    ]
    ratio = length_ratio(records)
    said = f"The answers have {ratio:.2f} words for each word of the true ones." if math.isfinite(ratio) else ""
    copying = f"Untranslated is an answer with {COPIED:.0%} of the words of its source, where the true one is another."
    return {"answers_to_look_at": rows, "notes": [note for note in (said, copying) if note]}


def length_ratio(records: Sequence[Record]) -> float:
    """Words of the answers, divided by those of the true ones; 1 is as long. NaN where these have none."""
    ours, theirs = (sum(len(text.split()) for text in side) for side in zip(*((r.value, r.truth) for r in records)))
    return ours / theirs if theirs else math.nan


def _such_as(records: Sequence[Record]) -> str:
    return shortened(source(records[0]), 60) if records else ""


def word_precision() -> Metric:
    """The share of the answers' words that are in the true ones."""

    def judge(record: Record) -> tuple[int, int]:
        right = _right(record)
        return sum(right), len(right)

    definition = "share of the words of the answers that stand in the true ones, each as often as it stands there"
    needs = "a word in the answer"
    return Metric("word precision", judge, ratio, definition, hit=word_hits, bounds=SHARE, needs=needs)


def word_hits(record: Record) -> Hits:
    """Each word of an answer: the confidence in the answer, and whether the true one has the word."""
    return [] if record.confidence is None else [(record.confidence, right) for right in _right(record)]


def _right(record: Record) -> list[bool]:
    """Of each word of an answer, whether the true one has it, once more than those before it."""
    left, found = Counter(record.truth.split()), []
    for word in record.value.split():
        found.append(left[word] > 0)
        left[word] -= 1
    return found
