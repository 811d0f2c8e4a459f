"""Precision and recall of pixels against scikit-learn, and what the card draws of them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from sklearn.metrics import precision_recall_curve, precision_score, recall_score

from sounding.applications.vision.segment.figures import by_class, precision_recall, segmentation_figures
from sounding.applications.vision.segment.metrics import VOID, mean_precision, mean_recall
from sounding.contract.records import Record
from sounding.evaluation.plots import RECALLS

IDS, NAMES = [0, 3, 7], ["ground", "leaf", "ruby"]


def records(n=8, seed=0):
    rng, found = np.random.default_rng(seed), []
    for _ in range(n):
        truth, other = (
            np.array(IDS)[ndimage.gaussian_filter(rng.standard_normal((3, 30, 40)), (0, 4, 4)).argmax(0)].astype(
                np.uint8
            )
            for _ in range(2)
        )
        sure = rng.random(truth.shape)
        answer = np.where(sure < 0.4, other, truth)
        truth = np.where(rng.random(truth.shape) < 0.1, VOID, truth).astype(np.uint8)
        found.append(Record(answer, truth, None, 0.0, scores=sure.astype(np.float16)))
    return found


def pixels(some):
    truth, answer, sure = (
        np.concatenate([np.asarray(getattr(r, what), float).ravel() for r in some])
        for what in ("truth", "value", "scores")
    )
    return truth[truth != VOID], answer[truth != VOID], sure[truth != VOID]


def test_precision_and_recall_are_those_of_scikit_learn():
    some = records()
    truth, answer, _ = pixels(some)
    assert mean_precision(IDS).value(some) == pytest.approx(precision_score(truth, answer, average="macro"))
    assert mean_recall(IDS).value(some) == pytest.approx(recall_score(truth, answer, average="macro"))
    each = precision_score(truth, answer, average=None), recall_score(truth, answer, average=None)
    for row, name, precision, recall, share in zip(
        by_class(some, IDS, NAMES), NAMES, *each, [np.mean(truth == i) for i in IDS], strict=True
    ):
        assert (row["class"], row["share of pixels"]) == (name, pytest.approx(share))
        assert row["precision"]["value"] == pytest.approx(precision)
        assert row["recall"]["value"] == pytest.approx(recall)
        assert row["recall"]["low"] <= recall <= row["recall"]["high"]


def test_a_class_that_is_never_answered_has_no_precision_of_its_own_and_counts_as_0():
    truth = np.array([[0, 3], [3, 7]], np.uint8)
    some = [Record(np.full((2, 2), 3, np.uint8), truth, None, 0.0)]
    assert mean_precision(IDS).value(some) == pytest.approx((0 + 0.5 + 0) / 3)
    assert by_class(some, IDS, NAMES)[0]["precision"] is None


def test_the_curve_is_that_of_scikit_learn_made_falling():
    some = records()
    truth, answer, sure = pixels(some)
    level = np.floor(sure * 256)  # a curve tells apart so many confidences
    for i, name in zip(IDS, NAMES, strict=True):
        said = np.where(answer == i, level, -1.0)
        precision, recall, threshold = precision_recall_curve(truth == i, said)
        known = np.append(threshold >= 0, True)  # what was answered as another class counts nowhere
        expected = [precision[known & (recall >= r)].max(initial=0.0) for r in RECALLS]
        expected[0] = precision[:-1][known[:-1]].max()  # not scikit-learn's made-up last point
        curve = precision_recall(some, IDS, NAMES)[name]
        assert curve.precision == pytest.approx(expected)
        right = np.mean(truth[answer == i] == i)
        assert curve.answered == pytest.approx((np.mean(answer[truth == i] == i), right))


def test_figures_name_the_classes():
    figures = {figure.id: figure.svg for figure in segmentation_figures(records(3), IDS, NAMES)}
    assert list(figures) == ["quality_precision_recall", "quality_confusion"]
    for svg in figures.values():
        assert all(f">{name}<" in svg for name in NAMES)


def test_answers_without_a_confidence_have_no_curve():
    bare = [Record(r.value, r.truth, None, 0.0) for r in records(3)]
    assert [figure.id for figure in segmentation_figures(bare, IDS, NAMES)] == ["quality_confusion"]
