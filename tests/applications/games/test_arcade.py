"""Agents that learn by playing: their loss against an independent computation, learning, and a resume to the bit."""

from __future__ import annotations

import sys
import time
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces

from sounding import catalog
from sounding.applications.games.arcade import ppo
from sounding.applications.games.arcade.course import Course, Log
from sounding.architectures.actor_critic import Acting
from sounding.contract.task import built
from sounding.environments import Environments
from sounding.errors import SoundingError, TrainingError, UsageError
from sounding.machine.setting import Setting
from sounding.modalities.actions.decision import EncodedDecisions
from sounding.training.checkpointer import Checkpointer, FolderCheckpointer
from sounding.training.experience import KEPT, PlayFeed
from sounding.training.loop import Budget, fit
from sounding.training.progress import Reporter
from sounding.training.shards import Shards

sys.path.insert(0, str(Path(__file__).parents[2] / "training"))

from power_cut import Stopped, Stopping

ARCADE = catalog.find("arcade")


class Corridor(gymnasium.Env):
    """Five places in a row, from the middle one; the right end gives `prize`, the left one nothing."""

    observation_space = spaces.Box(0.0, 1.0, (5,), np.float32)

    def __init__(self, prize: float = 1.0, actions: int = 2) -> None:
        self.action_space = spaces.Discrete(actions)
        self.prize, self.place, self.steps = prize, 2, 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.place, self.steps = 2, 0
        return self._seen(), {}

    def step(self, action):
        self.place += 1 if action == 1 else -1
        self.steps += 1
        over = self.place in (0, 4)
        return self._seen(), self.prize if self.place == 4 else 0.0, over, self.steps >= 20, {}

    def _seen(self):
        return np.eye(5, dtype=np.float32)[self.place]


_PRIZES = {"Corridor-v0": 1.0, "Barren-v0": 0.0, "Riches-v0": 1e9, "Nothing-v0": float("nan")}
for _name, _prize in _PRIZES.items():
    gymnasium.register(f"sounding/{_name}", Corridor, kwargs={"prize": _prize})


def recipe(name: str = "sounding/Corridor-v0", **settings):
    small = {"environment": name, "copies": 4, "length": 16, "batch": 32, "passes": 4, "match_games": 2, "lr": 1e-2}
    return ARCADE.Recipe.make("tiny", {**small, "validations": 1, "gamma": 0.9, **settings})


def train(task, steps: int, folder=None, checkpointer: Checkpointer | None = None):
    feed = PlayFeed(task, Shards(folder), seed=3)
    setting = Setting(threads=1)
    return fit(task, (), (), budget=Budget(steps=steps), seed=3, setting=setting, checkpointer=checkpointer, feed=feed)


def weights(model) -> torch.Tensor:
    return torch.cat([tensor.flatten().double() for tensor in model.state_dict().values()])


# ---- the loss


def test_advantages_are_the_discounted_sum_of_surprises_within_an_episode():
    rng = np.random.default_rng(0)
    rewards, values, last = rng.normal(size=(7, 2)), rng.normal(size=(7, 2)), rng.normal(size=2)
    ended = np.zeros((7, 2), bool)
    ended[3, 0] = True
    gamma, weight = 0.9, 0.8
    found = ppo.advantages(rewards, values, last, ended, gamma, weight)
    for copy in range(2):
        for start in range(7):
            expected, factor = 0.0, 1.0
            for t in range(start, 7):
                after = 0.0 if ended[t, copy] else (last[copy] if t == 6 else values[t + 1, copy])
                expected += factor * (rewards[t, copy] + gamma * after - values[t, copy])
                factor *= gamma * weight
                if ended[t, copy]:
                    break
            assert found[start, copy] == pytest.approx(expected)


def decisions(action: torch.Tensor, n: int) -> EncodedDecisions:
    generator = torch.Generator().manual_seed(1)
    numbers = [torch.randn(n, generator=generator) for _ in range(4)]
    return EncodedDecisions(action, *numbers, torch.zeros(n, dtype=torch.bool))


def test_the_chances_of_actions_are_those_of_torchs_distributions():
    logits, spread = torch.randn(6, 3), torch.randn(3)
    categorical = torch.distributions.Categorical(logits=logits)
    said, action = Acting(logits, None, logits[:, 0]), torch.tensor([0, 1, 2, 2, 1, 0])
    torch.testing.assert_close(ppo.log_chances(said, action), categorical.log_prob(action))
    torch.testing.assert_close(ppo.entropy(said), categorical.entropy())
    normal = torch.distributions.Independent(torch.distributions.Normal(logits, spread.exp()), 1)
    said, moved = Acting(logits, spread, logits[:, 0]), torch.randn(6, 3)
    torch.testing.assert_close(ppo.log_chances(said, moved), normal.log_prob(moved))
    torch.testing.assert_close(ppo.entropy(said), normal.entropy())


