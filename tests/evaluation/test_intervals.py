"""Intervals against closed forms, scipy, and the only test that matters: simulated coverage."""

import time

import numpy as np
import pytest
from scipy import special, stats

from sounding.contract.metrics import mean
from sounding.errors import DataError, UsageError
from sounding.evaluation.intervals import (
    bootstrap,
    clopper_pearson,
    mean_t,
    paired_difference,
    proportion,
    wilson,
)
from sounding.evaluation.quantiles import beta_cdf, t_quantile


def average(x):
    return np.add.reduce(x) / len(x)


def ratio(x):
    above, below = np.ones(len(x)) @ x
    return above / below


def coverage(draw, truth, simulations=500):
    """The share of simulated intervals that hold `truth`."""
    rng = np.random.default_rng(7)
    found = [draw(rng, seed) for seed in range(simulations)]
    return np.mean([e.low <= truth <= e.high for e in found])


# ---- values known from elsewhere


def test_wilson_matches_published_values():
    sst2, perfect = wilson(806, 872), wilson(10, 10)
    assert (round(sst2.low, 3), round(sst2.high, 3)) == (0.905, 0.940)
    assert (round(perfect.low, 4), perfect.high) == (0.7225, 1.0)  # Brown, Cai and DasGupta 2001: n / (n + z²)
    assert (sst2.n, sst2.level, sst2.interval) == (872, 0.95, "wilson")


@pytest.mark.parametrize(("hits", "n"), [(0, 10), (10, 10), (24, 50), (1, 7), (9400, 10_000)])
@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
def test_proportion_intervals_match_scipy(hits, n, level):
    oracle = stats.binomtest(hits, n)
    for ours, method in ((wilson, "wilson"), (clopper_pearson, "exact")):
        found, expected = ours(hits, n, level), oracle.proportion_ci(level, method)
        assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_clopper_pearson_matches_published_value():
    found = clopper_pearson(0, 10)
    assert found.low == 0
    assert found.high == pytest.approx(0.3085, abs=5e-5)  # 1 - 0.025^(1/10)


def test_quantiles_match_scipy():
    rng = np.random.default_rng(0)
    for a, b in np.exp(rng.uniform(np.log(0.3), np.log(3000), (200, 2))):
        x = rng.beta(a, b)
        assert beta_cdf(x, a, b) == pytest.approx(special.betainc(a, b, x), abs=1e-10)
    for freedom in (1, 2, 5, 29, 871, 999_999):
        assert t_quantile(0.95, freedom) == pytest.approx(stats.t.ppf(0.975, freedom), rel=1e-8)


def test_mean_t_matches_scipy():
    values = [0.81, 0.84, 0.80, 0.86]
    found = mean_t(values, "seeds")
    low, high = stats.t.interval(0.95, 3, np.mean(values), stats.sem(values))
    assert (found.low, found.high, found.interval) == (pytest.approx(low), pytest.approx(high), "t over 4 seeds")
    assert mean_t(values[:2]).low is None


def test_jackknife_of_a_mean_is_the_t_interval_over_equal_clusters():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(6, 20)) + rng.normal(size=(6, 1))
    found = bootstrap(x.ravel(), mean, groups=np.repeat(list("abcdef"), 20))
    expected = mean_t(x.mean(1))
    assert (found.low, found.high) == (pytest.approx(expected.low), pytest.approx(expected.high))
    assert (found.n, found.interval) == (6, "t over 6 clusters")


def test_bootstrap_of_a_mean_is_near_its_normal_interval():
    x = np.random.default_rng(1).exponential(size=2000)
    found = bootstrap(x, mean)
    half = 1.96 * x.std() / np.sqrt(len(x))
    assert (found.low, found.high) == pytest.approx((x.mean() - half, x.mean() + half), abs=0.1 * half)


