"""A forecaster in scikit-learn's hands, and on its own: arrays, tables, several series, and what is none."""

from __future__ import annotations

import pickle
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest

import sounding as sd

sklearn = pytest.importorskip("sklearn", reason="pip install scikit-learn")

WEEK = 7
QUICK = {"size": "tiny", "model": "linear", "steps": 60, "settings": {"context": 3 * WEEK}}


def weeks(n: int, seed: int = 0) -> np.ndarray:
    """Two columns [n, 2] that swing with the week, in different places and sizes."""
    day, rng = 2 * np.pi * np.arange(n) / WEEK, np.random.default_rng(seed)
    clean = np.stack([10 + 3 * np.sin(day), 5 + np.cos(day)], axis=1)
    return clean + 0.1 * rng.standard_normal((n, 2))


VALUES = weeks(224)
KNOWN, CAME = VALUES[:196], VALUES[196:]
CHECKS = ("no_attributes_set_in_init", "get_params_invariance", "set_params", "parameters_default_constructible")
CHECKS += ("estimator_repr", "estimators_unfitted", "do_not_raise_errors_in_init_or_set_params", "valid_tag_types")
DAYS = [str(date(2024, 1, 1) + timedelta(days=k)) for k in range(len(VALUES))]


@pytest.fixture(scope="module")
def fitted():
    return sd.Forecaster(WEEK, **QUICK).fit(KNOWN)


def test_it_foretells_the_steps_after_what_it_learnt_from(fitted):
    found = fitted.predict()
    assert found.shape == (WEEK, 2)
    assert np.abs(found - CAME[:WEEK]).max() < 1.0  # they swing by 6 and by 2
    assert np.array_equal(fitted.predict(horizon=3), found[:3])
    later = fitted.predict(VALUES[: 196 + 3])
    assert np.abs(later - CAME[3 : 3 + WEEK]).max() < 1.0
    assert (fitted.horizon_, fitted.columns_, fitted.series_) == (WEEK, ["column 1", "column 2"], [""])


def test_quantiles_lie_around_the_median_and_hold_about_their_share(fitted):
    found = fitted.predict_quantiles()
    assert found.shape == (7, WEEK, 2)
    assert fitted.quantiles_ == pytest.approx([0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95])
    assert np.array_equal(found[3], fitted.predict())
    assert (np.diff(found[[0, 3, 6]], axis=0) > 0).all()
    held = (found[0] < CAME[:WEEK]) & (found[6] > CAME[:WEEK])
    assert held.mean() > 0.5


def test_its_score_is_the_share_of_variance_that_is_foretold_from_every_step_on(fitted):
    starts = range(len(CAME) - WEEK + 1)
    forecasts = np.concatenate([fitted.predict(VALUES[: 196 + start]) for start in starts])
    came = np.concatenate([CAME[start : start + WEEK] for start in starts])
    each = [sklearn.metrics.r2_score(came[:, k], forecasts[:, k]) for k in range(2)]
    assert fitted.score(CAME) == pytest.approx(np.mean(each), abs=1e-5)
    assert fitted.score(CAME) > 0.8
    flat = np.column_stack([CAME[:, 0], np.full(len(CAME), 5.0)])
    assert fitted.score(flat) < 1  # a column that does not change has no variance


def test_one_series_is_answered_as_it_was_given():
    made = sd.Forecaster(WEEK, **QUICK).fit(KNOWN[:, 0].tolist())
    assert made.predict().shape == (WEEK,)
    assert made.predict_quantiles(horizon=2).shape == (7, 2)


