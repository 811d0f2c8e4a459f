"""Error curves against scikit-learn and by hand; thresholds and odds on data whose truth is known."""

import math

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score, roc_curve

from sounding.applications.vision.faces import error_rates as v
from sounding.contract.records import Record
from sounding.evaluation.evaluation import estimate
from sounding.randomness import stream


def drawn(n=400, gap=1.5, seed=0, ties=False):
    rng = stream("verification", seed)
    genuine = rng.random(n) < 0.4
    scores = rng.normal(size=n) + gap * genuine
    return (scores.round(1) if ties else scores), genuine


@pytest.mark.parametrize("ties", [False, True])
def test_the_curve_and_its_area_are_those_of_scikit_learn(ties):
    scores, genuine = drawn(ties=ties)
    fpr, tpr, thresholds = roc_curve(genuine, scores, drop_intermediate=False)
    c = v.curve(scores, genuine)
    np.testing.assert_allclose(c.fmr, fpr)
    np.testing.assert_allclose(1 - c.fnmr, tpr)
    np.testing.assert_allclose(c.thresholds, thresholds)
    assert v.area(scores, genuine) == pytest.approx(roc_auc_score(genuine, scores))


def test_the_equal_error_rate_of_two_normal_distributions():
    rng = stream("eer")
    genuine = np.arange(40_000) % 2 == 0
    scores = rng.normal(size=40_000) + 2 * genuine
    assert v.equal_error_rate(scores, genuine) == pytest.approx(0.1587, abs=0.005)  # Phi(-1)


def test_perfect_useless_and_reversed_scores():
    genuine = np.array([True, True, False, False])
    for scores, eer, tar, area in (([3, 4, 1, 2], 0, 1, 1), ([1, 1, 1, 1], 0.5, 0, 0.5), ([1, 2, 3, 4], 1, 0, 0)):
        found = np.array(scores, float)
        assert v.equal_error_rate(found, genuine) == pytest.approx(eer)
        assert v.true_accept_rate(found, genuine, 0.01) == tar
        assert v.area(found, genuine) == area
    assert math.isnan(v.equal_error_rate(np.ones(3), np.ones(3, bool)))


def test_tar_at_far_by_hand():
    genuine = np.array([1, 0, 1, 1, 0, 0, 1, 0], bool)
    scores = np.array([8, 7, 6, 5, 4, 3, 2, 1], float)
    assert [v.true_accept_rate(scores, genuine, rate) for rate in (0, 0.25, 0.5, 1)] == [0.25, 0.75, 0.75, 1]


@pytest.mark.parametrize("rate", [0.0, 0.01, 0.1, 0.5, 1.0])
def test_a_threshold_accepts_at_most_its_rate_and_no_lower_one_does(rate):
    impostors = stream("impostors").normal(size=999).astype(np.float32).round(2)
    at = v.threshold(impostors, rate)
    assert (impostors >= at).mean() <= rate
    lower = impostors[impostors < at]
    assert not len(lower) or (impostors >= lower.max()).mean() > rate


def test_the_rule_of_thirty_says_which_rate_is_supported():
    assert v.supported(0.001, 30_000) == 0.001
    assert v.supported(0.001, 3_000) == 0.01
    assert v.supported(0.001, 10) == v.MOST_LENIENT


def test_a_threshold_that_was_set_on_some_people_holds_on_others():
    rng = stream("others")
    set_on, judged_on = rng.normal(size=(2, 200_000))
    at = v.threshold(set_on, 0.001)
    assert (judged_on >= at).mean() == pytest.approx(0.001, rel=0.3)


def test_the_logistic_curve_is_that_of_scikit_learn():
    scores, genuine = drawn(2000)
    model = LogisticRegression(C=1e6).fit(scores[:, None], genuine)
    assert v.logistic(scores, genuine) == pytest.approx((model.coef_[0, 0], model.intercept_[0]), rel=0.01)


def test_the_logistic_curve_stays_finite_and_never_turns_round():
    genuine = np.arange(20) % 2 == 0
    slope, offset = v.logistic(np.where(genuine, 0.9, 0.1), genuine)
    assert 0 < slope < 100
    assert slope * 0.5 + offset == pytest.approx(0, abs=1e-3)
    assert v.logistic(np.where(genuine, 0.1, 0.9), genuine)[0] == 0
    assert v.logistic(np.full(20, 0.3), genuine)[0] == pytest.approx(0, abs=1e-6)


