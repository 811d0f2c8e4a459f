"""GTP of Go: a whole session with its transcript, handicap and scores as GNU Go has them, games in files, bad input."""

from __future__ import annotations

import io
import shutil

import numpy as np
import pytest
from doubles import RandomThinker, with_lead

from sounding.games.go import Go
from sounding.games.handicap import fixed
from sounding.games.protocols.engine import Engine, gnugo
from sounding.games.protocols.engine_mover import EngineMover
from sounding.games.protocols.gtp import commands_of, serve
from sounding.games.thinking import Strength

THREE = Strength(3)


def spoken(text: str, size: int = 9, seed: int = 0, thinker=None) -> list[str]:
    thinker = thinker or RandomThinker(Go(size=size), seed)
    out = io.StringIO()
    commands = commands_of(thinker, thinker.game, THREE, np.random.default_rng(seed), "1.0")
    serve(commands, io.BytesIO(text.encode()), out)
    return out.getvalue().removesuffix("\n\n").split("\n\n")


TRANSCRIPT = """
1 protocol_version => =1 2
2 name => =2 random
3 version => =3 1.0
4 known_command genmove => =4 true
5 known_command loadsgf => =5 true
6 known_command castle => =6 false
7 castle e1 => ?7 unknown command
8 boardsize 7 => =8
9 boardsize 4 => ?9 unacceptable size
10 boardsize 20 => ?10 unacceptable size
11 boardsize => ?11 syntax error
12 boardsize seven => ?12 syntax error
13 komi 9 => =13
14 komi lots => ?14 syntax error
15 komi 6.3 => ?15 syntax error
16 clear_board => =16
17 play black D4 => =17
18 play white D4 => ?18 illegal move
19 play white J4 => ?19 illegal move
20 play white H1 => ?20 illegal move
21 play white A0 => ?21 illegal move
22 play purple A1 => ?22 syntax error
23 play white => ?23 syntax error
24 play w c4 => =24
25 play B PASS => =25
26 undo => =26
27 undo => =27
28 undo => =28
29 undo => ?29 cannot undo
30 final_score => =30 W+9
31 play b A2 => =31
32 play b B1 => =32
33 play w A1 => ?33 illegal move
34 play w pass => =34
35 play b A1 => =35
36 clear_board => =36
37 play b C4 => =37
38 play b D5 => =38
39 play b E4 => =39
40 play b D3 => =40
41 play w E5 => =41
42 play w F4 => =42
43 play w E3 => =43
44 play w D4 => =44
45 play b E4 => ?45 illegal move
46 play b A7 => =46
47 play w B7 => =47
48 play b E4 => =48
49 play w D4 => ?49 illegal move
50 undo => =50
51 clear_board => =51
52 play b C4 => =52
53 play b D5 => =53
54 play b D3 => =54
55 play w E5 => =55
56 play w F4 => =56
57 play w E3 => =57
58 play w D4 => =58
59 play b E4 => =59
60 play w D4 => ?60 illegal move
61 play w A7 => =61
62 play b B7 => =62
63 play w D4 => =63
64 play b E4 => ?64 illegal move
65 final_status_list dead => =65
66 final_status_list seki => =66
67 final_status_list alive => =67 A7 B7 D5 E5 C4 D4 F4 D3 E3
68 final_status_list unknown => ?68 syntax error
69 clear_board => =69
70 fixed_handicap 2 => =70 C3 E5
71 fixed_handicap 2 => ?71 board not empty
72 clear_board => =72
73 fixed_handicap 5 => ?73 invalid number of stones
74 fixed_handicap 1 => ?74 invalid number of stones
75 fixed_handicap => ?75 syntax error
76 place_free_handicap 6 => =76 C3 E5 C5 E3
77 clear_board => =77
78 set_free_handicap A1 => ?78 bad vertex list
79 set_free_handicap A1 A1 => ?79 bad vertex list
80 set_free_handicap A1 pass => ?80 bad vertex list
81 set_free_handicap A1 Z9 => ?81 bad vertex list
82 set_free_handicap A1 G7 D4 => =82
83 undo => ?83 cannot undo
84 play w D5 => =84
85 final_status_list alive => =85 G7 D5 D4 A1
86 komi 0 => =86
87 final_score => =87 B+2
88 time_settings 60 10 5 => =88
89 time_left b 30 0 => =89
90 time_left w nan 0 => ?90 syntax error
91 time_settings -1 0 0 => ?91 syntax error
92 loadsgf /no/such/file.sgf => ?92 cannot load file: /no/such/file.sgf: the file is not there any more. Put it back and start again
93 loadsgf => ?93 syntax error
94 clear_board => =94
95 play b pass => =95
96 play w pass => =96
97 final_score => =97 0
98 play b D4 => =98
99 final_score => =99 B+49
# comments are no commands
100 quit => =100
"""  # noqa: E501


