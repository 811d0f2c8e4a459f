"""SGF: read as sgfmill reads it, written so that both read it back, and every fault named by file, game and move."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sgfmill import boards
from sgfmill import sgf as oracle

from sounding.errors import DataError
from sounding.games.go import Go
from sounding.games.records import grammar
from sounding.games.records.record import BLACK, WHITE, GameRecord, Move, Result, from_letters, komi_of, outcome
from sounding.games.records.sgf import games, read, save, sgf


def one(content: str, **options) -> GameRecord:
    (record,) = games(content, "a.sgf", **options)
    return record


def fault(content: str) -> str:
    with pytest.raises(DataError) as caught:
        list(games(content, "a.sgf"))
    return str(caught.value)


def random_record(rng: np.random.Generator) -> GameRecord:
    size = int(rng.integers(5, 20))
    board = rng.permutation(size * size)[:5].tolist()
    numbers = rng.integers(0, size * size + 1, int(rng.integers(0, 40))).tolist()
    words = ["", "x", "a]b", "back\\slash", "Lī Shìshí", "two\nlines", "(;B[aa])", "colon: [in]"]
    return GameRecord(
        size=size,
        moves=tuple(Move(int(rng.integers(2)), number) for number in numbers),
        komi=None if rng.integers(4) == 0 else float(rng.integers(-20, 21)) / 2,
        black=tuple(sorted(board[:3])) if rng.integers(2) else (),
        white=tuple(sorted(board[3:])) if rng.integers(2) else (),
        result=str(rng.choice(["B+3.5", "W+R", "0", ""])),
        players=(str(rng.choice(words[:5])), str(rng.choice(words[:5]))),
        comments=tuple(str(rng.choice(words[1:])) for _ in numbers),
        where="a.sgf: game 1",
    )


@pytest.mark.parametrize("seed", range(60))
def test_what_is_written_is_read_back_and_sgfmill_reads_the_same(seed):
    record = random_record(np.random.default_rng(seed))
    content = sgf(record)
    assert one(content) == record
    theirs = oracle.Sgf_game.from_string(content)
    assert theirs.get_size() == record.size
    black, white, _ = theirs.get_root().get_setup_stones()
    assert sorted(map(ours(record.size), black)) == list(record.black)
    assert sorted(map(ours(record.size), white)) == list(record.white)
    sequence = theirs.get_main_sequence()[1:]
    made = [("bw".index(node.get_move()[0]), ours(record.size)(node.get_move()[1])) for node in sequence]
    assert made == list(record.moves)
    assert [node.get("C") for node in sequence] == list(record.comments)
    assert theirs.get_player_name("b") == (record.players[0] or None)


def ours(size: int):
    """sgfmill's points, rows from the bottom, as numbers from the top left; None is a pass."""
    return lambda place: size * size if place is None else (size - 1 - place[0]) * size + place[1]


def test_a_tree_of_variations_gives_the_lines_that_sgfmill_finds():
    content = "(;SZ[9];B[aa](;W[bb](;B[cc];W[dd])(;B[ee]))(;W[ff];B[])(;W[gg]))"
    lines = [[move.action for move in record.moves] for record in games(content, variations=True)]
    theirs = oracle.Sgf_game.from_string(content)

    def walk(node, so_far):
        made = so_far if node.get_move()[0] is None else [*so_far, ours(9)(node.get_move()[1])]
        return [made] if not len(node) else [line for child in node for line in walk(child, made)]

    assert lines == walk(theirs.get_root(), [])
    assert [move.action for move in one(content).moves] == lines[0]


@pytest.mark.parametrize(
    "content",
    [
        "(;GM[1]FF[3]SiZe[9];Black[aa];White[tt];B[])",
        "mail header\n\n(;SZ[9]\n;B[aa]\n;W[]\n;B[tt])\n\n",
        "(;SZ[9:9](;B[aa](;W[](;B[tt]))))",
    ],
)
def test_what_old_programs_write_is_understood(content):
    assert [tuple(move) for move in one(content).moves] == [(BLACK, 0), (WHITE, 81), (BLACK, 81)]


