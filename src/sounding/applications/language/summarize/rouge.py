"""ROUGE-1, -2 and -L (Lin 2004, W04-1013), as the rouge-score package computes them without stemming.

    words     what is counted of a text
    scores    F of shared words, of shared pairs of words, and of the longest common subsequence, in percent
    best      the same beside several truths: the best of each, as rouge-score's `score_multi` has it

rouge-score's words are runs of a to z and digits, in small letters. A script that has no such letters would have no
words at all; for `unicode` texts they are what Unicode calls words instead (rouge-score takes a tokenizer for that).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np

from sounding.applications.language.summarize.summaries import references
from sounding.contract.metrics import Hits, Metric
from sounding.contract.records import Record
from sounding.modalities.text.words import words as unicode_words

NAMES = ("ROUGE-1", "ROUGE-2", "ROUGE-L")
_ASCII = re.compile(r"[a-z0-9]+")
_MEANING = (
    "words that answer and true summary share",
    "pairs of words in a row that answer and true summary share",
    "the longest row of words, gaps allowed, that stands in answer and true summary in one order",
)


@lru_cache(maxsize=8192)
def words(text: str, unicode: bool = False) -> tuple[str, ...]:
    """The words of a text, in small letters, without signs."""
    if unicode:
        return tuple(word for word in unicode_words(text.lower()) if any(letter.isalnum() for letter in word))
    return tuple(_ASCII.findall(text.lower()))


def scores(answer: Sequence[str], truth: Sequence[str]) -> np.ndarray:
    """F [3] of ROUGE-1, ROUGE-2 and ROUGE-L in percent, of the words of an answer and of one truth."""
    found = [_f(*_shared(answer, truth, n)) for n in (1, 2)]
    return 100 * np.array([*found, _f(common(answer, truth), len(answer), len(truth))])


def best(answer: str, truths: Sequence[str], unicode: bool = False) -> np.ndarray:
    """F [3] in percent, each the best that any of the truths gives."""
    ours = words(answer, unicode)
    return np.max([scores(ours, words(truth, unicode)) for truth in truths], axis=0)


def common(a: Sequence[str], b: Sequence[str]) -> int:
    """The length of the longest common subsequence."""
    row = [0] * (len(b) + 1)
    for word in a:
        diagonal = 0
        for k, other in enumerate(b, 1):
            diagonal, row[k] = row[k], diagonal + 1 if word == other else max(row[k], row[k - 1])
    return row[-1]


def ngrams(text: Sequence[str], n: int) -> Counter[tuple[str, ...]]:
    """How often each n words in a row occur."""
    return Counter(tuple(text[k : k + n]) for k in range(len(text) - n + 1))


def _shared(answer: Sequence[str], truth: Sequence[str], n: int) -> tuple[int, int, int]:
    ours, theirs = ngrams(answer, n), ngrams(truth, n)
    return sum((ours & theirs).values()), sum(ours.values()), sum(theirs.values())


def _f(both: int, ours: int, theirs: int) -> float:
    return 2 * both / (ours + theirs) if both else 0.0


def rouge(unicode: bool = False) -> tuple[Metric, Metric, Metric]:
    """ROUGE-1, ROUGE-2 and ROUGE-L: the mean over the rows."""

    def judge(record: Record) -> np.ndarray:
        return best(record.value, references(record.truth), unicode)

    def hits(record: Record) -> Hits:
        """Each word of an answer: the confidence in the answer, and whether the truth that is nearest has it."""
        if record.confidence is None:
            return []
        ours = words(record.value, unicode)
        truths = [Counter(words(truth, unicode)) for truth in references(record.truth)]
        left = max(truths, key=lambda truth: sum((truth & Counter(ours)).values()))
        found = []
        for word in ours:
            found.append((record.confidence, left[word] > 0))
            left[word] -= 1
        return found

    def metric(place: int, hit: Callable[[Record], Hits] | None) -> Metric:
        several = "the best of several true summaries, the mean over rows"
        definition = f"F-score of {_MEANING[place]}, {several}, 0 to 100; as rouge-score without stemming"

        def reduce(found: np.ndarray) -> float:
            return float(found[:, place].mean())

        return Metric(NAMES[place], judge, reduce, definition, hit=hit, bounds=(0, 100), graded=True)

    return metric(0, hits), metric(1, None), metric(2, None)