def test_a_session_of_a_hundred_commands():
    pairs = [line.split(" => ") for line in TRANSCRIPT.strip().split("\n") if not line.startswith("#")]
    assert len(pairs) == 100
    answers = spoken("\n".join(command for command, _ in pairs) + "\n")
    assert dict(zip([c for c, _ in pairs], answers, strict=True)) == dict(pairs)


def test_the_board_has_coordinates_star_points_and_the_last_move():
    board = spoken("boardsize 7\nplay b C3\nplay w D4\nshowboard\n")[-1]
    assert board.split("\n") == [
        "=",
        "    A B C D E F G",
        " 7  . . . . . . . 7",
        " 6  . . . . . . . 6",
        " 5  . . + . + . . 5",
        " 4  . . .(O). . . 4",
        " 3  . . X . + . . 3",
        " 2  . . . . . . . 2",
        " 1  . . . . . . . 1",
        "    A B C D E F G",
    ]


def test_komi_counts_for_moves_that_are_taken_back_too():
    assert spoken("boardsize 5\nkomi 1\nplay b C3\nkomi 3.5\nfinal_score\nundo\nfinal_score\n")[-3:] == [
        "= B+21.5",
        "=",
        "= W+3.5",
    ]


def test_who_plays_one_board_alone_refuses_others():
    alone = RandomThinker(Go(size=9), any_board=False)
    assert spoken("boardsize 9\nboardsize 13\nkomi 5.5\ngenmove b\n", thinker=alone)[:3] == [
        "=",
        "? unacceptable size",
        "=",
    ]
    assert spoken("komi 5.5\ngenmove b\n", thinker=alone)[1].startswith("? random plays Go")


def test_ownership_is_told_where_it_is_asked_for():
    class Owner(RandomThinker):
        def ponder(self, game, position, limit, every=1.0):
            for thought in super().ponder(game, position, limit, every):
                yield with_lead(thought, game.points)

    said = spoken("kata-genmove_analyze b 10 ownership true\n", thinker=Owner(Go(size=5)))[0].split("\n")
    assert "scoreLead 1.500" in said[1]
    assert said[1].split(" ownership ")[1].split() == ["0.5000"] * 25
    assert said[-1].startswith("play ")


SGF = "(;SZ[5]KM[2];B[cc];W[bb];B[dd];W[])"


@pytest.mark.parametrize(
    ("content", "words", "said"),
    [
        (SGF, "", ["=", "= W+1"]),  # all that is empty touches both: stones alone count
        (SGF, " 2", ["=", "= B+23"]),
        ("(;SZ[5]KM[0]HA[2]AB[bb][dd];W[cc])", "", ["=", "= B+1"]),
        ("(;SZ[5];B[cc];W[cc])", "", ["? cannot load file: game.sgf: game 1, move 2: White C3 is an illegal move"]),
        ("(;SZ[5];B[cc]", "", ["? cannot load file: game.sgf:1: game 1, move 1: the file ends inside the game"]),
        (SGF, " 0", ["? syntax error"]),
    ],
)
def test_games_are_loaded(tmp_path, monkeypatch, content, words, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "game.sgf").write_text(content)
    answers = spoken(f"loadsgf game.sgf{words}\nfinal_score\n")
    assert answers[0].startswith(said[0])
    assert answers[1:] == said[1:] or answers[0][0] == "?"


