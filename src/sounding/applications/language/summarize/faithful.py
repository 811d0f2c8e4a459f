"""What n-grams shared with a true summary do not tell: whether the document says the same, and how long answers are.

    novel pairs   how much is put in words of its own, which is also where mistakes are made
    invented      numbers and names that the document has not
    compression   words of the document for each of the answer

Numbers and names of the true summary that the answer has are in `shared/fidelity.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from sounding.applications.language.shared.fidelity import WORD, numbers, ratio, source
from sounding.applications.language.summarize.rouge import ngrams
from sounding.applications.language.summarize.summaries import references
from sounding.contract.metrics import POSITIVE, SHARE, Metric
from sounding.contract.records import Record
from sounding.modalities.text.words import sentence_spans, words

LONGEST = 4
"""n-grams of up to so many words are told in the table of novelty."""


def novel(text: str, document: str, n: int) -> tuple[int, int]:
    """How many n-grams of a text its document has not, and how many there are."""
    ours, theirs = (ngrams(_words(each), n) for each in (text, document))
    return sum(count for gram, count in ours.items() if gram not in theirs), sum(ours.values())


def novel_pairs() -> Metric:
    """The share of pairs of words that the document has not."""

    def judge(record: Record) -> tuple[int, int]:
        document = source(record)
        return novel(record.value, document, 2) if document else (0, 0)

    definition = "share of the pairs of words in a row of the answers that do not stand in the document"
    return _share("novel pairs", judge, definition, "an answer of two words")


def invented() -> Metric:
    """The share of numbers and names that the document has not."""

    def judge(record: Record) -> tuple[int, int]:
        document = source(record)
        return _without(record.value, document) if document else (0, 0)

    definition = "share of the numbers and names (capitals within a sentence) of the answers that the document has not"
    return _share("invented numbers and names", judge, definition, "a number or a name in the answer")


def _without(text: str, document: str) -> tuple[int, int]:
    """How many numbers and names of a text its document has not, and how many there are."""
    told = numbers(text)
    for start, end in sentence_spans(text):
        _, *others = [word for word in WORD.findall(text[start:end]) if word[0].isalpha()] or [""]
        told.update(word for word in others if word != word.lower())
    known = {*numbers(document), *WORD.findall(document)}
    return sum(count for each, count in told.items() if each not in known), sum(told.values())


def compression() -> Metric:
    """Words of the documents for each of the answers (Grusky et al. 2018, N18-1065)."""

    def judge(record: Record) -> tuple[int, int]:
        document = source(record)
        return (len(_words(document)), len(_words(record.value))) if document else (0, 0)

    definition = "words of the documents, divided by those of the answers"
    return Metric("compression", judge, ratio, definition, bounds=POSITIVE, needs="a word in the answer")


def novelty(records: Sequence[Record]) -> list[dict[str, Any]]:
    """A table: which share of 1 to 4 words in a row the document has not, of the answers and of the true summaries."""
    known = [record for record in records if source(record)]
    found = []
    for n in range(1, LONGEST + 1):
        ours = np.array([novel(record.value, source(record), n) for record in known]).reshape(-1, 2)
        true = np.array([novel(references(r.truth)[0], source(r), n) for r in known]).reshape(-1, 2)
        found.append({"words in a row": n, "answers": _rounded(ours), "true summaries": _rounded(true)})
    return found


def _rounded(found: np.ndarray) -> float | None:
    value = ratio(found)
    return None if math.isnan(value) else round(value, 3)


def _words(text: str) -> list[str]:
    return [word for word in words(text.lower()) if any(letter.isalnum() for letter in word)]


def _share(name: str, judge: Callable[[Record], tuple[int, int]], definition: str, needs: str) -> Metric:
    return Metric(name, judge, ratio, definition, higher_is_better=False, bounds=SHARE, needs=needs)
