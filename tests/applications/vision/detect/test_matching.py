"""Boxes against boxes: overlaps and suppression against plain loops, assignment on cases that can be done by hand."""

import math

import numpy as np
import pytest
import torch

from sounding.applications.vision.detect.matching import (
    LEAST,
    Targets,
    agreement,
    assign,
    best_threshold,
    box_losses,
    generalised,
    overlap,
)
from sounding.postprocessing.boxes import best_boxes, unsuppressed


def boxes(n, seed=0):
    draw = torch.rand(n, 4, generator=torch.Generator().manual_seed(seed))
    low, size = draw[:, :2] * 0.7, 0.05 + draw[:, 2:] * 0.3
    return torch.cat([low, low + size], 1)


def plain_iou(a, b):
    w = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    h = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - w * h
    return w * h / union, union


def grid(side):
    """Places [1, side², 2] of a map of one stride over the whole picture."""
    y, x = torch.meshgrid(*[(torch.arange(side) + 0.5) / side] * 2, indexing="ij")
    return torch.stack([x.flatten(), y.flatten()], 1)[None]


def around(places, half):
    return torch.cat([places - half, places + half], 2)


def given(*named):
    corners = torch.tensor([box for box, _ in named]).reshape(-1, 4)
    return Targets.of([(corners, torch.tensor([name for _, name in named], dtype=torch.long))])


# ---- overlap


def test_overlap_is_that_of_a_plain_loop():
    a, b = boxes(12), boxes(9, seed=1)
    found = overlap(a[:, None], b[None])
    for i, j in np.ndindex(12, 9):
        assert found[i, j] == pytest.approx(plain_iou(a[i].tolist(), b[j].tolist())[0], abs=1e-6)


def test_generalised_overlap_is_that_of_the_paper():
    a, b = boxes(12), boxes(12, seed=1)
    for one, other, value in zip(a.tolist(), b.tolist(), generalised(a, b).tolist(), strict=True):
        iou, union = plain_iou(one, other)
        hull = (max(one[2], other[2]) - min(one[0], other[0])) * (max(one[3], other[3]) - min(one[1], other[1]))
        assert value == pytest.approx(iou - (hull - union) / hull, abs=1e-5)


def test_boxes_that_do_not_touch_still_have_a_slope_towards_each_other():
    a = torch.tensor([0.1, 0.1, 0.2, 0.2], requires_grad=True)
    (1 - generalised(a, torch.tensor([0.6, 0.1, 0.7, 0.2]))).backward()
    assert a.grad[2] < 0  # the right edge wants to move right
    empty = torch.zeros(4)
    assert overlap(empty, empty) == 0
    assert torch.isfinite(generalised(empty, empty))


# ---- assignment


def test_targets_are_padded():
    found = Targets.of([(boxes(2), torch.tensor([1, 0])), (torch.zeros(0, 4), torch.zeros(0, dtype=torch.long))])
    assert found.corners.shape == (2, 2, 4)
    assert found.real.tolist() == [[True, True], [False, False]]


def test_locations_in_a_target_learn_it_and_the_others_nothing():
    places = grid(8)
    aim = assign(torch.full((1, 64, 2), 0.1), around(places, 0.15), places, given(([0.1, 0.1, 0.5, 0.5], 1)))
    learnt = aim.scores[0].sum(1) > 0
    inside = ((places > 0.1) & (places < 0.5)).all(2)[0]
    assert learnt.any()
    assert not (learnt & ~inside).any()
    assert (aim.scores[0, :, 0] == 0).all()
    torch.testing.assert_close(aim.corners[0, learnt], torch.tensor([[0.1, 0.1, 0.5, 0.5]]).expand(learnt.sum(), 4))
    best = overlap(around(places, 0.15), torch.tensor([0.1, 0.1, 0.5, 0.5]))[0][inside].max()
    assert aim.scores.max() == pytest.approx(best.item(), abs=1e-6)  # the best location's score is its IoU


def test_a_target_smaller_than_the_grid_gets_the_nearest_location():
    places = grid(4)
    aim = assign(torch.full((1, 16, 1), 0.1), around(places, 0.05), places, given(([0.26, 0.26, 0.3, 0.3], 0)))
    assert (aim.scores[0, :, 0] > 0).nonzero().flatten().tolist() == [5]


def test_a_location_wanted_by_two_learns_the_one_it_overlaps_most():
    places = torch.tensor([[[0.5, 0.5]]])
    small, large = [0.4, 0.4, 0.6, 0.6], [0.1, 0.1, 0.9, 0.9]
    aim = assign(torch.full((1, 1, 2), 0.5), torch.tensor([[small]]), places, given((large, 0), (small, 1)))
    assert aim.corners[0, 0].tolist() == pytest.approx(small)
    assert aim.scores[0, 0].tolist() == pytest.approx([0, 1])


def test_a_surer_location_is_preferred_among_equal_boxes():
    places = torch.tensor([[[0.45, 0.5], [0.55, 0.5]]])
    box = torch.tensor([[[0.3, 0.3, 0.7, 0.7]]]).expand(1, 2, 4)
    aim = assign(torch.tensor([[[0.2], [0.8]]]), box, places, given(([0.3, 0.3, 0.7, 0.7], 0)))
    assert aim.scores.flatten().tolist() == pytest.approx([0.5, 1.0], abs=1e-4)  # √0.2 / √0.8


# ---- losses and support