def test_the_objective_is_clipped_where_an_action_became_much_likelier_and_was_good():
    y = decisions(torch.zeros(4, dtype=torch.long), 4)
    y = y._replace(log_chance=torch.zeros(4), advantage=torch.tensor([1.0, 1.0, -1.0, -1.0]))
    ratio = torch.tensor([1.5, 0.5, 1.5, 0.5])
    found = ppo.policy_loss(ratio.log(), y, 0.2)
    torch.testing.assert_close(found, torch.tensor([-1.2, -0.5, 1.5, 0.8]))
    copied = ppo.policy_loss(ratio.log(), y._replace(taught=torch.ones(4, dtype=torch.bool)), 0.2)
    torch.testing.assert_close(copied, -ratio.log())


def test_a_clipped_value_is_blamed_for_the_larger_error():
    y = decisions(torch.zeros(2, dtype=torch.long), 2)._replace(before=torch.zeros(2), expected=torch.ones(2))
    value = torch.tensor([0.9, 2.0])
    torch.testing.assert_close(ppo.value_loss(value, y, 0.0), torch.tensor([0.005, 0.5]))
    torch.testing.assert_close(ppo.value_loss(value, y, 0.2), torch.tensor([0.32, 0.5]))


# ---- playing


def test_a_round_goes_on_where_the_one_before_ended_also_in_another_process():
    with torch.inference_mode():
        first, second = ARCADE(recipe()), ARCADE(recipe())
        model = built(first).eval()
        one = first.follow(model, np.random.default_rng(1), None)
        two = first.follow(model, np.random.default_rng(2), one)
        again = second.follow(model, np.random.default_rng(2), one)
    assert two.inputs.tobytes() == again.inputs.tobytes()
    assert two.targets.tobytes() == again.targets.tobytes()
    assert all(np.array_equal(two.state[name], again.state[name]) for name in two.state)


def test_every_position_of_the_latest_round_alone_is_learnt_from_as_often_as_asked():
    feed = PlayFeed(ARCADE(recipe(held_out=0.0)), Shards(None), seed=0)
    rows = np.concatenate([feed._rows(64, step, 0) for step in range(8)])
    assert (np.bincount(rows, minlength=64) == 4).all()
    assert not np.array_equal(rows[:64], rows[64:128])


def test_a_corridor_is_learnt_and_old_rounds_are_not_kept(tmp_path):
    task = ARCADE(recipe())
    result = train(task, 160, tmp_path)
    model = result.model
    with torch.inference_mode():
        records = task.matches(model, np.random.default_rng(0))
        end = task.predict(model, [np.eye(5, dtype=np.float32)[3]])[0]
    assert task.metrics[0].value(records) == 1.0
    assert int(end.value["action"]) == 1
    assert float(end.value["expected"]) == pytest.approx(1.0, abs=0.2)  # in the environment's units
    assert len(list(tmp_path.glob("*.npz"))) == KEPT


def test_a_training_that_was_cut_off_ends_with_the_same_weights_and_scales(tmp_path):
    whole = weights(train(ARCADE(recipe()), 40).model)
    with pytest.raises(Stopped):
        train(ARCADE(recipe()), 40, tmp_path / "experience", Stopping(tmp_path, 21))
    again = train(ARCADE(recipe()), 40, tmp_path / "experience", FolderCheckpointer(tmp_path))
    assert torch.equal(weights(again.model), whole)


def test_continuous_actions_and_screens_are_played():
    for name, settings in (("Pendulum-v1", {}), ("MinAtar/Breakout-v1", {"width": 16})):
        task = ARCADE(recipe(name, **settings))
        result = train(task, 8)
        with torch.inference_mode():
            found = task.predict(result.model, list(task.play(result.model, np.random.default_rng(0)).inputs[:3]))
        assert all(np.isfinite(float(p.value["expected"])) for p in found)


# ---- values of actions (PQN)


def test_what_is_aimed_at_by_pqn_is_q_lambda_with_the_best_value_of_what_followed():
    rng = np.random.default_rng(0)
    rewards, best_values, last = rng.normal(size=(6, 1)), rng.normal(size=(6, 1)), rng.normal(size=1)
    ended, gamma, trust = np.zeros((6, 1), bool), 0.9, 0.65
    ended[2, 0] = True
    found = ppo.advantages(rewards, best_values, last, ended, gamma, trust) + best_values
    target, following = last[0], last[0]
    for t in reversed(range(6)):  # r + γ ((1 − λ) max Q + λ G), as Gallici et al. write it
        ahead = 0.0 if ended[t, 0] else gamma * ((1 - trust) * following + trust * target)
        target, following = rewards[t, 0] + ahead, best_values[t, 0]
        assert found[t, 0] == pytest.approx(target)