def test_nineteen_lines_are_the_default_and_text_is_unescaped():
    record = one(
        r"(;PB[a\]b\\c\:d]PW[two\
 words];B[dc]C[x\]y])"
    )
    assert record.size == 19
    assert record.players == (r"a]b\c:d", "two words")
    assert record.comments == ("x]y",)
    assert record.moves == (Move(BLACK, 2 * 19 + 3),)


def test_setup_rectangles_removal_and_who_plays():
    record = one("(;SZ[9]AB[aa:bb]AW[ii]PL[W];AE[ba]AW[ca])")
    assert record.black == (0, 9, 10)
    assert record.white == (2, 80)
    assert record.starts == WHITE
    assert record.handicap == 0
    assert one("(;SZ[9]HA[2]AB[cc][gg])").starts == WHITE
    assert one("(;SZ[9]HA[2]AB[cc][gg])").handicap == 2


def test_several_games_and_the_bad_ones_among_them():
    content = "(;SZ[9];B[aa])(;SZ[9];B[aa];W[zz])(;SZ[21])(;SZ[9];B[bb])"
    refused: list[DataError] = []
    kept = list(games(content, "b.sgf", refused=refused.append))
    assert [record.moves[0].action for record in kept] == [0, 10]
    assert [error.where for error in refused] == ["b.sgf: game 2, move 2", "b.sgf: game 3"]
    assert "outside of a board of 9 lines" in refused[0].what
    assert [record.where for record in kept] == ["b.sgf: game 1", "b.sgf: game 4"]


@pytest.mark.parametrize(
    ("content", "where", "what"),
    [
        ("", "a.sgf", "no game"),
        ("{}", "a.sgf", "no game"),
        ("(;SZ[9];B[aa];W[bb]", "a.sgf:1: game 1, move 2", "ends inside the game (1 closing parenthesis missing)"),
        ("(;SZ[9];B[aa]\n;W[b", "a.sgf:2: game 1, move 2", 'the value of W has no end ("]")'),
        ("(;SZ[9])(;SZ[9];B[aa]C[", "a.sgf:1: game 2, move 1", 'the value of C has no end ("]")'),
        ("(;SZ[9];B)", "a.sgf:1: game 1, move 1", "B has no value"),
        ("(;SZ[9];B[aa]))", "a.sgf:1: game 2, before its first move", "')' cannot stand here"),
        ("(;SZ[9];B[aa]) and so on", "a.sgf:1: game 2, before its first move", "'a' cannot stand here"),
        ("(;SZ[9];B[aa](;W[bb]);B[cc])", "a.sgf:1: game 1, move 1", "';' cannot stand here"),
        ("(;SZ[9]())", "a.sgf:1: game 1, before its first move", "')' cannot stand here"),
        ("(;SZ[9];B[aa]W[bb])", "a.sgf: game 1, move 1", "two moves in one node"),
        ("(;SZ[9];B[aa][bb])", "a.sgf: game 1, move 1", "two moves in one node"),
        ("(;SZ[9];B[a1])", "a.sgf: game 1, move 1", "[a1] is no point"),
        ("(;SZ[9];B[aa];W[bb]AB[cc])", "a.sgf: game 1, move 2", "stones are set up after 2 moves"),
        ("(;SZ[9]AB[aa]AW[aa])", "a.sgf: game 1", "set up twice"),
        ("(;SZ[4])", "a.sgf: game 1", "a board of size 4"),
        ("(;SZ[19:9])", "a.sgf: game 1", "a board of size 19:9"),
        ("(;SZ[nine])", "a.sgf: game 1", "a board of size nine"),
        ("(;GM[3])", "a.sgf: game 1", "another game than Go (GM[3])"),
        ("(;KM[much])", "a.sgf: game 1", "komi [much] is no number"),
        ("(;KM[nan])", "a.sgf: game 1", "komi nan cannot be"),
        ("(;HA[3];W[aa])", "a.sgf: game 1", "no stone is set up"),
        ("(;HA[many])", "a.sgf: game 1", "HA[many] is no number of stones"),
        ("(;PL[green])", "a.sgf: game 1", "neither B nor W"),
        ("(;b[aa])", "a.sgf:1: game 1, before its first move", "written in capitals"),
    ],
)
def test_faults_are_named_by_game_and_move(content, where, what):
    message = fault(content)
    assert message.startswith(f"{where}: ")
    assert what in message


