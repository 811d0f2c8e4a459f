"""BLEU (Papineni et al. 2002, P02-1040), as sacreBLEU computes it: the words of mteval-v13a, smoothing "exp".

words        a line as the words that are counted
statistics   what is counted of one row
score        BLEU in percent of some rows
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable

import numpy as np

from sounding.contract.metrics import Metric
from sounding.contract.records import Record

ORDER = 4
SIGNATURE = "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp"
_ENTITIES = (("&quot;", '"'), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">"))
_SPLITS = (
    (re.compile(r"([\{-\~\[-\` -\&\(-\+\:-\@\/])"), r" \1 "),  # every ASCII sign but . , - and the apostrophe
    (re.compile(r"([^0-9])([\.,])"), r"\1 \2 "),  # a full stop or comma that no digit is ahead of …
    (re.compile(r"([\.,])([^0-9])"), r" \1 \2"),  # … or behind
    (re.compile(r"([0-9])(-)"), r"\1 \2 "),
)


def words(line: str) -> list[str]:
    """The words and signs of a line, by the rules of mteval-v13a."""
    line = line.replace("<skipped>", "").replace("-\n", "").replace("\n", " ")
    for name, sign in _ENTITIES:
        line = line.replace(name, sign)
    line = f" {line} "
    for pattern, apart in _SPLITS:
        line = pattern.sub(apart, line)
    return line.split()


def statistics(answer: str, truth: str, cut: Callable[[str], list[str]] = words) -> np.ndarray:
    """Words of the answer and of the truth; for each n, n-grams of the answer that are right, and all of them [10]."""
    ours, theirs = cut(answer), cut(truth)
    right, all_ = [], []
    for n in range(1, ORDER + 1):
        a, b = (Counter(tuple(text[k : k + n]) for k in range(len(text) - n + 1)) for text in (ours, theirs))
        right.append(sum((a & b).values()))
        all_.append(sum(a.values()))
    return np.array([len(ours), len(theirs), *right, *all_], float)


def score(found: np.ndarray) -> float:
    """BLEU in percent, of statistics [n, 10]. An n without a right n-gram counts as half, a quarter … of one."""
    sums = found.sum(axis=0)
    right, all_ = sums[2 : 2 + ORDER], sums[2 + ORDER :]
    if not right.any() or not all_.all():
        return 0.0
    halves = 2.0 ** np.cumsum(right == 0)
    logs = np.log(np.where(right > 0, right, 1 / halves) / all_)
    short = min(0.0, 1 - sums[1] / sums[0])
    return 100 * math.exp(short + float(logs.mean()))


def bleu() -> Metric:
    """BLEU over the rows."""

    def judge(record: Record) -> np.ndarray:
        return statistics(record.value, record.truth)

    definition = f"geometric mean of the precisions of 1 to 4 words, times a penalty for shortness, over all rows, 0 to 100; sacreBLEU's {SIGNATURE}"  # noqa: E501
    return Metric("BLEU", judge, score, definition, bounds=(0, 100))