@pytest.mark.parametrize("learner", ["ppo", "pqn"])
def test_nothing_is_expected_beyond_a_lost_life_and_the_episode_goes_on(learner, monkeypatch):
    plain, lives = Environments.step, []

    def step(self, actions):
        found = plain(self, actions)
        lost = ~found.ended & (self.steps == 1)
        lives.append(lost)
        return found._replace(rewards=np.full(self.n, 7.0, np.float32), life_lost=lost)

    monkeypatch.setattr(Environments, "step", step)
    task = ARCADE(ARCADE.Recipe.make("tiny", {"environment": "sounding/Corridor-v0", "learner": learner}))
    with torch.inference_mode():
        played = task.play(built(task), np.random.default_rng(0))
    lost = np.stack(lives, axis=1).ravel()
    assert lost.sum() > 3
    assert played.targets["expected"][lost] == pytest.approx(7.0)
    assert (played.targets["expected"][~lost] > 7.0).mean() > 0.5
    assert (np.diff(played.games)[np.flatnonzero(lost[:-1])] != 0).all()


def test_any_action_is_tried_ever_less_often():
    task = ARCADE(recipe(learner="pqn", explore=1000, epsilon=0.1))
    values = torch.zeros(4000, 2)
    values[:, 1] = 1.0
    said, rng = Acting(values, None, values.amax(dim=1)), np.random.default_rng(0)
    shares = [float((task.learner.explore(said, played, rng) == 0).float().mean()) for played in (0, 500, 10_000)]
    assert shares == pytest.approx([0.5, 0.275, 0.05], abs=0.03)


def test_pqn_learns_a_corridor_and_ends_with_the_same_weights_after_a_cut(tmp_path):
    settings = {"learner": "pqn", "explore": 1000, "trust": 0.65}
    task = ARCADE(recipe(**settings))
    whole = train(task, 160)
    with torch.inference_mode():
        ends = task.predict(whole.model, [np.eye(5, dtype=np.float32)[place] for place in (1, 3)])
    assert [int(end.value["action"]) for end in ends] == [1, 1]
    assert float(ends[1].value["expected"]) == pytest.approx(1.0, abs=0.2)
    with pytest.raises(Stopped):
        train(ARCADE(recipe(**settings)), 160, tmp_path / "experience", Stopping(tmp_path, 50))
    again = train(ARCADE(recipe(**settings)), 160, tmp_path / "experience", FolderCheckpointer(tmp_path))
    assert torch.equal(weights(again.model), weights(whole.model))


@pytest.mark.parametrize(
    ("name", "learner", "model"),
    [
        ("sounding/Corridor-v0", "ppo", "perceptron"),
        ("Pendulum-v1", "ppo", "perceptron"),
        ("MinAtar/Breakout-v1", "pqn", "cells"),
    ],
)
def test_learner_and_network_are_chosen_by_what_is_seen_and_done(name, learner, model):
    chosen = ARCADE.Recipe.make("small", {"environment": name, "model": "auto"})
    assert (chosen.learner, chosen.model) == (learner, model)
    assert learner.upper() in ARCADE(chosen).method


def test_few_steps_of_a_screen_in_the_time_are_given_to_the_learner_that_remembers():
    pytest.importorskip("ale_py")
    named = {"environment": "ALE/Pong-v5"}
    assert ARCADE.Recipe.planned("small", named, 5.0).learner == "rainbow"
    assert ARCADE.Recipe.planned("small", named, 1e6).learner == "pqn"
    assert ARCADE.Recipe.planned("small", {**named, "learner": "ppo"}, 5.0).learner == "ppo"


# ---- bad input


def test_rewards_of_a_billion_are_learnt_from_in_their_own_unit():
    result = train(ARCADE(recipe("sounding/Riches-v0")), 16)
    assert torch.isfinite(weights(result.model)).all()
    assert float(result.model.scale) > 1e8


def test_while_nothing_is_gained_the_unit_of_rewards_is_one():
    task = ARCADE(recipe("sounding/Barren-v0"))
    model = built(task)
    with torch.inference_mode():
        played = task.play(model, np.random.default_rng(0))
    task.absorb(model, played)
    assert float(model.scale) == 1.0