def test_absurd_nesting_length_and_values_are_refused_and_deep_files_are_read():
    deep = "(;SZ[9]" + "(;B[aa]" * 500 + ")" * 501
    assert len(one(deep).moves) == 500
    assert "nested more than 1,000 deep" in fault("(;SZ[9]" + "(;C[x]" * 20_000)
    assert "more than 2,000" in fault("(;SZ[9]" + ";B[aa]" * 2_001 + ")")
    assert "longer than 1,000,000 characters" in fault(f"(;C[{'x' * (grammar.LONGEST + 1)}])")
    assert "has no end" in fault("(;C[" + "\\]" * 200_000)


@pytest.mark.parametrize(
    ("codec", "named", "name"),
    [
        ("utf-8", "UTF-8", "李世石"),
        ("utf-8", None, "李世石"),
        ("utf-8-sig", None, "李世石"),
        ("gb18030", "GB2312", "李世石"),
        ("shift_jis", "Shift_JIS", "ソ表"),  # their second bytes are those of \ and of letters
        ("big5", "Big5", "功許"),
        ("euc_kr", "EUC-KR", "이세돌"),
        ("latin-1", None, "Jérôme"),
        ("latin-1", "ISO-8859-1", "Jérôme"),
    ],
)
def test_encodings(tmp_path, codec, named, name):
    declared = f"CA[{named}]" if named else ""
    path = tmp_path / "names.sgf"
    path.write_bytes(f"(;SZ[9]{declared}PB[{name}];B[aa])".encode(codec))
    (record,) = read(path)
    assert record.players[0] == name
    assert record.moves == (Move(BLACK, 0),)


def test_an_unknown_encoding_and_a_missing_file_are_said(tmp_path):
    path = tmp_path / "odd.sgf"
    path.write_text("(;CA[klingon]SZ[9])")
    with pytest.raises(DataError, match=r"odd.sgf: CA\[klingon\] is no encoding"):
        list(read(path))
    with pytest.raises(DataError, match="not there any more"):
        list(read(Path(tmp_path / "none.sgf")))


def test_a_file_of_several_games_is_saved_and_read(tmp_path):
    records = [random_record(np.random.default_rng(seed)) for seed in range(3)]
    save(tmp_path / "three.sgf", records)
    read_back = list(read(tmp_path / "three.sgf"))
    assert [record.moves for record in read_back] == [record.moves for record in records]
    assert [record.where for record in read_back] == [f"three.sgf: game {number}" for number in (1, 2, 3)]


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("6.5", 6.5),
        ("7", 7),
        ("-3", -3),
        ("0", 0),
        ("6,5", 6.5),
        ("650", 6.5),
        ("375", 7.5),
        ("3.75", 7.5),
        ("2.75", 5.5),
    ],
)
def test_komi_as_programs_write_it(said, meant):
    assert komi_of(said, 19) == meant


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("B+3.5", Result(1, 3.5)),
        ("W+Resign", Result(-1)),
        ("W+R", Result(-1)),
        ("b+0.25", Result(1, 0.25)),
        ("Draw", Result(0, 0.0)),
        ("0", Result(0, 0.0)),
        ("Void", Result(None)),
        ("?", Result(None)),
        ("", Result(None)),
    ],
)
def test_results(said, meant):
    assert outcome(said) == meant


def test_strings_of_letter_pairs():
    record = from_letters("qddc--", 19, 6.5, "B+R", "row 4")
    assert record.moves == (Move(BLACK, 3 * 19 + 16), Move(WHITE, 2 * 19 + 3), Move(BLACK, 361))
    with pytest.raises(DataError, match="row 4, move 2: "):
        from_letters("aazz", 9, where="row 4")
    with pytest.raises(DataError, match="3 letters are no pairs"):
        from_letters("aaz", 9)


# ---- played again under the rules


