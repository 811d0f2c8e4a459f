"""Many copies stepped as one are as many single environments of gymnasium's, and go on exactly where they stopped."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from environments import own
from gymnasium import spaces

from sounding.environments import Disturbance, Environments, Settings
from sounding.errors import TrainingError, UsageError

ATARI = "ALE/Breakout-v5"


def chosen(environments: Environments, rng: np.random.Generator) -> np.ndarray:
    actions = environments.spec.actions
    if actions.discrete:
        return rng.integers(0, actions.n, environments.n)
    return rng.uniform(-2.5, 2.5, (environments.n, actions.n)).astype(np.float32)


def given(space: spaces.Space, action) -> object:
    if isinstance(space, spaces.Discrete):
        return action + space.start
    return np.clip(action, space.low, space.high)


@pytest.mark.parametrize("name", ["CartPole-v1", "Pendulum-v1", "own/Walk-v0"])
def test_copies_are_single_environments(name):
    rng = np.random.default_rng(0)
    singles = [gymnasium.make(name) for _ in range(3)]
    with Environments(name, 3) as environments:
        seen = environments.reset([1, 2, 3])
        assert environments.episode_seeds.tolist() == [1, 2, 3]
        for single, seed, row in zip(singles, (1, 2, 3), seen, strict=True):
            assert np.array_equal(single.reset(seed=seed)[0].astype(np.float32), row)
        for _ in range(220):
            actions = chosen(environments, rng)
            step = environments.step(actions)
            for k, single in enumerate(singles):
                value, reward, over, cut, _ = single.step(given(single.action_space, actions[k]))
                assert np.array_equal(np.float32(value), step.final_obs[k])
                assert np.float32(reward) == step.rewards[k]
                assert (over, cut and not over) == (step.terminated[k], step.truncated[k])
                if over or cut:
                    value, _ = single.reset(seed=int(environments.episode_seeds[k]))
                assert np.array_equal(np.float32(value), step.obs[k])
        assert environments.episodes.sum() > 0


@pytest.mark.parametrize(
    ("name", "settings", "disturbance"),
    [
        ("CartPole-v1", Settings(sticky=0.3, frame_skip=2), Disturbance()),
        ("Pendulum-v1", Settings(time_limit=17), Disturbance(noise=0.1, delay=2)),
        ("own/Screen-v0", Settings(size=10, stack=3), Disturbance(noise=0.1, brightness=0.2, delay=1)),
        ("MinAtar/Seaquest-v0", Settings(noop_max=9), Disturbance()),
        (ATARI, Settings(), Disturbance()),
    ],
)
def test_a_state_that_is_restored_goes_on_the_same(name, settings, disturbance):
    steps = 30 if name == ATARI else 100
    with Environments(name, 2, settings, disturbance) as first, Environments(name, 2, settings, disturbance) as second:
        first.reset([5, 6])
        rng = np.random.default_rng(1)
        for _ in range(steps):
            seen = first.step(chosen(first, rng)).obs
        state = first.state()
        assert np.array_equal(second.restore(state), seen)
        again = np.random.default_rng(2)
        rng = np.random.default_rng(2)
        for _ in range(steps):
            for one, other in zip(first.step(chosen(first, rng)), second.step(chosen(second, again)), strict=True):
                assert np.array_equal(one, other)
        assert first.episode_seeds.tolist() == second.episode_seeds.tolist()


def test_a_game_of_ataris_is_the_single_one_of_ale():
    """The scores and lives of a game without chances are those of `AtariEnv` with the same frames."""
    settings = Settings(sticky=0.0, noop_max=0, fire_reset=False)
    single = gymnasium.make("ALE/Breakout-v5", repeat_action_probability=0.0, frameskip=4)
    single.reset(seed=3)
    rng = np.random.default_rng(0)
    lost = scored = 0
    with Environments(ATARI, 2, settings) as environments:
        environments.reset([3, 4])
        lives = 5
        for _ in range(300):
            actions = rng.integers(0, 4, 2)
            step = environments.step(actions)
            _, reward, over, _, info = single.step(int(actions[0]))
            assert (reward, over) == (step.rewards[0], step.terminated[0])
            assert step.life_lost[0] == (info["lives"] < lives and not over)
            lost, scored, lives = lost + step.life_lost[0], scored + reward, info["lives"]
            if over:
                break
    assert lost == 4
    assert scored > 0


def test_a_watched_game_is_the_one_that_is_played():
    """What is rendered in colours, made grey and small, is what the agent sees."""
    with Environments(ATARI, 1, Settings(size=0, stack=1), rendering=True) as environments:
        environments.reset([3])
        for _ in range(15):
            seen = environments.step([1]).obs
        grey = environments.render() @ np.array([0.299, 0.587, 0.114])
        assert environments.render().shape == (210, 160, 3)
        assert np.abs(grey - seen[0, 0]).max() <= 2
        assert seen.max() > 100


def test_a_screen_is_made_grey_smaller_and_stacked():
    with Environments("own/Screen-v0", 1, Settings(size=20, stack=2)) as environments:
        assert environments.spec.observation.shape == (2, 20, 20)
        first = environments.reset([0])
        assert not first[0, 0].any()
        second = environments.step(np.zeros((1, 2), np.float32)).obs
        assert np.array_equal(second[0, 0], first[0, 1])
        grey = 200 * 0.299 + 100 * 0.587 + 50 * 0.114
        assert np.isclose(first.sum(), grey / 6, atol=2)  # of 2 × 3 pixels one is lit


@pytest.mark.parametrize("told", [True, False])
def test_life_loss_is_told_and_the_episode_goes_on(told):
    with Environments("own/Walk-v0", 1, Settings(life_loss=told)) as environments:
        environments.reset([0])
        assert [environments.step([1]).life_lost[0] for _ in range(4)] == [False, False, False, told]


def test_sticky_actions_repeat_what_was_done():
    """Where the walk without chance goes left though right was asked, the action before was repeated."""
    with Environments("MountainCarContinuous-v0", 400, Settings(sticky=0.25)) as environments:
        environments.reset(range(400))
        environments.step(np.full((400, 1), 1.0))
        before = environments.step(np.full((400, 1), 1.0)).obs[:, 1]
        after = environments.step(np.full((400, 1), -1.0)).obs[:, 1]
        pushed = (after - before) > 0.0  # the slope pulls by less than the engine
        assert 0.15 < pushed.mean() < 0.35


def test_a_delay_shows_what_was():
    with Environments("CartPole-v1", 2, None, Disturbance(delay=1)) as late, Environments("CartPole-v1", 2) as prompt:
        assert np.array_equal(late.reset([1, 2]), before := prompt.reset([1, 2]))
        for _ in range(5):
            assert np.array_equal(late.step([0, 1]).obs, before)
            before = prompt.step([0, 1]).obs


def test_brightness_and_noise_change_what_is_seen_alone():
    bright = Disturbance(brightness=0.25, noise=0.02)
    with Environments(ATARI, 1, None, bright) as disturbed, Environments(ATARI, 1) as plain:
        disturbed.reset([1])
        plain.reset([1])
        for _ in range(10):
            one, other = disturbed.step([3]), plain.step([3])
            assert one.rewards == other.rewards
        change = one.obs[:, -1].astype(int) - other.obs[:, -1]
        dark = other.obs[:, -1] < 150
        assert np.isclose(change[dark].mean(), 0.25 * 255, atol=3)
        assert 2 < change[dark].std() < 8


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("own/raises-v0", "raised ZeroDivisionError: a wall of no width, in step 5 of an episode"),
        ("own/nan-v0", "gave an observation that is not finite, in step 5 of an episode"),
        ("own/nanreward-v0", "gave a reward that is not finite, in step 5"),
        ("own/shape-v0", "an observation of shape (3,) where its space says (2,)"),
    ],
)
def test_an_environment_that_fails_is_told_with_what_brings_it_about(name, found):
    with Environments(name, 2) as environments:
        environments.reset([7, 8])
        for _ in range(4):
            environments.step([1, 1])
        with pytest.raises(TrainingError) as caught:
            environments.step([1, 1])
    assert found in str(caught.value)
    assert "(copy 0, seed 7)" in str(caught.value)
    assert "reset(seed=7)" in str(caught.value)


def test_large_rewards_are_given_as_they_are():
    with Environments("own/1e9-v0", 1) as environments:
        environments.reset([0])
        assert max(environments.step([1]).rewards[0] for _ in range(5)) == np.float32(1e9)


def test_an_environment_of_other_chances_is_not_restored():
    with Environments("own/chance-v0", 1) as environments:
        environments.reset([0])
        environments.step([1])
        with pytest.raises(TrainingError, match="does not do the same again"):
            environments.restore(environments.state())


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("CartPol-v1", "Did you mean CartPole-v1?"),
        ("cartpole-v1", "Did you mean CartPole-v1?"),
        ("ALE/Pongg-v5", "Did you mean ALE/Pong-v5?"),
        ("MinAtar/Brakout-v1", "Did you mean MinAtar/Breakout-v1?"),
        ("%%%", "module:Id-v0"),
        ("no.such.module:Id-v0", "no.such.module cannot be imported"),
    ],
)
def test_a_name_that_nobody_knows(name, said):
    with pytest.raises(UsageError) as caught:
        Environments(name, 1)
    assert said in str(caught.value)


def test_a_game_of_minatar_needs_no_version():
    with Environments("MinAtar/Breakout", 1) as short, Environments("MinAtar/Breakout-v1", 1) as long:
        assert short.name == "MinAtar/Breakout-v1"
        assert short.spec == long.spec


@pytest.mark.parametrize(
    ("observation", "action", "said"),
    [
        (spaces.Dict(a=spaces.Discrete(2)), None, "a dictionary"),
        (spaces.Text(5), None, "text"),
        (spaces.Tuple([spaces.Discrete(2)]), None, "a tuple"),
        (None, spaces.Box(-1, 1, (0,)), "zero actions"),
        (None, spaces.MultiDiscrete([2, 3]), "MultiDiscrete"),
        (None, spaces.Box(-np.inf, np.inf, (2,)), "no limits"),
    ],
)
def test_spaces_that_nothing_can_be_learnt_from(observation, action, said):
    gymnasium.register("own/Odd-v0", entry_point=lambda **_: own.Spaces(observation, action))
    try:
        with pytest.raises(UsageError) as caught:
            Environments("own/Odd-v0", 1)
        assert said in str(caught.value)
        assert caught.value.fix
    finally:
        del gymnasium.registry["own/Odd-v0"]


def test_an_environment_of_a_file(tmp_path: Path):
    text = Path(own.__file__).read_text().replace("own/", "mine/")
    (tmp_path / "mine.py").write_text(text)
    with Environments(f"{tmp_path}/mine.py:mine/Walk-v0", 1, rendering=True) as environments:
        environments.reset([3])
        assert environments.render().shape == (8, 21, 3)


@pytest.mark.parametrize(
    ("missing", "name", "said"),
    [
        ("gymnasium", "CartPole-v1", "sounding[arcade]"),
        ("ale_py", "ALE/Pong-v5", "sounding[arcade]"),
        ("ale_py", "PongNoFrameskip-v4", "sounding[arcade]"),
        ("minatar", "MinAtar/Breakout-v1", "pip install minatar"),
    ],
)
def test_a_missing_package_is_named(missing, name, said):
    """In another process, since what was imported stays."""
    code = f"""
import sys
sys.modules[{missing!r}] = None
from sounding.environments import Environments
from sounding.errors import UsageError
try:
    Environments({name!r}, 1)
except UsageError as error:
    print(error)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said in run.stdout
    assert len(run.stdout.splitlines()) == 1


@pytest.mark.parametrize("settings", [{"sticky": 1.0}, {"frame_skip": 0}, {"stack": 0}, {"time_limit": 0}])
def test_settings_that_cannot_be_played(settings):
    with pytest.raises(UsageError):
        Settings(**settings)
