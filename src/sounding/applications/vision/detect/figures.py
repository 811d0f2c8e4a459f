"""What a detector's card shows besides numbers: precision against recall, and what is taken for what.

Legend of shapes: K classes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sounding.applications.vision.detect.metrics import judged
from sounding.applications.vision.detect.operating_point import IOU, confusion, counts, precision_of, recall_of
from sounding.contract.evidence import Figure
from sounding.contract.records import Record
from sounding.evaluation import plots
from sounding.evaluation.plots import PrecisionRecall

BACKGROUND, UNKNOWN = "background", "no known class"


def detection_figures(records: Sequence[Record], names: Sequence[str]) -> list[Figure]:
    """Precision against recall of each class and their mean, and the confusion matrix with the background."""
    figures = []
    if curves := precision_recall(records, names):
        caption = (
            "Precision against recall at IoU 0.5, as the score falls from which on boxes count: of each class, and "
            "their mean. A dot is where the threshold of the answers lies."
        )
        figures.append(Figure("quality_precision_recall", caption, plots.precision_recall(curves)))
    matrix, labels = confusion(records, names), [*names, UNKNOWN, BACKGROUND]
    if not matrix[-2].any() and not matrix[:, -2].any():
        matrix, labels = np.delete(np.delete(matrix, -2, 0), -2, 1), [*names, BACKGROUND]
    caption = (
        "Confusion matrix of the boxes shown, at IoU 0.5: a row for each true class, a column for each answer. The "
        "last column counts true boxes that were missed, the last row boxes where nothing is."
    )
    return [*figures, Figure("quality_confusion", caption, plots.confusion_matrix(matrix, labels))]


def precision_recall(records: Sequence[Record], names: Sequence[str]) -> dict[str, PrecisionRecall]:
    """The curve of each class that has a true box, as its average precision is read from it."""
    matches = [judged(record, names, (IOU,)) for record in records]
    at_threshold = np.sum([counts(record, names) for record in records], axis=0)
    scores = np.concatenate([m.scores for m in matches])
    classes = np.concatenate([m.classes for m in matches])
    right = np.concatenate([m.right for m in matches]) > 0
    truths = np.sum([m.truths for m in matches], axis=0)
    found = {}
    for k, name in enumerate(names):
        if not truths[k]:
            continue
        mine = np.flatnonzero(classes == k)
        mine = mine[np.argsort(-scores[mine], kind="stable")]
        hits, said = np.cumsum(right[mine]), np.arange(1, len(mine) + 1)
        point = (recall_of(at_threshold[k]), precision_of(at_threshold[k]))
        found[name] = PrecisionRecall.of(hits, said, int(truths[k]), point)
    return found
