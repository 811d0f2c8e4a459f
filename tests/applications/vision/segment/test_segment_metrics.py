"""Measures of maps, against torchmetrics, scipy and pictures whose answer can be counted by hand."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch
from scipy import ndimage
from torchmetrics.classification import MulticlassAccuracy, MulticlassJaccardIndex

from sounding.applications.vision.segment import metrics as regions
from sounding.applications.vision.segment.metrics import (
    VOID,
    boundary_f,
    boundary_scores,
    class_iou,
    confident_pixels,
    mean_iou,
)
from sounding.contract.records import Record
from sounding.evaluation.intervals import bootstrap
from sounding.modalities.masks.components import connected, instances

IDS = list(range(5))


def blobs(rng, shape=(48, 64), k=5):
    """A smooth map of k classes."""
    planes = ndimage.gaussian_filter(rng.standard_normal((k, *shape)), (0, 4, 4))
    return planes.argmax(0).astype(np.uint8)


def records(n=12, seed=0, k=5):
    rng, found = np.random.default_rng(seed), []
    for _ in range(n):
        truth, other = blobs(rng, k=k), blobs(rng, k=k)
        answer = np.where(rng.random(truth.shape) < 0.3, other, truth)
        truth = np.where(rng.random(truth.shape) < 0.1, VOID, truth).astype(np.uint8)
        found.append(Record(answer, truth, None, 0.0, scores=rng.random(truth.shape).astype(np.float16)))
    return found


def fed(metric, rows):
    for row in rows:
        metric.update(torch.from_numpy(row.value).long()[None], torch.from_numpy(row.truth).long()[None])
    return metric.compute()


def test_mean_iou_and_pixel_accuracy_are_those_of_torchmetrics():
    rows = records()
    expected = fed(MulticlassJaccardIndex(5, ignore_index=VOID, average="none"), rows)
    for place in IDS:
        assert class_iou(IDS, place, "x").value(rows) == pytest.approx(float(expected[place]), abs=1e-6)
    assert mean_iou(IDS).value(rows) == pytest.approx(float(expected.mean()), abs=1e-6)
    macro = fed(MulticlassJaccardIndex(5, ignore_index=VOID), rows)
    assert mean_iou(IDS).value(rows) == pytest.approx(float(macro), abs=1e-6)
    right = fed(MulticlassAccuracy(5, ignore_index=VOID, average="micro"), rows)
    assert regions.pixel_accuracy(IDS).value(rows) == pytest.approx(float(right), abs=1e-6)


def test_only_classes_of_the_truth_are_averaged_and_unknown_ones_count_as_missed():
    truth, answer = np.zeros((2, 4), np.uint8), np.zeros((2, 4), np.uint8)
    truth[:, 2:], answer[:, 2:] = 3, 1  # class 1 is only answered; half of the pixels are of class 3
    record = Record(answer, truth, None, 0.0)
    assert mean_iou([0, 1, 3]).value([record]) == pytest.approx((1.0 + 0.0) / 2)
    assert mean_iou([0, 1]).value([record]) == pytest.approx((1.0 + 0.0) / 2)  # 3 is in no list
    assert mean_iou([3, 0]).value([Record(truth, truth, None, 0.0)]) == 1.0
    nothing = Record(answer, np.full((2, 4), VOID, np.uint8), None, 0.0)
    assert np.isnan(mean_iou([0, 1]).value([nothing]))
    assert mean_iou([0, 1]).value([record, nothing]) == mean_iou([0, 1]).value([record])


def test_ids_with_gaps_are_places_of_their_own():
    rows = records()
    gaps = np.array([0, 7, 9, 120, 254], np.uint8)
    table = np.full(256, VOID, np.uint8)
    table[:5] = gaps
    moved = [Record(table[r.value], table[r.truth], None, 0.0) for r in rows]
    assert mean_iou(gaps.tolist()).value(moved) == mean_iou(IDS).value(rows)


def test_an_answer_of_another_size_is_compared_at_the_size_of_the_truth():
    small = blobs(np.random.default_rng(3), (12, 16))
    truth = small.repeat(4, axis=0).repeat(4, axis=1)
    assert mean_iou(IDS).value([Record(small, truth, None, 0.0)]) == 1.0


def test_a_bootstrap_over_many_records_is_quick():
    statistics = mean_iou(list(range(11))).statistics(records(40, k=11))
    statistics = np.concatenate([statistics] * 6)
    start = time.perf_counter()
    found = bootstrap(statistics, mean_iou(list(range(11))).reduce, resamples=2000)
    assert time.perf_counter() - start < 5
    assert found.low < found.value < found.high


# ---- edges


def by_distance(truth, answer, id, radius):
    """The F1 of the edges of one class, with scipy's exact distances."""

    def edge(mask):
        found = np.zeros(mask.shape, bool)
        for i, j in np.argwhere(mask == id):
            near = [(i - 1, j), (i + 1, j), (i, j - 1), (i, j + 1)]
            inside = [mask[a, b] for a, b in near if 0 <= a < mask.shape[0] and 0 <= b < mask.shape[1]]
            found[i, j] = any(other not in (id, VOID) for other in inside)
        return found

    first, second = edge(truth), edge(np.where(truth == VOID, VOID, answer))
    recall = (ndimage.distance_transform_edt(~second)[first] <= radius).mean()
    precision = (ndimage.distance_transform_edt(~first)[second] <= radius).mean()
    return 2 * precision * recall / (precision + recall)


