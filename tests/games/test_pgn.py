"""Games of chess in files: against python-chess, faults by their places, and what is written is read back."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from sounding.errors import DataError
from sounding.games.chess import Chess, fen, san
from sounding.games.chess.actions import action_of
from sounding.games.records.pgn import games, pgn, read, save

chess = pytest.importorskip("chess")
notation = pytest.importorskip("chess.pgn")


def random_game(rng, most=160, chess960=False) -> chess.Board:
    """A board of python-chess with random moves on it."""
    board = chess.Board.from_chess960_pos(int(rng.integers(960))) if chess960 else chess.Board()
    for _ in range(int(rng.integers(most))):
        moves = list(board.legal_moves)
        if not moves or board.is_insufficient_material() or board.is_fivefold_repetition():
            break
        board.push(moves[int(rng.integers(len(moves)))])
    return board


@pytest.mark.parametrize("chess960", [False, True])
def test_moves_and_positions_are_written_and_read_as_python_chess_does(chess960):
    rng = np.random.default_rng(int(chess960))
    for _ in range(12):
        board = random_game(rng, chess960=chess960)
        moves, board = board.move_stack, board.root()
        for move in moves:
            position = fen.read(board.fen(), chess960, claims=False)
            assert fen.written(position[0]) == board.fen()
            said = board.san(move)
            code = san.move_of(said, position[0])
            assert san.text(code, position[0]) == said
            action = Chess(chess960=chess960).action(board.uci(move, chess960=chess960), position[0])
            assert action == action_of(code, int(position["turn"][0]))
            board.push(move)


def games_of(text: str, **options) -> list:
    return list(games(text.splitlines(), "file.pgn", **options))


@pytest.mark.parametrize("chess960", [False, True])
def test_games_that_python_chess_writes_are_read_and_the_reverse(chess960):
    rng = np.random.default_rng(3 + chess960)
    boards = [random_game(rng, chess960=chess960) for _ in range(6)]
    text = "\n\n".join(str(notation.Game.from_board(board)) for board in boards)
    found = games_of(text)
    assert len(found) == 6
    for board, record in zip(boards, found, strict=True):
        *_, last = record.positions()
        assert fen.written(last[0]) == board.fen()
        again = notation.read_game(io.StringIO(pgn(record)))
        assert not again.errors
        assert again.end().board().fen() == board.fen()
        assert again.headers["Result"] == record.result == board.result()


ANNOTATED = """\
[Event "A \\"great\\" day"]
[White "Ann"]
[Black "Ben"]
[Result "1-0"]
[TimeControl "60+1"]

{Before all.} 1. e4 {[%clk 0:01:00] [%eval 0.25] best by test} e5?! (1... c5 2. Nf3 (2. c3 $5 d5) 2... d6 {Sicilian}
) (1... -- 2. d4) 2. Nf3 ; to the end of the line 2... Nf6
Nc6 $1 $14 3.Bb5 a6 4. Ba4 b5?? {a comment over
[Event "that is no tag"] two lines}
% a line for programs
5. 0-0 1-0

[White "Cid"]

