"""A classifier in scikit-learn's hands: its checks, its grids, its cross-validation; and on its own."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import sounding as sd

sklearn = pytest.importorskip("sklearn", reason="pip install scikit-learn")

TEXTS = [f"{'lovely' if k % 2 else 'dull'} film number {k}" for k in range(40)]
LABELS = np.array(["good" if k % 2 else "bad" for k in range(40)])
QUICK = {"size": "tiny", "steps": 12}


@pytest.fixture(scope="module")
def fitted():
    return sd.Classifier("sentiment", **QUICK).fit(TEXTS, LABELS)


def test_it_learns_and_answers_with_the_labels_it_was_given(fitted):
    assert fitted.classes_.tolist() == ["bad", "good"]
    chances = fitted.predict_proba(TEXTS[:5])
    assert chances.shape == (5, 2)
    assert chances.sum(axis=1) == pytest.approx(1)
    assert fitted.predict(TEXTS[:5]).tolist() == fitted.classes_[chances.argmax(axis=1)].tolist()
    assert fitted.score(TEXTS, LABELS) == np.mean(fitted.predict(TEXTS) == LABELS) == 1.0
    assert fitted.score(TEXTS[:2], ["good", "good"], sample_weight=[3, 1]) == 0.25
    top = [max(row, key=lambda each: each["score"])["score"] for row in fitted.model_(TEXTS[:5]).to_dicts()]
    assert chances.max(axis=1) == pytest.approx(top, abs=1e-6)


def test_pictures_and_labels_of_numbers():
    rng = np.random.default_rng(0)
    dark, bright = rng.integers(0, 90, (12, 8, 8)), rng.integers(160, 255, (12, 8, 8))
    pictures = np.concatenate([dark, bright]).astype(np.uint8)
    labels = np.repeat([7, -1], 12)
    found = sd.Classifier("classify", size="tiny", steps=15, settings={"image_size": 8}).fit(pictures, labels)
    assert found.classes_.tolist() == [-1, 7]
    assert found.predict(pictures).dtype == labels.dtype
    assert found.score(pictures, labels) > 0.9


def test_scikit_learns_own_checks_and_tools(fitted):
    from sklearn.base import clone, is_classifier
    from sklearn.model_selection import GridSearchCV, cross_val_score
    from sklearn.utils.estimator_checks import check_estimator

    results = check_estimator(sd.Classifier("sentiment", **QUICK), on_fail=None)
    failed = [(each["check_name"], each["exception"]) for each in results if each["status"] == "failed"]
    assert failed == []
    assert any(each["status"] == "passed" for each in results)
    assert is_classifier(fitted)
    fresh = clone(fitted)
    assert fresh.get_params() == fitted.get_params()
    assert not hasattr(fresh, "model_")
    assert cross_val_score(fresh, TEXTS, LABELS, cv=2).shape == (2,)
    grid = GridSearchCV(fresh, {"steps": [1, 12]}, cv=2).fit(TEXTS, LABELS)
    assert grid.best_estimator_.get_params() == {**fresh.get_params(), **grid.best_params_}
    assert grid.score(TEXTS, LABELS) > 0.9
    assert grid.predict(TEXTS).shape == (40,)


def test_it_is_kept_by_pickle_and_the_same_seed_learns_the_same(fitted):
    again = pickle.loads(pickle.dumps(fitted))
    assert np.array_equal(again.predict_proba(TEXTS), fitted.predict_proba(TEXTS))
    other = sd.Classifier("sentiment", **QUICK).fit(TEXTS, LABELS)
    assert np.array_equal(other.predict_proba(TEXTS), fitted.predict_proba(TEXTS))


def test_what_cannot_be_learnt_is_said():
    from sklearn.exceptions import NotFittedError

    made = sd.Classifier("sentiment", **QUICK)
    with pytest.raises(NotFittedError, match="Call fit first"):
        made.predict(TEXTS)
    with pytest.raises(sd.UsageError, match="40 inputs and 39 labels"):
        made.fit(TEXTS, LABELS[:-1])
    with pytest.raises(sd.UsageError, match="one class alone"):
        made.fit(TEXTS, ["good"] * 40)
    with pytest.raises(sd.UsageError, match="does not answer with one class"):
        sd.Classifier("translate").fit(TEXTS, LABELS)
    with pytest.raises(sd.UsageError, match="no share of the rows"):
        sd.Classifier("sentiment", validation=1.5).fit(TEXTS, LABELS)
    with pytest.raises(ValueError, match="Invalid parameter 'stepps'"):
        made.set_params(stepps=3)
    assert repr(made.set_params(steps=3)) == "Classifier(size='tiny', steps=3)"
