"""An engine as a teacher: labels are whole, each once, whatever interrupts; and what fails is said."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import chess
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sounding.errors import DataError, RunError, UsageError
from sounding.games.chess import teacher
from sounding.games.chess.labels import read_labels
from sounding.games.chess.lines import Walker, boards_of
from sounding.games.chess.teacher import Lesson, label, read_games

GAMES = [
    "e2e4 e7e5 g1f3 b8c6 f1b5 a7a6 b5a4 g8f6 e1g1 f8e7 f1e1 b7b5",
    "d2d4 d7d5 c2c4 e7e6 b1c3 g8f6 c1g5 f8e7 e2e3 e8g8 g1f3 h7h6",
    "g1f3 g8f6 c2c4 g7g6 b1c3 f8g7 e2e4 e8g8 d2d4 d7d6 f1e2 e7e5",
]
ENGINE = """
import sys, time
fault, pause = sys.argv[1], float(sys.argv[2])
asked = 0
for line in sys.stdin:
    words = line.split()
    if words[0] == "uci": print("id name adder\\noption name Hash type spin default 1 min 1 max 64\\nuciok", flush=True)
    elif words[0] == "isready": print("readyok", flush=True)
    elif words[0] == "position": ply = len(words) - 3
    elif words[0] == "go":
        asked += 1
        time.sleep(pause)
        if fault == "crash" and asked > 15: sys.exit(1)
        best = "a2a3" if ply % 2 == 0 else "a7a6"
        print(f"info depth 1 nodes {asked} score cp {ply} pv {best}\\nbestmove {best}", flush=True)
