"""Mean average precision of boxes, as the COCO benchmark defines it (Lin et al. 2014; pycocotools' evaluation).

A record's value and truth hold `corners` [N, 4] (xmin, ymin, xmax, ymax in shares of the picture) and `labels` [N]; the
value `scores` [N] too, and the truth `image_size`, the picture's width and height in pixels, where areas are asked for.

Matching is done in `judge`, picture by picture: per class, the boxes in order of their score (at most 100) each take
the free true box that they overlap most, if the intersection over union (IoU) reaches the threshold. `reduce` only
sorts, counts and averages the precision at 101 levels of recall.

Legend of shapes: D detections, G true boxes, T thresholds, K classes (one more for truths of no known class).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sounding.contract.metrics import SHARE, Hits, Metric
from sounding.contract.records import Record

IOUS = tuple((50 + 5 * step) / 100 for step in range(10))
"""IoU thresholds 0.50, 0.55, …, 0.95 of the primary metric of COCO."""
MOST = 100
"""Detections of one class in one picture that count."""
RECALLS = np.linspace(0, 1, 101)
SIZES = {"small": (0.0, 32.0**2), "medium": (32.0**2, 96.0**2), "large": (96.0**2, 1e10)}
"""Areas in pixels of the original picture."""


@dataclass(frozen=True)
class Matches:
    """The judgement of one picture.

    `classes` int16 [D] and `scores` float32 [D]; `right` and `aside` uint16 [D]: bit t is set where the detection took
    a true box at threshold t, and where it counts neither way (of another size than is asked for). `truths` [K + 1]:
    how many true boxes each class has. `known` is false where the size of the picture is asked for and not known.
    """

    classes: np.ndarray
    scores: np.ndarray
    right: np.ndarray
    aside: np.ndarray
    truths: np.ndarray
    known: bool = True


def ious(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Intersection over union [D, G] of corners [D, 4] and [G, 4]; 0 for boxes without an area."""
    low, high = np.maximum(a[:, None, :2], b[None, :, :2]), np.minimum(a[:, None, 2:], b[None, :, 2:])
    both = (high - low).clip(0).prod(-1)
    union = _areas(a)[:, None] + _areas(b)[None] - both
    return np.divide(both, union, out=np.zeros_like(both), where=union > 0)


