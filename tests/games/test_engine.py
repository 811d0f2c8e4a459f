"""Other programs as movers: their process is found again by its position, and each way of failing forfeits one game."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from sounding.errors import UsageError
from sounding.games.connect4 import Connect4
from sounding.games.protocols.engine import Engine, EngineRefusal
from sounding.games.protocols.engine_mover import FORFEIT, EngineMover
from sounding.games.protocols.program import EngineFailure

LEFTMOST = """
import sys, time
fault, heights, moves = sys.argv[1], [0] * 7, []
for line in sys.stdin:
    words = line.split()
    if words[0] == "protocol_version": said = "= 2"
    elif words[0] == "name": said = "= leftmost"
    elif words[0] == "clear_board": heights, moves, said = [0] * 7, [], "="
    elif words[0] == "play": heights["ABCDEFG".index(words[2])] += 1; moves.append(words[2]); said = "="
    elif words[0] == "moves": said = "= " + "".join(moves)
    elif words[0] == "genmove":
        column = next(c for c in range(7) if heights[c] < 6)
        move = "ABCDEFG"[column]
        late = len(moves) >= 4
        if late and fault == "crash": print("out of memory", file=sys.stderr); sys.exit(3)
        if late and fault == "hang": time.sleep(60)
        if late and fault == "illegal": move = "Z"
        if late and fault == "resign": move = "resign"
        if late and fault == "refuse": print("? cannot think\\n", flush=True); continue
        if late and fault == "garbage": print("hello\\n", flush=True); continue
        heights[column] += 1; moves.append(move); said = "= " + move
    else: said = "? unknown command"
    print(said + "\\n", flush=True)
"""


@pytest.fixture
def program(tmp_path):
    path = tmp_path / "leftmost.py"
    path.write_text(LEFTMOST)
    return lambda fault="none": [sys.executable, "-S", str(path), fault]


@pytest.fixture
def mover(program, request):
    found = EngineMover(program(), seconds=20)
    yield found
    found.close()


def test_a_process_answers_refuses_and_ends(program):
    engine = Engine(program())
    assert engine.name == "leftmost"
    assert engine.ask("play b D") == ""
    assert engine.ask("genmove w") == "A"
    with pytest.raises(EngineRefusal, match="unknown command"):
        engine.ask("fly")
    engine.close()
    with pytest.raises(EngineFailure, match="ended"):
        engine.ask("name")


def test_each_game_has_its_process_whatever_order_positions_come_in(mover):
    game, rng = Connect4(), np.random.default_rng(0)
    positions = game.start(3)
    game.play(positions, [1, 2, 3])  # the engine is the second player in all three
    names = [1, 2, 3]
    for _ in range(2):
        order = rng.permutation(3)
        positions, names = positions[order], [names[k] for k in order]
        game.play(positions, mover.moves(game, positions, rng))
        game.play(positions, np.array([6, 6, 6]))
    assert len(mover._seats) == 3
    mover.moves(game, positions, rng)
    heard = sorted(seat.engine.ask("moves") for seat in mover._seats)
    assert heard == ["BAGAGA", "CAGAGA", "DAGAGA"]
    assert mover.forfeits == []


def test_games_that_ended_leave_their_process_to_the_next(mover):
    game, rng = Connect4(), np.random.default_rng(0)
    for _ in range(2):
        positions = game.start(2)
        while not game.over(positions).all():
            positions = positions[~game.over(positions)]
            game.play(positions, mover.moves(game, positions, rng))
            if not game.over(positions).any():
                game.play(positions, np.full(len(positions), 5))
    assert len(mover._seats) == 2


def test_games_that_the_other_ended_leave_theirs_too(mover):
    game, rng = Connect4(), np.random.default_rng(0)
    for _ in range(6):
        positions = game.start(2)
        while True:
            game.play(positions, [6, 6])  # wins before the engine does
            if game.over(positions).all():
                break
            game.play(positions, mover.moves(game, positions, rng))
    assert len(mover._seats) <= 4


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("crash", "leftmost failed: it ended instead of answering genmove (out of memory)"),
        ("hang", "leftmost failed: no answer to genmove within 0.7 s"),
        ("illegal", "leftmost answered 'Z', which is no legal move"),
        ("resign", "leftmost resigned"),
        ("refuse", "leftmost refused to play: cannot think"),
        ("garbage", "leftmost failed: it answered 'hello'"),
    ],
)
def test_what_fails_forfeits_that_game_alone(program, fault, said):
    mover = EngineMover(program(fault), seconds=20)
    game, rng = Connect4(), np.random.default_rng(0)
    late = game.start(1)
    for _ in range(2):
        game.play(late, mover.moves(game, late, rng))
        game.play(late, np.array([6]))
    for seat in mover._seats:
        seat.engine.seconds = 0.7 if fault == "hang" else 20
    early = game.start(1)
    answers = mover.moves(game, np.concatenate([late, early]), rng)
    assert answers.tolist() == [FORFEIT, 0]
    assert mover.forfeits == [said]
    assert mover.moves(game, early, rng).tolist() == [0]  # and the match goes on
    mover.close()


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("/no/such/engine --mode gtp", "there is no program /no/such/engine"),
        (str(Path(__file__).parent), "cannot be started"),
        (f"{sys.executable} -S -c pass", "is no GTP engine: it"),
        (["cat"], "is no GTP engine: it answered 'protocol_version'"),
        ("", "no program is named"),
    ],
)
def test_what_is_no_engine_is_said(command, said):
    with pytest.raises(UsageError) as caught:
        EngineMover(command)
    assert said in str(caught.value)
    assert "gnugo --mode gtp" in str(caught.value)
