"""Classes: the likeliest of several, or any number of labels.

Legend of shapes: B batch, M members, K classes or labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sounding.contract.modality import Modality
from sounding.contract.postprocessing import Arrays, Network, Postprocessing
from sounding.contract.records import Prediction
from sounding.postprocessing.functions import logistic, softmax


@dataclass(frozen=True)
class OneClass(Postprocessing):
    """The likeliest class of logits [B, K], or of those [B, M, K] of several members, whose probabilities are averaged.

    With `mirrored` the probabilities are also averaged over a picture and its mirror image.
    """

    classes: tuple[str, ...]
    mirrored: bool = False

    @property
    def steps(self) -> Sequence[str]:
        """Softmax, means, the largest."""
        twice = ["run the network a second time on the inputs mirrored left to right (their last axis reversed)"]
        mean = ["the mean of both probabilities"]
        return (
            *(twice if self.mirrored else []),
            "softmax over the last axis; where there are three axes, the mean over the second",
            *(mean if self.mirrored else []),
            "the answer is the class of the largest probability, in the order of `classes`",
        )

    def predictions(self, network: Network, x: Arrays, values: Sequence[Any], target: Modality) -> list[Prediction]:
        """The likeliest class of each input, its probability, and those of all classes."""
        scores = self._probabilities(network(x)[0])
        if self.mirrored:
            images, *others = x
            mirrored = np.ascontiguousarray(images[..., ::-1])
            scores = (scores + self._probabilities(network((mirrored, *others))[0])) / 2
        return [Prediction(self.classes[int(row.argmax())], float(row.max()), row) for row in scores]

    @staticmethod
    def _probabilities(logits: np.ndarray) -> np.ndarray:
        shares = softmax(logits)
        return shares.mean(axis=1) if shares.ndim == 3 else shares


@dataclass(frozen=True)
class AnyLabels(Postprocessing):
    """Those labels whose probability, the mean over members of logits [B, M, K], reaches the threshold."""

    labels: tuple[str, ...]
    threshold: float

    @property
    def steps(self) -> Sequence[str]:
        """Sigmoid, mean, threshold."""
        return (
            "the logistic function of each output, and the mean over the second axis",
            f"the answer is every label whose probability is at least {self.threshold:g}, in the order of `labels`",
        )

    def predictions(self, network: Network, x: Arrays, values: Sequence[Any], target: Modality) -> list[Prediction]:
        """The labels of each input; the confidence is the mean probability of a decision."""
        scores = logistic(network(x)[0]).mean(axis=1)
        return [self._prediction(row) for row in scores]

    def _prediction(self, scores: np.ndarray) -> Prediction:
        told = scores >= self.threshold
        value = tuple(name for name, is_told in zip(self.labels, told, strict=True) if is_told)
        return Prediction(value, float(np.where(told, scores, 1 - scores).mean()), scores)