def test_boundary_f_is_that_of_exact_distances():
    for row in records(4, seed=1):
        found = boundary_scores(row.truth, row.value, IDS, 0.03)
        radius = 0.03 * np.hypot(48, 64)
        assert found == pytest.approx([by_distance(row.truth, row.value, id, radius) for id in IDS], abs=1e-9)


def test_boundary_f_of_many_classes_is_that_of_each_alone():
    rng = np.random.default_rng(4)
    truth, answer = (rng.integers(0, 80, (30, 40)).astype(np.uint8) for _ in range(2))
    together = boundary_scores(truth, answer, list(range(80)), 0.05)
    alone = [boundary_scores(truth, answer, [id], 0.05)[0] for id in range(80)]
    assert together == pytest.approx(alone, nan_ok=True)


def test_boundary_f_forgives_a_shift_within_its_tolerance_and_none_beyond():
    truth = np.zeros((100, 100), np.uint8)
    truth[30:60, 30:60] = 1

    def score(shift, tolerance=0.0201):  # 2.84 pixels
        return boundary_f([0, 1], tolerance).value([Record(np.roll(truth, shift, 1), truth, None, 0.0)])

    assert score(0) == score(2) == 1.0
    assert score(6) < 0.6
    assert score(0, 0.0) == 1.0


def test_classes_without_an_edge_are_right_or_wrong_as_a_whole():
    full, half = np.zeros((8, 8), np.uint8), np.zeros((8, 8), np.uint8)
    half[:, 4:] = 1
    assert boundary_scores(full, full, [0, 1]) == pytest.approx([1.0, np.nan], nan_ok=True)
    assert boundary_scores(half, full, [0, 1]).tolist() == [0.0, 0.0]


# ---- calibration


def test_hits_are_a_spread_of_labelled_pixels_with_their_own_confidence():
    (row,) = records(1)
    hits = confident_pixels(IDS)(row)
    assert 128 <= len(hits) <= 256
    right = (row.value == row.truth)[row.truth != VOID].mean()
    assert np.mean([ok for _, ok in hits]) == pytest.approx(right, abs=0.1)
    assert {conf for conf, _ in hits} <= set(row.scores[row.truth != VOID].astype(float).tolist())
    coarse = Record(row.value, row.truth, None, 0.0, scores=(row.scores * 255).astype(np.uint8))
    assert np.allclose([c for c, _ in confident_pixels(IDS)(coarse)], [c for c, _ in hits], atol=1 / 255)
    assert confident_pixels(IDS)(Record(row.value, row.truth, 0.5, 0.0)) == []


def test_hits_give_the_calibration_error_of_all_pixels():
    rng = np.random.default_rng(5)
    truth = rng.integers(0, 2, (200, 256)).astype(np.uint8)
    sure = rng.uniform(0.5, 1.0, truth.shape)
    answer = np.where(rng.random(truth.shape) < sure**2, truth, 1 - truth).astype(np.uint8)
    rows = [Record(answer[i : i + 4], truth[i : i + 4], None, 0.0, scores=sure[i : i + 4]) for i in range(0, 200, 4)]
    hits = [hit for row in rows for hit in confident_pixels([0, 1])(row)]
    gap = abs(np.mean([c for c, _ in hits]) - np.mean([ok for _, ok in hits]))
    assert gap == pytest.approx(abs(sure.mean() - (answer == truth).mean()), abs=0.02)


# ---- connected components


@pytest.mark.parametrize("connectivity", [4, 8])
def test_connected_components_are_those_of_scipy(connectivity):
    rng = np.random.default_rng(2)
    shape = np.ones((3, 3)) if connectivity == 8 else None
    for mask in (blobs(rng), rng.integers(0, 3, (37, 41)).astype(np.uint8), np.zeros((1, 1), np.uint8)):
        mask = np.where(rng.random(mask.shape) < 0.05, VOID, mask).astype(np.uint8)
        numbers, count = connected(mask, connectivity)
        assert ((numbers < 0) == (mask == VOID)).all()
        total = 0
        for id in np.unique(mask[mask != VOID]):
            expected, n = ndimage.label(mask == id, shape)
            pairs = {(a, b) for a, b in zip(expected[mask == id].tolist(), numbers[mask == id].tolist(), strict=True)}
            assert len(pairs) == n == len({b for _, b in pairs})
            total += n
        assert total == count


def test_instances_come_with_class_box_and_area_largest_first():
    mask = np.zeros((20, 30), np.uint8)
    mask[2:5, 3:9], mask[10:18, 20:30], mask[15, 0] = 4, 4, 7
    found = instances(mask, [4, 7])
    assert [(part.id, part.box, part.area) for part in found] == [
        *((4, (20, 10, 30, 18), 80), (4, (3, 2, 9, 5), 18), (7, (0, 15, 1, 16), 1)),
    ]
    assert (found[1].inside == np.pad(np.ones((3, 6), bool), ((2, 15), (3, 21)))).all()
    assert len(instances(mask, [4, 7], smallest=2)) == 2
    assert [part.id for part in instances(mask)] == [0, 4, 4, 7]
    assert instances(np.full((3, 3), VOID, np.uint8)) == []
