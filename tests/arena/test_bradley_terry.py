"""Ratings against a general optimiser, against logistic regression by hand, and against simulations."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from sounding.arena.bradley_terry import SCALE, bradley_terry
from sounding.arena.elo import elo_of
from sounding.errors import UsageError

NAMES = ["random", "greedy", "tree", "network"]
POINTS = np.array([[0, 12.5, 3, 1], [27.5, 0, 14, 6], [37, 26, 0, 15], [39, 34, 25, 0]])


def by_optimiser(points: np.ndarray) -> np.ndarray:
    """Ratings in Elo, the first at 0, where the likelihood is greatest."""

    def loss(rest):
        ratings = np.array([0, *rest])
        return (points * np.logaddexp(0, ratings - ratings[:, None])).sum()

    found = minimize(loss, np.zeros(len(points) - 1), method="BFGS", options={"gtol": 1e-9})
    return SCALE * np.array([0, *found.x])


def test_ratings_are_the_most_likely_ones():
    found = bradley_terry(NAMES, POINTS)
    expected = by_optimiser(POINTS)
    assert list(found.ratings) == ["network", "tree", "greedy", "random"]
    for name, rating in zip(NAMES, expected):
        assert found.ratings[name].value == pytest.approx(rating, abs=0.01)
    assert found.ratings["random"].low == found.ratings["random"].high == 0
    assert found.ratings["tree"].n == 120
    assert found.added_draws == 0


def test_of_two_players_it_is_the_difference_of_their_share():
    found = bradley_terry(["a", "b"], np.array([[0, 30], [10, 0]]))
    assert found.ratings["b"].value == pytest.approx(-elo_of(0.75))
    half = 1.959964 * SCALE / np.sqrt(40 * 0.75 * 0.25)  # the information of 40 games
    assert found.ratings["b"].high - found.ratings["b"].value == pytest.approx(half, rel=1e-4)


def test_differences_do_not_depend_on_the_anchor():
    one, other = bradley_terry(NAMES, POINTS), bradley_terry(NAMES, POINTS, anchor="tree")
    assert other.ratings["tree"].value == 0
    for pair in (("network", "greedy"), ("random", "network"), ("tree", "random")):
        a, b = one.difference(*pair), other.difference(*pair)
        assert (a.value, a.low, a.high) == pytest.approx((b.value, b.low, b.high), abs=1e-4)


def test_players_who_never_met_are_compared_through_others():
    points = np.array([[0, 10, 0], [30, 0, 10], [0, 30, 0.0]])
    found = bradley_terry(["a", "b", "c"], points)
    assert found.difference("c", "a").value == pytest.approx(2 * elo_of(0.75))


def test_intervals_hold_the_truth_as_often_as_they_say():
    truth = np.array([0, 100, 250])
    odds = 1 / (1 + 10 ** ((truth - truth[:, None]) / 400))
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(200):
        points = np.zeros((3, 3))
        for i, j in ((0, 1), (0, 2), (1, 2)):
            points[i, j] = rng.binomial(60, odds[i, j])
            points[j, i] = 60 - points[i, j]
        found = bradley_terry(["a", "b", "c"], points).difference("c", "b")
        held += found.low <= 150 <= found.high
    assert 0.9 <= held / 200 <= 0.99


def test_who_won_every_game_gets_a_finite_rating_that_says_why():
    points = np.array([[0, 0.0], [20, 0]])
    found = bradley_terry(["a", "b"], points)
    assert found.added_draws == 1
    assert found.ratings["b"].value == pytest.approx(elo_of(20.5 / 21))
    assert found.ratings["b"].n == 20
    with pytest.raises(UsageError, match="no finite rating"):
        bradley_terry(["a", "b"], points, added_draws=0)


@pytest.mark.parametrize(
    ("names", "points", "said"),
    [
        (["a", "a"], np.ones((2, 2)), "cannot be rated"),
        ([], np.zeros((0, 0)), "nobody"),
        (["a", "b"], np.zeros((3, 3)), "no table"),
        (["a", "b"], np.zeros((2, 2)), "no chain"),
        (["a", "b", "c"], np.array([[0, 1, 0], [1, 0, 0], [0, 0, 0.0]]), "no chain"),
    ],
)
def test_what_cannot_be_rated_is_refused(names, points, said):
    with pytest.raises(UsageError, match=said):
        bradley_terry(names, points)
