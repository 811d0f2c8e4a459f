"""The interquartile mean against scipy's trimmed mean, and its bootstrap against all draws that there are."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from sounding.errors import DataError
from sounding.evaluation.interquartile import for_rliable, interquartile_mean, stratified


@pytest.mark.parametrize("shape", [(3, 4), (5, 26), (1, 1), (2, 3), (7, 1)])
def test_it_is_the_trimmed_mean(shape):
    scores = np.random.default_rng(0).normal(size=shape)
    assert np.isclose(interquartile_mean(scores), stats.trim_mean(scores, 0.25, axis=None))


def test_the_interval_is_that_of_all_draws_within_tasks():
    """Three runs on two tasks can be drawn in 27 × 27 ways: the quantiles of all are what the bootstrap tends to."""
    table = np.array([[0.1, 5.0], [0.5, 9.0], [0.9, 7.0]])
    ways = list(itertools.product(range(3), repeat=3))
    drawn = [stats.trim_mean(np.r_[table[list(one), 0], table[list(other), 1]], 0.25) for one in ways for other in ways]
    found = stratified(table, draws=40_000)
    low, high = np.quantile(drawn, [0.025, 0.975])
    assert np.isclose(found.value, stats.trim_mean(table, 0.25, axis=None))
    assert np.isclose(found.low, low, atol=0.06)
    assert np.isclose(found.high, high, atol=0.06)
    assert found.n == 6


def test_more_runs_tell_more():
    rng = np.random.default_rng(1)
    widths = [(found := stratified(rng.normal(size=(runs, 5)))).high - found.low for runs in (4, 64)]
    assert widths[1] < widths[0] / 2


def test_one_run_shows_no_spread():
    found = stratified(np.array([[1.0, 2.0, 3.0]]))
    assert (found.value, found.low, found.high) == (2.0, None, None)


@pytest.mark.parametrize("scores", [np.zeros(3), np.zeros((0, 3)), np.array([[1.0, np.nan]])])
def test_what_is_no_table_is_refused(scores):
    with pytest.raises(DataError):
        stratified(scores)


def test_tables_for_rliable():
    found = for_rliable({"ppo": {"pong": [1, 2], "breakout": [3, 4]}, "pqn": {"breakout": [5, 6], "pong": [7, 8]}})
    assert found["ppo"].tolist() == [[3, 1], [4, 2]]
    assert found["pqn"].tolist() == [[5, 7], [6, 8]]
    with pytest.raises(DataError, match="same tasks"):
        for_rliable({"ppo": {"pong": [1]}, "pqn": {"breakout": [1]}})
    with pytest.raises(DataError, match="more runs"):
        for_rliable({"ppo": {"pong": [1], "breakout": [1, 2]}})
