"""From the embeddings of two things to an answer: one person or two, and how likely. In numpy, without torch.

Legend of shapes: B batch, S pictures of a question, D entries of an embedding, n pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sounding.applications.vision.faces.modality import DIFFERENT, SAME
from sounding.contract.modality import Modality
from sounding.contract.postprocessing import Arrays, OnePass
from sounding.contract.records import Prediction


@dataclass(frozen=True)
class Threshold:
    """A threshold on a cosine or a score, and the share of strangers that it lets pass, at most."""

    value: float
    rate: float


def answers(
    cosines: np.ndarray, values: tuple[Any, Any], slope: float, offset: float, at: Threshold | None
) -> list[Prediction]:
    """Predictions of `values` (different, same) at a threshold, or at even odds where there is none.

    The confidence is the probability of the answer, which a strict threshold may make one below a half.
    """
    odds = slope * cosines.astype(float) + offset
    same = odds >= 0 if at is None else cosines >= at.value
    scores = 1 / (1 + np.exp(np.clip(np.stack([odds, -odds], axis=1), -600, 600)))
    return [Prediction(values[s], float(row[s]), row) for s, row in zip(same.astype(int).tolist(), scores, strict=True)]


@dataclass(frozen=True)
class OnePerson(OnePass):
    """Whether two pictures show one person, from embeddings [B, 2, D] of length 1.

    `slope` and `offset` make log-odds of a cosine, `threshold` is the cosine from which on it is one person, and `rate`
    the share of pairs of strangers that this lets pass, at most; both None where there is no threshold: at even odds.
    """

    slope: float
    offset: float
    threshold: float | None
    rate: float | None

    @property
    def steps(self) -> Sequence[str]:
        """Cosine, threshold, logistic function."""
        held = f", where at most a share of {self.rate:.2g} of pairs of strangers passes" if self.rate else ""
        least = f"is at least {-self.offset / self.slope if self.threshold is None else self.threshold:.6g}{held}"
        return (
            "the second axis is that of the pictures to be compared, which may be more than two; each has an embedding "
            "of length 1, the mean over it and its mirror image, by the network",
            "the cosine of two pictures is the sum of the products of their embeddings' entries",
            f"they show one person where the cosine {least}",
            "the probability that they do is 1 / (1 + exp(-(slope · cosine + offset)))",
        )

    def answers(self, outputs: Arrays, x: Arrays, values: Sequence[Any], target: Modality) -> list[Prediction]:
        """Same or different for each pair, and the probability of that answer."""
        first, second = outputs[0][:, 0], outputs[0][:, 1]
        return self.of_cosines((first * second).sum(axis=1))

    def of_cosines(self, cosines: np.ndarray) -> list[Prediction]:
        """The same from the cosines [n]."""
        at = None if self.threshold is None else Threshold(self.threshold, self.rate or 0.0)
        return answers(cosines, (DIFFERENT, SAME), self.slope, self.offset, at)
