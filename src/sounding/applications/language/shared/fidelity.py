"""Numbers and names that should be the same in a text and in what was written for it, and answers without an end."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable

import numpy as np

from sounding.applications.language.shared.rewritten import Rewritten
from sounding.contract.metrics import SHARE, Metric
from sounding.contract.records import Record

_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
WORD = re.compile(r"\w[\w'’-]*")


def numbers(text: str) -> Counter[str]:
    """The numbers of a text as they are read: 1,000 and 1.000 alike."""
    return Counter(re.sub(r"[.,:]", "", found) for found in _NUMBER.findall(text))


def names(source: str, truth: str) -> Counter[str]:
    """Words with a capital that stand in a text and in its true translation alike: names, and what is like them."""
    ours, theirs = (Counter(word for word in WORD.findall(text) if word != word.lower()) for text in (source, truth))
    return ours & theirs


def unended(answer: str) -> bool:
    """Whether an answer had not come to an end at the most tokens that it may have."""
    return not getattr(answer, "ended", True)


def number_fidelity() -> Metric:
    """The share of the numbers that are right."""
    definition = "share of the numbers of the true answers that stand in the answer as well"
    return _kept("number fidelity", lambda record: numbers(record.truth), numbers, definition, "a number in the truth")


def name_fidelity() -> Metric:
    """The share of the names that are right."""

    def true(record: Record) -> Counter[str]:
        return names(source(record), record.truth)

    definition = "share of the capitalised words that stand in text and true answer alike which the answer has as well"
    needs = "a capitalised word that text and true answer have"
    return _kept("name fidelity", true, lambda text: Counter(WORD.findall(text)), definition, needs)


def _kept(
    name: str,
    true: Callable[[Record], Counter[str]],
    said: Callable[[str], Counter[str]],
    definition: str,
    needs: str,
) -> Metric:
    def judge(record: Record) -> tuple[int, int]:
        wanted = true(record)
        found = wanted & said(record.value)
        return sum(found.values()), sum(wanted.values())

    return Metric(name, judge, ratio, definition, bounds=SHARE, needs=needs)


def source(record: Record) -> str:
    """The text that an answer was written for; empty where that is not known."""
    return record.value.source if isinstance(record.value, Rewritten) else ""


def ratio(found: np.ndarray) -> float:
    """The sum of the first of two columns [n, 2], divided by that of the second; NaN where there is nothing."""
    part, whole = found.sum(axis=0)
    return float(part / whole) if whole else math.nan
