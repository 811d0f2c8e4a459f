"""How agents are tried: the conditions of each kind of environment, and the return that was expected and that came."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces

from sounding import catalog
from sounding.applications.games.arcade.trials import conditions
from sounding.contract.task import built
from sounding.environments import Environments, Settings
from sounding.environments.agent import Agent, episodes


class Steady(gymnasium.Env):
    """Gives what it is told to for each of `length` steps, and then ends, or is cut off."""

    observation_space = spaces.Box(-np.inf, np.inf, (1,), np.float32)
    action_space = spaces.Discrete(2)

    def __init__(self, length: int = 5, cut: bool = False) -> None:
        self.length, self.cut, self.t = length, cut, 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.t = 0
        return np.zeros(1, np.float32), {}

    def step(self, action):
        self.t += 1
        over = self.t == self.length
        return np.array([self.t], np.float32), float(self.t), over and not self.cut, over and self.cut, {}


gymnasium.register("sounding/Ended-v0", Steady)
gymnasium.register("sounding/Cut-v0", Steady, kwargs={"cut": True})


class Expecting(Agent):
    """Expects ten times the step that it is in."""

    settings = Settings()

    def __init__(self, name: str) -> None:
        with Environments(name, 1) as environments:
            self.spec = environments.spec

    def act(self, observations, rng=None):
        return np.zeros(len(observations), np.int64)

    def values(self, observations):
        return 10 * observations[:, 0]


@pytest.mark.parametrize(("name", "beyond"), [("sounding/Ended-v0", 0.0), ("sounding/Cut-v0", 50.0)])
def test_the_return_that_came_is_discounted_and_goes_on_where_an_episode_was_cut_off(name, beyond):
    (played,) = episodes(Expecting(name), 1, valued=0.5)
    came = []
    for begin in range(5):
        rewards = np.arange(begin + 1, 6)
        came.append((rewards * 0.5 ** np.arange(len(rewards))).sum() + beyond * 0.5 ** len(rewards))
    assert played.came == pytest.approx(np.mean(came))
    assert played.expected == pytest.approx(np.mean([0, 10, 20, 30, 40]))
    assert played.truncated == (beyond > 0)
    assert np.isnan(episodes(Expecting(name), 1)[0].came)


def test_the_return_that_came_is_of_rewards_as_they_were_learnt_up_to_a_lost_life(monkeypatch):
    plain = Environments.step

    def step(self, actions):
        found = plain(self, actions)
        return found._replace(life_lost=self.steps == 3)

    monkeypatch.setattr(Environments, "step", step)
    agent = Expecting("sounding/Ended-v0")
    agent.reward_clip = 2.0
    (played,) = episodes(agent, 1, valued=0.5)
    assert played.score == 1 + 2 + 3 + 4 + 5
    assert played.came == pytest.approx(np.mean([1 + 0.5 * (2 + 0.5 * 2), 2 + 0.5 * 2, 2, 2 + 0.5 * 2, 2]))


def conditions_of(name: str) -> dict[str, str]:
    with Environments(name, 1) as environments:
        return {name: condition.meaning for name, condition in conditions(environments.spec).items()}


def test_conditions_are_those_that_an_environment_can_be_put_under():
    assert list(conditions_of("CartPole-v1")) == ["actions that stick", "noise", "delay"]
    assert list(conditions_of("MinAtar/Breakout-v1")) == ["actions that stick", "noise", "delay", "late starts"]
    assert "brightness" in conditions_of("ALE/Pong-v5")


def test_noise_on_a_grid_is_seen_in_a_tenth_of_its_cells():
    """Noise that is rounded away would disturb nothing."""
    with Environments("MinAtar/Breakout-v1", 1) as environments:
        found = conditions(environments.spec)["noise"].disturbance
        clear = environments.reset([3])
    with Environments("MinAtar/Breakout-v1", 1, disturbance=found) as environments:
        seen = [environments.reset([3])]
        seen += [environments.reset([3]) for _ in range(3)]
    assert 0.05 < np.mean([(each != clear).mean() for each in seen]) < 0.15


def test_a_training_is_steered_by_other_episodes_than_those_that_measure_it():
    """Else the best weights of ten validations would be praised for the luck of theirs."""
    task = catalog.find("arcade")()
    model = built(task).eval()
    with torch.inference_mode():
        steering, measuring = task.validate(model, ()), task.evaluate(model, ())
    assert {record.value.condition for record in steering} == {""}
    assert not {record.group for record in steering} & {record.group for record in measuring}
    assert task.metrics[0].value(steering) > 0
