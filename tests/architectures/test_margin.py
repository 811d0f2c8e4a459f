"""Margin softmax against the papers' formulas, and the embedding net's shapes and buffers."""

import math

import pytest
import torch
import torch.nn.functional as F

from sounding.architectures.margin import MarginSoftmax, Verifier, embedder
from sounding.errors import UsageError


def cosines(head, e):
    return F.normalize(e) @ F.normalize(head.centres).T


@pytest.mark.parametrize("kind", ["cosface", "arcface"])
def test_the_own_logit_is_that_of_the_paper_and_the_others_are_plain(kind):
    torch.manual_seed(0)
    head = MarginSoftmax(8, 5, scale=30.0, margin=0.3, kind=kind)
    e, own = torch.randn(7, 8), torch.arange(7) % 5
    plain, logits = cosines(head, e), head(e, own)
    mine = plain[torch.arange(7), own]
    wanted = mine - 0.3 if kind == "cosface" else torch.cos(torch.acos(mine) + 0.3)
    torch.testing.assert_close(logits[torch.arange(7), own], 30 * wanted, rtol=1e-4, atol=1e-4)
    others = torch.ones(7, 5, dtype=torch.bool).scatter(1, own[:, None], False)
    torch.testing.assert_close(logits[others], 30 * plain[others])
    torch.testing.assert_close(head(e, own, 0.0), 30 * plain)


def test_arcface_stays_monotone_where_the_angle_would_pass_pi():
    head = MarginSoftmax(2, 1, scale=1.0, margin=0.5, kind="arcface")
    head.centres.data = torch.tensor([[1.0, 0.0]])
    angles = torch.linspace(0.05, math.pi - 0.01, 60)
    e = torch.stack([angles.cos(), angles.sin()], dim=1)
    logits = head(e, torch.zeros(60, dtype=torch.long))[:, 0]
    assert (logits.diff() < 0).all()


@pytest.mark.parametrize(("network", "side"), [("auto", (24, 24)), ("resnet", (24, 24)), ("auto", (80, 72))])
def test_embeddings_have_the_asked_size_and_every_parameter_a_gradient(network, side):
    torch.manual_seed(0)
    net = embedder(network, 1, side, 12, 8)
    model = Verifier(net, MarginSoftmax(12, 6)).train()
    for norm in [m for m in net.modules() if isinstance(m, torch.nn.BatchNorm2d) and m.affine]:
        torch.nn.init.ones_(norm.weight)  # residual blocks begin as their shortcuts, with no gradient inside
    e = model(torch.rand(5, 1, *side))
    assert e.shape == (5, 12)
    F.cross_entropy(model.logits(e, torch.arange(5)), torch.arange(5)).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())


def test_an_unknown_network_is_named():
    with pytest.raises(UsageError, match="no backbone 'resnt'"):
        embedder("resnt", 1, (24, 24), 8)


def test_a_training_step_makes_the_threshold_void_and_the_margin_rises():
    model = Verifier(embedder("fast", 1, (16, 16), 8, 4), MarginSoftmax(8, 3, scale=10.0, margin=0.4), rising=2)
    model.set_calibration(10.0, -3.0, 0.5, 0.01, [0.9] * len(model.TAIL))
    assert model.calibrated
    assert float(model.odds(torch.tensor([0.4]))) == pytest.approx(1.0)
    e, own = torch.randn(1, 8), torch.tensor([1])
    plain = model.eval().logits(e, own)[0, 1].item()
    assert model.calibrated
    steps = [model.train().logits(e, own)[0, 1].item() for _ in range(3)]
    assert [plain - step for step in steps] == pytest.approx([2.0, 4.0, 4.0], abs=1e-4)
    assert not model.calibrated


def test_what_was_set_is_saved_with_the_weights():
    first, second = (Verifier(embedder("fast", 1, (16, 16), 8, 4), MarginSoftmax(8, 3)) for _ in range(2))
    first.set_calibration(10.0, -3.0, 0.5, 0.01, [0.9] * len(first.TAIL))
    assert not second.calibrated
    second.load_state_dict(first.state_dict())
    assert second.calibrated
    assert float(second.rate) == pytest.approx(0.01)