1. d4 *
"""


def test_comments_variations_opinions_and_clocks():
    first, second = games_of(ANNOTATED)
    assert first.tags["Event"] == 'A "great" day'
    assert (first.players, first.winner, first.remark) == (("Ann", "Ben"), 1, "Before all.")
    e4, e5, nf3, nc6, *_, b5, _ = first.moves
    assert (e4.clock, e4.pawns, e4.remark) == (60.0, 0.25, "best by test")
    assert (e5.nags, nc6.nags, b5.nags) == ((6,), (1, 14), (4,))
    assert nf3.comment == "to the end of the line 2... Nf6"
    assert b5.remark == 'a comment over [Event "that is no tag"] two lines'
    (sicilian,) = e5.variations  # the one with a null move holds nothing
    assert [made.comment for made in sicilian] == ["", "", "Sicilian"]
    assert [len(line) for line in sicilian[1].variations] == [2]
    assert sicilian[1].variations[0][0].nags == (5,)
    assert (second.winner, second.players[0], len(second.moves)) == (None, "Cid", 1)
    theirs = notation.read_game(io.StringIO(ANNOTATED)).mainline_moves()
    positions = list(first.positions())
    for move, made, position in zip(theirs, first.moves, positions, strict=False):
        assert first.game.text(made.action, position[0]) == move.uci()


def test_what_is_written_is_read_back(tmp_path):
    for record in games_of(ANNOTATED):
        (again,) = games_of(pgn(record))
        assert (again.moves, again.remark, again.result) == (record.moves, record.remark, record.result)
        assert dict(again.tags) | dict(record.tags) == dict(again.tags)
        assert max(map(len, pgn(record).splitlines())) <= 80
        theirs = notation.read_game(io.StringIO(pgn(record)))
        assert not theirs.errors
    save(tmp_path / "two.pgn", games_of(ANNOTATED))
    assert len(list(read(tmp_path / "two.pgn"))) == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1. e4 e5 2. Nf9 *", "file.pgn: game 1, move 2: White's 'Nf9' is no move"),
        ("1. e4 e5 2. Ng3 *", "file.pgn: game 1, move 2: White's Ng3 is not legal"),
        ("1. e4 e5 2. Nf3 Ke4 *", "file.pgn: game 1, move 2: Black's Ke4 is not legal"),
        ("1. e4 {no end", "file.pgn: game 1, move 1: a comment has no end"),
        ("1. e4 (1. d4 *", "a variation has no end"),
        ("1. e4 ) *", "a variation ends that has not begun"),
        ("(1. e4) *", "a variation stands where no move is before it"),
        ("1. e4 (1. Ke2) *", "White's Ke2 is not legal"),
        ("1. e4 -- *", "Black's '--' is no move"),
        ('[FEN "8/8/8/8/8/8/8/8 w - - 0 1"]\n\n*', "game 1: 8/8/8/8/8/8/8/8 w - - 0 1: White has no king"),
        ("", "file.pgn: no game of chess is in it"),
        ("once upon a time", "file.pgn: game 1, move 1: White's 'once' is no move"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(text, said):
    with pytest.raises(DataError) as error:
        games_of(text)
    assert said in str(error.value)


def test_a_result_ends_a_game_and_the_next_needs_no_tags():
    text = "1. e4 e5 1-0 {well played} 1. d4 (1. c4 1-0) d5 *\n1. c4 0-1 ; the last\n"
    found = games_of(text)
    assert [(record.result, len(record.moves)) for record in found] == [("1-0", 2), ("*", 2), ("0-1", 1)]
    told = []
    kept = games_of("1. e4 e4 1-0\n\n1. d4 d5 1/2-1/2\n1. Nf9 *", refused=told.append)
    assert [record.where for record in kept] == ["file.pgn: game 2"]
    assert [str(error).split(": ")[1] for error in told] == ["game 1, move 1", "game 3, move 1"]


def test_faults_name_the_line_of_the_file():
    text = f'{ANNOTATED}\n% for programs\n[White "Dan"]\n\n1. e4 e5\n% again\n2. Nf3 Nc6\n3. Nf9 *\n'
    with pytest.raises(DataError) as error:
        games_of(text)
    line = text.splitlines().index("3. Nf9 *") + 1
    assert "file.pgn: game 3, move 3: White's 'Nf9' is no move" in str(error.value)
    assert f"(line {line})" in str(error.value)
    assert len(games_of("1. e4 e5 1-0\n" * 2000)) == 2000


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[Variant "Atomic"]\n\n1. e4 *', "file.pgn: game 1: the game is Atomic, and no chess"),
        ('[Result "1-0"]\n\n1. e4 0-1', "file.pgn: game 1: the tag says 1-0, and the moves end with 0-1"),
    ],
)
def test_a_game_that_is_no_chess_or_contradicts_itself_is_named(text, said):
    with pytest.raises(DataError) as error:
        games_of(text)
    assert said in str(error.value)
    (kept,) = games_of('[Variant "Standard"]\n[Result "1-0"]\n\n1. e4 *')
    assert kept.result == "1-0"


def test_a_game_that_went_on_past_a_draw_is_replayed_and_written():
    text = '[FEN "8/8/4k3/8/8/3K4/8/5r2 w - - 0 1"]\n\n1. Ke4 Rf8 2. Ke3 Kd5 1/2-1/2'
    bare = '[FEN "8/8/4k3/8/8/3Kp3/8/8 w - - 0 1"]\n\n1. Kxe3 Kd5 2. Kd3 Kc5 1/2-1/2'  # two kings after the first move
    for written in (text, bare):
        (record,) = games_of(written)
        *_, last = record.positions()
        assert fen.written(last[0]) == notation.read_game(io.StringIO(written)).end().board().fen()
        (again,) = games_of(pgn(record))
        assert again.moves == record.moves
    going_on = list(record.positions())[:-1]
    assert not any(record.game.over(position)[0] for position in going_on)
    assert record.game.over(last)[0]


def test_the_others_are_read_where_one_is_refused(tmp_path):
    good = '[White "a"]\n\n1. e4 e5 *\n\n'
    path = tmp_path / "some.pgn"
    text = f'{good}[White "b"]\n\n1. e4 e4 *\n\n[White "é"]\n\n1. e4 e5 2. Ke3 *\n\n{good}'
    path.write_bytes(b"\xef\xbb\xbf" + text.encode("latin-1"))
    told = []
    assert [record.where for record in read(path, refused=told.append)] == ["some.pgn: game 1", "some.pgn: game 4"]
    assert [str(error).split(": ")[1] for error in told] == ["game 2, move 1", "game 3, move 2"]
    with pytest.raises(DataError, match=r"none\.pgn"):
        list(read(Path("none.pgn")))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rnbq1bnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQ - 0 1", "Black has no king"),
        ("rnbqkbnr/pppppppp/8/8/4K3/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1", "White has 2 kings"),
        ("4k2P/8/8/8/8/8/8/4K3 w - - 0 1", "there is a pawn on h8"),
        ("4k3/8/8/8/8/8/4R3/4K3 w - - 0 1", "Black's king on e8 is attacked, and White is to move"),
        ("4k3/8/8/8/8/8/8/4K3 w KQ - 0 1", "cannot have the right to castle"),
        ("4k3/8/8/8/8/8/8/4K3 x - - 0 1", "'x' is to move"),
        ("4k3/8/8/8/8/8/4K3 w - - 0 1", "7 ranks instead of 8"),
        ("4k3/8/8/8/8/8/8/4K3 w - e6 0 1", "no pawn has gone"),
        ("4k3/8/8/8/8/8/8/4K3 w - - x 1", "half-moves since"),
        ("4k3", "1 field instead of 6"),
    ],
)
def test_positions_that_are_none_are_named(text, said):
    with pytest.raises(DataError) as error:
        fen.read(text)
    assert said in str(error.value)
