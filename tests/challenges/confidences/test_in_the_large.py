"""The test of the mean: scipy's exact test and full enumeration as oracles, its alarms counted, and what is said."""

from itertools import product

import numpy as np
import pytest
from challenges import toys
from challenges.test_calibration import bench
from scipy import stats

from sounding.challenges import calibration
from sounding.challenges.confidences.confidence import Decisions
from sounding.challenges.confidences.in_the_large import _refined_normal, _upto, mean_gap, p_of_mean, two_sided
from sounding.contract.records import Record


@pytest.mark.parametrize(("share", "hits", "n"), [(0.628, 44, 50), (0.9, 40, 50), (0.5, 31, 60), (0.99, 99, 100)])
def test_equal_confidences_are_a_binomial_test(share, hits, n):
    tails = stats.binom.cdf(hits, n, share), stats.binom.sf(hits - 1, n, share)
    assert two_sided(np.full(n, share), hits) == pytest.approx(min(1.0, 2 * min(tails)))


def test_unequal_confidences_are_every_way_in_which_it_could_come():
    shares, chances = np.array([0.1, 0.35, 0.5, 0.8, 0.93, 0.99]), np.zeros(7)
    for way in product((0, 1), repeat=6):
        chances[sum(way)] += np.prod(np.where(way, shares, 1 - shares))
    for hits in range(7):
        tails = chances[: hits + 1].sum(), chances[hits:].sum()
        assert two_sided(shares, hits) == pytest.approx(min(1.0, 2 * min(tails)))


def test_very_many_decisions_have_a_normal_distribution():
    shares = np.random.default_rng(0).beta(8, 1, 4000)
    for count in (3480, 3530, 3560):
        assert _refined_normal(shares, count) == pytest.approx(_upto(shares, count), abs=2e-4)


def test_a_calibrated_model_is_called_otherwise_as_rarely_as_it_says():
    rng, alarms = np.random.default_rng(1), []
    for _ in range(600):
        said = rng.beta(6, 2, 50)
        alarms.append(p_of_mean(Decisions(said, rng.random(50) < said, [f"{i}" for i in range(50)])) <= 0.05)
    assert 0.01 <= np.mean(alarms) <= 0.065  # exact tests of counts err on the safe side


def test_groups_that_are_right_or_wrong_together_are_no_sign_of_a_shift():
    rng, alarms = np.random.default_rng(2), []
    for _ in range(60):
        hits = np.repeat(rng.random(30) < 0.8, 10)
        alarms.append(p_of_mean(Decisions(np.full(300, 0.8), hits, [f"g{i // 10}" for i in range(300)])) <= 0.05)
    assert np.mean(alarms) <= 0.15


def detections(said, right, n):
    """Records whose confidences lie around `said` and of which a share is right: too few for 15 bins."""
    rng = np.random.default_rng(4)
    scores, hits = np.clip(rng.normal(said, 0.08, n), 0.05, 0.99), np.arange(n) < round(right * n)
    return [Record(0, 0 if hit else 1, float(score), 0.1) for score, hit in zip(scores, hits, strict=True)]


def test_fifty_decisions_that_are_far_more_often_right_than_said_are_underconfident():
    found = toys.measured(calibration, bench(detections(0.628, 0.88, 50)))
    assert "The model is underconfident" in found.sentence
    assert found["mean_gap"].high < 0
    assert found["mean_gap_p"].value < 0.001
    assert mean_gap(Decisions(np.full(4, 0.5), np.ones(4, bool), list("abcd"))).low >= -1


def test_fifty_decisions_as_often_right_as_said_are_no_evidence():
    assert "No evidence" in toys.measured(calibration, bench(detections(0.8, 0.8, 50))).sentence
