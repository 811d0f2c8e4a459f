"""Mean average precision against faster-coco-eval, and by hand."""

import time
from collections import namedtuple

import numpy as np
import pytest

from sounding.applications.vision.detect.metrics import (
    average_precision_of,
    box_hits,
    detection_metrics,
    ious,
    mean_average_precision,
    mean_average_precision_50,
    mean_average_precision_of_size,
)
from sounding.contract.records import Record
from sounding.evaluation.intervals import bootstrap

NAMES = ("a", "b", "c")
Boxes = namedtuple("Boxes", "corners labels scores image_size")


def boxes(corners, labels, scores=None, image_size=(100, 100)):
    scores = None if scores is None else np.asarray(scores, np.float32)
    return Boxes(np.asarray(corners, np.float32).reshape(-1, 4), tuple(labels), scores, image_size)


def record(value, truth):
    return Record(value, truth, None, 0.0)


def random_records(rng, pictures=12, most=8, extra=6, levels=10, image_size=(512, 384), names=NAMES):
    """True boxes of all sizes; detections near them, on a coarse grid so that overlaps tie, with scores that tie."""
    out = []
    for _ in range(pictures):
        n = int(rng.integers(0, most))
        size = np.exp(rng.uniform(np.log(4), np.log(200), (n, 2)))
        low = rng.uniform(0, 180, (n, 2))
        true = np.concatenate([low, low + size], 1).round()
        times = rng.integers(0, 4, n)
        copies = np.repeat(true, times, 0)
        near = copies + rng.integers(-3, 4, copies.shape) * rng.integers(0, 2, (len(copies), 1))
        other_low = rng.uniform(0, 300, (int(rng.integers(0, extra)), 2)).round()
        other = np.concatenate([other_low, other_low + rng.integers(1, 120, other_low.shape)], 1)
        found = np.concatenate([near, other])
        found[:, 2:] = np.maximum(found[:, 2:], found[:, :2] + 1)
        scores = rng.integers(1, levels + 1, len(found)) / levels
        width, height = image_size
        scale = np.array([width, height, width, height])
        labels = rng.choice(names, n)
        called = np.concatenate([np.repeat(labels, times), rng.choice(names, len(other))])
        called = np.where(rng.random(len(called)) < 0.15, rng.choice(names, len(called)), called)
        value = boxes(found / scale, called.tolist(), scores, image_size)
        out.append(record(value, boxes(true / scale, labels.tolist(), None, image_size)))
    return out


def coco(records, names=NAMES):
    """The twelve numbers and the precisions [T, R, K, A, M] of faster-coco-eval on the same boxes in pixels."""
    oracle = pytest.importorskip("faster_coco_eval")
    images, truths, found = [], [], []
    for i, r in enumerate(records, 1):
        width, height = r.truth.image_size
        images.append({"id": i, "width": width, "height": height, "file_name": f"{i}.jpg"})
        for into, held in ((truths, r.truth), (found, r.value)):
            pixels = held.corners.astype(float) * [width, height, width, height]
            for k, (box, label) in enumerate(zip(pixels, held.labels)):
                x, y, right, bottom = box.tolist()
                w, h = right - x, bottom - y
                row = {"image_id": i, "category_id": names.index(label) + 1, "bbox": [x, y, w, h], "area": w * h}
                row |= {"id": len(into) + 1, "iscrowd": 0}
                into.append(row if held.scores is None else {**row, "score": float(held.scores[k])})
    categories = [{"id": k, "name": name} for k, name in enumerate(names, 1)]
    truth = oracle.COCO({"images": images, "annotations": truths, "categories": categories})
    run = oracle.COCOeval_faster(truth, truth.loadRes(found), "bbox", print_function=lambda *_: None)
    run.evaluate()
    run.accumulate()
    run.summarize()
    return np.asarray(run.stats), run.eval["precision"]


# ---- against the reference


def expected(records, names=NAMES):
    stats, precision = coco(records, names)
    found = {"mAP50": stats[1], "mAP50-95": stats[0]}
    found |= {f"AP50 {name}": precision[0, :, k, 0, -1].mean() for k, name in enumerate(names)}
    found |= {f"mAP50-95 {size}": stats[3 + k] for k, size in enumerate(("small", "medium", "large"))}
    return {name: np.nan if value == -1 else value for name, value in found.items()}


@pytest.mark.parametrize("seed", range(8))
def test_all_metrics_equal_faster_coco_eval(seed):
    """With tied scores, tied overlaps, boxes of all sizes and pictures without boxes or detections."""
    records = random_records(np.random.default_rng(seed))
    ours = {metric.name: metric.value(records) for metric in detection_metrics(NAMES)}
    assert ours == pytest.approx(expected(records), abs=1e-6, nan_ok=True)
    assert list(ours) == list(expected(records))
    assert 0.1 < ours["mAP50-95"] < 0.95


