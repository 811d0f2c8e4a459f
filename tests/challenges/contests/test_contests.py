"""Games played otherwise than in the usual matches, by players whose play is known."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from torch import nn

from sounding import catalog
from sounding.applications.games.shared.matches import NetworkMover
from sounding.applications.games.shared.self_play import opened
from sounding.challenges.contests.conditions import elsewhere
from sounding.challenges.contests.expectations import of_results
from sounding.challenges.contests.moves import of_a_game
from sounding.challenges.contests.rehearsals import under_rehearsals
from sounding.challenges.contests.symmetries import under_symmetries
from sounding.challenges.costs.windows import WINDOW_SECONDS
from sounding.challenges.robustness import Robustness
from sounding.challenges.shift import Shift
from sounding.contract.contest import Contest, contest_of
from sounding.contract.evidence import Bound, Estimate
from sounding.contract.records import Example, Record
from sounding.contract.task import built
from sounding.evaluation.challenge import NotMeasured, Unasked
from sounding.evaluation.context import EvaluationContext
from sounding.games.connect4 import Connect4
from sounding.games.go import Go
from sounding.games.playouts import Greedily, Randomly
from sounding.machine.metering.cost import Cost
from sounding.randomness import stream


@dataclass(frozen=True)
class First:
    """Plays the first action that is legal."""

    name: str = "first"

    def moves(self, game, positions, rng):
        return game.legal(positions).argmax(axis=1)


def even(positions):
    """Knows nothing: expects half of the points of every position."""
    return np.full((len(positions), 7), 1 / 7), np.full(len(positions), 0.5)


def contest(game, mine=First, other=Randomly, judge=even, **given) -> Contest:
    def mover(simulations, rehearses):
        return Randomly() if rehearses else mine()

    return Contest(game, mover, judge, float, [other()], 4, 3, 4, **given)


def task_of(name: str):
    application = catalog.find(name)
    return application(application.Recipe.make("tiny"))


@pytest.fixture(scope="module")
def bench():
    task = task_of("connect4")
    torch.manual_seed(0)
    positions = opened(task.game, 40, 12, stream("bench"))
    rows = [Example(position, None, f"game {n // 2}") for n, position in enumerate(positions)]
    return EvaluationContext(task, built(task).eval(), (), (), rows)


def numbers(found) -> dict[str, Estimate]:
    return {number.id: number.estimate for number in found.numbers}


# ---- symmetries


def by_height(positions):
    """Likes the column with fewest stones, of equals the middle one: the same in a mirror, where nothing is equal."""
    heights = np.abs(Connect4().stones(positions)).sum(axis=1)
    return -heights - 0.01 * np.abs(np.arange(7) - 3) - 1e-6 * heights, heights.sum(axis=1) / 42


def leftmost(positions):
    return np.tile(np.arange(7.0)[::-1], (len(positions), 1)), np.abs(Connect4().stones(positions))[:, :, 0].sum(1) / 6


def test_a_judge_of_one_side_does_not_turn_with_the_board(bench):
    turned = numbers(under_symmetries(bench, contest(Connect4(), judge=leftmost), 40))
    assert turned["symmetry_agreement"].value < 0.1
    assert turned["symmetry_all"].value == turned["symmetry_agreement"].value, "there is one other image"
    assert turned["symmetry_spread"].value > 0.05


def test_a_judge_without_sides_expects_the_same_of_all_images(bench):
    turned = numbers(under_symmetries(bench, contest(Connect4(), judge=by_height), 40))
    assert turned["symmetry_spread"].value == 0
    assert turned["symmetry_agreement"].value > 0.5


def test_a_board_that_looks_one_way_has_no_symmetries(bench, monkeypatch):
    monkeypatch.setattr(Connect4, "symmetries", np.arange(7)[None])
    assert under_symmetries(bench, contest(Connect4()), 40).numbers == ()


# ---- rehearsals


def test_who_plays_the_same_always_loses_to_who_rehearses(bench):
    found = under_rehearsals(bench, contest(Connect4()), pairs=6, most=12, seconds=60.0)
    known = numbers(found)
    assert known["rehearsed"].value < 0.2 < known["unrehearsed"].value
    assert known["rehearsed"].bound is Bound.UPPER
    assert "12 times" in found.sentence


def test_games_that_take_too_long_are_not_begun(bench):
    found = under_rehearsals(bench, contest(Connect4()), pairs=6, most=12, seconds=1e-6)
    assert found.numbers == ()
    assert "No opponent rehearsed" in found.sentence
    with pytest.raises(NotMeasured, match="take more than"):
        elsewhere(bench, contest(Go(5)), pairs=10, seconds=1e-6)
    assert isinstance(Shift().needs(replace(bench, profile="standard", task=Alone(bench.task))), Unasked)


class Alone:
    """A game without anybody to play against."""

    def __init__(self, task):
        self.task = task

    def contest(self, model):
        return replace(self.task.contest(model), opponents=())


def test_a_model_that_draws_plays_no_game_twice(bench):
    draws = NetworkMover(bench.task.evaluator(bench.model), 0, 4, draws=True)
    still = NetworkMover(bench.task.evaluator(bench.model), 0, 4)
    positions, rng = bench.task.game.start(64), stream("draws")
    assert len(set(draws.moves(bench.task.game, positions, rng).tolist())) > 3
    assert len(set(still.moves(bench.task.game, positions, rng).tolist())) == 1


# ---- conditions


def test_komi_decides_and_the_same_rules_change_nothing(bench):
    game = Go(5, 0.5)
    variants = {"the same": Go(5, 0.5), "komi +100": Go(5, 100.5)}
    found = elsewhere(bench, contest(game, mine=Greedily, variants=variants), pairs=10, seconds=60.0)
    known = numbers(found)
    assert known["score_as_trained"].value > 0.6
    assert known["gap_the_same"].value == 0
    assert known["score_komi_plus_100"].value == 0.5, "White wins, whoever that is"
    assert known["value_error_komi_plus_100"].value == pytest.approx(0.25)
    assert known["bias_as_trained"].value < 0, "it wins more than the half that it expects"
    assert [row["condition"] for row in found.details["conditions"]][1:3] == [
        "openings of 8 random moves",
        "openings of 16 random moves",
    ]
    assert "gap_as_trained" not in known


def test_there_is_a_plan_for_games_in_longer_profiles_alone(bench):
    assert isinstance(Shift().needs(bench), Unasked)
    assert Shift().needs(replace(bench, profile="standard")) == ""
    assert Shift().seconds(replace(bench, profile="standard")) > 0
    assert Robustness().plan(bench).rehearsals == 0
    assert Robustness().plan(replace(bench, profile="standard")).rehearsals > 0


def test_go_is_played_with_other_komi_than_its_own():
    task = task_of("go")
    made = contest_of(task, built(task).eval())
    assert made is not None
    assert sorted(game.komi - task.recipe.komi for game in made.variants.values()) == [-4, -2, 2, 4]
    assert contest_of(object(), nn.Identity()) is None
    policy, points = made.judge(made.game.start(3))
    assert np.allclose(policy.sum(axis=1), 1)
    assert np.allclose(points, 0.5, atol=0.1)


# ---- expectations


def test_skill_and_bias_are_those_of_the_formula(bench):
    truth = np.array([1.0, 0.0, 1.0, 0.0] * 15)
    answers = {"knows": truth, "mean": np.full(60, 0.5), "hopes": np.minimum(1, truth + 0.25)}
    known = {}
    for name, said in answers.items():
        records = [Record(a, t, None, 0.0, f"game {n // 3}") for n, (a, t) in enumerate(zip(said, truth, strict=True))]
        judged = replace(bench)
        judged.__dict__["row_records"] = records
        known[name] = numbers(of_results(judged, contest(Connect4())))
    assert known["knows"]["value_skill"].value == 1
    assert known["mean"]["value_skill"].value == pytest.approx(0)
    assert known["mean"]["value_bias"].value == pytest.approx(0)
    assert known["hopes"]["value_bias"].value == pytest.approx(0.125)
    assert known["hopes"]["value_skill"].value == pytest.approx(1 - 0.5 * 0.25**2 / 0.25)
    judged.__dict__["row_records"] = records[:20]
    assert of_results(judged, contest(Connect4())).numbers == ()


# ---- moves


@pytest.fixture(autouse=True)
def brief(monkeypatch):
    monkeypatch.setitem(WINDOW_SECONDS, "quick", 0.01)


def cost(joules: float) -> Cost:
    return Cost(100.0, 100.0, Estimate(joules, joules / 3, joules * 3), "rule", "estimated", 1.0, Estimate(0.0), "rule")


def test_elo_and_joules_of_games_are_those_of_the_training(bench):
    name = bench.task.metrics[0].name
    history = [{"step": 50, "seconds": 25.0, name: 0.25}, {"step": 150, "seconds": 100.0, name: 0.75}]
    trained = replace(bench, training={"steps": 150, "history": history}, profile="quick")
    played = replace(contest_of(bench.task, bench.model), games=16, match_games=40)
    every = bench.task.recipe.round_steps
    found = of_a_game(trained, played, cost(7200.0))
    known = numbers(found)
    assert known["training_games"].value == 16 * 150 / every
    assert known["joules_per_training_game"].value == pytest.approx(7200 / known["training_games"].value)
    assert known["elo"].value == pytest.approx(400 * np.log10(3))
    assert known["elo"].low < known["elo"].value < known["elo"].high
    kilowatt_hours = 0.75 * 7200 / 3.6e6
    assert known["elo_per_kwh"].value == pytest.approx(800 * np.log10(3) / kilowatt_hours)
    assert len(found.figures) == 1
    simulations = bench.task.recipe.match_simulations
    each = [known[f"joules_per_move_{times * simulations}"].value for times in (0, 4)]
    assert each[0] < each[1]


def test_who_won_nothing_has_a_bound_and_no_slope(bench):
    name = bench.task.metrics[0].name
    history = [{"step": 50, "seconds": 25.0, name: 0.25}, {"step": 150, "seconds": 100.0, name: 0.0}]
    trained = replace(bench, training={"steps": 150, "history": history})
    known = numbers(
        of_a_game(trained, replace(contest_of(bench.task, bench.model), games=16, match_games=40), cost(1.0))
    )
    assert known["elo"].bound is Bound.UPPER
    assert "elo_per_kwh" not in known
