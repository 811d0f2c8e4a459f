"""Conformal sets against mapie's on the same scores, against the definitions by hand, and against their promise."""

import math

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import StratifiedShuffleSplit

from sounding.challenges.confidences import conformal
from sounding.challenges.confidences.conformal import (
    aps,
    expected_coverage,
    fewest,
    lac,
    of_truth,
    raps,
    sets,
    threshold,
    tuned,
)
from sounding.evaluation.quantiles import beta_quantile

ALPHA = 0.1


def table(n, rng, k=6, sharpness=1.0):
    """Probabilities [n, k], and truths drawn from softer ones (a model that is too sure)."""
    logits = rng.normal(0, 2, (n, k))
    said, true = (np.exp(f * logits) for f in (1.0, 1 / sharpness))
    said, true = said / said.sum(1, keepdims=True), true / true.sum(1, keepdims=True)
    return said, (true.cumsum(1) < rng.random((n, 1))).sum(1).clip(max=k - 1)


class Fixed(ClassifierMixin, BaseEstimator):
    """A classifier whose inputs are the probabilities that it gives."""

    def __init__(self, k=6):
        self.k = k

    def fit(self, x, y):
        self.classes_ = np.arange(self.k)
        self.is_fitted_ = True
        return self

    def predict_proba(self, x):
        return np.asarray(x)

    def predict(self, x):
        return np.asarray(x).argmax(1)


def mapies(kind, calibration, truths, test, **params):
    from mapie.classification import SplitConformalClassifier

    model = Fixed(calibration.shape[1]).fit(calibration, truths)
    theirs = SplitConformalClassifier(model, 1 - ALPHA, conformity_score=kind, prefit=True, random_state=7)
    theirs.conformalize(calibration, truths)
    return theirs, theirs.predict_set(test, **params)[1][:, :, 0]


def test_sets_of_one_threshold_are_mapies():
    rng = np.random.default_rng(0)
    (calibration, truths), (test, _) = table(400, rng), table(300, rng)
    limit = threshold(of_truth(lac(calibration), truths), ALPHA)
    np.testing.assert_array_equal(sets(lac(test), limit), mapies("lac", calibration, truths, test)[1])


def test_adaptive_sets_are_mapies_with_the_same_random_numbers():
    rng = np.random.default_rng(1)
    (calibration, truths), (test, _) = table(400, rng), table(300, rng)
    randomised = {"conformity_score_params": {"include_last_label": "randomized"}}
    _, theirs = mapies("aps", calibration, truths, test, **randomised)
    u = [1 - np.random.RandomState(7).uniform(size=n) for n in (400, 300)]
    limit = threshold(of_truth(aps(calibration, u[0]), truths), ALPHA)
    np.testing.assert_array_equal(sets(aps(test, u[1]), limit), theirs)


def test_regularised_sets_are_mapies_but_for_the_last_answer():
    """With its penalty, rank and rows the threshold is the same; mapie then drops the last answer by another rule."""
    rng = np.random.default_rng(2)
    (calibration, truths), (test, answers) = (table(n, rng, 20, 2.0) for n in (1000, 1000))
    randomised = {"conformity_score_params": {"include_last_label": "randomized"}}
    model, theirs = mapies("raps", calibration, truths, test, **randomised)
    fitted = model._mapie_classifier.conformity_score_function_
    penalty, free = float(fitted.lambda_star), int(fitted.k_star[0])
    split = StratifiedShuffleSplit(1, test_size=len(fitted.X_raps) / 1000, random_state=7)
    kept, other = next(split.split(calibration, truths))
    u = [1 - np.random.RandomState(7).uniform(size=n) for n in (len(kept), 1000)]
    limit = threshold(of_truth(raps(calibration[kept], u[0], penalty, free), truths[kept]), ALPHA)
    assert limit == pytest.approx(float(fitted.quantiles_[0]))
    assert tuned(calibration[other], truths[other], np.ones(len(other)), ALPHA)[1] == free
    ours, rows = sets(raps(test, u[1], penalty, free), limit), np.arange(1000)
    assert (theirs | ~ours).all()
    assert (theirs.sum(1) - ours.sum(1)).max() <= 1
    assert ours[rows, answers].mean() == pytest.approx(theirs[rows, answers].mean(), abs=0.03)


