"""Boxes: the surest of all locations, less those that a surer one of their class overlaps.

Legend of shapes: B batch, L locations, K classes, N boxes of one picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sounding.contract.modality import Modality
from sounding.contract.postprocessing import Arrays, OnePass
from sounding.contract.records import Prediction
from sounding.modalities.boxes.layouts.boxset import BoxSet
from sounding.postprocessing.functions import logistic

LEAST_SCORE = 0.01
"""Boxes of less are not told."""
TINY = 1e-9


@dataclass(frozen=True)
class BestBoxes(OnePass):
    """Boxes from logits [B, L, K] and corners [B, L, 4] in shares of the picture.

    At most `most` of a picture, none overlapping a surer one of its class by more than the IoU `suppression`; a person
    is shown those whose score reaches `threshold`.
    """

    names: tuple[str, ...]
    threshold: float
    suppression: float
    most: int

    @property
    def steps(self) -> Sequence[str]:
        """Logistic function, suppression, threshold."""
        return (
            f"the logistic function of the logits; the {4 * self.most} largest scores of locations and classes, those "
            f"of at least {LEAST_SCORE:g}",
            "corners are left, top, right, bottom as shares of the picture, clipped to 0..1",
            f"from the best on, leave out what overlaps a better one of its class by an IoU above {self.suppression:g}",
            f"the first {self.most} that are left are the answer; show those of at least {self.threshold:g}",
        )

    def answers(self, outputs: Arrays, x: Arrays, values: Sequence[Any], target: Modality) -> list[Prediction]:
        """The boxes of each picture; the confidence is the mean score of those that are shown."""
        logits, corners = outputs[:2]
        return [self._prediction(*each) for each in zip(logits, corners, strict=True)]

    def _prediction(self, logits: np.ndarray, corners: np.ndarray) -> Prediction:
        found, labels, scores = best_boxes(logits, corners, suppression=self.suppression, most=self.most)
        value = BoxSet(found, tuple(self.names[label] for label in labels), scores, threshold=self.threshold)
        shown = scores[scores >= self.threshold]
        confidence = shown.mean() if len(shown) else 1 - scores.max(initial=0.0)
        return Prediction(value, float(confidence), scores)


def best_boxes(
    logits: np.ndarray, corners: np.ndarray, *, suppression: float, most: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What is found in one picture: corners [N, 4] in 0..1, classes [N] and scores [N], the best first.

    From `logits` [L, K] and `corners` [L, 4].
    """
    scores = logistic(logits).ravel()
    told = np.flatnonzero(scores >= LEAST_SCORE)  # what is not told silences nothing that is
    order = told[np.argsort(-scores[told], kind="stable")][: 4 * most]
    places, labels = np.divmod(order, logits.shape[1])
    found = corners[places].clip(0, 1)
    kept = unsuppressed(found, labels, suppression)
    return found[kept][:most], labels[kept][:most], scores[order][kept][:most]


def unsuppressed(corners: np.ndarray, labels: np.ndarray, most: float) -> np.ndarray:
    """Which boxes [N], the best first, stay when each silences those of its class that it overlaps by over `most`.

    Exactly the greedy order, all at once: what a box silences is asked again until nothing changes.
    """
    alike = labels[:, None] == labels
    over = np.triu((overlap(corners[:, None], corners) > most) & alike, 1)  # [better, worse]
    kept, former = np.ones(len(labels), bool), None
    while former is None or not np.array_equal(kept, former):
        kept, former = ~(over & kept[:, None]).any(axis=0), kept
    return kept


def overlap(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Intersection over union of corners [..., 4] against [..., 4], broadcast; 0 where both are empty."""
    low, high = np.maximum(a[..., :2], b[..., :2]), np.minimum(a[..., 2:], b[..., 2:])
    both = (high - low).clip(0).prod(axis=-1)
    areas = [(each[..., 2:] - each[..., :2]).prod(axis=-1) for each in (a, b)]
    return both / np.maximum(areas[0] + areas[1] - both, TINY)
