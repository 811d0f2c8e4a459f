"""Certificates against models whose smoothed radius is known exactly, and against what cannot be certified."""

import json
import math
import re
from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest
import torch
from challenges import toys
from challenges.toys import PARTS, WIDTH, Counted, Guess, Pair, Read, Sort, context, linear, rows, small, trained
from torch import nn

from sounding.challenges import certificate
from sounding.challenges.disturbances.smoothing import NOBODY, election, leader, radius, winners
from sounding.contract.records import Example
from sounding.evaluation.challenge import NotMeasured
from sounding.randomness import generator

SIGMA, ALPHA = 0.25, 0.001
PHI = NormalDist()


class Constant(nn.Module):
    """The same logits for every input."""

    def __init__(self, logits) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.tensor(logits))

    def forward(self, x):
        return self.logits.expand(len(x), -1)


@pytest.fixture
def plane():
    """A linear model of two kinds, some inputs, and the distance of each from the border: margin / ‖w‖."""
    rng = np.random.default_rng(0)
    weights = rng.normal(size=PARTS * WIDTH)
    inputs = rng.random((40, PARTS * WIDTH)).astype(np.float32)
    bias = -float((inputs @ weights).mean())
    distances = (inputs @ weights + bias) / np.linalg.norm(weights)
    return Pair(linear(weights, bias)), inputs, distances


@pytest.fixture(autouse=True)
def brief(monkeypatch):
    """A plan that costs little; which sections are skipped stays as it is."""
    plan = certificate.PLANS["standard"]
    monkeypatch.setitem(certificate.PLANS, "standard", replace(plan, rows=40, draws=500))


def certified(inputs, kinds, model, **more):
    test = [Example(x, int(k)) for x, k in zip(inputs, kinds, strict=True)]
    return toys.measured(certificate, context(Sort(small()), model, test, profile="standard", **more))


# ---- radii


def test_the_radius_of_a_linear_model_is_below_its_distance_from_the_border_and_near_it(plane):
    """Under noise of σ the nearer side wins with probability Φ(distance / σ), so σ Φ⁻¹ of it is the distance."""
    model, inputs, distances = plane
    task = Sort(small())
    for draws in (500, 4000):
        for i in np.argsort(-abs(distances))[::5]:
            true = abs(float(distances[i]))
            x = task.input.encode([inputs[i]])
            votes = election(task, model, x, SIGMA, draws, generator("test", draws, int(i)))
            kind = int(distances[i] > 0)
            found = radius(int(votes[kind]), draws, SIGMA, ALPHA)
            p = PHI.cdf(true / SIGMA)
            slack = 4 * math.sqrt(p * (1 - p) / draws)
            least = radius(max(0, math.floor(draws * (p - slack))), draws, SIGMA, ALPHA)
            assert votes.sum() == draws
            assert least <= found <= true


def test_more_draws_prove_more(plane):
    hits = [(900, 1000), (9000, 10_000), (90_000, 100_000)]
    radii = [radius(a, n, SIGMA) for a, n in hits]
    assert radii == sorted(radii)
    assert radii[-1] < SIGMA * PHI.inv_cdf(0.9)
    assert radii[-1] == pytest.approx(SIGMA * PHI.inv_cdf(0.9), rel=0.02)


def test_a_vote_without_dissent_proves_what_the_paper_says():
    """All N agree: p is at least α^(1/N)."""
    for n in (200, 1000, 10_000, 100_000):
        assert radius(n, n, 1.0, ALPHA) == pytest.approx(PHI.inv_cdf(ALPHA ** (1 / n)), rel=1e-9)


def test_half_of_the_votes_prove_nothing():
    assert radius(500, 1000, SIGMA) == 0
    assert radius(530, 1000, SIGMA) == 0  # above one half, but not surely so
    assert radius(0, 1000, SIGMA) == 0
    assert radius(570, 1000, SIGMA) > 0