def test_a_hundred_detections_of_a_class_count_in_a_picture():
    rng = np.random.default_rng(0)
    records = random_records(rng, pictures=3, extra=900, names=("a", "b"), levels=1000)
    assert max(r.value.labels.count("a") for r in records) > 150
    ours = mean_average_precision(("a", "b")).value(records)
    assert ours == pytest.approx(expected(records, ("a", "b"))["mAP50-95"], abs=1e-6)


def test_boxes_at_the_border_of_two_sizes_are_of_both():
    side = boxes([[0, 0, 32 / 512, 32 / 512]], ["a"], None, (512, 512))
    records = [record(replace_scores(side, [0.9]), side)]
    assert [mean_average_precision_of_size(("a",), size).value(records) for size in ("small", "medium")] == [1.0, 1.0]
    assert np.isnan(mean_average_precision_of_size(("a",), "large").value(records))


def replace_scores(value, scores):
    return value._replace(scores=np.asarray(scores, np.float32))


# ---- by hand


def test_the_textbook_example():
    """Three true boxes; detections right, wrong, right: precision 1, 1/2, 2/3 at recall 1/3, 1/3, 2/3."""
    truth = boxes([[0, 0, 0.2, 0.2], [0.4, 0.4, 0.6, 0.6], [0.8, 0.8, 1, 1]], "aaa")
    value = boxes([[0, 0, 0.2, 0.2], [0.2, 0, 0.3, 0.1], [0.4, 0.4, 0.6, 0.6]], "aaa", [0.9, 0.8, 0.7])
    expected = (34 * 1 + 33 * 2 / 3) / 101  # recalls 0 to 0.33, and 0.34 to 0.66
    assert mean_average_precision_50(("a",)).value([record(value, truth)]) == pytest.approx(expected)
    assert box_hits(record(value, truth)) == [
        (pytest.approx(0.9), True),
        (pytest.approx(0.8), False),
        (pytest.approx(0.7), True),
    ]


def test_a_second_detection_of_a_box_and_one_of_another_class_are_wrong():
    truth = boxes([[0, 0, 0.5, 0.5]], "a")
    value = boxes([[0, 0, 0.5, 0.5]] * 3, "aab", [0.9, 0.8, 0.99])
    assert sorted(box_hits(record(value, truth)))[::-1] == [
        (pytest.approx(0.99), False),
        (pytest.approx(0.9), True),
        (pytest.approx(0.8), False),
    ]


def test_the_perfect_the_empty_and_the_unknown():
    truth = boxes([[0, 0, 0.5, 0.5], [0.5, 0.5, 1, 1]], "ab")
    perfect, nothing = record(replace_scores(truth, [1, 1]), truth), record(boxes([], "", []), truth)
    metric = mean_average_precision(("a", "b"))
    assert metric.value([perfect]) == 1.0
    assert metric.value([nothing]) == 0.0
    assert box_hits(nothing) == []
    assert np.isnan(metric.value([record(boxes([], "", []), boxes([], ""))]))  # no true box: nothing to measure
    stranger = record(perfect.value, boxes(truth.corners, "az"))
    assert metric.value([stranger]) == pytest.approx(0.5)  # a is found, z cannot be; b has no true box
    assert average_precision_of("a").value([stranger]) == 1.0
    constant = record(boxes(truth.corners, "ab"), truth)  # an answer without scores
    assert metric.value([constant]) == 1.0
    assert box_hits(constant) == []


def test_sizes_need_the_extent():
    truth = boxes([[0, 0, 0.5, 0.5]], "a", image_size=None)
    records = [record(replace_scores(truth, [1]), truth)]
    assert mean_average_precision(("a",)).value(records) == 1.0
    assert np.isnan(mean_average_precision_of_size(("a",), "small").value(records))


def test_ious():
    a = np.array([[0, 0, 2, 2], [0, 0, 0, 0]], float)
    assert ious(a, np.array([[1, 1, 3, 3], [0, 0, 2, 2], [5, 5, 6, 6]], float)).tolist() == [[1 / 7, 1, 0], [0, 0, 0]]


# ---- the bootstrap


def test_reduce_takes_resampled_pictures_and_is_quick():
    rng = np.random.default_rng(0)
    records = random_records(rng, pictures=72, most=20, extra=500, levels=10**6)
    metric = mean_average_precision(NAMES)
    statistics = metric.statistics(records)
    assert statistics.shape == (72,)
    rows = rng.integers(0, 72, 72)
    assert metric.reduce(statistics[rows]) == pytest.approx(metric.value([records[i] for i in rows]))
    found = bootstrap(statistics, metric.reduce, resamples=100)
    assert found.low < found.value < found.high
    times = []
    for _ in range(10):
        start = time.perf_counter()
        metric.reduce(statistics)
        times.append(time.perf_counter() - start)
    print(f"{1000 * min(times):.1f} ms")
    assert min(times) < 0.05  # about 5 ms on a quiet machine
