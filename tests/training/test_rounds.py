"""Rounds that are played ahead, in other processes: the same rounds wherever they are played, and after a resume."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from power_cut import Stopped, Stopping

from sounding import catalog
from sounding.machine.setting import Setting
from sounding.training import players
from sounding.training.checkpointer import Checkpointer, FolderCheckpointer
from sounding.training.experience import PlayFeed
from sounding.training.loop import Budget, fit
from sounding.training.rounds import players_of
from sounding.training.shards import Shards
from sounding.training.train_state import TrainState

sys.path.insert(0, str(Path(__file__).parents[1] / "applications" / "toys"))

from nim import Nim, NimRecipe

TWO_THREADS = Setting(threads=2)


@pytest.fixture
def no_processes(monkeypatch):
    def refuse(*_, **__):
        raise OSError("no more processes")

    monkeypatch.setattr(players.subprocess, "Popen", refuse)


def weights(task, folder: Path | None, checkpointer: Checkpointer, steps: int) -> torch.Tensor:
    feed = PlayFeed(task, Shards(folder), seed=4)
    result = fit(
        task, (), (), budget=Budget(steps=steps), seed=4, setting=TWO_THREADS, checkpointer=checkpointer, feed=feed
    )
    return torch.cat([p.flatten() for p in result.model.parameters()])


def nim() -> Nim:
    return Nim(replace(NimRecipe.make("tiny"), players=2))


@pytest.mark.usefixtures("no_processes")
@pytest.mark.parametrize("last", [1, 31])
def test_a_resumed_training_that_plays_ahead_ends_with_the_same_weights(tmp_path, last):
    whole = weights(nim(), None, Checkpointer(), 40)
    with pytest.raises(Stopped):
        weights(nim(), tmp_path / "experience", Stopping(tmp_path, last), 40)
    assert torch.equal(weights(nim(), tmp_path / "experience", FolderCheckpointer(tmp_path), 40), whole)


@pytest.mark.usefixtures("no_processes")
def test_the_first_rounds_are_played_by_the_first_weights_and_the_others_by_those_two_rounds_before(monkeypatch):
    asked: list[tuple[int, float]] = []
    play = players.played

    def noted(task, model, setting, words):
        asked.append((words[-1], float(next(model.parameters()).sum())))
        return play(task, model, setting, words)

    monkeypatch.setattr(players, "played", noted)
    weights(nim(), None, Checkpointer(), 40)
    by = dict(asked)
    assert sorted(by) == [0, 1, 2, 3]  # rounds 4 and 5 were in the air
    assert by[0] == by[1] == by[2]
    assert by[3] != by[2]


def test_processes_play_the_rounds_that_would_be_played_here(monkeypatch, tmp_path):
    """Connect Four, since what lies in no package cannot be played by another process."""
    application = catalog.find("connect4")
    small = {"round_steps": 2, "validations": 1, "match_games": 2, "games": 4, "players": 1}
    task = application(application.Recipe.make("tiny", small))
    here: list[tuple] = []
    monkeypatch.setattr(players, "played", lambda *words: here.append(words))
    there = weights(task, tmp_path / "experience", Checkpointer(), 4)
    assert not here  # all of it was played there
    monkeypatch.undo()
    monkeypatch.setattr(players.subprocess, "Popen", lambda *_, **__: (_ for _ in ()).throw(OSError()))
    assert torch.equal(weights(task, None, Checkpointer(), 4), there)


def test_without_threads_to_spare_nobody_plays_ahead():
    task = nim()
    assert players_of(task, TrainState(task, 0, Setting(threads=1))) == 0
    assert players_of(task, TrainState(task, 0, TWO_THREADS)) == 2
    assert players_of(Nim(NimRecipe.make("tiny")), TrainState(task, 0, TWO_THREADS)) == 0
