"""Go learnt from games that others played: files and tables become positions, true to the rules and to the results."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

import sounding as sd
from sounding import catalog
from sounding.applications.games.shared.judging import row_metrics
from sounding.applications.games.shared.recorded_positions import RecordedPositions
from sounding.contract.records import Record
from sounding.contract.task import built
from sounding.data import open_data
from sounding.data.audit import check, describe
from sounding.errors import DataError, UsageError
from sounding.games.go import Go
from sounding.games.records.columns import actions_of, in_columns
from sounding.games.records.record import BLACK, WHITE, GameRecord, Move
from sounding.games.records.sgf import games as sgf_games
from sounding.games.records.sgf import sgf

SIZE = 5
GO = catalog.find("go")


def played(rng: np.random.Generator, moves: int = 24, size: int = SIZE, **facts: object) -> GameRecord:
    """A game of random legal moves, which ends in two passes and is counted as it stands."""
    game = Go(size, 6.5)
    position, actions = game.start(1), []
    for _ in range(moves):
        legal = game.legal(position)[0]
        legal[-1] = not legal[:-1].any()
        actions.append(int(rng.choice(np.flatnonzero(legal))))
        game.play(position, actions[-1:])
        if game.over(position)[0]:
            break
    score = float(game.score(position)[0])
    result = f"{'B' if score > 0 else 'W'}+{abs(score):g}"
    alternate = tuple(Move(number % 2, action) for number, action in enumerate([*actions, size**2, size**2]))
    return GameRecord(size, alternate, 6.5, result=result, **facts)


@pytest.fixture(scope="module")
def records() -> list[GameRecord]:
    rng = np.random.default_rng(0)
    return [played(rng) for _ in range(40)]


@pytest.fixture(scope="module")
def folder(records, tmp_path_factory):
    """One file with many games, and a file for each of some others, below a folder."""
    path = tmp_path_factory.mktemp("games") / "sgf"
    (path / "more").mkdir(parents=True)
    (path / "many.sgf").write_text("".join(map(sgf, records[:30])))
    for number, record in enumerate(records[30:]):
        (path / "more" / f"{number}.sgf").write_text(sgf(record))
    return path


def learner(size: int = SIZE):
    task = GO(GO.Recipe.make("tiny")).with_data()
    task.recorded.size = size
    return task


def positions_of(*records: GameRecord, size: int = SIZE) -> RecordedPositions:
    task = learner(size)
    return RecordedPositions(Go(size, 6.5), task.ending, [task.recorded.read(in_columns(r)) for r in records])


# ---- what is in a game


def same(found, expected: np.ndarray, game: Go) -> bool:
    """Whether two positions are seen alike and allow the same."""
    pair = np.concatenate([found[None], expected])
    return all(np.array_equal(*part) for part in (game.observe(pair), game.legal(pair), game.keys(pair)))


def test_positions_are_those_of_the_game_played_move_by_move(records):
    found = positions_of(*records[:4])
    expected = [pair for record in records[:4] for pair in record.positions(Go(SIZE, 6.5))]
    assert len(found) == len(expected)
    for example, (position, move) in zip(found, expected, strict=True):
        assert same(example.input, position, Go(SIZE, 6.5))
        assert example.target["policy"].argmax() == move.action
        assert example.target["policy"].sum() == 1
    assert len({example.group for example in found}) == 4


def test_handicap_stones_and_moves_out_of_turn_are_played_as_they_stand():
    record = GameRecord(
        SIZE,
        (Move(WHITE, 12), Move(WHITE, 13), Move(BLACK, 25), Move(BLACK, 25), Move(BLACK, 7), Move(WHITE, 25)),
        0.5,
        black=(6, 18),
        result="W+R",
    )
    found = positions_of(next(sgf_games(sgf(record))))
    expected = list(record.positions(Go(SIZE, 0.5)))
    assert [int(example.target["policy"].argmax()) for example in found] == [move.action for _, move in expected]
    for example, (position, _) in zip(found, expected, strict=True):
        assert same(example.input, position, Go(SIZE, 0.5))
        assert float(example.input["komi"]) == 0.5
    whites = [float(example.target["outcome"][0]) for example in found]
    assert whites == [1, 1, 0, 0, 0, 1]  # White won, and a win is one of who moves


def test_what_was_counted_is_learnt_and_what_was_not_is_unknown():
    black, white = [5 + c for c in range(5)], [10 + c for c in range(5)]
    wall = [Move(n % 2, (black, white)[n % 2][n // 2]) for n in range(10)]
    ended = (*wall, Move(0, 25), Move(1, 25))
    counted = positions_of(GameRecord(SIZE, ended, 6.5, result="W+11.5"))[0].target
    assert counted["ownership"].reshape(5, 5).astype(int).tolist() == [[1] * 5] * 2 + [[-1] * 5] * 3
    assert float(counted["score"]) == -11.5
    assert counted["outcome"].tolist() == [0, 0, 1]
    otherwise = positions_of(GameRecord(SIZE, ended, 6.5, result="B+3.5"))[0].target
    assert np.isnan(otherwise["ownership"]).all()
    assert float(otherwise["score"]) == 3.5
    unknown = positions_of(GameRecord(SIZE, ended, 6.5, result="Void"))[0].target
    assert all(np.isnan(unknown[name]).all() for name in ("outcome", "ownership", "score"))


def test_what_is_unknown_changes_no_weight():
    task = learner()
    task.fit([])
    torch.manual_seed(0)
    model = built(task).train()
    rows = positions_of(GameRecord(SIZE, (Move(0, 12), Move(1, 7)), 6.5, result="?"))
    x, y = task.encode_inputs([row.input for row in rows]), task.encode_targets([row.target for row in rows])
    loss = task.loss(model, x, y)
    policy = torch.nn.functional.cross_entropy(model(x).policy, y.policy.argmax(dim=1), reduction="none")
    torch.testing.assert_close(loss, policy)
    loss.sum().backward()
    assert not model.network.value.outcome.weight.grad.any()
    assert not model.network.value.ownership.weight.grad.any()


def test_metrics_count_the_move_played_and_leave_out_unknown_results():
    task = learner()
    task.fit([])
    said, truth = np.zeros(8, task.target.dtype), np.zeros(8, task.target.dtype)
    said["policy"] = np.arange(26)[::-1] / 325
    for number, action in enumerate((0, 0, 3, 4, 5, 9, 20, 0)):
        truth["policy"][number, action] = 1
    said["outcome"], truth["outcome"] = (0.5, 0, 0.5), np.nan
    truth["outcome"][:2] = (1, 0, 0)
    truth["ownership"] = np.nan
    records = [Record(s, t, 0.5, 0.0) for s, t in zip(said, truth, strict=True)]
    found = {metric.name: metric.value(records) for metric in row_metrics(True, of_records=True)}
    assert found["move match"] == 3 / 8
    assert found["top-5 move match"] == 5 / 8
    assert found["value error"] == 0.25
    assert np.isnan(found["ownership error"])
    assert "nan" not in task.target.describe(truth[3])


# ---- files and tables


def test_a_folder_of_sgf_is_split_by_game(folder):
    data = open_data(learner(), folder)
    report = data.report
    assert (report.rows, report.used) == (40, sum(report.splits.values()))
    assert sum(report.documents.values()) == 40
    groups = [{row.group for row in rows} for rows in (data.train, data.validation, data.test)]
    assert [len(names) for names in groups] == [report.documents[side] for side in ("train", "validation", "test")]
    text = describe(report)
    assert "40 games in" in text
    assert "positions" in text
    assert "boards of 5 lines, komi 6.5" in text


def test_bad_games_are_named_by_game_and_move_and_the_others_are_used(records, tmp_path):
    occupied = records[0].moves[:22]
    illegal = GameRecord(SIZE, (*occupied, Move(0, occupied[0].action)), 6.5, result="B+R")
    other = played(np.random.default_rng(9), size=9)
    games = [*map(sgf, records[:11]), sgf(illegal), sgf(other), *map(sgf, records[11:24])]
    games.append("(;SZ[5];B[aa];W[zz])")
    games.append("(;SZ[5]HA[2];W[aa];B[bb])")
    games.append("(;SZ[5];B[aa](;W[bb];B[cc])(;W[dd]))")
    (tmp_path / "games.sgf").write_text("".join(games) + "(;SZ[5];B[aa];W[b")
    found = check(learner(0), tmp_path / "games.sgf", allow_bad=1.0)
    said = {row.where: str(row) for row in found.rejected}
    assert set(said) == {
        "games.sgf: game 12",
        "games.sgf: game 13",
        "games.sgf: game 27, move 2",
        "games.sgf: game 28",
        f"games.sgf:{sum(game.count(chr(10)) for game in games) + 1}: game 30, move 2",
    }
    assert "move 23: Black" in said["games.sgf: game 12"]
    assert "illegal move" in said["games.sgf: game 12"]
    assert "a board of 9 lines, and boards of 5 are learnt" in said["games.sgf: game 13"]
    assert "[zz] lies outside" in said["games.sgf: game 27, move 2"]
    assert "no stone is set up" in said["games.sgf: game 28"]
    assert "has no end" in next(text for where, text in said.items() if "game 30" in where)
    assert sum(found.documents.values()) == found.rows - len(found.rejected) == 25
    with pytest.raises(DataError, match="5 of 30 games cannot be used"):
        open_data(learner(0), tmp_path / "games.sgf")


def test_a_table_of_letter_pairs_is_read_as_the_files_are(records, tmp_path):
    rows = [in_columns(record) for record in records]
    columns = {name: [row.get(name) for row in rows] for name in ("moves", "result", "komi")}
    columns["moves"][6] = columns["moves"][6][:5]
    columns["moves"][7] = None
    columns["komi"][8] = 1000.25
    pq.write_table(pa.table(columns), tmp_path / "games.parquet")
    found = check(learner(0), tmp_path / "games.parquet", allow_bad=1.0)
    assert [(row.where, row.what) for row in found.rejected] == [
        ("games.parquet:row 7", "5 letters are no pairs"),
        ("games.parquet:row 8", "the document is empty"),
        ("games.parquet:row 9", "komi 1000.25 cannot be"),
    ]
    assert "boards of 5 lines, komi 6.5" in describe(found)
    data = open_data(learner(0), tmp_path / "games.parquet", allow_bad=1.0)
    assert len(data.train[0].input["hashes"]) == 51


def test_data_without_games_are_refused_with_what_was_looked_for(tmp_path):
    (tmp_path / "table.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="no column of moves"):
        check(learner(), tmp_path / "table.csv")
    (tmp_path / "notes.sgf").write_text("no game")
    (report,) = check(learner(), tmp_path / "notes.sgf", allow_bad=1.0).rejected
    assert "there is no game in it" in str(report)
    with pytest.raises(UsageError, match="takes no data"):
        catalog.find("connect4")().with_data()


def test_letter_pairs_are_points_of_the_board_or_are_named():
    assert actions_of("aaeeba--", 5).tolist() == [0, 24, 1, 25]
    for moves, where in (("aaffba", "move 2"), ("aa--b?", "move 3"), ("aaé-", "move 2")):
        with pytest.raises(DataError) as error:
            actions_of(moves, 5)
        assert error.value.where == where


def test_an_application_is_found_for_records_of_games(folder):
    report = sd.check("", folder)
    assert "read as go reads it: SGF files (.sgf); records of 40 games" in report.notes[0]


# ---- learning


@pytest.fixture(scope="module")
def run(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "records"
    return sd.train("go", folder, size="tiny", steps=30, measured=60, out=out, card=None, precision="fp32")


def test_a_training_from_records_is_judged_by_moves_of_held_out_games(run, folder):
    found = run.evaluate()
    assert list(found)[:3] == ["move match", "top-5 move match", "value error"]
    again = sd.load(run.dir)
    assert again.task.recipe.lines == SIZE
    assert dict(again.evaluate()) == dict(found)
    assert again.evaluate(folder).move_match.n >= found.move_match.n
    assert run.run.plan().recipe.lines == SIZE


def test_it_goes_on_by_playing_from_there_and_is_judged_by_matches(run, folder, tmp_path):
    on = sd.train("go", start=run.dir, size="tiny", steps=2, out=tmp_path / "play", card=None, precision="fp32")
    assert on.task.recipe.lines == SIZE
    assert on.run.config["transfer"]["share"] == 1
    assert "score against MCTS 5" in on.evaluate()
    assert "move match" in on.evaluate(folder)


def test_a_card_is_measured_of_it(run):
    card = run.card()
    assert next(iter(card["quality"].numbers)).id == "move_match"
    assert {s.id for s in card if s.status == "ok"} >= {"data", "quality", "interpretability", "robustness", "energy"}
    assert any(figure.id == "quality_value" for figure in card["quality"].figures)
