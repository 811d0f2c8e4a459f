"""Differences of strength against a general optimiser, against figures published by others, and against simulations."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import minimize

from sounding.arena.elo import elo_difference, elo_of, sequential_test, share_of
from sounding.arena.pairs import SHARES, likely_means, log_likelihood, pentanomial
from sounding.contract.evidence import Bound
from sounding.errors import UsageError

COUNTS = [[10, 20, 30, 25, 15], [0, 3, 12, 8, 0], [0, 0, 5, 0, 9], [40, 0, 0, 0, 2], [1, 0, 0, 0, 0]]


def by_optimiser(counts, mean: float) -> float:
    """The greatest log likelihood of five probabilities with this mean."""
    counts = np.array(counts, float)
    conditions = [
        {"type": "eq", "fun": lambda p: p.sum() - 1},
        {"type": "eq", "fun": lambda p: p @ SHARES - mean},
    ]
    start = np.full(5, 0.2)
    found = minimize(
        lambda p: -counts @ np.log(np.maximum(p, 1e-300)) / counts.sum(),
        start,
        jac=lambda p: -counts / np.maximum(p, 1e-300) / counts.sum(),
        bounds=[(1e-12, 1)] * 5,
        constraints=conditions,
        method="SLSQP",
        options={"maxiter": 1000, "ftol": 1e-14},
    )
    return -found.fun * counts.sum()


@pytest.mark.parametrize("counts", COUNTS)
@pytest.mark.parametrize("mean", [0.2, 0.5, 0.65, 0.9])
def test_the_most_probable_distribution_is_that_of_an_optimiser(counts, mean):
    assert log_likelihood(counts, mean) == pytest.approx(by_optimiser(counts, mean), abs=2e-3)


def test_pairs_are_counted_by_their_points():
    pairs = [[0, 0], [0.5, 0], [1, 0], [0.5, 0.5], [0, 1], [1, 0.5], [1, 1], [1, 1]]
    assert pentanomial(pairs).tolist() == [1, 1, 3, 1, 2]


@pytest.mark.parametrize(
    ("counts", "elo", "error"),
    [
        ([34, 54, 31 + 32, 64, 75], 55.58, 27.65),
        ([332, 433, 457 + 41, 333, 334], -8.64, 10.33),
        ([7895, 8757, 5485 + 200, 568, 9999], -21.04, 2.95),
    ],
)
def test_differences_are_those_that_fastchess_expects(counts, elo, error):
    """From its own tests (app/tests/elo_test.cpp); its interval is the normal one, which is near to ours for many."""
    found = elo_difference(counts)
    assert found.value == pytest.approx(elo, abs=0.01)
    assert (found.high - found.low) / 2 == pytest.approx(error, rel=0.02)
    assert found.n == sum(counts)


@pytest.mark.parametrize(
    ("counts", "low", "high", "ratio"),
    [([223, 9863, 21279, 10037, 246], 0.5, 2.5, -3.07), ([871, 26175, 55983, 26678, 821], 0, 2, -4.98)],
)
def test_ratios_of_the_sequential_test_are_those_that_fastchess_expects(counts, low, high, ratio):
    """From its own tests (app/tests/sprt_test.cpp), given to two decimals."""
    assert sequential_test(counts, low, high).ratio == pytest.approx(ratio, abs=0.01)


def test_the_usual_width_near_even_odds():
    """Without draws 95 % are within 681 / sqrt(games) Elo: 68 for 100 independent games."""
    found = elo_difference([12.5, 0, 25, 0, 12.5])
    assert found.value == pytest.approx(0, abs=1e-9)
    assert found.high == pytest.approx(68, abs=2)
    assert found.low == pytest.approx(-found.high)


def test_a_share_is_an_elo_and_back():
    assert elo_of(0.75) == pytest.approx(190.85, abs=0.01)
    assert share_of(400) == pytest.approx(10 / 11)
    assert elo_of(share_of(-123.4)) == pytest.approx(-123.4)
    assert elo_of(1) == math.inf


def test_who_won_all_is_better_by_at_least_something():
    found = elo_difference([0, 0, 0, 0, 50])
    assert found.value == pytest.approx(elo_of(math.exp(-(1.959964**2) / 2 / 50)), abs=0.1)  # mean μ: likelihood μ^50
    assert (found.low, found.high, found.bound) == (None, None, Bound.LOWER)
    worse = elo_difference([50, 0, 0, 0, 0])
    assert (worse.value, worse.bound) == (pytest.approx(-found.value), Bound.UPPER)
    assert elo_difference([0, 0, 0, 1, 49]).high > found.value  # nearly all is no bound


def test_draws_and_paired_results_make_the_interval_shorter():
    independent = elo_difference([25, 0, 50, 0, 25])
    paired = elo_difference([5, 0, 90, 0, 5])
    drawn = elo_difference([0, 0, 100, 0, 0])
    assert paired.high < independent.high
    assert 0 < drawn.high < paired.high


@pytest.mark.parametrize("truth", [[0.1, 0.2, 0.3, 0.25, 0.15], [0.0, 0.05, 0.15, 0.3, 0.5]])
def test_intervals_hold_the_truth_as_often_as_they_say(truth):
    rng = np.random.default_rng(0)
    mean = np.array(truth) @ SHARES
    held = 0
    for counts in rng.multinomial(60, truth, size=150):
        low, high = likely_means(counts)
        held += low <= mean <= high
    assert 0.9 <= held / 150 <= 0.995  # 3 standard errors are 5 percent


@pytest.mark.parametrize(("elo", "verdict"), [(0, "not better"), (60, "better")])
def test_the_sequential_test_is_rarely_wrong(elo, verdict):
    """Against 0 and 60 Elo, with 5 % of errors of either kind."""
    rng = np.random.default_rng(1)
    p = share_of(elo)
    right, lengths = 0, []
    for _ in range(100):
        counts = np.zeros(5)
        said = "open"
        while said == "open":
            counts += pentanomial(rng.random((16, 2)) < p)
            said = sequential_test(counts, 0, 60).verdict
        right += said == verdict
        lengths.append(counts.sum())
    assert right / 100 > 0.9
    assert np.mean(lengths) < 300


def test_bounds_of_the_test_are_walds():
    found = sequential_test([10, 10, 10, 10, 10], 0, 10)
    assert (found.least, found.most) == (pytest.approx(-2.944, abs=0.001), pytest.approx(2.944, abs=0.001))
    assert (found.pairs, found.verdict) == (50, "open")


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: elo_difference([0, 0, 0, 0, 0]), "not the results of pairs"),
        (lambda: elo_difference([1, 2, 3]), "not the results of pairs"),
        (lambda: pentanomial([[0.3, 1]]), "0, 0.5 or 1"),
        (lambda: sequential_test([1, 1, 1, 1, 1], 5, 5), "asks nothing"),
        (lambda: sequential_test([1, 1, 1, 1, 1], 0, 5, alpha=0.5), "no odds"),
    ],
)
def test_what_is_no_result_is_refused(call, said):
    with pytest.raises(UsageError, match=said):
        call()