GNU_POINTS = {
    (7, 2): "E5 C3",
    (7, 3): "C5 E5 C3",
    (7, 4): "C5 E5 C3 E3",
    (8, 4): "C6 F6 C3 F3",
    (9, 5): "C7 G7 E5 C3 G3",
    (9, 6): "C7 G7 C5 G5 C3 G3",
    (9, 7): "C7 G7 C5 E5 G5 C3 G3",
    (13, 8): "D10 G10 K10 D7 K7 D4 G4 K4",
    (19, 3): "D16 Q16 D4",
    (19, 8): "D16 K16 Q16 D10 Q10 D4 K4 Q4",
    (19, 9): "D16 K16 Q16 D10 K10 Q10 D4 K4 Q4",
}


@pytest.mark.parametrize(("size", "count"), GNU_POINTS)
def test_handicap_stones_lie_where_gnu_go_puts_them(size, count):
    assert {Go(size=size).text(point) for point in fixed(size)[count]} == set(GNU_POINTS[size, count].split())


def test_small_and_even_boards_have_fewer_handicaps():
    assert (max(fixed(7)), max(fixed(8)), max(fixed(19)), fixed(6)) == (4, 4, 9, {})


# ---- GNU Go itself


@pytest.fixture
def gnu():
    program = shutil.which("gnugo") or shutil.which("gnugo", path="/usr/games")
    if program is None:
        pytest.skip("GNU Go (gnugo) is not installed")
    return gnugo(1, program, seed=1)


def test_a_game_against_gnu_go_is_played_to_the_end_and_scored_alike(gnu):
    game, rng = Go(size=7, komi=9.0), np.random.default_rng(1)
    mover, thinker = EngineMover(gnu, seconds=60), RandomThinker(Go(size=7, komi=9.0), 1)
    position, moves = game.start(1), []
    while not game.over(position)[0]:
        if len(moves) % 2 == 0:
            action = THREE.choose(next(thinker.ponder(game, position, THREE.limit())), rng)
            if moves and moves[-1] == game.points:
                action = game.points  # GNU Go passes when all is settled
        else:
            action = int(mover.moves(game, position, rng)[0])
        assert action >= 0, mover.forfeits
        game.play(position, [action])
        moves.append(action)
    mover.close()
    judge = Engine(gnu)
    judge.ask("boardsize 7")
    judge.ask("komi 9")
    for number, action in enumerate(moves):
        judge.ask(f"play {'bw'[number % 2]} {game.text(action)}")
    ours = spoken("boardsize 7\nkomi 9\n" + replayed(game, moves) + "final_score\n")[-1]
    theirs = judge.ask("final_score")
    judge.close()
    assert len(moves) > 10
    assert float(theirs.split("+")[1]) * (1 if theirs[0] == "B" else -1) == float(game.score(position)[0])
    assert ours.removeprefix("= ").split("+")[0] == theirs.split("+")[0]


def replayed(game: Go, moves: list[int]) -> str:
    return "".join(f"play {'bw'[number % 2]} {game.text(action)}\n" for number, action in enumerate(moves))


SAID = """play genmove b w A1 C3 pass undo komi 7 boardsize 5 clear_board fixed_handicap 2 final_score loadsgf x
time_left time_settings 1e400 -1 nan inf \x01 final_status_list alive showboard set_free_handicap reg_genmove maxmoves
kata-genmove_analyze interval ownership true place_free_handicap 99999999999999999999 known_command lz-analyze"""


def test_whatever_is_said_each_line_has_one_answer():
    rng = np.random.default_rng(0)
    lines = [" ".join(rng.choice(SAID.split(), int(rng.integers(1, 5)))) for _ in range(200)]
    asked = [line for line in lines if line.replace("\x01", "").strip()]
    answers = spoken("\n".join(lines) + "\n", size=5)
    assert len(answers) == len(asked)
    assert {answer[0] for answer in answers} == {"=", "?"}
