"""Rows of tables as recorded games: the same of Go and of chess."""

from __future__ import annotations

import pytest

from sounding import catalog
from sounding.contract.inputs import TableCells
from sounding.errors import DataError

GO = {"moves": "aabbccdd", "result": "B+R", "size": 5}
CHESS = {"moves": "e2e4 e7e5 g1f3 b8c6", "result": "0-1"}


def learner(name: str):
    application = catalog.find(name)
    return application(application.Recipe.make("tiny")).with_data()


def from_table(name: str, columns: dict[str, list]):
    """The games of a table, each as it is read."""
    recorded = learner(name).recorded
    recorded.size = 5
    found = recorded.assemble(TableCells("table", columns, ["row 1"], {}))
    return [recorded.read(cell) for _, cell in found.values]


@pytest.mark.parametrize(("name", "row", "result"), [("go", GO, 1), ("chess", CHESS, -1)])
def test_columns_are_known_in_any_case(name, row, result):
    (game,) = from_table(name, {column.upper(): [value] for column, value in row.items()})
    assert (len(game), game.result) == (4, result)


@pytest.mark.parametrize(("name", "row"), [("go", GO), ("chess", CHESS)])
def test_moves_may_be_a_list(name, row):
    moves = row["moves"].split() if name == "chess" else ["aa", "bb", "cc", "dd"]
    (game,), (other,) = from_table(name, {"moves": [moves]}), from_table(name, {"moves": [row["moves"]]})
    assert game.actions.tolist() == other.actions.tolist()


@pytest.mark.parametrize("name", ["go", "chess"])
def test_json_that_is_broken_is_told_as_what_it_is(name):
    with pytest.raises(DataError) as error:
        learner(name).recorded.read('{"moves": "e2e4 e7')
    assert "is no JSON" in error.value.what
    assert "Write the row as JSON" in error.value.fix


@pytest.mark.parametrize("name", ["go", "chess"])
def test_what_is_no_game_is_refused_with_how_one_is_written(name):
    for cell in (7, '{"result": "1-0"}', {"result": "1-0"}):
        with pytest.raises(DataError, match="is no game"):
            learner(name).recorded.read(cell)


def test_a_written_game_in_a_row_knows_its_board_and_the_row_its_result():
    go, chess = learner("go").recorded, learner("chess").recorded
    go.size = 5
    game = go.read({"moves": "(;SZ[5]KM[6.5]RE[B+R];B[aa];W[bb])", "size": 9, "result": "W+R"})
    assert (len(game), game.result) == (2, -1)
    fen = "4k3/8/8/8/8/8/4P3/4K3 w - - 0 1"
    written = f'[FEN "{fen}"]\n\n1. e4 Kd7 *\n'
    game = chess.read({"moves": written, "fen": "8/8/8/8/8/8/8/8 w - - 0 1", "result": "1-0"})
    assert (len(game), game.result) == (2, 1)