def test_a_record_is_played_as_sgfmill_plays_it():
    rng = np.random.default_rng(3)
    for size in (5, 9):
        game = Go(size=size)
        position, moves = game.start(1), []
        while not game.over(position)[0]:
            legal = np.flatnonzero(game.legal(position)[0])
            moves.append(Move(len(moves) % 2, int(rng.choice(legal))))
            game.play(position, [moves[-1].action])
        record = GameRecord(size, tuple(moves))
        board = boards.Board(size)
        for before, move in record.positions():
            assert np.array_equal(stones_of(board), game.stones(before)[0])
            if move.action < size * size:
                row, column = divmod(move.action, size)
                board.play(size - 1 - row, column, "bw"[move.player])
        assert np.array_equal(stones_of(board), game.stones(record.end())[0])


def stones_of(board: boards.Board) -> np.ndarray:
    signs = {"b": 1, "w": -1, None: 0}
    side = range(board.side)
    return np.array([[signs[board.get(board.side - 1 - row, column)] for column in side] for row in side])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("(;SZ[9];B[aa])(;SZ[9];B[aa];W[aa])", "a.sgf: game 2, move 2: White A9 is an illegal move"),
        ("(;SZ[5];B[ba];W[ee];B[ab];W[aa])", "a.sgf: game 1, move 4: White A5 is an illegal move"),  # suicide
        (
            "(;SZ[5];B[ba];W[ca];B[ab];W[bb];B[ee];W[aa])",  # captures, which is legal
            "",
        ),
        (
            "(;SZ[5];B[bb];W[cb];B[ac];W[dc];B[bd];W[cd];B[cc];W[bc];B[cc])",
            "a.sgf: game 1, move 9: Black C3 is an illegal",
        ),
        ("(;SZ[5]AB[ba][ab]AW[aa])", "a.sgf: game 1: the stones that are set up cannot stand so: the stones at A5"),
        ("(;SZ[5]AB[bb][dd];W[cc];W[dc];B[];W[])", ""),  # a handicap; one player twice; passes
        (
            f"(;SZ[5]{';B[];W[]' * 25};B[aa])",
            "a.sgf: game 1, move 51: a game on 5 lines is as long as it may be after 50",
        ),
        ("(;SZ[5];B[];W[];B[aa])", ""),  # two passes do not end what was written down
    ],
)
def test_the_rules_are_kept_and_the_move_is_named(content, said):
    faults = []
    for record in games(content, "a.sgf"):
        try:
            assert len(list(record.positions())) == len(record.moves)
            record.end()
        except DataError as error:
            faults.append(str(error))
    assert [fault[: len(said)] for fault in faults] == ([said] if said else [])


def test_who_moves_is_what_the_record_says():
    record = one("(;SZ[5]HA[2]AB[bb][dd];W[cc];W[dc];B[cd])")
    game = record.game(komi=0.5)
    assert (game.size, game.komi) == (5, 0.5)
    assert [int(game.to_play(position)[0]) for position, _ in record.positions(game)] == [WHITE, WHITE, BLACK]
    assert game.stones(record.beginning(game)).sum() == 2


def test_damaged_files_are_read_or_refused_and_nothing_else():
    rng = np.random.default_rng(0)
    whole = "(;FF[4]SZ[9]KM[6.5]HA[2]AB[cc][gg]PL[W];W[ee]C[a\\]b];B[ef](;W[dd];B[])(;W[aa]))(;SZ[5];B[aa])"
    pieces = [*"()[];\\:", "B[", "AB[", "aa:zz", "SZ[", "KM[", "HA[", "9" * 30, "\x00"]
    read_back, faults = 0, list[str]()
    for _ in range(400):
        content = whole
        for _ in range(int(rng.integers(1, 4))):
            at, gone = int(rng.integers(len(content))), int(rng.integers(4))
            content = content[:at] + str(rng.choice(pieces)) * (gone < 3) + content[at + gone :]
        try:
            for record in games(content, "a.sgf", variations=True):
                assert one(sgf(record)).moves == record.moves
            read_back += 1
        except DataError as error:
            faults.append(error.where)
    assert min(read_back, len(faults)) > 20
    assert all(where.startswith("a.sgf") for where in faults)
