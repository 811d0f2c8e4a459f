"""The boxes that a person is shown, at the threshold of the answer: how many are right, and what is taken for what.

A box is right that takes a true box of its class at an IoU of 0.5, as for average precision (metrics.py).

    precision, recall, f1   over the boxes of all classes together
    by_class                precision and recall of each class, as rows of a table
    confusion               true classes against answered ones, and against the background

Legend of shapes: K classes, D boxes shown, G true boxes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Any

import numpy as np

from sounding.applications.vision.detect.metrics import ious, judged, matched, shown_hits
from sounding.contract.metrics import SHARE, Metric
from sounding.contract.records import Record
from sounding.evaluation.evaluation import groups_of
from sounding.evaluation.intervals import bootstrap

IOU = 0.5
RESAMPLES = 500


def counts(record: Record, names: Sequence[str]) -> np.ndarray:
    """How many boxes are right, are shown, and are true, of each class: int64 [K + 1, 3].

    The last row is of true boxes whose class is not in `names`, which cannot be found.
    """
    found = judged(replace(record, value=record.value.sure), names, (IOU,))
    k = len(names) + 1
    right = np.bincount(found.classes[found.right > 0], minlength=k)
    return np.stack([right, np.bincount(found.classes, minlength=k), found.truths], axis=1)


def precision_of(total: np.ndarray) -> float:
    """Right boxes of those shown, from counts [3]; NaN where none is shown."""
    return float(total[0] / total[1]) if total[1] else float("nan")


def recall_of(total: np.ndarray) -> float:
    """Right boxes of the true ones, from counts [3]; NaN where there is none."""
    return float(total[0] / total[2]) if total[2] else float("nan")


def f1_of(total: np.ndarray) -> float:
    """The harmonic mean of both, from counts [3]; 1 where there is nothing and nothing is shown."""
    return float(2 * total[0] / (total[1] + total[2])) if total[1] + total[2] else 1.0


def precision(names: Sequence[str]) -> Metric:
    """The share of the boxes shown that are right."""
    definition = "share of the boxes shown (at the threshold of the answers) that take a true box at IoU 0.5"
    return _metric("precision", names, precision_of, definition)


def recall(names: Sequence[str]) -> Metric:
    """The share of the true boxes that are found."""
    return _metric("recall", names, recall_of, "share of the true boxes that a box shown takes at IoU 0.5")


def f1(names: Sequence[str]) -> Metric:
    """The F1 score of the boxes shown: what tells a good answer to one picture from a bad one."""
    return _metric("F1", names, f1_of, "F1 score of the boxes shown at IoU 0.5")


def _metric(name: str, names: Sequence[str], of: Callable[[np.ndarray], float], definition: str) -> Metric:
    names = tuple(names)

    def judge(record: Record) -> np.ndarray:
        return counts(record, names).sum(axis=0)

    needs = "a box that is shown" if of is precision_of else "a true box"
    return Metric(name, judge, partial(_of_sum, of), definition, hit=shown_hits, bounds=SHARE, needs=needs)


def _of_sum(of: Callable[[np.ndarray], float], totals: np.ndarray) -> float:
    return of(totals.sum(axis=0))


def by_class(records: Sequence[Record], names: Sequence[str]) -> list[dict[str, Any]]:
    """Precision and recall of each class with their intervals, which draw whole pictures again."""
    each = np.stack([counts(record, names) for record in records])  # [n, K + 1, 3]
    groups = groups_of(records)
    rows = []
    for k, name in enumerate(names):
        totals, (_, shown, true) = each[:, k], each[:, k].sum(axis=0).tolist()
        row: dict[str, Any] = {"class": name, "true boxes": true, "shown": shown}
        for title, of in (("precision", precision_of), ("recall", recall_of)):
            found = bootstrap(totals, partial(_of_sum, of), groups, resamples=RESAMPLES, bounds=SHARE)
            row[title] = asdict(found) if np.isfinite(found.value) else None
        rows.append(row)
    return rows


def confusion(records: Sequence[Record], names: Sequence[str]) -> np.ndarray:
    """How often a true class was answered with another: int64 [K + 2, K + 2], true classes in rows.

    The place K is for true classes that are not in `names`, the last for the background: its column counts true boxes
    that nothing found, its row boxes where nothing is. Boxes of the right class take their true boxes first, so that
    the diagonal counts what precision and recall call right; of the others those that overlap most.
    """
    k = len(names)
    matrix = np.zeros((k + 2, k + 2), np.int64)
    place = {name: i for i, name in enumerate(names)}
    for record in records:
        truth, value = record.truth, record.value.sure
        true = np.array([place.get(name, k) for name in truth.labels], int)
        said = np.array([place.get(name, k) for name in value.labels], int)
        overlap = ious(value.corners.astype(np.float64), truth.corners.astype(np.float64))
        took = _taken(overlap, said, true, value.scores, k)
        np.add.at(matrix, (np.where(took >= 0, true[took] if len(true) else k + 1, k + 1), said), 1)
        missed = np.setdiff1d(np.arange(len(true)), took)
        np.add.at(matrix, (true[missed], np.full(len(missed), k + 1)), 1)
    return matrix


def _taken(overlap: np.ndarray, said: np.ndarray, true: np.ndarray, scores: np.ndarray | None, k: int) -> np.ndarray:
    """Which true box each box shown takes, or -1 [D], by the overlaps [D, G] and the classes of both."""
    took = np.full(len(said), -1)
    order = np.argsort(-np.ones(len(said)) if scores is None else -scores, kind="stable")
    for name in np.intersect1d(said, true[true < k]):
        mine, of_class = order[said[order] == name], np.flatnonzero(true == name)
        best, _ = matched(overlap[np.ix_(mine, of_class)], np.array([IOU]))
        took[mine] = np.where(best[0] >= 0, of_class[best[0]], -1)
    left = np.where((took[:, None] < 0) & ~np.isin(np.arange(len(true)), took), overlap, 0.0)
    while left.size and left.max() >= IOU:
        d, g = np.unravel_index(left.argmax(), left.shape)
        took[d] = g
        left[d], left[:, g] = 0.0, 0.0
    return took