def matched(
    overlap: np.ndarray, thresholds: np.ndarray, aside: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Which true box each detection takes at each threshold, or -1: [T, D]; and whether that one is `aside` [T, D].

    `overlap` [D, G] has the detections in order of their score. True boxes that are `aside` [G] are taken only when no
    other can be; of equal overlaps the later box is taken. Both as pycocotools does it.
    """
    n, g = overlap.shape
    took = np.full((len(thresholds), n), -1)
    out = np.zeros(g, bool) if aside is None else aside
    free = np.ones((len(thresholds), g), bool)
    least = np.minimum(thresholds, 1 - 1e-10)[:, None]
    if not g:
        return took, np.zeros(took.shape, bool)
    rows = np.arange(len(thresholds))
    for d in np.flatnonzero(overlap.max(1) >= least.min()):
        fits = free & (overlap[d] >= least)
        first = fits & ~out
        fits = np.where(first.any(1, keepdims=True), first, fits)
        best = g - 1 - np.where(fits, overlap[d], -1.0)[:, ::-1].argmax(1)
        any_fits = fits.any(1)
        took[:, d] = np.where(any_fits, best, -1)
        free[rows[any_fits], best[any_fits]] = False
    return took, np.where(took >= 0, out[took], False)


def judged(
    record: Record, names: Sequence[str], thresholds: Sequence[float], size: tuple[float, float] | None = None
) -> Matches:
    """The matches of one record, for classes `names`; with `size`, only true boxes of such an area (pixels²) count."""
    truth, found = record.truth, record.value
    place = {name: k for k, name in enumerate(names)}
    true_class = np.array([place.get(label, len(place)) for label in truth.labels], np.int16)
    if size is not None and truth.image_size is None:
        empty = np.zeros(0)
        return Matches(empty, empty, empty, empty, np.zeros(len(place) + 1), known=False)
    scale = np.array([*(truth.image_size or (1.0, 1.0))] * 2, np.float64)
    true = truth.corners.astype(np.float64) * scale
    boxes, labels, scores = found.corners.astype(np.float64) * scale, np.array(found.labels, object), _scores(found)
    out = np.zeros(len(true), bool) if size is None else _outside(_areas(true), size)
    parts = []
    for name in dict.fromkeys(found.labels):
        if name not in place:
            continue
        mine = np.flatnonzero(labels == name)
        mine = mine[np.argsort(-scores[mine], kind="stable")][:MOST]
        of_class = true_class == place[name]
        took, aside = matched(ious(boxes[mine], true[of_class]), np.asarray(thresholds), out[of_class])
        if size is not None:
            aside |= (took < 0) & _outside(_areas(boxes[mine]), size)
        parts.append((np.full(len(mine), place[name]), scores[mine], _bits((took >= 0) & ~aside), _bits(aside)))
    columns = zip(*parts, strict=True) if parts else [[np.zeros(0)]] * 4
    classes, scores, right, wide = (np.concatenate(column) for column in columns)
    truths = np.bincount(true_class[~out], minlength=len(place) + 1)
    bits = right.astype(np.uint16), wide.astype(np.uint16)
    return Matches(classes.astype(np.int16), scores.astype(np.float32), *bits, truths)


def average_precisions(matches: np.ndarray, thresholds: int) -> np.ndarray:
    """AP [K + 1, T] over pictures (object array [n] of Matches); NaN for a class that has no true box."""
    truths = np.sum([m.truths for m in matches], 0)
    found = np.full((len(truths), thresholds), np.nan)
    if not all(m.known for m in matches):
        return found
    scores = np.concatenate([m.scores for m in matches])
    classes = np.concatenate([m.classes for m in matches])
    order = np.argsort(-scores, kind="stable")
    order = order[np.argsort(classes[order], kind="stable")]  # integers of 16 bits: a radix sort
    right = np.concatenate([m.right for m in matches])[order]
    aside = np.concatenate([m.aside for m in matches])[order]
    ends = np.searchsorted(classes[order], np.arange(len(truths) + 1))
    for k in np.flatnonzero(truths):
        mine = slice(ends[k], ends[k + 1])
        for t in range(thresholds):
            found[k, t] = _area(right[mine], aside[mine], t, int(truths[k]))
    return found


def _area(right: np.ndarray, aside: np.ndarray, t: int, truths: int) -> float:
    """Precision, made falling from the right, averaged over 101 levels of recall.

    Precision can only rise at a hit, so the other detections need not be looked at.
    """
    bit = np.uint16(1 << t)
    hits = np.flatnonzero(right & bit)
    if not len(hits):
        return 0.0
    before = np.searchsorted(np.flatnonzero(aside & bit), hits)
    n = np.arange(1, len(hits) + 1)
    precision = np.maximum.accumulate((n / (hits + 1 - before))[::-1])[::-1]
    reached = np.searchsorted(n / truths, RECALLS, side="left")
    return float(precision[reached[reached < len(n)]].sum() / len(RECALLS))


# ---- the metrics


def detection_metrics(names: Sequence[str], each: int = 10) -> tuple[Metric, ...]:
    """The usual metrics of a detector, the headline first; each class by itself where there are at most `each`."""
    by_class = [average_precision_of(name) for name in names] if 1 < len(names) <= each else []
    sizes = [mean_average_precision_of_size(names, size) for size in SIZES]
    return (mean_average_precision_50(names), mean_average_precision(names), *by_class, *sizes)


def mean_average_precision(names: Sequence[str]) -> Metric:
    """mAP50-95: the mean over classes and ten IoU thresholds; the primary metric of COCO."""
    what = "average precision (101 levels of recall), averaged over classes and IoU thresholds 0.50, 0.55, …, 0.95"
    return _metric("mAP50-95", names, IOUS, what)


def mean_average_precision_50(names: Sequence[str]) -> Metric:
    """mAP50: the mean over classes at IoU 0.5; the metric of Pascal VOC, with COCO's levels of recall."""
    return _metric("mAP50", names, (0.5,), "average precision at IoU 0.5, averaged over classes")


def average_precision_of(name: str) -> Metric:
    """AP50 of one class."""
    definition = f"average precision of {name} at IoU 0.5"
    return _metric(f"AP50 {name}", (name,), (0.5,), definition, others=False, needs=f"a true box of {name}")


def mean_average_precision_of_size(names: Sequence[str], size: str) -> Metric:
    """mAP50-95 of true boxes that are "small", "medium" or "large"; NaN where no picture's size is known."""
    low, high = SIZES[size]
    area = f"at least {low**0.5:g}² pixels" if size == "large" else f"at most {high**0.5:g}² pixels"
    area = f"{low**0.5:g}² to {high**0.5:g}² pixels" if size == "medium" else area
    definition = f"mAP50-95 of true boxes of {area} in the original picture"
    return _metric(f"mAP50-95 {size}", names, IOUS, definition, SIZES[size], needs=f"a true box of {area}")


def _metric(
    name: str,
    names: Sequence[str],
    thresholds: Sequence[float],
    definition: str,
    size: tuple[float, float] | None = None,
    others: bool = True,
    needs: str = "a true box",
) -> Metric:
    names = tuple(names)
    classes = len(names) + others  # truths of a class that no training row had cannot be found, and count

    def judge(record: Record) -> Matches:
        return judged(record, names, thresholds, size)

    def reduce(matches: np.ndarray) -> float:
        found = average_precisions(matches, len(thresholds))[:classes, :]
        return float(np.nanmean(found)) if np.isfinite(found).any() else float("nan")

    return Metric(name, judge, reduce, definition, hit=shown_hits, bounds=SHARE, needs=needs)


def box_hits(record: Record) -> Hits:
    """(score, right?) of every detection: right is one that takes a true box of its class at IoU 0.5."""
    if record.value.scores is None:
        return []
    found = judged(record, tuple(dict.fromkeys(record.value.labels)), (0.5,))
    return list(zip(found.scores.tolist(), (found.right > 0).tolist(), strict=True))


def shown_hits(record: Record) -> Hits:
    """The same of the detections that a person is shown: those whose score reaches the answer's `threshold`, if any."""
    least = getattr(record.value, "threshold", 0.0)
    return [(score, right) for score, right in box_hits(record) if score >= least]


def _scores(found: Any) -> np.ndarray:
    return np.ones(len(found.labels), np.float32) if found.scores is None else np.asarray(found.scores, np.float32)


def _areas(corners: np.ndarray) -> np.ndarray:
    return (corners[:, 2:] - corners[:, :2]).clip(0).prod(-1)


def _outside(areas: np.ndarray, size: tuple[float, float]) -> np.ndarray:
    return (areas < size[0]) | (areas > size[1])


def _bits(flags: np.ndarray) -> np.ndarray:
    """Flags [T, D] as one integer [D], bit t for row t."""
    return (flags << np.arange(len(flags))[:, None]).sum(0)
