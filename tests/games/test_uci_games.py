"""Whole games over UCI: an independent client plays against the server, and engines that fail forfeit their game."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from sounding.arena.duels import play_duels
from sounding.arena.ladder import ladder_of_duels
from sounding.errors import UsageError
from sounding.games.chess import Chess
from sounding.games.contest import Moving, Pace
from sounding.games.playouts import Greedily, Randomly
from sounding.games.protocols.uci_mover import UciMover
from sounding.runs.contestants import Called, gathered

SERVER = """
import sys
sys.path.insert(0, {folder!r})
import numpy as np
from doubles import Materialist
from sounding.games.chess import Chess
from sounding.games.protocols.uci import About, Uci
with open(0, "rb", buffering=0, closefd=False) as source:
    Uci(About("server"), lambda: Materialist(Chess()), np.random.default_rng(0), source, sys.stdout).serve()
"""
COMMAND = [sys.executable, "-c", SERVER.format(folder=str(Path(__file__).parent))]

FAULTY = """
import sys, time
for line in sys.stdin:
    word = line.split()[0]
    if word == "uci": print("id name faulty\\nuciok", flush=True)
    if word == "isready": print("readyok", flush=True)
    if word == "go":
        if sys.argv[1] == "crash": print("out of luck", file=sys.stderr); sys.exit(3)
        if sys.argv[1] == "hang": time.sleep(60)
        print({"illegal": "bestmove e2e5", "none": "bestmove (none)"}[sys.argv[1]], flush=True)