def test_the_loss_is_finite_without_boxes_and_least_where_all_is_right():
    places, target = grid(4), given(([0.2, 0.2, 0.6, 0.6], 0))
    none = Targets.of([(torch.zeros(0, 4), torch.zeros(0, dtype=torch.long))])
    corners = torch.tensor([0.2, 0.2, 0.6, 0.6]).expand(1, 16, 4)
    empty, wrong = torch.full((1, 16, 1), -9.0), torch.full((1, 16, 1), 2.0)
    assert box_losses(empty, corners, places, none, 2.0).item() == pytest.approx(0, abs=0.01)
    assert box_losses(wrong, corners, places, none, 2.0) > 10
    inside = ((places > 0.2) & (places < 0.6)).all(2)[..., None]
    right = torch.where(inside, 9.0, -9.0)
    assert box_losses(right, corners, places, target, 2.0).item() == pytest.approx(0, abs=0.01)
    for other in (empty, wrong):
        assert box_losses(other, corners, places, target, 2.0) > 1


def test_the_loss_of_a_picture_does_not_depend_on_its_neighbours():
    places = grid(4)
    pairs = [(boxes(3), torch.tensor([0, 1, 0])), (boxes(1, seed=3), torch.tensor([1]))]
    logits = torch.randn(2, 16, 2, generator=torch.Generator().manual_seed(0))
    corners = around(places, 0.2).expand(2, -1, -1)
    together = box_losses(logits, corners, places.expand(2, -1, -1), Targets.of(pairs), 2.0)
    for i in range(2):
        alone = box_losses(logits[i : i + 1], corners[i : i + 1], places, Targets.of(pairs[i : i + 1]), 2.0)
        torch.testing.assert_close(alone[0], together[i])


def test_agreement_is_the_log_of_score_times_overlap_of_the_best_location():
    corners = torch.tensor([[[0.0, 0.0, 0.4, 0.4], [0.5, 0.5, 0.9, 0.9]]])
    scores = torch.tensor([[[0.9, 0.1], [0.2, 0.6]]])
    asked = given(([0.0, 0.0, 0.4, 0.4], 0), ([0.5, 0.5, 0.9, 0.7], 1))
    expected = (math.log(0.9) + math.log(0.6 * 0.5)) / 2
    assert agreement(scores.logit(), corners, asked).item() == pytest.approx(expected, abs=1e-5)
    elsewhere = given(([0.91, 0.0, 0.99, 0.1], 0))
    assert agreement(scores.logit(), corners, elsewhere).item() == pytest.approx(math.log(LEAST))
    nothing = Targets.of([(torch.zeros(0, 4), torch.zeros(0, dtype=torch.long))])
    assert agreement(scores.logit(), corners, nothing).item() == pytest.approx(math.log(0.1), abs=1e-5)


# ---- answers


def greedy(corners, scores, labels, most):
    kept = []
    for i in sorted(range(len(scores)), key=lambda i: -scores[i]):
        if all(labels[i] != labels[j] or plain_iou(corners[i], corners[j])[0] <= most for j in kept):
            kept.append(i)
    return sorted(kept)


@pytest.mark.parametrize("seed", range(5))
def test_suppression_is_the_greedy_one(seed):
    draw = np.random.default_rng(seed)
    corners, labels = boxes(80, seed).numpy(), draw.integers(2, size=80)
    scores = np.sort(draw.random(80))[::-1]
    kept = unsuppressed(corners, labels, 0.3)
    assert np.flatnonzero(kept).tolist() == greedy(corners.tolist(), scores.tolist(), labels.tolist(), 0.3)


def test_a_chain_is_cut_as_greedily_as_one_by_one():
    """The first silences the second, so the second cannot silence the third."""
    corners = np.array([[0.0, 0, 1, 1], [0.3, 0, 1.3, 1], [0.6, 0, 1.6, 1]])
    kept = unsuppressed(corners, np.zeros(3, int), 0.5)
    assert kept.tolist() == [True, False, True]


def test_answers_are_in_order_few_enough_and_in_the_picture():
    logits = np.array([[2.0, -9.0], [1.0, 3.0], [-9.0, -9.0]])
    corners = np.array([[-0.2, 0.1, 0.4, 0.4], [0.5, 0.5, 0.9, 1.9], [0, 0, 1, 1]])
    found, labels, scores = best_boxes(logits, corners, suppression=0.5, most=10)
    assert labels.tolist() == [1, 0, 0]
    assert scores.tolist() == pytest.approx(torch.tensor([3.0, 2.0, 1.0]).sigmoid().tolist())
    assert found.min() >= 0
    assert found.max() <= 1
    assert len(best_boxes(logits, corners, suppression=0.5, most=1)[1]) == 1


def test_the_best_threshold_has_the_best_f1():
    scores = np.array([0.9, 0.8, 0.7, 0.6, 0.5])
    right = np.array([True, True, False, True, False])
    assert best_threshold(scores, right, truths=4) == 0.6
    assert best_threshold(scores, np.array([True, False, False, False, True]), truths=2) == 0.9
    assert best_threshold(scores, np.zeros(5, bool), truths=2) is None
    assert best_threshold(np.zeros(0), np.zeros(0, bool), truths=2) is None


def test_a_net_that_says_nothing_finds_nothing():
    corners = np.random.default_rng(0).random((7, 4))
    found, names, scores = best_boxes(np.full((7, 3), -20.0), corners, suppression=0.5, most=5)
    assert (found.shape, len(names), len(scores)) == ((0, 4), 0, 0)