def test_comparisons_are_all_pairs_of_different_names():
    rng = stream("comparisons")
    e = rng.normal(size=(1100, 3))
    names = [str(i % 7) for i in range(1100)]
    found = v.comparisons(e, names)
    mask = np.triu(np.array(names)[:, None] != np.array(names), 1)
    np.testing.assert_allclose(np.sort(found), np.sort((e @ e.T)[mask]))


# ---- the metrics


def record(p, same, answer=None, group=""):
    return Record(p >= 0.5 if answer is None else answer, same, max(p, 1 - p), 0.0, group, np.array([1 - p, p]))


def by_name():
    return {metric.name: metric for metric in v.metrics(lambda value: value)}


def test_accuracy_and_errors_are_judged_by_the_answer_and_another_accuracy_at_even_odds():
    records = [record(0.9, True), record(0.8, True, False), record(0.7, False, False), record(0.1, False)]
    records += [record(0.9, True, False)] * 4
    found = {name: metric.value(records) for name, metric in by_name().items()}
    assert found["accuracy"] == 3 / 8
    assert found["even-odds accuracy"] == 7 / 8
    assert found["FMR"] == 0
    assert found["FNMR"] == 5 / 6
    assert found["AUC"] == 1
    assert [hit for r in records[:4] for _, hit in by_name()["accuracy"].hit(r)] == [True, True, False, True]


def test_a_constant_answer_has_no_curve_and_no_threshold():
    records = [Record(False, same, None, math.nan) for same in (True, False, False)]
    found = {name: metric.value(records) for name, metric in by_name().items()}
    assert found["accuracy"] == pytest.approx(2 / 3)
    assert (found["AUC"], found["EER"], found["TAR@FAR=0.01"]) == (0.5, 0.5, 0.0)
    assert math.isnan(found["FMR"])


def test_a_rate_without_an_error_is_not_known_to_be_zero():
    records = [record(0.1, False)] * 40 + [record(0.9, True)] * 60 + [record(0.8, True, False)] * 20
    fmr = estimate(by_name()["FMR"], records)
    assert (fmr.value, fmr.n) == (0, 40)
    assert fmr.high == pytest.approx(1.96**2 / (40 + 1.96**2), abs=1e-3)  # Wilson's end for 0 of 40
    fnmr = estimate(by_name()["FNMR"], records)
    assert (fnmr.value, fnmr.n) == (0.25, 80)


def test_the_clustered_interval_covers_where_people_make_pairs_alike():
    """Blocks of people who are easy or hard: the clustered interval holds the truth, the plain one too seldom."""
    truth, covered, plain = 0.5, 0, 0
    for draw in range(60):
        rng = stream("blocks", draw)
        easy = rng.random(30) < 0.5
        rows = [record(0.9 if easy[i // 10] else 0.1, True, group=f"block {i // 10}") for i in range(300)]
        accuracy = by_name()["accuracy"]
        for clustered in (True, False):
            e = estimate(accuracy, rows, [r.group for r in rows] if clustered else None, resamples=300)
            inside = e.low <= truth <= e.high
            covered, plain = covered + (inside and clustered), plain + (inside and not clustered)
    assert covered >= 52
    assert plain < 40


def test_what_differs_within_a_name_is_made_equally_long_and_tells_more_afterwards():
    rng = stream("within")
    tall = np.array([8.0, 1.0, 1.0, 1.0])  # the first direction varies most, and says nothing of who it is
    centres = rng.normal(size=(60, 4)) * [0, 1, 1, 1]
    names = [str(i % 60) for i in range(600)]
    e = np.tile(centres, (10, 1)) + rng.normal(size=(600, 4)) * tall * 0.3
    middle, spread = v.within(e, names)
    left = (e - middle) @ spread
    own = np.stack([left[i::60].mean(0) for i in range(60)])
    covariance = np.cov((left - np.tile(own, (10, 1))).T)
    assert covariance.diagonal().max() / covariance.diagonal().min() < 8  # 64 before; shrinking leaves some

    def eer(x):
        unit = x / np.linalg.norm(x, axis=1, keepdims=True)
        i, j = np.triu_indices(600, 1)
        return v.equal_error_rate((unit @ unit.T)[i, j], np.array(names)[i] == np.array(names)[j])

    assert eer(left) < eer(e - middle) - 0.1
    assert v.within(e[:60], names[:60]) is None
