"""Another program that speaks UCI: what it finds is read as it says it, and each way of failing is said once."""

from __future__ import annotations

import sys
import time

import pytest

from sounding.errors import UsageError
from sounding.games.protocols.program import EngineFailure
from sounding.games.protocols.uci_engine import Line, UciEngine, position_of, read_line

ENGINE = """
import sys, time
fault = sys.argv[1]
for line in sys.stdin:
    words = line.split()
    if words[0] == "uci":
        if fault == "mute": time.sleep(60)
        if fault == "endless":
            while True: print("info string hello", flush=True)
        print("id name parrot 1.0\\noption name Hash type spin default 16 min 1 max 64")
        print("option name Clear Hash type button")
        print("uciok", flush=True)
    elif words[0] == "setoption": said = line.strip()
    elif words[0] == "isready": print("readyok", flush=True)
    elif words[0] == "position": position = line.strip()
    elif words[0] == "go":
        if fault == "crash": print("out of memory", file=sys.stderr); sys.exit(3)
        if fault == "hang": time.sleep(60)
        if fault == "flood":
            while True: print("info depth 1 score cp 1 pv e2e4", flush=True)
        if fault == "garbage": print("info depth x score cp y pv e2e4", flush=True)
        print("info string", position, "|", said if "said" in dir() else "")
        print("info depth 1 multipv 1 score cp 13 nodes 20 pv e2e4 e7e5")
        print("info depth 2 seldepth 3 multipv 2 score mate -2 nodes 50 pv d2d4")
        print("info depth 2 seldepth 3 multipv 1 score cp 31 lowerbound nodes 60 nps 1000 wdl 300 600 100 pv e2e4 c7c5")
        print("info depth 2 currmove e2e4 currmovenumber 1")
        print("bestmove (none)" if "mated" in position else "bestmove e2e4 ponder c7c5", flush=True)
"""


@pytest.fixture
def start(tmp_path):
    path = tmp_path / "parrot.py"
    path.write_text(ENGINE)
    begun = []

    def begin(fault="none", options=None, seconds=20.0):
        begun.append(UciEngine([sys.executable, "-S", str(path), fault], options, seconds))
        return begun[-1]

    yield begin
    for engine in begun:
        engine.close()


def test_what_it_says_last_of_each_line_is_found(start):
    engine = start(options={"hash": 32})
    assert engine.name == "parrot 1.0"
    assert engine.offered["Hash"] == "type spin default 16 min 1 max 64"
    found = engine.find("e2e4", "depth 2")
    assert (found.best, found.expected) == ("e2e4", "c7c5")
    assert found.lines == (
        Line(("e2e4", "c7c5"), 2, 60, centipawns=31, bound="lower", wdl=(300, 600, 100)),
        Line(("d2d4",), 2, 50, mate=-2),
    )
    engine.new_game()
    assert engine.find("mated", "depth 2").best == ""


def test_lines_are_told_as_they_come(start):
    engine = start()
    engine.go("", "infinite")
    *lines, found = engine.lines()
    assert [line.depth for line in lines] == [1, 2, 2]
    assert found.lines[0] == lines[-1]


def test_a_position_is_told_by_its_moves_or_its_fen():
    assert position_of("") == "position startpos"
    assert position_of("e2e4 e7e5") == "position startpos moves e2e4 e7e5"
    assert position_of("e2e4", "8/8/8/8/8/8/8/K1k5 w - - 0 1") == (
        "position fen 8/8/8/8/8/8/8/K1k5 w - - 0 1 moves e2e4"
    )


def test_a_line_without_rank_is_the_first():
    assert read_line("info score mate 3 depth 9 pv a1a8") == (1, Line(("a1a8",), 9, mate=3))


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("crash", "ended instead of answering go \\(out of memory\\)"),
        ("hang", "no answer to go in time"),
        ("flood", "no answer to go in time"),
        ("garbage", "it said 'info depth x"),
    ],
)
def test_each_failure_of_a_search_is_said_and_ends_the_process(start, fault, said):
    engine = start(fault, seconds=0.5)
    with pytest.raises(EngineFailure, match=said):
        engine.find("", "depth 1")
    with pytest.raises(EngineFailure, match="ended"):
        engine.find("", "depth 1")


def test_what_is_no_engine_is_said():
    with pytest.raises(UsageError, match=r"there is no program \./nothing"):
        UciEngine("./nothing here")
    with pytest.raises(UsageError, match=r"true is no UCI engine: .*ended"):
        UciEngine("true")
    with pytest.raises(UsageError, match="no program is named"):
        UciEngine("")


def test_a_program_that_is_not_installed_is_no_example_of_itself(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UsageError, match=r"there is no program stockfish\. Install it, or give the path of its file"):
        UciEngine("stockfish")
    with pytest.raises(UsageError, match=r"there is no program stokfish.*such as 'stockfish'"):
        UciEngine("stokfish")


def test_an_option_that_it_lacks_is_said(start):
    with pytest.raises(UsageError, match=r"parrot 1.0 has no option 'Hsh'.*Did you mean Hash"):
        start(options={"Hsh": 1})


def test_a_greeting_without_end_is_given_up(start):
    began = time.monotonic()
    with pytest.raises(UsageError, match="no uciok"):
        start("endless")
    assert time.monotonic() - began < 15
