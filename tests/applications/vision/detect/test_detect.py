"""Detection: what is particular to it, beyond the contract that every application is tested by."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from sounding.applications.vision.detect.task import Detect
from sounding.architectures.folding import fuse_for_inference
from sounding.challenges.explanations.gradcam import grad_cam
from sounding.contract.answers import transformed
from sounding.contract.records import Example
from sounding.contract.task import built
from sounding.data import open_data
from sounding.errors import UsageError
from sounding.machine.setting import Setting
from sounding.modalities.boxes.boxes import BoxSet
from sounding.modalities.boxes.mosaic import mosaic
from sounding.modalities.pictures.augmentation import warp
from sounding.modalities.pictures.changes import Moved
from sounding.randomness import generator, stream
from sounding.training.loop import Budget, fit

NONE = BoxSet(np.zeros((0, 4)), ())


def prepared(**settings) -> tuple[Detect, list[Example]]:
    task = Detect(Detect.Recipe.make("tiny", {"image_size": 32, **settings}))
    rows = task.demo(stream("detect"), 96)
    task.fit(rows)
    return task, rows


@pytest.fixture(scope="module")
def trained():
    task, rows = prepared(average=0.95)
    data = open_data(task, rows)
    found = fit(task, data.train, data.validation, budget=Budget(steps=60), setting=Setting(threads=1))
    return task, found.model, list(data.test), found


# ---- answers


@torch.no_grad()
def test_the_threshold_is_settled_on_validation_rows_and_kept_in_the_weights(trained):
    task, model, _, _ = trained
    threshold = model[1].threshold.item()
    assert threshold != pytest.approx(0.3)  # where an untrained one stands
    again = task.build()
    again.load_state_dict(model.state_dict())
    assert again[1].threshold.item() == threshold


@torch.no_grad()
def test_answers_hold_weak_boxes_for_metrics_and_tell_people_the_sure_ones(trained):
    task, model, rows, _ = trained
    answers = task.predict(model, [row.input for row in rows])
    for p in answers:
        assert (np.diff(p.value.scores) <= 0).all()
        assert p.value.threshold == pytest.approx(model[1].threshold.item())
        assert p.value.scores.min(initial=1.0) >= 0.01
        assert len(p.value) <= task.options.most
        told = task.target.answers(p.value, p.confidence, p.scores)
        assert len(told) == len(p.value.sure)
        if told:
            assert p.confidence == pytest.approx(np.mean([one["score"] for one in told]), abs=1e-6)
    assert sum(len(p.value) for p in answers) > sum(len(p.value.sure) for p in answers)


@torch.no_grad()
def test_a_picture_of_nothing_has_no_box_and_the_confidence_says_how_surely(trained):
    task, model, _, _ = trained
    (p,) = task.predict(model, [np.zeros((32, 32, 3), np.uint8)])
    assert len(p.value.sure) == 0
    assert p.confidence == pytest.approx(1 - p.value.scores.max(initial=0.0))


@torch.no_grad()
def test_support_tells_right_boxes_from_moved_and_renamed_ones(trained):
    task, model, rows, _ = trained
    x, truths = task.input.encode([row.input for row in rows]), [row.target for row in rows]
    other = {"disc": "square", "square": "disc"}
    moved = [replace(t, corners=1 - t.corners[:, [2, 3, 0, 1]]) for t in truths]
    renamed = [replace(t, labels=tuple(other[name] for name in t.labels)) for t in truths]
    right = task.log_likelihood(model, x, task.encode_targets(truths)).mean()
    for wrong in (moved, renamed):
        assert task.log_likelihood(model, x, task.encode_targets(wrong)).mean() < right - 0.3


def test_the_loss_of_pictures_without_boxes_is_finite_and_teaches():
    task, rows = prepared()
    model = task.build()
    x = task.input.encode([row.input for row in rows[:4]])
    losses = task.loss(model, x, task.encode_targets([NONE, rows[1].target, NONE, NONE]))
    assert torch.isfinite(losses).all()
    losses.sum().backward()
    assert model[1].scores.weight.grad.abs().sum() > 0


# ---- named outputs


def test_a_row_is_looked_at_once_for_its_loss_and_its_answer(trained):
    task, model, rows, _ = trained
    calls = []
    handle = model[1].register_forward_hook(lambda *of: calls.append(1))
    with torch.no_grad():
        task.evaluate_rows(model, rows[:4])
    handle.remove()
    assert len(calls) == 1


def test_outputs_are_fp32_whatever_they_are_computed_in():
    task, rows = prepared()
    model = built(task).eval()
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        found = model(task.encoded(model, [rows[0].input]))
    assert {tensor.dtype for tensor in found} == {torch.float32}


def test_folded_normalisations_say_the_same(trained):
    task, model, rows, _ = trained
    x = task.encoded(model, [row.input for row in rows[:3]])
    with torch.no_grad():
        for mine, theirs in zip(fuse_for_inference(model)(x), model(x), strict=True):
            torch.testing.assert_close(mine, theirs, rtol=1e-3, atol=1e-3)


def test_grad_cam_explains_at_the_last_map_before_the_scales_part(trained):
    task, model, rows, _ = trained
    (weights,) = grad_cam(task, model, [rows[0].input], [rows[0].target], stream("cam"))
    assert np.isfinite(weights).all()
    assert np.abs(weights).max() > 0


# ---- what training does


def test_a_short_training_finds_most_shapes(trained):
    found = trained[3]
    assert found.history[-1]["mAP50"] > 0.6


@pytest.mark.parametrize("name", ["mobilenet_v2", "efficientnet_lite0"])
def test_other_backbones_learn_too(name):
    task, rows = prepared(backbone=name)
    x = task.input.encode([row.input for row in rows[:2]])
    task.loss(task.build(), x, task.encode_targets([row.target for row in rows[:2]])).sum().backward()


def test_an_unknown_backbone_is_refused():
    task, _ = prepared(backbone="resnot")
    with pytest.raises(UsageError, match="resnot"):
        task.build()


def test_the_finest_map_suits_the_pictures():
    small, (task, _) = prepared()[0].build(), prepared(image_size=96)
    task.input.height = task.input.width = 96
    large = task.build()
    assert small[1].pyramid.strides == [4, 8]
    assert large[1].pyramid.strides == [8, 16, 32]


# ---- boxes follow pictures


def marked(height=60, width=80):
    """Pictures with one white rectangle each, and its box; a share of the sides, as boxes are."""
    x, truths = torch.zeros(8, 1, height, width), []
    for i in range(8):
        left, top, right, bottom = 10 + 3 * i, 12 + 2 * i, 30 + 4 * i, 28 + 3 * i
        x[i, 0, top:bottom, left:right] = 1.0
        corners = np.array([[left / width, top / height, right / width, bottom / height]])
        truths.append(BoxSet(corners, ("thing",), image_size=(width, height)))
    return x, truths


def seen(picture):
    """The box around what is white in a picture [1, H, W], in shares."""
    white = (picture[0] > 0.5).numpy()
    rows, columns = np.flatnonzero(white.any(1)), np.flatnonzero(white.any(0))
    height, width = white.shape
    return [columns[0] / width, rows[0] / height, (columns[-1] + 1) / width, (rows[-1] + 1) / height]


@pytest.mark.parametrize("shape", [None, (48, 100)])
@pytest.mark.parametrize("upright", [True, False])
def test_boxes_follow_pictures_that_are_scaled_moved_mirrored_and_turned(upright, shape):
    x, truths = marked()
    task, compared = Detect(), 0
    for seed in range(6):
        rng = generator("warp", seed)
        y, affine = warp(x, rng, scale=(0.7, 1.4), shift=0.2, flip=True, upright=upright, shape=shape)
        assert y.shape == (8, 1, *(shape or (60, 80)))
        for picture, boxes in zip(y, transformed(task.target, truths, Moved(affine)), strict=True):
            if len(boxes) and (boxes.corners > 0.02).all() and (boxes.corners < 0.98).all():
                np.testing.assert_allclose(boxes.corners[0], seen(picture), atol=2.1 / 60)
                compared += 1
    assert compared > 15


def test_boxes_follow_pictures_into_a_mosaic():
    x, truths = marked()
    task, compared = Detect(), 0
    for seed in range(6):
        y, change = mosaic(x, generator("mosaic", seed), scale=(0.4, 0.8), flip=True)
        assert [sorted(t.partner.tolist()) for t in change.tiles] == [list(range(8))] * 4
        assert any((t.partner == torch.arange(8)).all() for t in change.tiles)
        for i, boxes in enumerate(transformed(task.target, truths, change)):
            for box in boxes.corners:
                left, top, right, bottom = (box * [80, 60, 80, 60]).round().astype(int)
                inner = y[i, 0, top + 2 : bottom - 2, left + 2 : right - 2]
                if inner.numel() > 20:
                    assert inner.mean() > 0.9  # all of the box is white, up to its blurred edge
                    compared += 1
            drawn = torch.zeros(60, 80)
            for left, top, right, bottom in (boxes.corners * [80, 60, 80, 60]).round().astype(int):
                drawn[max(0, top - 2) : bottom + 2, max(0, left - 2) : right + 2] = 1
            assert ((y[i, 0] > 0.5) & (drawn == 0)).sum() < 60  # nothing white but slivers that were cut off
    assert compared > 40


def test_nothing_asked_for_changes_nothing():
    x, _ = marked()
    y, affine = warp(x, generator("still"))
    torch.testing.assert_close(y, x, atol=1e-4, rtol=0)
    torch.testing.assert_close(affine, torch.eye(2, 3).expand(8, 2, 3))


# ---- real pictures


def test_blood_cells_can_be_learnt_by_heart():
    root = os.environ.get("SOUNDING_DATA")
    if not root:
        pytest.skip("set SOUNDING_DATA to the folder that holds bccd/")
    task = Detect(Detect.Recipe.make("tiny", {"image_size": 160, "mosaic": 0, "batch": 4, "average": 0.9}))
    data = open_data(task, Path(root) / "bccd")
    assert task.target.names == ["Platelets", "RBC", "WBC"]
    rows = list(data.train[:4])
    history = fit(task, rows, rows, budget=Budget(steps=60), setting=Setting(threads=1)).history
    assert history[-1]["validation_loss"] < 0.6 * history[0]["validation_loss"]
