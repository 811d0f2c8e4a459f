"""How well tokens are told: the next ones, or those that are masked.

A record holds, for each token that was to be told, the most probable one (`value`), the true one (`truth`), both as
passages, and the probability of the most probable (`scores`); its loss is the mean over these tokens.
"""

from __future__ import annotations

import math

import numpy as np

from sounding.contract.metrics import Hits, Metric
from sounding.contract.records import Record


def bits_per_byte() -> Metric:
    """Bits that the model would need to write a byte of the text, all records together.

    No choice of tokens flatters it, as it does the perplexity.
    """

    def judge(record: Record) -> tuple[float, int]:
        return record.loss * len(record.truth.ids), len(str(record.truth).encode())

    def reduce(statistics: np.ndarray) -> float:
        nats, size = statistics.sum(axis=0)
        return float(nats / max(1, size) / math.log(2))

    definition = "bits that the model needs for a byte of the text: minus the log-probability of its tokens"
    return Metric("bits per byte", judge, reduce, definition, unit="bits", higher_is_better=False, hit=decisions)


def perplexity() -> Metric:
    """The number of equally probable tokens among which the model would be as unsure."""

    def judge(record: Record) -> tuple[float, int]:
        return record.loss * len(record.truth.ids), len(record.truth.ids)

    def reduce(statistics: np.ndarray) -> float:
        nats, tokens = statistics.sum(axis=0)
        return math.exp(min(700.0, nats / max(1, tokens)))

    definition = "exp of the mean nats of a token: among so many equally probable ones it would be as unsure"
    return Metric("perplexity", judge, reduce, definition, higher_is_better=False, hit=decisions)


def token_accuracy(name: str, definition: str) -> Metric:
    """The share of tokens that were the most probable one."""

    def judge(record: Record) -> tuple[int, int]:
        return int(_right(record).sum()), len(record.truth.ids)

    def reduce(statistics: np.ndarray) -> float:
        right, tokens = statistics.sum(axis=0)
        return float(right / max(1, tokens))

    return Metric(name, judge, reduce, definition, hit=decisions)


def decisions(record: Record) -> Hits:
    """Each token that was told: the probability of the most probable one, and whether it came.

    Of an answer for which there is one probability, all its tokens are one decision. A text that was written is none:
    it is neither right nor wrong.
    """
    if record.scores is None or not hasattr(record.value, "ids"):
        return []
    right = _right(record)
    if len(record.scores) == len(right):
        return list(zip(record.scores.tolist(), right.tolist(), strict=True))
    return [] if record.confidence is None else [(record.confidence, bool(right.all()))]


def _right(record: Record) -> np.ndarray:
    """[T]: whether each true token was the most probable one; none of an answer that has too few tokens.

    Of a longer one, such as a constant baseline that fits every row, the first count.
    """
    told, true = getattr(record.value, "ids", ()), record.truth.ids
    return told[: len(true)] == true if len(told) >= len(true) else np.zeros(len(true), bool)