"""


def test_python_chess_plays_whole_games_against_the_server():
    chess = pytest.importorskip("chess")
    client = pytest.importorskip("chess.engine")
    rng = np.random.default_rng(0)
    with client.SimpleEngine.popen_uci(COMMAND, timeout=120) as engine:
        assert engine.id["name"] == "server"
        engine.configure({"Hash": 8, "Move Overhead": 0})
        for is_960 in (False, True):
            board = chess.Board.from_chess960_pos(17) if is_960 else chess.Board()
            clocks = {"white_clock": 10, "black_clock": 10, "white_inc": 0.1, "black_inc": 0.1}
            while not board.is_game_over(claim_draw=True):
                if board.turn == chess.WHITE:
                    board.push(
                        engine.play(board, client.Limit(**clocks), game=board.root().fen()).move
                    )  # legal, or raises
                else:
                    moves = list(board.legal_moves)
                    board.push(moves[int(rng.integers(len(moves)))])
            assert len(board.move_stack) > 6
        info = engine.analyse(chess.Board("4k3/8/8/8/8/8/4q3/4K3 w - - 0 1"), client.Limit(depth=1))
        assert info["score"].white().score() == 0  # the queen is taken
        assert info["pv"][0] == chess.Move.from_uci("e1e2")


@pytest.fixture
def faulty(tmp_path):
    path = tmp_path / "faulty.py"
    path.write_text(FAULTY)
    return lambda fault: [sys.executable, "-S", str(path), fault]


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("crash", "faulty failed: it ended instead of answering go (out of luck)"),
        ("hang", "faulty failed: no answer to go in time"),
        ("illegal", "faulty answered 'e2e5': e2e5 is not legal"),
        ("none", "faulty named no move"),
    ],
)
def test_an_engine_that_fails_forfeits_the_game_and_is_started_again(faulty, fault, said):
    mover = UciMover(faulty(fault), seconds=0.3)
    other = Moving(Randomly(), np.random.default_rng(0))
    match = play_duels(Chess(), mover, other, Chess().start(1), Pace(nodes=5))
    mover.close()
    assert match.score == 0
    assert match.forfeits == [said, said]


def test_a_ladder_of_engines_goes_on_where_one_fails_in_every_game(faulty):
    rng = np.random.default_rng(0)
    crashing = UciMover(faulty("crash"), seconds=5, name="crashing")
    players = [Moving(Randomly(), rng), crashing, Moving(Greedily(), rng)]
    begins = Chess().position("4k3/8/8/8/8/8/8/4KQ2 w - - 90 1")
    found = ladder_of_duels(Chess(), players, begins, Pace(nodes=5), anchor="crashing")
    crashing.close()
    assert [(match.one, match.other) for match in found.matches] == [
        ("random", "crashing"),
        ("random", "greedy"),
        ("crashing", "greedy"),
    ]
    assert [len(match.forfeits) for match in found.matches] == [2, 0, 2]
    assert list(found.ratings.ratings)[-1] == "crashing"
    assert "2 forfeited: crashing failed: it ended instead of answering go" in str(found)


def test_an_engine_is_told_the_game_from_its_opening():
    mover = UciMover(COMMAND, {"Hash": 4}, name="ours")
    opening = Chess().position("4k3/8/8/8/8/8/3PPP2/4K3 w - - 0 1")
    match = play_duels(Chess(), mover, Moving(Randomly(), np.random.default_rng(1)), opening, Pace.clock("60+1"))
    mover.close()
    assert (match.one, match.forfeits) == ("ours", [])
    assert len(match.games) == 2


def test_players_by_what_they_are_called(faulty):
    found = Called.of("stockfish 'Skill Level=5' Hash=16 --flag=2 name=SF")
    assert found.words == ("stockfish", "--flag=2")
    assert found.settings == {"Skill Level": "5", "Hash": "16", "name": "SF"}
    rng = np.random.default_rng(0)

    def players(*texts, game="chess", **board):
        return gathered(texts, lambda run: None, game, rng, True, **board)

    game, (one, other) = players("random", "mcts:50", game="connect4")
    assert (game.name, one.name, other.name) == ("connect4", "random", "MCTS 50")
    assert players("random", "greedy", game="go", size=7, komi=5.5)[0].size == 7
    _, two = players("chess rating=1500", "chess rating=1700 name=ours")
    assert [player.name for player in two] == ["chess rating=1500", "ours"], "both are the same engine"
    for texts, options, said in (
        (("random", "greedy"), {"game": None}, "nobody says which game"),
        (("random", "greedy"), {"game": "ches"}, "Did you mean chess"),
        (("random", "greedy"), {"size": 9}, "chess has no size"),
        (("random strength=3", "greedy"), {}, "has no setting 'strength'"),
        (("chess rating=99999", "greedy"), {}, "Give 1050 to 2200"),
        (("chess rating=strong", "greedy"), {}, "is no number"),
        (("chess rating=1500 strength=3", "greedy"), {}, "Give one of them"),
        (("random", "no-such-program"), {}, "there is no program no-such-program"),
        (("random", " ".join(faulty("none")) + " Hash=3"), {}, "faulty has no option 'Hash'"),
        (("random", "'"), {}, "names nobody"),
        (("random", "Hash=3"), {}, "names nobody"),
    ):
        with pytest.raises(UsageError) as error:
            players(*texts, **options)
        assert said in str(error.value)


def test_the_verb_keeps_the_games_and_says_what_they_prove(sounding, tmp_path):
    (tmp_path / "two.epd").write_text(
        "# a comment\n8/8/8/8/8/4k3/4p3/4K3 w - - bm Kd1;\n4k3/8/8/8/8/8/8/4KQ2 w - - 90 1\n"
    )
    words = ("match", "random", "greedy", "--game", "chess", "--games", 2, "--openings", "two.epd", "--nodes", 5)
    status, out, err = sounding(*words, "--out", "kept.pgn")
    assert status == 0, err
    assert out.startswith("random against greedy: ")
    assert "pairs with 0, ½, 1, 1½, 2 points: " in out
    assert "conditions: chess, 5 nodes a move, openings of two.epd, " in out
    kept = (tmp_path / "kept.pgn").read_text()
    assert kept.count('[FEN "4k3/8/8/8/8/8/8/4KQ2 w - - 90 1"]') == 2  # the other is over: a stalemate
    assert "not overwritten" in sounding(*words, "--out", "kept.pgn")[2]
    ladder = ("match", "random", "greedy", "mcts:2", *words[3:-4], "--plies", 2, "--nodes", 5)
    status, out, err = sounding(*ladder, "--anchor", "greedy", "--neighbours", 1, "--out", "ladder.pgn")
    assert status == 0, err
    assert out.splitlines()[0].split()[:2] == ["player", "Elo"]
    assert "(the scale begins here)" in next(line for line in out.splitlines() if line.startswith("greedy"))
    assert (tmp_path / "ladder.pgn").read_text().count("[Result ") == 4
    (tmp_path / "bad.epd").write_text("4k3/8/8/8/8/8/8/4KQ2 w - -\n4k3/8/8 w - -\n")
    assert "bad.epd:2: " in sounding(*words, "--out", "x.pgn", "--openings", "bad.epd")[2]
    for wrong, said in (
        (("--games", 3), "3 games are no pairs"),
        (("--clock", "soon"), "'soon' is no clock"),
        (("--sprt", "5"), "no two numbers"),
        (("--sprt", "5,0"), "asks nothing"),
        (("--anchor", "greedy"), "are for ladders"),
        (("--movetime", "0.1"), "--nodes"),
        (("--out", "games.txt"), "kept as .pgn"),
    ):
        options = words if wrong[0] == "--movetime" else words[:-2]
        status, _, err = sounding(*options, *wrong)
        assert status == 2
        assert said in err