@pytest.mark.parametrize("groups", [None, [str(i % 30) for i in range(100)]])
def test_a_mean_which_is_taken_of_many_draws_at_once_has_the_interval_of_any_other_measure(groups):
    x, y = np.random.default_rng(2).exponential(size=(2, 100))
    for at_once, one_by_one in (
        (bootstrap(x, mean, groups), bootstrap(x, average, groups)),
        (paired_difference(x, y, mean, groups), paired_difference(x, y, average, groups)),
    ):
        expected = (one_by_one.value, one_by_one.low, one_by_one.high)
        assert (at_once.value, at_once.low, at_once.high) == pytest.approx(expected, rel=1e-12)
        assert (at_once.n, at_once.interval) == (one_by_one.n, one_by_one.interval)


# ---- coverage: 95 % intervals hold the truth 92 to 98 times in 100


@pytest.mark.parametrize(("share", "n"), [(0.9, 100), (0.5, 30), (0.97, 500)])
def test_wilson_covers(share, n):
    assert 0.92 <= coverage(lambda rng, seed: wilson(rng.binomial(n, share), n), share, 2000) <= 0.98


@pytest.mark.parametrize(("share", "n"), [(0.9, 100), (0.5, 30), (0.97, 100)])
def test_clopper_pearson_covers_at_least_its_level(share, n):
    """Exact means conservative: it may exceed 98 % (0.97 of 100 does), and is never below 95 % but for noise."""
    intervals = [clopper_pearson(hits, n) for hits in range(n + 1)]
    assert coverage(lambda rng, seed: intervals[rng.binomial(n, share)], share, 2000) >= 0.945


def test_bootstrap_of_a_skewed_mean_covers():
    def draw(rng, seed):
        return bootstrap(rng.gamma(2, size=100), mean, seed=seed, resamples=400)

    assert 0.92 <= coverage(draw, 2.0) <= 0.98


def test_bootstrap_of_a_ratio_covers():
    """Word error rate: edits over words, in sentences of 3 to 25 words whose difficulty differs."""

    def draw(rng, seed):
        words = rng.integers(3, 26, 120)
        edits = rng.binomial(words, rng.beta(1, 4, 120))
        return bootstrap(np.stack([edits, words], 1).astype(float), ratio, seed=seed, resamples=400)

    assert 0.92 <= coverage(draw, 0.2) <= 0.98


def test_clustered_bootstrap_covers_where_the_plain_one_does_not():
    groups = np.repeat([f"speaker {i}" for i in range(30)], 10)

    def sample(rng):
        return rng.normal(size=300) + np.repeat(rng.normal(size=30), 10)

    clustered = coverage(lambda rng, seed: bootstrap(sample(rng), mean, groups, seed, 400), 0.0)
    naive = coverage(lambda rng, seed: bootstrap(sample(rng), mean, None, seed, 200), 0.0, 200)
    assert 0.92 <= clustered <= 0.98
    assert naive < 0.8


@pytest.mark.parametrize("clusters", [6, 30])
def test_clustered_proportion_covers(clusters):
    """Speakers of unequal size, who are understood 50 to 100 % of the time."""

    def draw(rng, seed):
        sizes = rng.integers(10, 31, clusters)
        hits = rng.random(sizes.sum()) < np.repeat(rng.beta(8, 2, clusters), sizes)
        return proportion(hits, np.repeat(np.arange(1, clusters + 1).astype(str), sizes), seed, 400)

    assert 0.92 <= coverage(draw, 0.8) <= 0.98


def test_t_over_six_clusters_covers_a_ratio():
    groups = np.repeat(list("abcdef"), 20)

    def draw(rng, seed):
        words = rng.integers(5, 20, 120)
        edits = rng.binomial(words, np.repeat(rng.beta(8, 32, 6), 20))
        return bootstrap(np.stack([edits, words], 1).astype(float), ratio, groups, seed)

    assert 0.92 <= coverage(draw, 0.2) <= 0.98


