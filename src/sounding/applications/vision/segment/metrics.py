"""Judging maps of classes: which pixels are right, and where the edges run.

A map is an array [H, W] (uint8) of class ids, 255 where nobody said; such pixels count nowhere. `ids` [K] are the
classes that a model knows. An answer of another size than its truth is compared at the size of the truth.

    mean_iou, class_iou, pixel_accuracy,
    mean_precision, mean_recall             from one confusion matrix over all records
    boundary_f                              how well edges are met, picture by picture
    confident_pixels                        (confidence, right?) of some pixels, for calibration

Legend of shapes: n records, K classes, H height, W width.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np

from sounding.contract.metrics import SHARE, Hits, Metric
from sounding.contract.records import Record
from sounding.wording import percent

VOID = 255
LABELLED = "a labelled pixel"
PIXELS = 256
"""Pixels of a record that calibration looks at, at most."""
TOLERANCE = 0.0075
"""How far from the true edge an edge may be, as a share of the picture's diagonal (Csurka et al. 2013)."""

BITS = 64
"""Classes whose edges are looked at together."""


# ---- the confusion matrix and what is read from it


def confusion(truth: np.ndarray, answer: np.ndarray, ids: Sequence[int]) -> np.ndarray:
    """How many labelled pixels of class i were answered with j: int64 [K + 1, K + 1].

    The last row holds true classes that are not in `ids`, the last column answers that are none of them.
    """
    k, table = len(ids), _places(tuple(ids))
    answer = resized(answer, truth.shape)
    labelled = truth != VOID
    pairs = table[truth[labelled]] * (k + 1) + table[answer[labelled]]
    return np.bincount(pairs, minlength=(k + 1) ** 2).reshape(k + 1, k + 1)


def ious(matrix: np.ndarray) -> np.ndarray:
    """Intersection over union of each class of the truth, from a confusion matrix; NaN where it has no pixel: [K + 1].

    Everingham et al., "The Pascal Visual Object Classes Challenge", IJCV 2010.
    """
    hits, true, answered = np.diagonal(matrix).astype(float), matrix.sum(1), matrix.sum(0)
    hits[-1] = 0.0  # what is in no list cannot be found
    answered = np.append(answered[:-1], 0)
    union = true + answered - hits
    return np.where(true > 0, hits / np.maximum(union, 1), np.nan)


def mean_iou(ids: Sequence[int]) -> Metric:
    """The IoU of each class that the truth has, from the pixels of all records together, averaged over classes."""
    definition = "intersection over union of each true class over all pixels together, averaged over classes"
    return Metric("mIoU", _judged(ids), _mean_iou, definition, hit=confident_pixels(ids), bounds=SHARE, needs=LABELLED)


def class_iou(ids: Sequence[int], place: int, name: str) -> Metric:
    """The IoU of the class `ids[place]`, called `name`; NaN over records that do not have it."""

    def reduce(matrices: np.ndarray) -> float:
        return float(ious(matrices.sum(axis=0))[place])

    definition = f"intersection over union of {name} over all pixels together"
    needs, hit = f"a true pixel of {name}", confident_pixels(ids)
    return Metric(f"IoU {name}", _judged(ids), reduce, definition, hit=hit, bounds=SHARE, needs=needs)


def pixel_accuracy(ids: Sequence[int]) -> Metric:
    """The share of labelled pixels whose class is right."""

    def reduce(matrices: np.ndarray) -> float:
        total = matrices.sum(axis=0)
        return float(np.trace(total[:-1, :-1]) / total.sum()) if total.any() else math.nan

    definition = "share of labelled pixels, of all records together, whose class is right"
    hit = confident_pixels(ids)
    return Metric("pixel accuracy", _judged(ids), reduce, definition, hit=hit, bounds=SHARE, needs=LABELLED)


