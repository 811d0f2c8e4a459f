"""The networks of the package: each loads, plays legal moves to the end of a game, and beats a player at random."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
import torch
from click.testing import CliRunner

import sounding as sd
from sounding.arena.matches import play_match
from sounding.arena.openings import openings
from sounding.cli import cli
from sounding.errors import UsageError
from sounding.games.playouts import Randomly
from sounding.games.shipped import BOARDS, NETS, net_of
from sounding.randomness import stream

ALL = [(name, size) for name, boards in BOARDS.items() for size in boards]


def test_they_are_within_five_megabytes():
    sizes = {file: file.stat().st_size for file in NETS.rglob("*.safetensors")}
    assert len(sizes) == len(ALL)
    assert sum(sizes.values()) < 5e6


@pytest.mark.parametrize(("name", "size"), ALL)
def test_each_wins_against_chance_on_its_board(name, size):
    model = sd.load(net_of(name, size))
    game, rng = model.task.game, stream("shipped")
    assert (game.name, game.shape[1]) == (name, size)

    class Alone:
        """The best legal move that the network sees at once."""

        name = "network"

        def moves(self, game, positions, rng):
            logits, _ = model.task.evaluator(model.module)(positions)
            return np.where(game.legal(positions), logits, -np.inf).argmax(axis=1)

    with torch.inference_mode():
        found = play_match(game, Alone(), Randomly(), openings(game, 8, 2, rng), rng)
    assert not found.forfeits  # which an illegal move would be
    assert found.score > 0.8


def test_another_board_has_no_network_and_a_folder_of_that_name_goes_before(tmp_path, monkeypatch):
    assert net_of("go") == net_of("go", 9) != net_of("go", 7)
    assert net_of("chess") is None
    with pytest.raises(UsageError, match="7 and 9 lines"):
        net_of("go", 13)
    monkeypatch.chdir(tmp_path)
    os.mkdir("go")
    assert net_of("go") is None


@pytest.mark.parametrize(("arguments", "typed"), [(["connect4"], "D\nquit\n"), (["go", "--size", "7"], "D4\nquit\n")])
def test_a_person_plays_at_once(arguments, typed):
    found = CliRunner().invoke(cli, ["play", *arguments, "--strength", "1"], input=typed)
    assert found.exit_code == 0, found.output
    assert json.dumps("error") not in found.output.lower()
    assert "D" in found.output