def test_paired_difference_covers():
    def sample(rng):
        hard = rng.beta(4, 1, 200)
        return [(rng.random(200) < np.clip(hard + shift, 0, 1)).astype(float) for shift in (0.0, -0.1)]

    rng = np.random.default_rng(0)
    hard = rng.beta(4, 1, 2_000_000)
    truth = float(np.mean(hard - np.clip(hard - 0.1, 0, 1)))

    def draw(rng, seed):
        return paired_difference(*sample(rng), mean, seed=seed, resamples=400)

    assert 0.92 <= coverage(draw, truth) <= 0.98


def test_mean_t_covers_with_three_seeds():
    assert 0.92 <= coverage(lambda rng, seed: mean_t(rng.normal(0.8, 0.02, 3)), 0.8, 2000) <= 0.98


# ---- pairing, grouping, edges


def test_paired_difference_of_a_copy_is_exactly_zero():
    x = np.random.default_rng(0).random(300)
    for groups in (None, [str(i % 40) for i in range(300)], [str(i % 4) for i in range(300)]):
        found = paired_difference(x, x.copy(), mean, groups)
        assert (found.value, found.low, found.high) == (0.0, 0.0, 0.0)


def test_pairing_cancels_what_both_share():
    rng = np.random.default_rng(0)
    hard = rng.normal(size=500)
    a, b = hard + 0.1 * rng.normal(size=500) + 0.05, hard + 0.1 * rng.normal(size=500)
    paired, alone = paired_difference(a, b, mean), bootstrap(a, mean)
    assert paired.low > 0
    assert paired.high - paired.low < 0.2 * (alone.high - alone.low)
    assert paired.interval == "paired bootstrap"


def test_the_same_seed_gives_the_same_interval():
    x = np.random.default_rng(0).random(50)
    assert bootstrap(x, mean, seed=4) == bootstrap(x, mean, seed=4)
    assert bootstrap(x, mean, seed=4) != bootstrap(x, mean, seed=5)


def test_rows_without_a_group_stand_alone():
    hits = np.random.default_rng(0).random(40) < 0.7
    assert proportion(hits, [""] * 40) == wilson(hits.sum(), 40)
    assert proportion(hits, ["a", "a"] + [""] * 38).n == 39


def test_clustered_proportion_at_the_boundary_counts_clusters():
    found = proportion([1] * 60, [str(i % 12) for i in range(60)])
    assert (found.value, found.high) == (1.0, 1.0)
    assert found.low == pytest.approx(wilson(12, 12).low)
    assert found.interval == "wilson over 12 clusters"


def test_edges():
    for nothing in (lambda: wilson(0, 0), lambda: bootstrap(np.empty(0), mean), lambda: mean_t([])):
        with pytest.raises(DataError, match="nothing to"):
            nothing()
    with pytest.raises(UsageError):
        wilson(11, 10)
    with pytest.raises(UsageError, match="paired"):
        paired_difference(np.ones(3), np.ones(4), mean)
    with pytest.raises(UsageError, match="groups"):
        bootstrap(np.ones(30), mean, ["a"])
    one = bootstrap(np.array([0.4]), mean)
    assert (one.value, one.low, one.high, one.interval) == (0.4, None, None, "none")
    assert bootstrap(np.ones(30), mean, ["a"] * 30).low is None  # one cluster says nothing of others
    assert wilson(1, 1).low > 0.2


def test_an_undefined_metric_has_no_interval():
    nowhere = bootstrap(np.full(50, np.nan), mean)
    assert np.isnan(nowhere.value)
    assert nowhere.low is None
    rare = np.zeros((50, 2))
    rare[0] = (1, 1)  # undefined on the draws, about a third, that miss row 0
    with np.errstate(invalid="ignore"):
        assert bootstrap(rare, ratio).interval == "none"


def test_bootstrap_is_fast_on_ten_thousand_rows():
    x = np.random.default_rng(0).integers(0, 9, (10_000, 2)) + 1
    for groups in (None, [str(i % 700) for i in range(10_000)]):
        start = time.process_time()
        bootstrap(x, ratio, groups)
        assert time.process_time() - start < 2