def precision_and_recall(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """From the pixels [..., 3] of a class that are right, answered and true; NaN where none is answered, or true."""
    right, answered, true = np.moveaxis(counts.astype(float), -1, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return right / answered, right / true


def mean_precision(ids: Sequence[int]) -> Metric:
    """The share of each true class's answered pixels that are right, averaged over classes; 0 for one never said."""
    definition = "share of the pixels answered as a class that are right, averaged over the true classes"
    hit = confident_pixels(ids)
    return Metric(
        "precision", _judged(ids), lambda m: _mean_of(m, 0), definition, hit=hit, bounds=SHARE, needs=LABELLED
    )


def mean_recall(ids: Sequence[int]) -> Metric:
    """The share of each class's true pixels that are found, averaged over classes."""
    definition = "share of the true pixels of a class that are found, averaged over the true classes"
    hit = confident_pixels(ids)
    return Metric("recall", _judged(ids), lambda m: _mean_of(m, 1), definition, hit=hit, bounds=SHARE, needs=LABELLED)


def _mean_of(matrices: np.ndarray, which: int) -> float:
    """The mean over true classes of precision (0) or recall (1), from confusion matrices [n, K + 1, K + 1]."""
    total = matrices.sum(axis=0)
    right, true, answered = np.diagonal(total).copy(), total.sum(axis=1), total.sum(axis=0)
    right[-1] = 0  # what is in no list cannot be found
    found = precision_and_recall(np.stack([right, answered, true], axis=-1))[which]
    return float(np.nan_to_num(found[true > 0]).mean()) if true.any() else math.nan


def _mean_iou(matrices: np.ndarray) -> float:
    found = ious(matrices.sum(axis=0))
    return float(np.nanmean(found)) if np.isfinite(found).any() else math.nan


def _judged(ids: Sequence[int]) -> Callable[[Record], np.ndarray]:
    """The judge of all metrics that read the confusion matrix; one function for one list of ids."""
    return _matrix_of(tuple(ids))


@lru_cache(maxsize=64)
def _matrix_of(ids: tuple[int, ...]) -> Callable[[Record], np.ndarray]:
    return lambda record: confusion(record.truth, record.value, ids)


@lru_cache(maxsize=64)
def _places(ids: tuple[int, ...]) -> np.ndarray:
    """The place of each id in the list, K for the others: [256]."""
    table = np.full(256, len(ids), np.int64)
    table[list(ids)] = np.arange(len(ids))
    return table


def resized(array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """An array [H, W] at another shape: the pixel that lies under the middle of each new one."""
    if array.shape == tuple(shape):
        return array
    rows, columns = (((np.arange(n) + 0.5) * m / n).astype(int) for n, m in zip(shape, array.shape, strict=True))
    return array[rows[:, None], columns]


# ---- calibration


def confident_pixels(ids: Sequence[int]) -> Callable[[Record], Hits]:
    """What takes up to `PIXELS` labelled pixels of a record, evenly spread, as pairs of (confidence, right?).

    The confidence is `record.scores`: a map [H, W] of how sure the answer is of each pixel, fractions or uint8 of 255.
    """

    def hits(record: Record) -> Hits:
        if record.scores is None or np.ndim(record.scores) != 2:
            return []
        truth = record.truth
        places = np.flatnonzero(truth.ravel() != VOID)
        # A stride that shares no factor with the width wanders over all columns instead of sampling a few.
        step = max(1, -(-len(places) // PIXELS))
        while math.gcd(step, truth.shape[1]) > 1 and step < len(places):
            step += 1
        places = places[step // 2 :: step] if len(places) > step else places[:PIXELS]
        sure = unit_scores(resized(np.asarray(record.scores), truth.shape).ravel()[places])
        right = resized(record.value, truth.shape).ravel()[places] == truth.ravel()[places]
        return list(zip(sure.tolist(), right.tolist(), strict=True))

    return hits


def unit_scores(scores: np.ndarray) -> np.ndarray:
    """Confidences as fractions, which may be held as uint8 of 255."""
    scores = np.asarray(scores)
    return scores.astype(float) / (255 if scores.dtype == np.uint8 else 1)


# ---- edges


def boundary_f(ids: Sequence[int], tolerance: float = TOLERANCE) -> Metric:
    """How well the edges of each class are met: F1 of edge pixels within `tolerance` diagonals of an edge of the other.

    Per picture it is averaged over the classes in its truth or its answer, then over pictures. Csurka et al., "What is
    a good evaluation measure for semantic segmentation?", BMVC 2013.
    """

    def judge(record: Record) -> float:
        found = boundary_scores(record.truth, record.value, ids, tolerance)
        return float(np.nanmean(found)) if np.isfinite(found).any() else math.nan

    def reduce(scores: np.ndarray) -> float:
        known = scores[np.isfinite(scores)]
        return float(known.mean()) if len(known) else math.nan

    definition = (
        f"F1 of the edges of each class, met within {percent(tolerance, 2)} of the diagonal, averaged over pictures"
    )
    needs, hit = "a class of the model in its truth or its answer", confident_pixels(ids)
    return Metric("boundary F", judge, reduce, definition, hit=hit, bounds=SHARE, needs=needs)


def boundary_scores(
    truth: np.ndarray, answer: np.ndarray, ids: Sequence[int], tolerance: float = TOLERANCE
) -> np.ndarray:
    """The F1 of the edges of each class [K], NaN where neither map has the class; what is not labelled is no edge.

    Where a class fills all of both maps there is no edge to miss: 1. Where only one map has an edge of it: 0.
    """
    answer = np.where(truth == VOID, np.uint8(VOID), resized(answer, truth.shape))
    k, table, radius = len(ids), _places(tuple(ids)), tolerance * math.hypot(*truth.shape)
    present = [np.bincount(table[mask].ravel(), minlength=k + 1)[:k] > 0 for mask in (truth, answer)]
    points = [np.argwhere(_edges(mask)) for mask in (truth, answer)]
    kinds = [table[mask[tuple(places.T)]] for mask, places in zip((truth, answer), points, strict=True)]
    met, counts = np.zeros((2, k)), np.zeros((2, k))
    for start in range(0, k, BITS):
        chosen = [(kind >= start) & (kind < min(start + BITS, k)) for kind in kinds]
        some = [(places[chose], kind[chose]) for places, kind, chose in zip(points, kinds, chosen, strict=True)]
        word = np.uint16 if k <= 16 else np.uint64  # a quarter of the memory to go through, where that is enough
        near = [_near(places, (kind - start).astype(word), truth.shape, radius) for places, kind in some]
        for side, (places, kind) in enumerate(some):
            there = near[1 - side][tuple(places.T)] >> (kind - start).astype(word) & word(1)
            met[side] += np.bincount(kind, there, k)
            counts[side] += np.bincount(kind, minlength=k)
    recall, precision = met / np.maximum(counts, 1)
    found = np.where(recall + precision > 0, 2 * recall * precision / np.maximum(recall + precision, 1e-12), 0.0)
    found[~counts.any(axis=0)] = 1.0  # one class everywhere, in both: no edge to miss
    found[present[0] != present[1]] = 0.0
    return np.where(present[0] | present[1], found, np.nan)


def _edges(mask: np.ndarray) -> np.ndarray:
    """The pixels with one of another class above, below, left or right; what is not labelled is no other class."""
    edge = np.zeros(mask.shape, bool)
    for a, b in (
        ((slice(1, None),), (slice(None, -1),)),
        ((slice(None), slice(1, None)), (slice(None), slice(None, -1))),
    ):
        differ = (mask[a] != mask[b]) & (mask[a] != VOID) & (mask[b] != VOID)
        edge[a] |= differ
        edge[b] |= differ
    return edge


def _near(points: np.ndarray, kinds: np.ndarray, shape: tuple[int, ...], radius: float) -> np.ndarray:
    """Which kinds have a point within `radius` of each pixel, one bit a kind: [H, W]. A disc is a pile of rows."""
    reach = int(radius)
    here = np.zeros((shape[0] + 2 * reach, shape[1] + 2 * reach), kinds.dtype)
    here[tuple(points.T + reach)] = np.left_shift(kinds.dtype.type(1), kinds)
    near, row = here.copy(), here.copy()
    halves = [int(math.sqrt(radius**2 - dy**2)) for dy in range(reach + 1)]  # half the length of each row of the disc
    for half in range(reach + 1):
        if half:
            row[:, half:] |= here[:, :-half]
            row[:, :-half] |= here[:, half:]
        for dy in (dy for dy in range(reach + 1) if halves[dy] == half):
            near[dy:] |= row[: len(row) - dy]
            near[: len(row) - dy] |= row[dy:]
    return near[reach : reach + shape[0], reach : reach + shape[1]]
