"""The boxes shown: precision, recall and what is taken for what, by hand and against average precision."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sounding.applications.vision.detect.figures import detection_figures, precision_recall
from sounding.applications.vision.detect.metrics import average_precision_of, box_hits
from sounding.applications.vision.detect.operating_point import by_class, confusion, counts, f1, precision, recall
from sounding.contract.records import Record
from sounding.modalities.boxes.boxes import BoxSet

NAMES = ("cat", "dog")


def record(truth, answer, threshold=0.5):
    """From (corners, name) of true boxes and (corners, name, score) of answers."""
    true = BoxSet(np.array([t[0] for t in truth]), tuple(t[1] for t in truth), image_size=(100, 100))
    scores = np.array([a[2] for a in answer])
    found = BoxSet(np.array([a[0] for a in answer]), tuple(a[1] for a in answer), scores, threshold=threshold)
    return Record(found, true, None, 0.0)


A, B, C, FAR = (0, 0, 0.2, 0.2), (0.4, 0, 0.6, 0.2), (0.7, 0.7, 0.9, 0.9), (0, 0.8, 0.1, 0.9)
PLANTED = [
    record([(A, "cat"), (B, "cat")], [(A, "cat", 0.9), (B, "dog", 0.8), (FAR, "dog", 0.7)]),
    record([(C, "dog"), (B, "cow")], [(C, "dog", 0.6), (C, "dog", 0.55), (A, "cat", 0.4)]),  # the last is not shown
    record([], []),
    record([(A, "dog")], []),
]


def test_counts_by_hand():
    total = np.sum([counts(each, NAMES) for each in PLANTED], axis=0)
    assert total.tolist() == [[1, 1, 2], [1, 4, 2], [0, 0, 1]]
    assert precision(NAMES).value(PLANTED) == pytest.approx(2 / 5)
    assert recall(NAMES).value(PLANTED) == pytest.approx(2 / 5)
    assert f1(NAMES).value(PLANTED) == pytest.approx(2 * 2 / (5 + 5))
    assert [f1(NAMES).value([each]) for each in PLANTED] == pytest.approx([0.4, 0.5, 1, 0])


def test_where_nothing_is_shown_precision_says_nothing():
    assert np.isnan(precision(NAMES).value(PLANTED[3:]))
    assert recall(NAMES).value(PLANTED[3:]) == 0
    rows = by_class(PLANTED[3:], NAMES)
    assert (rows[1]["precision"], rows[1]["recall"]["value"], rows[1]["true boxes"]) == (None, 0, 1)


def test_confusion_by_hand():
    expected = [
        # cat dog cow background
        [1, 1, 0, 0],  # cat: one right, one taken for a dog
        [0, 1, 0, 1],  # dog: one right, one missed
        [0, 0, 0, 1],  # cow: no class that the model knows
        [0, 2, 0, 0],  # background: a dog where nothing is, and the second dog in one place
    ]
    assert confusion(PLANTED, NAMES).tolist() == expected


def random_records(seed, n=20):
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(n):
        low = rng.uniform(0, 0.7, (rng.integers(0, 6), 2))
        true = BoxSet(np.concatenate([low, low + 0.2], 1), tuple(rng.choice(NAMES, len(low))), image_size=(64, 64))
        corners = np.repeat(true.corners, 2, 0) + rng.normal(0, 0.03, (2 * len(low), 4))
        names = [name if rng.random() < 0.8 else str(rng.choice(NAMES)) for name in np.repeat(true.labels, 2)]
        scores = rng.permutation(2 * len(low)) / 10
        found.append(Record(BoxSet(corners, tuple(names), scores, threshold=0.3), true, None, 0.0))
    return found


@pytest.mark.parametrize("seed", range(5))
def test_the_matrix_counts_every_box_once_and_agrees_with_precision_and_recall(seed):
    records = random_records(seed)
    matrix, total = confusion(records, NAMES), np.sum([counts(each, NAMES) for each in records], axis=0)
    shown = [[each.value.sure.labels.count(name) for name in NAMES] for each in records]
    true = [[each.truth.labels.count(name) for name in NAMES] for each in records]
    assert matrix[:-1].sum(axis=1)[:2].tolist() == np.sum(true, axis=0).tolist()
    assert matrix[:, :2].sum(axis=0).tolist() == np.sum(shown, axis=0).tolist()
    assert np.diagonal(matrix)[:2].tolist() == total[:2, 0].tolist()
    assert precision(NAMES).value(records) == pytest.approx(np.trace(matrix) / np.sum(shown))
    hits = [right for each in records for score, right in box_hits(each) if score >= 0.3]
    assert precision(NAMES).value(records) == pytest.approx(np.mean(hits))


@pytest.mark.parametrize("seed", range(3))
def test_the_area_under_each_curve_is_its_average_precision(seed):
    records = random_records(seed)
    curves = precision_recall(records, NAMES)
    for name in NAMES:
        assert curves[name].precision.mean() == pytest.approx(average_precision_of(name).value(records))
        assert (np.diff(curves[name].precision) <= 0).all()
        at = by_class(records, NAMES)[NAMES.index(name)]
        assert curves[name].answered == pytest.approx((at["recall"]["value"], at["precision"]["value"]))


def test_figures_name_the_classes_and_the_background():
    figures = {figure.id: figure.svg for figure in detection_figures(random_records(0), NAMES)}
    assert list(figures) == ["quality_precision_recall", "quality_confusion"]
    for word in (*NAMES, "mean of 2 classes"):
        assert f">{word}<" in figures["quality_precision_recall"]
    for word in (*NAMES, "background"):
        assert f">{word}<" in figures["quality_confusion"]
    assert "no known class" not in figures["quality_confusion"]


def test_pictures_with_nothing_true_and_nothing_found_have_a_matrix_and_no_curve():
    nothing = [replace(PLANTED[2])] * 3
    assert [figure.id for figure in detection_figures(nothing, NAMES)] == ["quality_confusion"]