def test_the_penalty_keeps_the_largest_sets_small():
    rng = np.random.default_rng(3)
    (calibration, truths), (test, _) = (table(n, rng, 20, 2.0) for n in (600, 600))
    sizes = []
    for penalty in (0.0, 0.5):
        misfit = of_truth(raps(calibration, rng.random(600), penalty, 5), truths)
        sizes.append(sets(raps(test, rng.random(600), penalty, 5), threshold(misfit, ALPHA)).sum(1))
    assert sizes[1].max() < sizes[0].max()
    assert sizes[1].std() < sizes[0].std() / 2


def test_adaptive_scores_are_as_defined():
    scores = np.array([[0.2, 0.5, 0.3]])
    np.testing.assert_allclose(aps(scores, np.array([0.4])), [[0.5 + 0.3 + 0.08, 0.2, 0.5 + 0.12]])
    np.testing.assert_allclose(aps(scores, np.array([1.0])), [[1.0, 0.5, 0.8]])
    np.testing.assert_allclose(raps(scores, np.array([1.0]), 0.1, 1), [[1.2, 0.5, 0.9]])


def test_the_threshold_is_the_finite_sample_quantile():
    assert threshold(np.arange(1.0, 100), 0.1) == 90  # ⌈100 × 0.9⌉
    assert threshold(np.arange(1.0, 10), 0.1) == 9
    assert threshold(np.arange(1.0, 9), 0.1) == math.inf  # 8 rows cannot promise 90 %
    assert fewest(0.1) == 9
    assert fewest(0.05) == 19
    assert sets(lac(np.array([[0.9, 0.1]])), math.inf).all()


def test_a_truth_that_is_no_option_fits_as_badly_as_can_be():
    misfit = of_truth(lac(np.array([[0.9, 0.1], [0.2, 0.8]])), np.array([-1, 1]))
    assert misfit[0] == math.inf
    assert misfit[1] == pytest.approx(0.2)


@pytest.mark.parametrize("kind", ["lac", "aps", "raps"])
@pytest.mark.parametrize("sharpness", [1.0, 3.0])
def test_five_hundred_calibrations_cover_as_the_beta_law_says(kind, sharpness):
    """The coverage of many new rows, over 500 draws of 60 calibration rows, is Beta(55, 6), for any model."""
    rng = np.random.default_rng(5)
    scores, truths = table(500 * 60, rng, 4, sharpness)
    new, answers = table(5000, rng, 4, sharpness)
    fit = {
        "lac": lambda s: lac(s),
        "aps": lambda s: aps(s, rng.random(len(s))),
        "raps": lambda s: raps(s, rng.random(len(s)), 0.1, 1),
    }[kind]
    misfits = of_truth(fit(scores), truths).reshape(500, 60)
    limits = np.array([threshold(row, ALPHA) for row in misfits])
    reached = np.sort(of_truth(fit(new), answers))
    coverage = np.searchsorted(reached, limits, "right") / len(reached)
    assert coverage.mean() == pytest.approx(55 / 61, abs=0.008)
    low, high = (beta_quantile(mass, 55, 6) for mass in (0.025, 0.975))
    assert 0.92 <= ((low <= coverage) & (coverage <= high)).mean() <= 0.98


@pytest.mark.parametrize(("n", "m"), [(50, 40), (500, 1000), (9, 5)])
def test_the_expected_coverage_is_that_of_simulated_calibrations(n, m):
    rng = np.random.default_rng(6)
    k = conformal.rank(n, ALPHA)
    drawn = rng.binomial(m, rng.beta(k, n + 1 - k, 200_000)) / m
    found = expected_coverage(n, m, ALPHA)
    assert found.value == pytest.approx(drawn.mean(), abs=0.002)
    assert found.low == pytest.approx(min(np.quantile(drawn, 0.025), found.value), abs=1.01 / m)
    assert found.high == pytest.approx(np.quantile(drawn, 0.975), abs=1.01 / m)
    assert ((found.low <= drawn) & (drawn <= found.high)).mean() >= 0.949


def test_a_constant_model_gets_sets_of_everything():
    flat = np.full((50, 4), 0.25)
    limit = threshold(of_truth(lac(flat), np.zeros(50, int)), ALPHA)
    assert sets(lac(flat), limit).all()
