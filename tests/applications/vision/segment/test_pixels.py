"""Losses over pixels: against torch and by hand, without the pixels that nobody labelled."""

import math

import pytest
import torch
import torch.nn.functional as F

from sounding.applications.vision.segment.pixels import balanced, cross_entropy, dice
from sounding.contract.records import grouped

VOID = 255


@pytest.fixture
def logs():
    torch.manual_seed(0)
    return torch.randn(3, 4, 6, 5).log_softmax(1)


@pytest.fixture
def truth():
    torch.manual_seed(1)
    return torch.randint(4, (3, 6, 5))


def test_cross_entropy_is_the_mean_over_labelled_pixels(logs, truth):
    truth[0, :3] = VOID
    expected = [F.cross_entropy(a[None], t[None], ignore_index=VOID) for a, t in zip(logs, truth, strict=True)]
    torch.testing.assert_close(cross_entropy(logs, truth), torch.stack(expected))


def test_a_picture_without_labels_costs_nothing_and_has_no_slope(logs, truth):
    truth[1] = VOID
    logs.requires_grad_(True)
    for loss in (cross_entropy(logs, truth), dice(logs, truth)):
        assert loss[1] == 0
        assert torch.isfinite(loss).all()
        (slope,) = torch.autograd.grad(loss.sum(), logs)
        assert torch.isfinite(slope).all()
        assert (slope[1] == 0).all()
        assert (slope[0] != 0).any()


def test_weights_multiply_the_terms(logs, truth):
    weights = torch.tensor([1.0, 2.0, 0.0, 0.5])
    each = F.nll_loss(logs, truth, reduction="none") * weights[truth]
    torch.testing.assert_close(cross_entropy(logs, truth, weights), each.mean((1, 2)))


def test_dice_by_hand():
    truth = torch.tensor([[[0, 0, 1, VOID]]])
    p = torch.tensor([[0.8, 0.6, 0.1, 0.3], [0.1, 0.3, 0.7, 0.6], [0.1, 0.1, 0.2, 0.1]])[None, :, None]
    first = 1 - 2 * 1.4 / (1.5 + 2)  # what is not labelled counts for nothing
    second = 1 - 2 * 0.7 / (1.1 + 1)
    assert dice(p.log(), truth).item() == pytest.approx((first + second) / 2, abs=1e-6)  # the third class is not there


def test_dice_is_0_for_the_truth_and_1_for_none_of_it(truth):
    def sure(places):
        return (F.one_hot(places, 4).permute(0, 3, 1, 2) + 1e-9).log()

    assert dice(sure(truth), truth).abs().max() < 1e-6
    assert (dice(sure((truth + 1) % 4), truth) > 0.999).all()


def test_dice_does_not_forget_what_is_small():
    truth = torch.zeros(1, 20, 20, dtype=torch.long)
    truth[0, 5, 5] = 1
    blind = torch.tensor([0.999, 0.001]).log()[None, :, None, None].expand(1, 2, 20, 20)
    assert cross_entropy(blind, truth) < 0.02
    assert dice(blind, truth) > 0.45


def test_rarer_classes_weigh_more_and_pixels_weigh_1_on_average():
    shares = [0.6, 0.3, 0.09, 0.01]
    for softness in (1.02, 1.1, 2.0):
        weights = balanced(shares, softness)
        assert (weights.diff() > 0).all()
        assert float((weights * torch.tensor(shares)).sum()) == pytest.approx(1)
        assert float(weights[3] / weights[0]) == pytest.approx(
            math.log(softness + 0.6) / math.log(softness + 0.01), rel=1e-4
        )
    assert balanced(shares, 0).tolist() == [1, 1, 1, 1]


def test_grouped_keeps_the_order():
    assert grouped(["b", "a", "b", "c", "a"]) == {"b": [0, 2], "a": [1, 4], "c": [3]}
    assert grouped([]) == {}
