"""What a segmenter's card shows besides numbers: precision and recall of each class, and what is taken for what.

Legend of shapes: n records, K classes, C levels of confidence, H height, W width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np

from sounding.applications.vision.segment.metrics import (
    VOID,
    confusion,
    precision_and_recall,
    resized,
    unit_scores,
)
from sounding.contract.evidence import Figure
from sounding.contract.metrics import SHARE
from sounding.contract.records import Record
from sounding.evaluation import plots
from sounding.evaluation.evaluation import groups_of
from sounding.evaluation.intervals import bootstrap
from sounding.evaluation.plots import PrecisionRecall

LEVELS = 256
"""Confidences that are told apart for a curve."""
RESAMPLES = 500
UNKNOWN = "no known class"


def segmentation_figures(records: Sequence[Record], ids: Sequence[int], names: Sequence[str]) -> list[Figure]:
    """Precision against recall of each class and their mean, and the confusion matrix of pixels."""
    figures = []
    if curves := precision_recall(records, ids, names):
        caption = (
            "Precision against recall of pixels, as the confidence falls from which on a pixel counts as its class: of "
            "each class, and their mean. A dot is where every pixel counts, as in the answers."
        )
        figures.append(Figure("quality_precision_recall", caption, plots.precision_recall(curves)))
    matrix = np.sum([confusion(record.truth, record.value, ids) for record in records], axis=0)
    labels = [*names, UNKNOWN]
    if not matrix[-1].any() and not matrix[:, -1].any():
        matrix, labels = matrix[:-1, :-1], list(names)
    caption = "Confusion matrix of pixels: for each true class (row), the percentage that was answered as each class."
    return [*figures, Figure("quality_confusion", caption, plots.confusion_matrix(matrix, labels, shares=True))]


def precision_recall(records: Sequence[Record], ids: Sequence[int], names: Sequence[str]) -> dict[str, PrecisionRecall]:
    """The curve of each class that has true pixels; none where answers have no confidence in each pixel."""
    if any(r.scores is None or np.ndim(r.scores) != 2 for r in records):
        return {}
    said, hits, truths = np.sum([_levels(record) for record in records], axis=0)[:, list(ids)]
    found = {}
    for k, name in enumerate(names):
        if total := int(truths[k].sum()):
            right, all_said = (np.cumsum(counts[k][::-1]) for counts in (hits, said))
            point = float(right[-1] / total), float(right[-1] / all_said[-1]) if all_said[-1] else float("nan")
            found[name] = PrecisionRecall.of(right, all_said, total, point)
    return found


def _levels(record: Record) -> np.ndarray:
    """Labelled pixels by class id and confidence: int64 [3, 256, C], answered, rightly answered, and true."""
    truth, answer = record.truth, resized(record.value, record.truth.shape)
    sure = resized(unit_scores(np.asarray(record.scores)), truth.shape)
    level = np.minimum(sure * LEVELS, LEVELS - 1).astype(np.int64)
    labelled, right = truth != VOID, truth == answer
    counted = ((answer, labelled), (answer, labelled & right), (truth, labelled))
    return np.stack(
        [
            np.bincount(kind[some].astype(np.int64) * LEVELS + level[some], minlength=256 * LEVELS).reshape(256, LEVELS)
            for kind, some in counted
        ]
    )


def by_class(records: Sequence[Record], ids: Sequence[int], names: Sequence[str]) -> list[dict[str, Any]]:
    """The share of each class in the labelled pixels, its precision and recall, whose intervals draw whole pictures."""
    matrices = np.stack([confusion(r.truth, r.value, ids) for r in records])
    # All that precision and recall of a class are made of: its pixels that are right, answered, and true.
    totals = np.stack([np.diagonal(matrices, axis1=1, axis2=2), matrices.sum(1), matrices.sum(2)], axis=-1)
    groups, whole = groups_of(records), max(1, int(matrices.sum()))
    rows = []
    for k, name in enumerate(names):
        some = totals[:, k]
        row: dict[str, Any] = {"class": name, "share of pixels": float(some[:, 2].sum() / whole)}
        for place, title in enumerate(("precision", "recall")):
            found = bootstrap(some, partial(_of_sum, place), groups, resamples=RESAMPLES, bounds=SHARE)
            row[title] = asdict(found) if np.isfinite(found.value) else None
        rows.append(row)
    return rows


def _of_sum(place: int, counts: np.ndarray) -> float:
    """Precision (0) or recall (1) of the pixels of all pictures together, from counts [n, 3]."""
    return float(precision_and_recall(counts.sum(axis=0))[place])
