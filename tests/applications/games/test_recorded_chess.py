"""Chess learnt from games and puzzles: files become positions, true to the rules, the results and the ratings."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import sounding as sd
from sounding import catalog
from sounding.data import open_data
from sounding.data.audit import check
from sounding.errors import DataError, UsageError
from sounding.games.chess import Chess
from sounding.games.chess.about import about
from sounding.games.chess.mirroring import MIRRORED_ACTIONS, mirrored

CHESS = catalog.find("chess")
SCHOLAR = "e2e4 e7e5 d1h5 b8c6 f1c4 g8f6 h5f7"
PUZZLE = {
    "fen": "3r2kb/1Q5p/4p1pP/p3np2/N7/1P1qB3/PP3PP1/1K2R3 w - - 2 29",
    "moves": "b1a1 d3d1 e3c1 d1e1",
    "rating": 991,
}


def learner(**settings: object):
    return CHESS(CHESS.Recipe.make("tiny", settings)).with_data()


def random_games(n: int, moves: int = 30) -> list[str]:
    """Games of random moves, in UCI."""
    game, rng, found = Chess(), np.random.default_rng(0), []
    for _ in range(n):
        position, words = game.start(1), []
        while len(words) < moves and not game.over(position)[0]:
            action = int(rng.choice(np.flatnonzero(game.legal(position)[0])))
            words.append(game.text(action, position[0]))
            game.play(position, [action])
        found.append(" ".join(words))
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Games and puzzles side by side, in two tables and a PGN file."""
    path = tmp_path_factory.mktemp("chess") / "mixed"
    path.mkdir()
    games = random_games(40)
    columns = {
        "moves": games,
        "result": ["1-0", "0-1", "1/2-1/2", "*"] * 10,
        "white_elo": [1500] * 40,
        "black_elo": [1700] * 40,
    }
    pq.write_table(pa.table(columns), path / "games.parquet")
    puzzles = [{**PUZZLE, "fen": PUZZLE["fen"].replace("29", str(number))} for number in range(29, 49)]
    pq.write_table(pa.Table.from_pylist(puzzles), path / "puzzles.parquet")
    (path / "one.pgn").write_text('[WhiteElo "1600"]\n\n1. e4 e5 2. Qh5 Nc6 3. Bc4 Nf6 4. Qxf7# 1-0\n')
    return path


# ---- what is in a game


def test_positions_are_those_of_an_independent_replay():
    chess = pytest.importorskip("chess")
    lines = [*random_games(3), "g1f3 g8f6 f3g1 f6g8 " * 4 + "e2e4"]  # a draw by repetition, and people played on
    found = learner().windows([learner().recorded.read(line) for line in lines])
    number = 0
    for line in lines:
        board = chess.Board()
        for word in line.split():
            example, number = found[number], number + 1
            assert Chess().fen(example.input).split()[:2] == board.fen().split()[:2]
            assert Chess().text(int(example.target["policy"].argmax()), example.input) == word
            assert int(Chess().legal(example.input[None].copy())[0].sum()) == board.legal_moves.count()
            board.push_uci(word)
    assert number == len(found)


def test_results_and_ratings_are_from_the_view_of_who_moves():
    row = {"moves": SCHOLAR, "result": "1-0", "white_elo": 1400, "black_elo": "?"}
    task = learner()
    positions = task.windows([task.recorded.read(row)])
    assert [int(p.target["outcome"].argmax()) for p in positions] == [0, 2, 0, 2, 0, 2, 0]
    assert about(positions[3].input).ratings == (1400, 0)
    planes = [task.game.observe(p.input[None].copy())[0, 44:, 0, 0].tolist() for p in positions]
    assert planes[0] == pytest.approx([-0.6, 0])
    assert planes[1] == pytest.approx([0, -0.6])


def test_of_a_puzzle_the_solvers_moves_are_learnt_and_nothing_of_who_wins():
    task = learner()
    positions = task.windows([task.recorded.read({**PUZZLE, "puzzle": 1})])
    assert [task.target.describe(p.target) for p in positions] == ["d3d1", "d1e1"]
    assert about(positions[0].input).puzzle == 991
    squares = {n for n in range(64) if int(positions[0].input["marked"]) >> n & 1}
    assert squares == {19, 3, 20, 2, 4}  # d3 d1, e3 c1, d1 e1
    assert np.isnan(positions[0].target["outcome"]).all()


def test_puzzles_are_seen_as_often_as_was_asked_and_measured_once():
    task = learner(puzzle_share=0.5, measured=10)
    games = [task.recorded.read(line) for line in random_games(4)]
    puzzles = [task.recorded.read({**PUZZLE, "puzzle": 1})] * 3
    found = task.windows([*games, *puzzles])
    assert found.puzzles.sum() == pytest.approx((~found.puzzles).sum(), rel=0.1)
    measured = task.measured(found)
    assert (measured.puzzles.sum(), (~measured.puzzles).sum()) == (3, 5)
    assert measured.first_moves[measured.puzzles].all()


def test_a_mirrored_position_allows_the_mirrored_moves():
    task, game = learner(), Chess()
    positions = task.windows([task.recorded.read({**PUZZLE, "puzzle": 1})])
    other = mirrored(game, positions[0].input)
    expected = np.zeros_like(game.legal(other))
    expected[:, MIRRORED_ACTIONS] = game.legal(positions[0].input[None].copy())
    np.testing.assert_array_equal(game.legal(other), expected)
    seen = game.observe(positions[0].input[None].copy())
    np.testing.assert_array_equal(game.observe(other), seen[..., ::-1])
    assert mirrored(game, game.start(1)[0]) is None


