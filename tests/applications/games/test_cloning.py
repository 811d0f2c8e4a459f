"""Agents that imitate: what is learnt of recordings, how they are split, and recordings that are none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import gymnasium
import numpy as np
import pytest

import sounding as sd
from sounding.environments import Environments, Settings
from sounding.environments.recording import Recording

GAMMA = 0.9
POLE = "sounding/Pole-v0"
SMALL = {"size": "tiny", "card": None, "gamma": GAMMA, "match_games": 2, "lr": 1e-2, "validations": 2}


gymnasium.register(POLE, "gymnasium.envs.classic_control:CartPoleEnv", max_episode_steps=40)


def balanced(seen: np.ndarray) -> int:
    """What a teacher does with the pole: push to where it leans and falls."""
    return int(seen[2] + 0.5 * seen[3] > 0)


def episode(seed: int) -> Recording:
    with Environments(POLE, 1, Settings(sticky=0.0)) as environments:
        seen = environments.reset([seed])
        observations, actions, ended = [], [], False
        while not ended:
            observations.append(seen[0])
            actions.append(balanced(seen[0]))
            step = environments.step([actions[-1]])
            seen, ended = step.obs, bool(step.ended[0])
    rewards = np.ones(len(actions), np.float32)
    settings = Settings(sticky=0.0)
    return Recording(POLE, settings, seed, "person", np.stack(observations), np.array(actions), rewards, True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    found = tmp_path_factory.mktemp("recordings")
    for seed in range(12):
        episode(seed).save(found / f"episode-{seed}.npz")
    return found


@pytest.fixture(scope="module")
def clone(folder, tmp_path_factory):
    return sd.train("arcade", str(folder), steps=120, out=tmp_path_factory.mktemp("runs") / "clone", **SMALL)


def test_an_agent_does_as_the_teacher_in_episodes_that_it_did_not_see(clone):
    found = clone.evaluate()
    assert found.action_agreement.value > 0.9  # a constant action agrees in half of the steps
    assert found.score.value > 35  # a random policy stays up for 22 steps
    taught = clone.dataset().report.documents["train"]
    assert found["score of the recorder"].n == taught
    assert found["score of the recorder"].value == 40.0
    assert "episodes by person" in clone.task.set_metrics[0].definition


def test_the_value_is_of_the_rewards_that_came_and_the_scales_are_of_the_recordings(clone, folder):
    row = clone.dataset().train[0]
    assert float(row.target["expected"]) == pytest.approx((1 - GAMMA**40) / (1 - GAMMA), rel=1e-5)
    seen = np.stack([example.input for example in clone.dataset().train])
    assert np.allclose(clone.module.mean.numpy(), seen.mean(axis=0), atol=1e-4)
    found = clone.task.predict(clone.module, [row.input])[0]
    assert float(found.value["expected"]) == pytest.approx(float(row.target["expected"]), rel=0.2)


def test_episodes_are_held_out_as_a_whole(clone):
    data = clone.dataset()
    splits = [{example.input.tobytes() for example in rows} for rows in (data.train, data.validation, data.test)]
    assert all(splits)
    assert sum(map(len, splits)) == 12 * 40
    assert not splits[0] & (splits[1] | splits[2])
    assert [len(rows) % 40 for rows in (data.train, data.validation, data.test)] == [0, 0, 0]


def test_a_run_of_recordings_is_loaded_as_it_was_and_measured_on_others(clone, tmp_path):
    again = sd.load(clone.dir)
    assert again.evaluate() == clone.evaluate()
    episode(99).save(tmp_path / "other.npz")
    assert again.evaluate(str(tmp_path / "other.npz")).action_agreement.value > 0.9


def test_learning_by_playing_goes_on_from_what_was_imitated(clone, tmp_path):
    settings = {"copies": 2, "length": 16, "batch": 16, "passes": 1, "match_games": 2, "validations": 1, "lr": 0.0}
    begun = sd.train("arcade", POLE, start=clone.dir, steps=4, out=tmp_path / "run", card=None, **settings)
    assert begun.run.config["transfer"]["share"] == 1.0
    assert begun.task.plays
    assert begun.evaluate().score.value > 35


def test_few_episodes_are_divided(tmp_path):
    for seed in range(2):
        episode(seed).save(tmp_path / f"episode-{seed}.npz")
    report = sd.check("arcade", str(tmp_path))
    assert report.usable
    assert report.splits == {"train": 64, "validation": 8, "test": 8}


# ---- bad input


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.9, 0.999])
def test_a_recording_that_was_cut_short_is_named_and_left_out(folder, tmp_path, share):
    content = (folder / "episode-0.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(content[: int(len(content) * share)])
    episode(1).save(tmp_path / "whole.npz")
    report = sd.check("arcade", str(tmp_path))
    (rejected,) = report.rejected
    assert rejected.where == "cut.npz" or rejected.where.endswith("/cut.npz")
    assert "this is no recording, or a part of one" in str(rejected)


def changed(**what) -> Recording:
    return replace(episode(3), **what)


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        (changed(environment="Acrobot-v1"), "this is of Acrobot-v1, and sounding/Pole-v0 is learnt"),
        (changed(observations=np.zeros((40, 5), np.float32)), "not what an agent sees"),
        (changed(settings=Settings(frame_skip=4)), "not what an agent sees"),
        (changed(actions=np.full(40, 2)), "an action in it is none of sounding/Pole-v0"),
        (changed(rewards=np.full(40, np.nan, np.float32)), "not finite"),
    ],
)
def test_a_recording_of_something_else_is_named_and_left_out(tmp_path, odd, said):
    for seed in range(2):
        episode(seed).save(tmp_path / f"episode-{seed}.npz")
    odd.save(tmp_path / "odd.npz")
    (rejected,) = sd.check("arcade", str(tmp_path)).rejected
    assert said in str(rejected)


def test_recordings_of_an_environment_that_nobody_knows_are_refused_with_their_file(tmp_path):
    changed(environment="CartPool-v1").save(tmp_path / "odd.npz")
    with pytest.raises(sd.UsageError, match=r"odd\.npz: no environment is called 'CartPool-v1'\. Did you mean Cart"):
        sd.train("arcade", str(tmp_path), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_another_environment_than_that_of_the_recordings_is_refused(folder, tmp_path):
    with pytest.raises(sd.DataError, match="this is of sounding/Pole-v0, and Acrobot-v1 is learnt"):
        sd.train("arcade", str(folder), environment="Acrobot-v1", out=tmp_path / "run")


def test_places_without_recordings_are_named(tmp_path, sounding):
    for place, said in ((str(tmp_path), "there are no recordings here"), ("nowhere/", "no such file or folder")):
        status, _, error = sounding("train", "arcade", place)
        assert status == 1
        assert said in error


def test_recordings_are_known_without_a_task(folder, sounding):
    status, out, _ = sounding("check", folder)
    assert status == 0
    assert "read as arcade reads it" in out
