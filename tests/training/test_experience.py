"""Learning by playing: rounds are played once, kept in shards, dealt to splits by game, and read again by a resume."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from power_cut import Stopped, Stopping

from sounding.contract.batch import Batch
from sounding.contract.player import Experience
from sounding.errors import RunError
from sounding.machine.setting import Setting
from sounding.training import experience, validation
from sounding.training.checkpointer import Checkpointer, FolderCheckpointer
from sounding.training.experience import PlayFeed, Positions, held_out
from sounding.training.loop import Budget, fit
from sounding.training.shards import Shards
from sounding.training.train_state import TrainState

sys.path.insert(0, str(Path(__file__).parents[1] / "applications" / "toys"))

from nim import Nim, NimRecipe

SETTING = Setting(threads=1)


class Counting(Nim):
    """Notes which rounds were played."""

    def __init__(self, *words) -> None:
        super().__init__(*words)
        self.played: list[int] = []

    def play(self, model, rng):
        found = super().play(model, rng)
        self.played.append(len(found))
        return found


def learnt(folder: Path | None, checkpointer: Checkpointer, task: Nim | None = None) -> tuple[torch.Tensor, Counting]:
    task = task or Counting(NimRecipe.make("tiny"))
    feed = PlayFeed(task, Shards(folder), seed=4)
    result = fit(task, (), (), budget=Budget(steps=60), seed=4, setting=SETTING, checkpointer=checkpointer, feed=feed)
    return torch.cat([p.flatten() for p in result.model.parameters()]), task


def round_of(n: int, first: int = 0, games: int = 4) -> Experience:
    return Experience(np.arange(first, first + n), np.full(n, 2), np.arange(n) * games // n)


def test_experience_of_arrays_of_unlike_length_is_refused():
    with pytest.raises(ValueError, match="different lengths"):
        Experience(np.arange(3), np.arange(2), np.arange(3))


def test_it_learns_the_winning_move():
    task = Nim(NimRecipe.make("tiny"))
    feed = PlayFeed(task, Shards(), seed=0)
    model = fit(task, (), (), budget=Budget(steps=600), seed=0, setting=SETTING, feed=feed).model
    answers = {heap: task.predict(model, [heap])[0].value for heap in (1, 2, 3, 5, 6)}
    assert answers == {1: 1, 2: 2, 3: 3, 5: 1, 6: 2}  # leave a multiple of four


@pytest.mark.parametrize("last", [1, 10, 11, 37, 59])
def test_a_resumed_training_plays_no_round_twice_and_ends_with_the_same_weights(tmp_path, last):
    whole, task = learnt(None, Checkpointer())
    assert len(task.played) == 6
    before = Counting(NimRecipe.make("tiny"))
    with pytest.raises(Stopped):
        learnt(tmp_path / "experience", Stopping(tmp_path, last), before)
    weights, after = learnt(tmp_path / "experience", FolderCheckpointer(tmp_path))
    assert torch.equal(weights, whole)
    assert before.played + after.played == task.played  # also the round whose step was not saved any more
    assert len(list((tmp_path / "experience").glob("*.npz"))) == 6


def test_a_round_that_is_encoded_at_once_gives_the_batches_of_one_that_is_not(monkeypatch):
    recipe = replace(NimRecipe.make("tiny"), passes=3, batch=7, round_steps=5, accumulate=2)

    def batches(begin: int) -> list[list[Batch]]:
        task = Nim(recipe)
        state, feed = TrainState(task, 0, SETTING), PlayFeed(task, Shards(), seed=2)
        first = feed.steps(state)
        found = [next(first) for _ in range(5)]
        first.close()
        state.counters.step = begin
        return found if not begin else [*found[:begin], next(feed.steps(state))]

    together, resumed = batches(0), batches(3)
    monkeypatch.setattr(experience, "AT_ONCE", 0)
    for at_once, one_by_one in ((together, batches(0)), (resumed, batches(3))):
        for found, expected in zip(at_once, one_by_one, strict=True):
            assert [batch.size for batch in found] == [batch.size for batch in expected] == [4, 3]
            for one, other in zip(found, expected, strict=True):
                assert torch.equal(one.inputs, other.inputs)
                assert torch.equal(one.targets, other.targets)
                assert [e.input for e in one.examples] == [e.input for e in other.examples]


def test_a_shard_that_was_cut_off_is_named_and_the_others_are_used(tmp_path):
    shards = Shards(tmp_path)
    for number in range(3):
        shards.put(number, round_of(40, first=100 * number))
    file = tmp_path / "000001.npz"
    file.write_bytes(file.read_bytes()[:-30])
    said: list[str] = []
    again = Shards(tmp_path, said.append)
    train, validation, test = held_out(again, 0.2)
    seen = {int(example.input) // 100 for split in (train, validation, test) for example in split}
    assert seen == {0, 2}
    assert len(said) == 1
    assert "000001.npz: the shard is damaged or cut off" in said[0]


def test_a_round_whose_shard_was_cut_off_in_the_air_is_played_again(tmp_path):
    whole, _ = learnt(None, Checkpointer())
    with pytest.raises(Stopped):
        learnt(tmp_path / "experience", Stopping(tmp_path, 31))
    file = tmp_path / "experience" / "000003.npz"
    file.write_bytes(file.read_bytes()[:100])
    weights, task = learnt(tmp_path / "experience", FolderCheckpointer(tmp_path))
    assert torch.equal(weights, whole)
    assert len(task.played) == 3  # rounds 3, 4 and 5


def test_games_are_dealt_as_wholes_and_stay_where_they_are(tmp_path):
    shards = Shards()
    for number in range(30):
        shards.put(number, round_of(40, first=1000 * number, games=8))
    splits = held_out(shards, 0.2)
    games = [{example.group for example in split} for split in splits]
    assert sum(map(len, splits)) == 1200
    assert len(set.union(*games)) == sum(map(len, games)) == 240
    assert 20 < len(games[2]) < 80
    fewer = Shards()
    for number in range(10):
        fewer.put(number, round_of(40, first=1000 * number, games=8))
    assert {e.group for e in held_out(fewer, 0.2)[2]} <= games[2]


def test_the_window_holds_the_latest_positions():
    shards = Shards()
    for number in range(5):
        shards.put(number, round_of(10, first=10 * number))
    found = Positions(shards, range(5), "train", 0.0, most=25)
    assert [int(e.input) for e in found] == list(range(25, 50))
    assert [int(e.input) for e in found[-3:]] == [47, 48, 49]
    with pytest.raises(IndexError):
        found[25]


def test_a_player_that_gives_nothing_is_an_error():
    class Idle(Nim):
        def play(self, model, rng):
            return Experience(np.zeros(0, int), np.zeros(0, int), np.zeros(0, int))

    with pytest.raises(RunError, match="round 0 of play gave nothing"):
        learnt(None, Checkpointer(), Idle(replace(NimRecipe.make("tiny"))))


def test_matches_take_a_small_part_of_the_training_and_the_last_are_always_played(monkeypatch):
    """By a clock that counts matches alone: each takes 5 s, and they are asked for at 20, 40, …, 100 s of 100."""
    clock = [0.0]
    matches = Nim.matches

    def playing(self, model, rng):
        clock[0] += 5.0
        return matches(self, model, rng)

    monkeypatch.setattr(Nim, "matches", playing)
    monkeypatch.setattr(validation.time, "monotonic", lambda: clock[0])
    state = TrainState(Nim(NimRecipe.make("tiny")), 0, SETTING)
    values = []
    for share in (0.2, 0.4, 0.6, 0.8, 1.0):
        state.counters.progress, state.counters.seconds = share, 100 * share
        values.append(validation.validation_scores(state, [], asked=False)[0])
    assert np.isfinite(values).tolist() == [True, False, True, False, True]
    assert clock[0] == 15.0
    state.counters.progress = 0.4
    assert np.isfinite(validation.validation_scores(state, [], asked=True)[0])


@pytest.mark.parametrize(("clocked", "measured"), [(True, [True, False, True, False, True]), (False, [True] * 5)])
def test_matches_that_choose_the_weights_take_a_quarter_of_the_time_where_the_clock_ends_the_training(
    monkeypatch, clocked, measured
):
    """By a clock that counts matches alone: each takes 12 s, and they are asked for at 20, 40, …, 100 s of 100."""
    clock = [0.0]
    matches = Nim.matches

    def playing(self, model, rng):
        clock[0] += 12.0
        return matches(self, model, rng)

    monkeypatch.setattr(Nim, "matches", playing)
    monkeypatch.setattr(validation.time, "monotonic", lambda: clock[0])
    state = TrainState(Nim(replace(NimRecipe.make("tiny"), select="metric")), 0, SETTING)
    values = []
    for share in (0.2, 0.4, 0.6, 0.8, 1.0):
        state.counters.progress, state.counters.seconds = share, 100 * share
        values.append(validation.validation_scores(state, [], asked=False, clocked=clocked)[0])
    assert np.isfinite(values).tolist() == measured