# ---- files and tables


def test_games_and_puzzles_in_one_folder_are_told_apart(folder):
    report = check(learner(), folder)
    assert (report.rows, len(report.rejected)) == (61, 0)
    assert any("puzzles (33% of the rows)" in note for note in report.notes)


def test_bad_games_are_named_by_game_and_move(tmp_path):
    good = '[White "A"]\n\n1. e4 e5 2. Nf3 Nc6 *\n\n'
    wrong = '[White "A"]\n\n1. e4 e5 2. Nf3 Nc6 3. Bb5 a6 4. Bxa6 Nf9 *\n\n'
    other = '[Variant "Atomic"]\n\n1. e4 e5 *\n\n'
    beginning = '[FEN "8/8/8/8/8/8/8/K6k w - - 0 1"]\n\n1. Kb1 *\n\n'
    (tmp_path / "games.pgn").write_text(11 * good + wrong + other + beginning + 10 * good)
    said = {row.where: str(row) for row in check(learner(), tmp_path / "games.pgn", allow_bad=1.0).rejected}
    assert set(said) == {"games.pgn: game 12, move 4", "games.pgn: game 13"}
    assert "Black's 'Nf9' is no move" in said["games.pgn: game 12, move 4"]
    assert "Atomic, and no chess" in said["games.pgn: game 13"]


def test_bad_rows_of_a_table_are_named(tmp_path):
    rows = [
        (SCHOLAR, "1-0"),
        ("e2e4 e7e5 e4e5", "1-0"),
        ("e2e4 e9", "0-1"),
        (None, "1-0"),
        (SCHOLAR, "2-0"),
        ("1. e4 e5 2. Ke3", "1-0"),
    ]
    table = {"moves": [moves for moves, _ in rows], "result": [result for _, result in rows]}
    pq.write_table(pa.table(table), tmp_path / "games.parquet")
    found = check(learner(), tmp_path / "games.parquet", allow_bad=1.0)
    said = [(row.where, row.what) for row in found.rejected]
    assert said == [
        ("games.parquet:row 2", "move 2: White's e4e5 is an illegal move"),
        ("games.parquet:row 3", "move 1: Black's 'e9' is no move: they are written e2e4, or e7e8q"),
        ("games.parquet:row 4", "the document is empty"),
        ("games.parquet:row 5", "result '2-0' is none"),
        ("games.parquet:row 6", "move 2: White's Ke3 is not legal (line 1)"),
    ]
    pq.write_table(pa.table({"a": [1]}), tmp_path / "other.parquet")
    with pytest.raises(DataError, match="no column of moves"):
        open_data(learner(), tmp_path / "other.parquet")


# ---- learning


@pytest.fixture(scope="module")
def run(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "chess"
    return sd.train("chess", folder, size="tiny", steps=10, measured=20, out=out, card=None, precision="fp32")


def test_a_training_is_judged_by_moves_and_puzzles(run, folder):
    found = run.evaluate(folder)
    names = ["move match", "move match from ply 20", "puzzle first move", "top-5 move match", "value error"]
    assert list(found)[:5] == names
    assert list(found)[5:] == ["blunder rate", "pointing in puzzles", "pointing by chance"]
    assert (run.task.recipe.least_rating, run.task.recipe.most_rating) == (1500, 1700)


def test_a_rating_that_is_asked_for_is_what_the_network_sees(run):
    game, seen = run.task.game, []
    hook = run.module.register_forward_pre_hook(lambda _, given: seen.append(given[0].planes[:, 44:]))
    run("e4 e5", rating=1500)
    hook.remove()
    assert seen[-1].unique().tolist() == pytest.approx([-0.5])
    again = run.task.with_options({"rating": 1500}).evaluator(run.module)(game.start(1))
    plain = run.task.evaluator(run.module)(game.start(1))
    assert not np.array_equal(again[0], plain[0])


def test_a_run_that_learnt_ratings_plays_like_a_player_of_one(run):
    assert run.task.ratings == (1500, 1700)
    thinker, start = run.task.thinker(run.module), run.task.game.start(1)
    rated, other = (thinker.think(run.task.game, start, thinker.rated(elo).limit()) for elo in (1500, 1700))
    (logits,), _ = run.task.with_options({"rating": 1500}).evaluator(run.module)(start)
    moves = np.flatnonzero(run.task.game.legal(start)[0])
    assert rated.simulations == 1
    assert rated.candidates[0].action == moves[logits[moves].argmax()]
    assert rated.candidates[0].prior != other.candidates[0].prior
    with pytest.raises(UsageError, match="Give 1500 to 1700"):
        thinker.rated(1400)


def test_the_ratings_of_a_run_are_offered_to_programs_before_it_is_opened(run):
    words = [sys.executable, "-m", "sounding", "play", str(run.dir), "--uci"]
    said = subprocess.run(words, input="uci\nquit\n", capture_output=True, text=True, check=True).stdout
    assert "option name UCI_Elo type spin default 1700 min 1500 max 1700" in said.splitlines()


def test_a_game_that_an_evaluation_leaves_out_is_named(run, tmp_path):
    good = '[White "A"]\n\n1. e4 e5 2. Nf3 Nc6 1-0\n\n'
    (tmp_path / "games.pgn").write_text(11 * good + '[White "A"]\n\n1. e4 e5 2. Nf3 Nf9 1-0\n\n' + good)
    heard: list[str] = []
    run.evaluate(tmp_path / "games.pgn", say=heard.append)
    (said,) = heard
    assert "games.pgn: game 12, move 2: Black's 'Nf9' is no move" in said