"""


@pytest.fixture
def adder(tmp_path):
    path = tmp_path / "adder.py"
    path.write_text(ENGINE)
    return lambda fault="none", pause=0.0: [sys.executable, "-S", str(path), fault, str(pause)]


@pytest.fixture(autouse=True)
def _small_shards(monkeypatch):
    monkeypatch.setattr(teacher, "GAMES", 1)


def read(folder: Path) -> pa.Table:
    return pa.concat_tables([pq.read_table(path) for path in teacher.shards(folder)])


PLAIN = Lesson("nodes 1", every=2, first=2, deviations=0)


def test_one_position_of_two_is_labelled_with_what_the_engine_says(adder, tmp_path):
    count = label(GAMES, adder(), tmp_path / "labels", PLAIN, print)
    found = read(tmp_path / "labels").to_pylist()
    expected = [(n, " ".join(moves.split()[:ply])) for n, moves in enumerate(GAMES) for ply in range(2 + n % 2, 13, 2)]
    assert [(row["game"], row["moves"]) for row in found] == expected
    assert count == len(found)
    assert all(row["score"] == len(row["moves"].split()) and row["mate"] is None for row in found)
    assert {row["best"] for row in found} == {"a2a3", "a7a6"}


def test_beside_the_games_lie_random_moves_that_the_engine_follows(adder, tmp_path):
    lesson = Lesson("nodes 1", every=100, first=12, deviations=2, follow=3, ahead=4)
    label(GAMES, adder(), tmp_path / "labels", lesson, print)
    lines = [row["moves"] for row in read(tmp_path / "labels").to_pylist() if row["moves"] not in GAMES]
    assert len(lines) == 3 * 2 * 3
    first = lines[:2]
    assert lines[2:4] == [f"{line} {'a2a3' if len(line.split()) % 2 == 0 else 'a7a6'}" for line in first]
    assert all(len(line.split()) > 12 and line.startswith(GAMES[0]) for line in first)
    boards_of(first)  # random moves are legal


def test_told_ahead_the_answers_stay_with_their_positions(adder, tmp_path):
    lesson = Lesson("nodes 1", every=2, first=2, deviations=0, ahead=5)
    label(GAMES, adder(), tmp_path / "ahead", lesson, print)
    label(GAMES, adder(), tmp_path / "alone", PLAIN, print)
    columns = ["moves", "score", "best"]
    assert read(tmp_path / "ahead").select(columns) == read(tmp_path / "alone").select(columns)


def test_a_kill_loses_no_label_and_gives_none_twice(adder, tmp_path):
    games, folder = GAMES * 4, tmp_path / "labels"
    pq.write_table(pa.table({"moves": games}), tmp_path / "games.parquet")
    engine = " ".join(adder(pause=0.03))
    program = (
        "import sys; from pathlib import Path; from sounding.games.chess import teacher; teacher.GAMES = 1\n"
        "from sounding.games.chess.teacher import *\n"
        "label(read_games(Path(sys.argv[1])), sys.argv[2], Path(sys.argv[3]), "
        "Lesson('nodes 1', every=2, first=2, deviations=0), print)"
    )
    words = [sys.executable, "-c", program, str(tmp_path / "games.parquet"), engine, str(folder)]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    while len(list(folder.glob("0*.parquet"))) < 3:
        assert process.poll() is None
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    before = {path: path.read_bytes() for path in teacher.shards(folder)}
    assert 3 <= len(before) < len(games)
    label(read_games(tmp_path / "games.parquet"), adder(), folder, PLAIN, print)
    assert all(path.read_bytes() == data for path, data in before.items())
    assert not [path for path in folder.iterdir() if path.name.startswith(".") and path.suffix == ".parquet"]
    label(games, adder(), tmp_path / "whole", PLAIN, print)
    columns = ["game", "moves", "score", "best"]
    assert read(folder).select(columns) == read(tmp_path / "whole").select(columns)


def test_an_engine_that_crashes_is_said_and_what_it_said_before_is_kept(adder, tmp_path):
    folder = tmp_path / "labels"
    with pytest.raises(RunError, match=r"adder failed: it ended instead of answering go.*\n?.*same command again"):
        label(GAMES, adder("crash"), folder, PLAIN, print)
    assert len(teacher.shards(folder)) == 2
    assert label(GAMES, adder(), folder, PLAIN, print) == 6
    with pytest.raises(UsageError, match="there is no program"):
        label(GAMES, "./nothing", folder, PLAIN, print)


def test_labels_of_another_kind_are_not_mixed(adder, tmp_path):
    label(GAMES, adder(), tmp_path, PLAIN, print)
    with pytest.raises(RunError, match=r"limit nodes 1, now depth 3"):
        label(GAMES, adder(), tmp_path, Lesson("depth 3", every=2, first=2, deviations=0), print)
    assert label(GAMES, adder(), tmp_path, Lesson("nodes 1", every=2, first=2, deviations=0), print) == 0


def test_games_that_cannot_be_read_are_said(tmp_path):
    (tmp_path / "bad.parquet").write_bytes(b"nothing")
    with pytest.raises(DataError, match=r"bad\.parquet"):
        read_games(tmp_path / "bad.parquet")
    pq.write_table(pa.table({"game": ["e2e4"]}), tmp_path / "other.parquet")
    with pytest.raises(DataError, match="moves"):
        read_games(tmp_path / "other.parquet")


def test_lines_become_boards_whatever_came_before():
    lines = ["e2e4 d7d5 e4e5 f7f5 e5f6", *GAMES, "a2a4 h7h5 a4a5 b7b5 a5b6 h5h4 b6c7 h4h3 c7b8q", "", "e2e4"]
    walker = Walker()
    for line in lines:
        board = chess.Board()
        for word in line.split():
            board.push_uci(word)
        found = walker.go_to(line)
        kinds = [board.pawns, board.knights, board.bishops, board.rooks, board.queens, board.kings]
        assert found[:8].tolist() == [*kinds, board.occupied_co[True], board.occupied_co[False]]
        assert found[8] == (not board.turn)
    with pytest.raises(ValueError, match="move 2, e7e4, is not legal"):
        walker.go_to("e2e4 e7e4")
    with pytest.raises(ValueError, match="no move"):
        walker.go_to("e2e4 castles")
    assert walker.go_to("e2e4 e7e5")[8] == 0


def test_quiet_labels_are_read(tmp_path):
    rows = [
        {"game": 0, "moves": "e2e4", "score": -30, "mate": None, "best": "e7e5", "depth": 1, "nodes": 1},
        {"game": 0, "moves": "e2e4 d7d5", "score": 50, "mate": None, "best": "e4d5", "depth": 1, "nodes": 1},
        {"game": 0, "moves": "f2f3 e7e5 g2g4", "score": None, "mate": 1, "best": "d8h4", "depth": 1, "nodes": 1},
        {"game": 1, "moves": "e2e4 d7d6 f1b5", "score": 9, "mate": None, "best": "c7c6", "depth": 1, "nodes": 1},
        {"game": 1, "moves": "d2d4 d7d5", "score": 40, "mate": None, "best": "c2c4", "depth": 1, "nodes": 1},
    ]
    for folder in ("a", "b"):
        teacher._write(tmp_path / folder / "000000.parquet", rows)
    found = read_labels([tmp_path / "a", tmp_path / "b"])
    assert found.scores.tolist() == [-30, 40, -30, 40]
    assert found.games.tolist() == [0, 1, 2, 3]
    assert np.array_equal(found.boards, np.concatenate([boards_of(["e2e4", "d2d4 d7d5"])[:, :9]] * 2))
    (tmp_path / "a" / "000001.parquet").write_bytes(b"cut off")
    with pytest.raises(DataError, match="000001"):
        read_labels([tmp_path / "a"])
    with pytest.raises(RunError, match="no labels are here"):
        read_labels([tmp_path / "c"])
