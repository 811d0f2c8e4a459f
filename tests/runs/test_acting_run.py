"""A run that acts in an environment: watched, filmed, recorded, explained, and asked as a policy."""

from __future__ import annotations

from pathlib import Path

import gymnasium
import numpy as np
import PIL.Image
import pytest

import sounding as sd
from sounding.environments.agent import episodes
from sounding.environments.recording import recordings

TOY = Path(__file__).parents[1] / "applications" / "toys" / "balance.py"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return sd.train(str(TOY), steps=60, out=tmp_path_factory.mktemp("runs") / "balance", card=None)


def test_it_acts_in_gymnasiums_own_vector_environment(run):
    """As Stable-Baselines3's users do, and as well as the run's own episodes say."""
    vector = gymnasium.make_vec("CartPole-v1", 4, max_episode_steps=60)
    seen, _ = vector.reset(seed=0)
    scores, alive = np.zeros(4), np.ones(4, bool)
    state = None
    while alive.any():
        actions, state = run.predict(seen, state=state, episode_start=~alive, deterministic=True)
        seen, rewards, over, cut, _ = vector.step(actions)
        scores += rewards * alive
        alive &= ~(over | cut)
    assert state is None
    assert scores.mean() > 40  # a random policy stays up for 22
    own = [episode.score for episode in episodes(run.agent, 4)]
    assert np.mean(own) > 40


def test_one_observation_has_one_answer_and_draws_are_drawn(run):
    single, _ = run.predict(np.zeros(4))
    assert single.shape == ()
    drawn = [int(run.predict(np.zeros(4), deterministic=False)[0]) for _ in range(40)]
    assert set(drawn) == {0, 1}
    with pytest.raises(sd.UsageError, match=r"shape \(4,\)"):
        run.predict(np.zeros(5))
    with pytest.raises(sd.UsageError, match="not finite"):
        run.predict(np.full(4, np.nan))


def test_episodes_are_the_same_however_many_are_played_at_a_time(run):
    assert episodes(run.agent, 5, seed=3, n=1) == episodes(run.agent, 5, seed=3, n=4)


def test_an_episode_without_an_end_is_cut_off(run):
    cut = episodes(run.agent, 3, longest=5)
    assert [(each.steps, each.score, each.truncated) for each in cut] == [(5, 5.0, True)] * 3


def test_what_is_seen_is_known_by_its_mean_and_deviation_once_it_was_played(run):
    seen = np.stack([example.input for example in run.dataset().train])
    loaded = sd.load(run.dir).task.input
    assert np.allclose(loaded.mean, seen.mean(axis=0), atol=1e-4)
    assert np.allclose(loaded.std, seen.std(axis=0), atol=1e-4)


def test_it_is_filmed_explained_and_recorded(run, sounding, tmp_path):
    status, out, _ = sounding("play", run.dir, "--out", "film.gif", "--explain", "--record", "rec", "--episodes", 2)
    assert status == 0
    assert "episode 2: score" in out
    found = list(recordings(tmp_path / "rec"))
    assert [len(each) for each in found] == [int(each.score) for each in found]
    assert all(int(run.predict(each.observations)[0][3]) == each.actions[3] for each in found)
    with PIL.Image.open(tmp_path / "film.gif") as film:
        assert film.n_frames == sum(map(len, found))


def test_a_film_of_another_kind_is_refused(run, sounding):
    status, _, error = sounding("play", run.dir, "--out", "film.avi")
    assert status == 2
    assert "Name a .gif" in error


def test_a_person_needs_a_terminal_and_a_known_environment(sounding):
    for name, said in (("CartPole-v1", "a terminal"), ("CartPol-v1", "Did you mean CartPole-v1?")):
        status, _, error = sounding("play", name)
        assert status == 2
        assert said in error