@pytest.mark.parametrize("p", [0.55, 0.8, 0.99])
def test_the_radius_is_too_long_at_most_as_often_as_alpha(p):
    n, alpha, times = 300, 0.05, 4000
    hits = np.random.default_rng(1).binomial(n, p, times)
    radii = {h: radius(int(h), n, 1.0, alpha) for h in set(hits.tolist())}
    failed = np.mean([radii[h] > PHI.inv_cdf(p) for h in hits.tolist()])
    assert failed <= alpha + 3 * math.sqrt(alpha * (1 - alpha) / times)
    assert failed > 0.01  # the bound is a bound, not a rejection


def test_nobody_leads_without_votes():
    assert leader(np.array([0, 0, 0])) == NOBODY
    assert leader(np.array([1, 5, 5])) == 1


# ---- votes


def test_winners_are_what_the_model_answers():
    task = Sort(small())
    model, test = trained(task, rows(task, 100)), rows(task, 50, "test")
    answers = [p.value for p in task.predict(model, [e.input for e in test])]
    with torch.no_grad():
        assert winners(task, model, task.input.encode([e.input for e in test])).tolist() == answers


def test_every_option_costs_one_pass_together():
    task = Sort(small())
    model = Counted(task.build())
    election(task, model, torch.rand(1, PARTS * WIDTH), SIGMA, 64, generator("test"))
    assert model.calls == 2  # two batches of 32


# ---- the section


def test_the_share_of_rows_is_what_the_distances_say(plane):
    model, inputs, distances = plane
    kinds = distances > 0
    kinds[:4] = ~kinds[:4]  # wrong rows are never certified, however far from the border
    section = certified(inputs, kinds, model)
    for r, name in ((0.0, "r0"), (0.25, "r0_25"), (0.5, "r0_5")):
        found = section[f"certified_s0_25_{name}"]
        assert found.value <= np.mean((abs(distances) > r)[4:].tolist() + [0] * 4)
        assert found.value >= np.mean((abs(distances[4:]) > r * 1.3 + 0.06).tolist() + [0] * 4)
        assert found.interval == "wilson"
    assert section["clean"].value == pytest.approx(0.9)
    assert section["certified_s0_25_r0"].value > section["certified_s0_25_r0_25"].value > 0
    assert all(n.kind == "bound" and "lower bound" in n.definition for n in section.numbers if "certified" in n.id)
    assert all("500 draws" in n.definition and "α = 0.001" in n.definition for n in section.numbers[:3])
    assert "without noise usually certifies little" in section.sentence


def test_a_constant_model_certifies_every_row_of_its_kind_as_far_as_the_draws_reach(plane):
    _, inputs, _ = plane
    section = certified(inputs, np.arange(40) % 4 == 0, Constant([1.0, 0.0]))
    assert section["certified_s0_25_r0"].value == section["certified_s0_25_r0_5"].value == 0.75
    assert section["abstained_s0_25"].value == 0


def test_a_model_that_gives_nan_abstains_everywhere(plane):
    _, inputs, _ = plane
    section = certified(inputs, np.zeros(40), Constant([math.nan, 0.0]))
    assert section.status == "ok"
    assert section["certified_s0_25_r0"].value == section["clean"].value == 0
    assert section["certified_s0_25_r0"].low == 0


def test_a_truth_that_no_training_row_had_is_not_certified(plane):
    _, inputs, _ = plane
    section = certified(inputs, np.full(40, 7), Constant([1.0, 0.0]))
    assert section["certified_s0_25_r0"].value == 0


def test_no_answer_to_an_unknown_truth_is_not_a_right_answer(plane):
    _, inputs, _ = plane
    assert certified(inputs, np.full(40, 7), Constant([math.nan, 0.0]))["clean"].value == 0


def test_few_rows_give_wide_intervals(plane):
    _, inputs, _ = plane
    found = certified(inputs[:5], np.zeros(5), Constant([1.0, 0.0]))["certified_s0_25_r0_5"]
    assert found.value == 1
    assert found.low < 0.6


def test_rows_of_one_group_count_together(plane):
    model, inputs, distances = plane
    test = [Example(x, int(d > 0), f"g{i % 12}") for i, (x, d) in enumerate(zip(inputs, distances, strict=True))]
    section = toys.measured(certificate, context(Sort(small()), model, test, profile="standard"))
    assert section["certified_s0_25_r0_25"].n == 12


