"""What logits of several members answer: one class out of several, or any number of labels.

    OneClass   softmax; the likeliest class
    AnyLabels  a sigmoid for each label; those at or above a threshold

Both take the mean over members of probabilities. Legend of shapes: B batch, M members, K classes or labels.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch.nn.functional as F
from torch import Tensor

from sounding.contract.metrics import SHARE, Hits, Metric, accuracy, macro_f1, top_k
from sounding.contract.records import Prediction, Record

LEAST = 1e-6
"""The least probability that an answer of labels is said to have, or not to have."""


class Answering(ABC):
    """What a text classifier does with the logits [B, M, K] of its members; `y` [B, K] are encoded truths."""

    several: ClassVar[bool]
    """Whether a text may have several labels."""

    @abstractmethod
    def metrics(self, names: Sequence[str]) -> list[Metric]:
        """How answers are judged; the headline first."""

    @abstractmethod
    def learning(self, logits: Tensor, y: Tensor, smoothing: float) -> Tensor:
        """The loss [B] that is learnt from: each member's own, with smoothed labels."""

    @abstractmethod
    def nats(self, logits: Tensor, y: Tensor) -> Tensor:
        """Minus the log of the probability of the truth [B]."""

    @abstractmethod
    def scores(self, logits: Tensor) -> Tensor:
        """Probabilities [B, K]: the mean of the members'."""

    @abstractmethod
    def answer(self, names: Sequence[str], scores: np.ndarray, threshold: float) -> Prediction:
        """The answer for probabilities [K]."""


class OneClass(Answering):
    """One class of a list."""

    several = False

    def metrics(self, names: Sequence[str]) -> list[Metric]:
        """Accuracy first; among more than five classes also whether the truth is among the best five."""
        return [accuracy(), macro_f1(names), *([top_k(5, names)] if len(names) > 5 else [])]

    def learning(self, logits: Tensor, y: Tensor, smoothing: float) -> Tensor:
        """The mean over members of their cross-entropies [B], with smoothed labels."""
        members = logits.shape[1]
        truth = y.repeat_interleave(members, dim=0)
        nats = F.cross_entropy(logits.flatten(0, 1), truth, reduction="none", label_smoothing=smoothing)
        return nats.view(-1, members).mean(dim=1)

    def nats(self, logits: Tensor, y: Tensor) -> Tensor:
        """Minus the log of the probability of the truth [B]."""
        return -(y * self._log_scores(logits)).sum(dim=1)

    def scores(self, logits: Tensor) -> Tensor:
        """Probabilities [B, K]."""
        return self._log_scores(logits).exp()

    def answer(self, names: Sequence[str], scores: np.ndarray, threshold: float) -> Prediction:
        """The likeliest class, for probabilities [K]."""
        return Prediction(names[int(scores.argmax())], float(scores.max()), scores)

    @staticmethod
    def _log_scores(logits: Tensor) -> Tensor:
        scores = logits.log_softmax(dim=2)
        return scores.logsumexp(dim=1) - math.log(scores.shape[1])


class AnyLabels(Answering):
    """Any number of labels, each told for itself."""

    several = True

    def metrics(self, names: Sequence[str]) -> list[Metric]:
        """Micro F1 first, over all decisions together; then over labels; then whether all labels of a row are right."""
        exact = accuracy()
        return [_f1("micro F1", names, False), _f1("macro F1", names, True), exact]

    def learning(self, logits: Tensor, y: Tensor, smoothing: float) -> Tensor:
        """The mean over members of the sum over labels of their cross-entropies [B], with smoothed labels."""
        truth = (y * (1 - smoothing) + smoothing / 2)[:, None].expand_as(logits)
        return F.binary_cross_entropy_with_logits(logits, truth, reduction="none").sum(dim=2).mean(dim=1)

    def nats(self, logits: Tensor, y: Tensor) -> Tensor:
        """Minus the log of the probability of all the labels, and of no other [B]."""
        scores = self.scores(logits).clamp(LEAST, 1 - LEAST)
        return -(y * scores.log() + (1 - y) * (1 - scores).log()).sum(dim=1)

    def scores(self, logits: Tensor) -> Tensor:
        """The probability of each label [B, K]."""
        return logits.sigmoid().mean(dim=1)

    def answer(self, names: Sequence[str], scores: np.ndarray, threshold: float) -> Prediction:
        """The labels whose probability reaches the threshold; confidence is the mean probability of a decision."""
        told = scores >= threshold
        value = tuple(name for name, is_told in zip(names, told, strict=True) if is_told)
        return Prediction(value, float(np.where(told, scores, 1 - scores).mean()), scores)

    @staticmethod
    def threshold(scores: np.ndarray, y: np.ndarray) -> float:
        """The threshold with the best micro F1 for probabilities [n, K] and truths [n, K]; 0.5 where none helps."""
        tried = np.unique(np.append(scores.round(3), 0.5))
        tried = tried[(tried > 0) & (tried < 1)]
        told = scores[None] >= tried[:, None, None] if len(tried) * scores.size < 10**7 else None
        best, found = -1.0, 0.5
        for place, value in enumerate(tried.tolist()):
            chosen = scores >= value if told is None else told[place]
            f1 = 2 * (chosen & (y > 0)).sum() / max(1, chosen.sum() + (y > 0).sum())
            if f1 > best or (f1 == best and abs(value - 0.5) < abs(found - 0.5)):
                best, found = float(f1), value
        return found


def _f1(name: str, names: Sequence[str], each: bool) -> Metric:
    def judge(record: Record) -> list[list[int]]:
        true, told = set(record.truth), set(record.value)
        return [[label in true and label in told, label in true, label in told] for label in names]

    def reduce(found: np.ndarray) -> float:
        both, true, told = found.sum(axis=0).T if each else found.sum(axis=(0, 1))
        asked = np.atleast_1d(true) > 0
        shares = 2 * np.atleast_1d(both)[asked] / np.maximum(1, np.atleast_1d(true + told)[asked])
        return float(shares.mean()) if len(shares) else math.nan

    def hit(record: Record) -> Hits:
        if record.scores is None:
            return []
        true, told = set(record.truth), set(record.value)
        sure = zip(names, np.asarray(record.scores).tolist(), strict=True)
        return [(p if label in told else 1 - p, (label in told) == (label in true)) for label, p in sure]

    over = "averaged over the labels that occur in the truth" if each else "over all rows and labels together"
    definition = f"F1 score of the labels (2 TP / (2 TP + FP + FN)), {over}"
    return Metric(name, judge, reduce, definition, hit=hit, bounds=SHARE, needs="a label")
