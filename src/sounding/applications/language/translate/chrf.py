"""chrF: the F-score of character n-grams (Popović 2015, W15-3049), as sacreBLEU 2 computes it for a corpus.

n-grams of 1 to 6 characters without white space, recall counting twice (β = 2), the counts summed over all rows, the
precisions and the recalls averaged over the n that occur.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from sounding.applications.language.translate.fidelity import word_hits
from sounding.contract.metrics import Metric
from sounding.contract.records import Record

ORDER, BETA = 6, 2
SIGNATURE = "nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no"


def statistics(answer: str, truth: str) -> np.ndarray:
    """For each n: n-grams of the answer, of the truth, and of both [6, 3]."""
    answer, truth = "".join(answer.split()), "".join(truth.split())
    found = np.zeros((ORDER, 3))
    for n in range(1, ORDER + 1):
        ours, theirs = (Counter(text[k : k + n] for k in range(len(text) - n + 1)) for text in (answer, truth))
        if theirs:  # where there is nothing to find, nothing is wrong
            found[n - 1] = sum(ours.values()), sum(theirs.values()), sum((ours & theirs).values())
    return found


def score(found: np.ndarray) -> float:
    """chrF in percent, of statistics [n, 6, 3]."""
    answered, true, both = found.sum(axis=0).T
    counted = (answered > 0) & (true > 0)
    if not counted.any():
        return 0.0
    precision, recall = (both[counted] / answered[counted]).mean(), (both[counted] / true[counted]).mean()
    if precision + recall == 0:
        return 0.0
    return float(100 * (1 + BETA**2) * precision * recall / (BETA**2 * precision + recall))


def chrf() -> Metric:
    """chrF over the rows; what is right or wrong of an answer are its words."""

    def judge(record: Record) -> np.ndarray:
        return statistics(record.value, record.truth)

    definition = (
        f"F-score of character n-grams (n up to 6, recall twice), over all rows, 0 to 100; sacreBLEU's {SIGNATURE}"
    )
    return Metric("chrF", judge, score, definition, hit=word_hits, bounds=(0, 100), graded=True)