def test_the_same_seed_proves_the_same(plane):
    model, inputs, distances = plane
    a, b, c = (certified(inputs, distances > 0, model, seed=seed) for seed in (3, 3, 4))
    assert [n.estimate for n in a.numbers] == [n.estimate for n in b.numbers]
    assert a["certified_s0_25_r0"].value == pytest.approx(c["certified_s0_25_r0"].value, abs=0.2)


@pytest.fixture
def slow(monkeypatch):
    """Elections of a thousand votes a second, by a clock that only they move."""
    now = [0.0]

    def vote(task, model, x, sigma, draws, rng):
        now[0] += draws / 1000
        return election(task, model, x, sigma, draws, rng)

    monkeypatch.setattr(certificate, "election", vote)
    monkeypatch.setattr(certificate.time, "perf_counter", lambda: now[0])
    return now


def test_rows_and_then_draws_are_cut_to_the_time(plane, slow):
    model, inputs, distances = plane
    bench = context(Sort(small()), model, [Example(x, int(d > 0)) for x, d in zip(inputs, distances, strict=True)])

    def taken(seconds):
        slow[0] = 0.0
        return certificate.certify(bench, certificate.Plan(40, 500, (SIGMA,), seconds)), slow[0]

    whole, _ = taken(60.0)  # 40 rows cost 4 s for first votes and half a second each for the long ones
    assert (whole.radii.shape[1], whole.draws) == (40, 500)
    assert whole.rate == pytest.approx(1000)
    cut, spent = taken(16.0)
    assert 20 <= cut.radii.shape[1] < 40
    assert cut.draws == 500
    assert spent < 16 * 1.1
    tight, spent = taken(9.0)
    assert tight.radii.shape[1] == 20
    assert 200 <= tight.draws < 500
    assert spent < 9 * 1.1
    with pytest.raises(NotMeasured, match="do not fit into 5 s"):
        taken(5.0)
    assert slow[0] < 1
    np.testing.assert_array_equal(cut.radii, whole.radii[:, : cut.radii.shape[1]])  # the rows that are kept are chance


def test_a_cut_is_said(plane, slow, monkeypatch):
    model, inputs, distances = plane
    monkeypatch.setitem(certificate.PLANS, "standard", certificate.Plan(40, 500, (SIGMA,), 16.0))
    notes = " ".join(certified(inputs, distances > 0, model).details["notes"])
    assert re.search(r"Only \d\d of 40 rows were looked at", notes)
    assert "draws a row were made" not in notes
    monkeypatch.setitem(certificate.PLANS, "standard", certificate.Plan(40, 500, (SIGMA,), 9.0))
    slow[0] = 0.0
    assert "of 500 draws a row were made" in " ".join(certified(inputs, distances > 0, model).details["notes"])


def test_what_cannot_be_certified_says_why(plane):
    model, inputs, _ = plane
    test = [Example(inputs[0], 0)]
    words = rows(Read(small()), 5)
    cases = [
        (context(Read(small()), Read(small()).build(), words, profile="full"), "not_applicable", "is not continuous"),
        (context(Guess(small()), linear(np.ones(16)), test, profile="full"), "not_applicable", "no finite list"),
        (context(Sort(small()), model, [], profile="full"), "not_applicable", "no test rows"),
        (context(Sort(small()), model, test), "skipped", "--standard or --full"),
    ]
    for bench, status, reason in cases:
        section = toys.measured(certificate, bench)
        assert section.status == status
        assert re.search(reason, section.reason)


def test_the_model_is_left_as_it_was():
    task = Sort(small())
    model = nn.Sequential(nn.Linear(PARTS * WIDTH, 2), nn.Dropout(0.5)).train()
    section = toys.measured(certificate, context(task, model, rows(task, 10), profile="standard"))
    assert section.status == "ok"
    assert model.training
    assert model[1].training
    assert all(p.requires_grad for p in model.parameters())


def test_the_section_is_strict_json(plane):
    model, inputs, distances = plane
    section = certified(inputs, distances > 0, model)
    assert json.dumps(section.to_json(), allow_nan=False)
    assert section.figures[0].svg.startswith("<svg")