def test_tables_of_one_series_and_of_several():
    table = {"day": DAYS[:196], "bread": KNOWN[:, 0], "milk": KNOWN[:, 1]}
    made = sd.Forecaster(WEEK, **QUICK).fit(table)
    assert made.columns_ == ["bread", "milk"]
    assert np.abs(made.predict() - CAME[:WEEK]).max() < 1.0
    after = {"day": DAYS[196:], "bread": CAME[:, 0], "milk": CAME[:, 1]}
    assert made.score(after) > 0.8
    long = {"day": DAYS[:196] * 2, "store": ["north"] * 196 + ["south"] * 196, "sales": KNOWN.T.ravel()}
    several = sd.Forecaster(WEEK, **QUICK).fit(pa.table(long))
    assert several.series_ == ["north", "south"]
    assert several.predict().shape == (2, WEEK, 1)
    assert several.predict_quantiles().shape == (7, 2, WEEK, 1)
    assert several.predict()[:, :, 0].mean(axis=1) == pytest.approx(KNOWN.mean(axis=0), abs=0.5)


def test_scikit_learns_tools_and_its_checks():
    from sklearn.base import clone
    from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.utils import estimator_checks

    made = sd.Forecaster(WEEK, **QUICK)
    results = estimator_checks.check_estimator(made, on_fail=None, on_skip=None)
    assert [each["status"] for each in results] == ["passed"]
    for name in CHECKS:  # those that give no table whose rows are examples
        getattr(estimator_checks, f"check_{name}")("Forecaster", clone(made))
    splits = TimeSeriesSplit(2, test_size=2 * WEEK)
    assert (cross_val_score(clone(made), VALUES, cv=splits) > 0.5).all()
    grid = GridSearchCV(made, {"steps": [1, 60]}, cv=splits).fit(VALUES)
    assert grid.best_params_ == {"steps": 60}
    assert grid.best_estimator_.get_params() == {**made.get_params(), "steps": 60}
    piped = make_pipeline(StandardScaler(), clone(made)).fit(KNOWN)
    assert piped.predict(KNOWN).shape == (WEEK, 2)
    assert piped.score(CAME) > 0.8


def test_it_is_kept_by_pickle_and_the_same_seed_learns_the_same(fitted):
    again = pickle.loads(pickle.dumps(fitted))
    assert np.array_equal(again.predict_quantiles(), fitted.predict_quantiles())
    assert again.score(CAME) == fitted.score(CAME)
    other = sd.Forecaster(WEEK, **QUICK).fit(KNOWN)
    assert np.array_equal(other.predict(), fitted.predict())


def test_what_cannot_be_learnt_or_foretold_is_said(fitted):
    from sklearn.exceptions import NotFittedError

    made = sd.Forecaster(WEEK, **QUICK)
    with pytest.raises(NotFittedError, match="Call fit first"):
        made.predict()
    with pytest.raises(sd.UsageError, match="answers were given"):
        made.fit(KNOWN, KNOWN)
    with pytest.raises(sd.DataError, match="not all in the array are numbers"):
        made.fit([["a", "b"], ["c", "d"]])
    with pytest.raises(sd.DataError, match="a set is no series"):
        made.fit({1.0, 2.0})
    with pytest.raises(sd.DataError, match="no column holds times"):
        made.fit({"a": [1.0, 2.0], "b": [3.0, 1.0]})
    with pytest.raises(sd.DataError, match="different lengths"):
        made.fit({"day": DAYS[:3], "b": [3.0, 1.0]})
    with pytest.raises(sd.DataError, match="a horizon of 500 steps need more than the 157 times"):
        sd.Forecaster(500, **QUICK).fit(KNOWN)
    with pytest.raises(sd.UsageError, match="no share of the rows"):
        sd.Forecaster(validation=1).fit(KNOWN)
    with pytest.raises(sd.UsageError, match="horizon=8 is asked for, and 7 steps were learnt"):
        fitted.predict(horizon=8)
    with pytest.raises(sd.DataError, match="1 columns, and the model forecasts 2"):
        fitted.predict(KNOWN[:, 0])
    with pytest.raises(sd.DataError, match="longer than"):
        fitted.score(CAME[: WEEK - 1])
    with pytest.raises(ValueError, match="Invalid parameter 'horizn'"):
        made.set_params(horizn=3)
    assert repr(made.set_params(steps=3)).startswith("Forecaster(horizon=7, model='linear', size='tiny', steps=3")