def test_an_environment_that_gives_no_number_is_named():
    with pytest.raises(TrainingError, match="gave a reward that is not finite"):
        train(ARCADE(recipe("sounding/Nothing-v0")), 16)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"name": "CartPool-v1"}, "CartPole-v1"),
        ({"copies": 0}, "copies=0 leaves nothing to play"),
        ({"gamma": 1.5}, "gamma=1.5 is out of range"),
        ({"name": "Pendulum-v1", "learner": "pqn"}, "takes continuous actions.*learner=ppo"),
        ({"learner": "pqm"}, "Did you mean pqn"),
        ({"model": "nature"}, "What fits is model=auto or perceptron"),
    ],
)
def test_what_cannot_be_played_is_refused(settings, message):
    with pytest.raises(SoundingError, match=message):
        recipe(**settings)


def test_where_other_tasks_take_data_the_environment_is_named(tmp_path):
    import sounding

    small = {"copies": 2, "length": 8, "batch": 16, "passes": 1, "match_games": 1, "validations": 1}
    model = sounding.train("arcade", "Acrobot-v1", steps=2, size="tiny", out=tmp_path / "run", card=None, **small)
    assert model.task.recipe.environment == "Acrobot-v1"
    assert sounding.load(tmp_path / "run").task.spec.actions.n == 3
    with pytest.raises(UsageError, match="takes no data"):
        sounding.train("connect4", "Acrobot-v1", steps=2, out=tmp_path / "other")


# ---- the course of a training


def test_the_log_counts_the_episodes_that_were_played_and_comes_back_with_a_round():
    """Against episodes that are counted by hand, over rounds, copies and a restored state."""
    rng = np.random.default_rng(5)
    rewards, ended = rng.normal(size=(300, 3)), rng.random((300, 3)) < 0.1
    log = Log(3)
    for t in range(300):
        log.stepped(rewards[t], ended[t])
        log = Log.restored(log.state(), 3) if t % 50 == 0 else log
    expected = []
    for copy in range(3):
        cuts = [-1, *np.flatnonzero(ended[:, copy])]
        expected += [(3 * (b + 1), rewards[a + 1 : b + 1, copy].sum()) for a, b in pairwise(cuts)]
    found = sorted(map(tuple, log.ended.tolist()))
    assert np.allclose(found, sorted(expected))
    assert log.steps == 900
    assert log.told(9.0)[-1] == "100 steps/s"
    course = Course.of(log)
    assert sum(point.episodes for point in course.points) == len(expected)
    assert Course.from_json(asdict(course)) == course


def test_a_training_tells_its_score_as_it_goes_and_keeps_its_course(tmp_path):
    import sounding

    said: list[str] = []

    class Heard(Reporter):
        def stepped(self, standing):
            said.append(str(standing))

    small = {"copies": 2, "length": 16, "batch": 32, "passes": 1, "match_games": 2, "validations": 1}
    model = sounding.train(
        "arcade", "sounding/Corridor-v0", steps=9, out=tmp_path / "run", card=None, reporter=Heard(), **small
    )
    assert "in the last" in said[-1]
    assert "steps/s" in said[-1]
    course = sounding.load(tmp_path / "run").task.course
    assert course == model.task.course
    assert course.steps == 9 * 2 * 16
    units = model.task.accomplished(model.records())
    assert units["million frames"] == pytest.approx(course.steps / 1e6)
    assert [figure.id for figure in model.task.figures([])] == ["quality_course"]


def test_what_is_foretold_changes_nothing_of_the_training(tmp_path, monkeypatch):
    import sounding
    from sounding.applications.games.arcade import foretelling

    monkeypatch.setattr(foretelling, "LEAST", 0.0)
    small = {"copies": 2, "length": 16, "batch": 32, "passes": 1, "match_games": 1, "validations": 1, "card": None}
    said: list[str] = []
    runs = [
        sounding.train("arcade", "sounding/Corridor-v0", steps=6, out=tmp_path / str(k), say=say, **small)
        for k, say in enumerate((None, said.append))
    ]
    assert torch.equal(weights(runs[0].module), weights(runs[1].module))
    (line,) = [line for line in said if "foretold" in line]
    assert "6 steps of learning with about 190 of the environment take about" in line


def test_what_only_the_first_round_waits_for_does_not_count_where_there_is_time_to_see_another():
    from sounding.applications.games.arcade.foretelling import measured

    class SlowToMake(Corridor):
        def __init__(self) -> None:
            time.sleep(0.3)
            super().__init__()

    gymnasium.register("sounding/SlowToMake-v0", SlowToMake)
    try:
        recipe = ARCADE.Recipe.make("tiny", {"environment": "sounding/SlowToMake-v0", "copies": 2})
        hasty, patient = (measured(ARCADE(recipe), Setting(1, "fp32"), patience) for patience in (0.1, 60.0))
    finally:
        del gymnasium.registry["sounding/SlowToMake-v0"]
    assert hasty.steps < recipe.round_steps / 0.6  # two copies, one after the other
    assert patient.steps > 2 * hasty.steps
