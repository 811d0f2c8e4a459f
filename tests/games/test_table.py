"""A person at a board: what is told, taken back, hinted at and kept, at the table and through the verb."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from doubles import RandomThinker

from sounding.contract.player import Player
from sounding.games.connect4 import Connect4
from sounding.games.table import Table
from sounding.games.thinking import Strength
from sounding.runs.model import Model


class Talk:
    """A table at which lines are typed; `told` is all that was said to the last one."""

    def __init__(self, person: int = 0, game=None, seed: int = 0) -> None:
        self.game = game or Connect4()
        self.heard: list[str] = []
        rng = np.random.default_rng(seed)
        self.thinker = RandomThinker(self.game, seed)
        self.table = Table(self.thinker, self.game, Strength(3), person, rng, self.heard.append)
        self.table.begin()

    def __call__(self, line: str) -> str:
        self.heard.clear()
        assert self.table.take(line)
        return "\n".join(self.heard)


def test_who_begins_and_what_the_other_plays():
    talk = Talk()
    assert "You are X, random is O" in talk.heard[0]
    assert len(talk.table.session.moves) == 0
    said = talk("D")
    assert len(talk.table.session.moves) == 2
    assert "O plays " in said
    assert "win rate of O 60 %, 3 simulations; expects " in said
    assert said.count("X") == 1
    assert len(Talk(person=1).table.session.moves) == 1


def test_undo_takes_your_move_and_the_answer_back():
    talk = Talk(person=1)
    talk("D")
    talk("D")
    assert len(talk.table.session.moves) == 5
    talk("undo")
    assert len(talk.table.session.moves) == 3
    assert talk.table.session.to_play == 1
    talk("UNDO")
    assert "no move of yours" in talk("undo")
    assert len(talk.table.session.moves) == 1


def test_hints_and_words_that_mean_nothing():
    talk = Talk()
    assert talk("hint").count("% for you") == 3
    assert talk.thinker.limits[-1].simulations == 200
    assert "Did you mean hint?" in talk("hnt")
    assert "no column of Connect Four" in talk("Q")
    assert talk("") == ""
    assert "save FILE" in talk("help")
    assert len(talk.table.session.moves) == 0
    for _ in range(3):
        talk.table.session.play(0)
        talk.table.session.play(0)
    assert "not legal here" in talk("A")
    assert not talk.table.take("quit")


def test_a_game_ends_and_can_be_taken_back():
    talk = Talk(seed=1)
    for _ in range(21):
        legal = np.flatnonzero(talk.game.legal(talk.table.session.position)[0])
        said = talk(talk.game.text(int(legal[-1])))
        if talk.table.over:
            break
    assert said.split("\n")[-1] in ("X wins.", "O wins.", "A draw.")
    assert talk.table.prompt == "undo, save FILE or quit: "
    assert "the game is over" in talk("A")
    talk("undo")
    assert not talk.table.over
    assert talk("resign") == "O wins: you resigned."
    assert "the game is over" in talk("resign")


def test_games_are_saved_and_no_other_file_is_overwritten(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    talk = Talk()
    talk("D")
    assert talk("save game.txt") == "2 moves in game.txt"
    moves = (tmp_path / "game.txt").read_text()
    assert moves.startswith("D")
    talk("E")
    assert talk("save game.txt") == "4 moves in game.txt"  # its own file
    (tmp_path / "mine.txt").write_text("mine")
    assert "not overwritten" in talk("save mine.txt")
    assert (tmp_path / "mine.txt").read_text() == "mine"
    assert "saved as .txt" in talk("save game.sgf")
    assert "saved as .txt" in talk("save")
    (tmp_path / "locked").write_text("")
    assert "locked/game.txt" in talk("save locked/game.txt")
    assert len(talk.table.session.moves) == 4


@pytest.fixture
def run(monkeypatch):
    """The verb finds a run that plays Connect Four at random."""

    class Random(Player):
        def __init__(self):
            pass

        def thinker(self, model):
            return RandomThinker(Connect4(), any_board=False)

    Random.__abstractmethods__ = frozenset()
    found = Model(SimpleNamespace(dir="runs/connect4/1"), Random(), None)
    monkeypatch.setattr("sounding.api.load", lambda place: found)
    return found


def test_the_verb_plays_at_a_terminal(sounding, run, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("D\nhint\nsave a.txt\n"))
    status, out, _ = sounding("play", "runs/connect4/1", "--colour", "white", "--strength", "1", "--seed", 0)
    assert status == 0
    assert "You are O, random is X" in out
    assert "3 moves in a.txt" in out


def test_the_verb_speaks_the_protocol_and_nothing_else(sounding, run, monkeypatch, tmp_path):
    (tmp_path / "lines").write_text("1 name\n2 genmove b\nquit\n")
    with open(tmp_path / "lines") as lines:
        monkeypatch.setattr("sys.stdin", lines)
        status, out, _ = sounding("play", "runs/connect4/1", "--gtp", "--strength", 20)
    answers = out.split("\n\n")
    assert status == 0
    assert [answers[0], answers[2:]] == ["=1 random", ["=", ""]]
    assert answers[1][:3] == "=2 "


SERVER = """
import sys
sys.path.insert(0, {folder!r})
import numpy as np
from doubles import RandomThinker
from sounding.games.connect4 import Connect4
from sounding.games.protocols.gtp import commands_of, serve
from sounding.games.thinking import Strength
from sounding.runs.model import Model
commands = commands_of(RandomThinker(Connect4()), Connect4(), Strength(3), np.random.default_rng(0))
with open(0, "rb", buffering=0, closefd=False) as source:
    serve(commands, source, sys.stdout)
"""


def test_a_process_ends_in_silence_when_it_is_told_to_or_nobody_listens():
    call = [sys.executable, "-c", SERVER.format(folder=str(Path(__file__).parent))]
    pipe = subprocess.PIPE
    told, left = (subprocess.Popen(call, stdin=pipe, stdout=pipe, stderr=pipe) for _ in range(2))
    told.stdin.write(b"name\nquit\n")  # and its input stays open
    told.stdin.flush()
    left.stdin.write(b"lz-analyze b 5\n")
    left.stdin.flush()
    assert left.stdout.readline() == b"=\n"
    left.stdout.close()
    assert [told.wait(100), left.wait(100)] == [0, 0]
    assert told.stdout.read() == b"= random\n\n=\n\n"
    assert [told.stderr.read(), left.stderr.read()] == [b"", b""]
    for process in (told, left):
        process.stdin.close()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--colour", "green"], "no colour 'green'"),
        (["--strength", "strong"], "neither a level nor a number"),
        (["--komi", "7"], "connect4 has no komi"),
        (["--size", "9"], "connect4 has no size"),
    ],
)
def test_the_verb_says_what_cannot_be(sounding, run, words, said):
    status, _, err = sounding("play", "runs/connect4/1", *words)
    assert status == 2
    assert said in err


def test_a_run_that_has_learnt_no_game_is_refused(sounding, run):
    run.task = object()
    status, _, err = sounding("play", "runs/classify/1")
    assert status == 2
    assert "has learnt no game" in err
    assert sounding("play", "nowhere/1")[0] == 2
