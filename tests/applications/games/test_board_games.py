"""Board games learnt by playing: self-play is legal and true, matches are fair, answers are what they say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from sounding import catalog
from sounding.applications.games.shared.judging import calibration_of_value
from sounding.applications.games.shared.matches import match
from sounding.applications.games.shared.self_play import opened
from sounding.contract.records import Record
from sounding.contract.task import built
from sounding.errors import UsageError
from sounding.games.connect4 import Connect4
from sounding.games.playouts import Greedily, Randomly

GAMES = ("connect4", "go")


@pytest.fixture(scope="module", params=GAMES)
def task(request):
    application = catalog.find(request.param)
    return application(application.Recipe.make("tiny", {"plain": 0}))


@pytest.fixture(scope="module")
def model(task):
    torch.manual_seed(0)
    return built(task).eval()


@pytest.fixture(scope="module")
def experience(task, model):
    with torch.inference_mode():
        return task.play(model, np.random.default_rng(3))


def test_a_round_is_a_function_of_weights_and_stream(task, model, experience):
    with torch.inference_mode():
        again = task.play(model, np.random.default_rng(3))
    assert again.inputs.tobytes() == experience.inputs.tobytes()
    assert again.targets.tobytes() == experience.targets.tobytes()
    assert len(set(experience.games.tolist())) > task.recipe.games / 2
    assert (np.diff(experience.games) >= 0).all()


def test_policies_are_shares_of_legal_moves_of_games_that_go_on(task, experience):
    policy = experience.targets["policy"].astype(float)
    np.testing.assert_allclose(policy.sum(axis=1), 1, atol=0.01)
    assert not policy[~task.game.legal(experience.inputs)].any()
    assert not task.game.over(experience.inputs).any()


def test_positions_of_one_game_agree_on_who_has_won_and_by_how_much(task, experience):
    sign = 1 - 2 * task.game.to_play(experience.inputs).astype(float)
    outcome = experience.targets["outcome"].astype(float)
    won = sign * (outcome[:, 0] - outcome[:, 2])
    told = {"won": won}
    if task.territory:
        told["score"] = sign * experience.targets["score"].astype(float)
        owned = (experience.targets["ownership"].astype(float).T * sign).T
        np.testing.assert_allclose(owned.sum(axis=1) - task.recipe.komi, told["score"], atol=0.1)
        assert (np.sign(told["score"]) == won).all()
    for name, values in told.items():
        for game in set(experience.games.tolist()):
            assert len(set(values[experience.games == game].tolist())) == 1, name


def test_a_network_that_learnt_nothing_is_not_asked_in_the_first_rounds(task, model):
    plain = type(task)(replace(task.recipe, plain=2, round_steps=3))
    torch.manual_seed(1)
    other = built(plain).eval()
    with torch.inference_mode():
        first, same = (plain.play(each, np.random.default_rng(3)) for each in (model, other))
        for module in other.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.num_batches_tracked.fill_(6)
        later, network = plain.play(other, np.random.default_rng(3)), task.play(other, np.random.default_rng(3))
    assert first.targets.tobytes() == same.targets.tobytes()
    assert later.targets.tobytes() == network.targets.tobytes() != same.targets.tobytes()
    assert not first.targets["policy"][~task.game.legal(first.inputs)].any()
    visits = first.targets["policy"].astype(float) * task.recipe.plain_rollouts
    np.testing.assert_allclose(visits, visits.round(), atol=0.02)


def test_what_is_learnt_of_the_outcome_lies_between_the_result_and_the_thought_of_the_search(task, model, experience):
    searched = experience.targets["thought"].sum(axis=1) > 0
    rows = np.flatnonzero(searched)[:8]
    assert len(rows)
    x = task.encode_inputs(list(experience.inputs[rows]))
    values = experience.targets[rows]
    told = values.copy()
    told["outcome"] = (values["outcome"] + values["thought"]) / 2
    told["thought"] = 0
    with torch.no_grad():
        mixed, plainly = (task.loss(model, x, task.encode_targets(list(v))) for v in (values, told))
    torch.testing.assert_close(mixed, plainly, atol=2e-3, rtol=0)


def test_openings_have_as_many_moves_as_asked_and_differ():
    game = Connect4()
    positions = opened(game, 200, 4, np.random.default_rng(0))
    moves = np.count_nonzero(game.stones(positions), axis=(1, 2))
    assert set(moves.tolist()) == {0, 1, 2, 3, 4}
    assert (
        np.count_nonzero(game.stones(opened(game, 50, 3, np.random.default_rng(0), least=3)), axis=(1, 2)) == 3
    ).all()


def test_both_games_of_an_opening_begin_alike_with_sides_changed():
    game = Connect4()
    records = match(game, Greedily(), Randomly(), 40, 2, np.random.default_rng(0))
    assert len(records) == 40
    assert [record.value.first for record in records] == [True, False] * 20
    assert len({record.group for record in records}) == 20
    assert np.mean([record.value.points for record in records]) > 0.6
    mirrored = match(game, Randomly(), Greedily(), 40, 2, np.random.default_rng(0))
    assert np.mean([record.value.points for record in mirrored]) < 0.4


def test_matches_are_scored_for_each_opponent_apart(task, model):
    with torch.inference_mode():
        records = task.evaluate(model, ())
    names = [opponent.name for opponent in task.opponents()]
    assert [metric.name for metric in task.metrics] == [f"score against {name}" for name in names]
    assert len(records) == len(names) * task.recipe.match_games
    for metric, name in zip(task.metrics, names, strict=True):
        assert metric.value(records) == np.mean([r.value.points for r in records if r.value.opponent == name])
    more = task.with_options({"matches": 2 * task.recipe.match_games})
    with torch.inference_mode():
        assert len(more.evaluate(model, ())) == 2 * len(records)


def test_while_it_trains_it_is_set_against_what_it_was(task, model):
    with torch.inference_mode():
        records = task.evaluate(model, ())
        first, later = task.standing(records, model, None), task.standing(records, model, model)
    weaker = list(zip(task.opponents(), task.metrics, strict=True))[1:]
    assert first == [f"{metric.value(records):.2f} against {opponent.name}" for opponent, metric in weaker]
    assert later == [*first, "0.50 against itself at the last matches"]  # each side of each opening once, nothing drawn


def test_a_win_at_once_is_found_by_a_search_and_not_by_a_network_that_learnt_nothing():
    application = catalog.find("connect4")
    task = application(application.Recipe.make("tiny"))
    torch.manual_seed(0)
    model = built(task).eval()
    value = task.input.read("A G A G A F")
    found = task.with_options({"search": 64}).predict(model, [value])[0].value
    assert task.target.describe(found).startswith("A")
    assert task.target.fields(found, None)["win_rate"]() > 0.5


def test_the_loss_is_zero_for_what_the_network_says_itself(task, model, experience):
    values = list(experience.inputs[:8])
    x = task.encode_inputs(values)
    with torch.no_grad():
        own = task.loss(model, x, task.encode_targets([p.value for p in task.predict(model, values)]))
        learnt = task.loss(model, x, task.encode_targets(list(experience.targets[:8])))
    assert own.abs().max() < 0.01
    assert (learnt > 0.1).all()


def test_the_table_of_the_value_sets_points_won_beside_points_expected(task):
    truth = np.zeros(40, task.target.dtype)
    truth["outcome"][:, 0], truth["outcome"][30:] = 1, (0, 0, 1)
    said = np.zeros(1, task.target.dtype)
    said["outcome"][0] = (0.7, 0.1, 0.2)
    (row,) = calibration_of_value([Record(said[0], t, 0.5, 0.0, f"game {i}") for i, t in enumerate(truth)])[
        "value_calibration"
    ]
    assert row["expected points"] == 0.75
    assert row["won"]["value"] == 0.75
    assert row["positions"] == 40


def test_numbers_with_which_nothing_could_be_played_are_refused():
    for name, settings, message in (
        ("connect4", {"games": 0}, "games=0 leaves nothing to play"),
        ("connect4", {"share": 0}, "share=0 is out of range"),
        ("go", {"lines": 4}, "a board of 4 lines"),
    ):
        with pytest.raises(UsageError, match=message):
            catalog.find(name).Recipe.make("small", settings)


def test_a_size_that_is_a_number_is_that_of_the_board():
    recipe = catalog.find("go").Recipe.make("9", {"komi": "7"})
    assert (recipe.lines, recipe.komi, recipe.size) == (9, 7.0, "small")
