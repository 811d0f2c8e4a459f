"""The protocol's frame, and what it understands of any game: Connect Four and a thinker that knows nothing."""

from __future__ import annotations

import io
import os
import re
import threading
import time

import numpy as np
import pytest
from doubles import RandomThinker

from sounding.games.connect4 import Connect4
from sounding.games.protocols.analysis import Asked, asked, kata, leela
from sounding.games.protocols.clock import Clock
from sounding.games.protocols.framing import LONGEST, Refusal, failure, request, success
from sounding.games.protocols.gtp import commands_of, serve
from sounding.games.thinking import Candidate, Strength, Thought

SOME = Strength(3)


def spoken(text: str | bytes, seed: int = 0, strength: Strength = SOME) -> list[str]:
    """The answers to a session on Connect Four."""
    thinker = RandomThinker(Connect4(), seed)
    out = io.StringIO()
    data = text if isinstance(text, bytes) else text.encode()
    serve(commands_of(thinker, Connect4(), strength, np.random.default_rng(seed), "1.0"), io.BytesIO(data), out)
    said = out.getvalue()
    assert said == "" or said.endswith("\n\n")
    return said.removesuffix("\n\n").split("\n\n") if said else []


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("name", ("", "name", ())),
        ("17 play b D", ("17", "play", ("b", "D"))),
        ("  3\tplay\tw  E # a comment", ("3", "play", ("w", "E"))),
        ("na\x07me\x7f", ("", "name", ())),
        ("17", ("17", "", ())),
        ("1a name", ("", "1a", ("name",))),
        ("", None),
        ("   # only a comment", None),
        ("\r", None),
    ],
)
def test_lines_become_requests(line, meant):
    assert request(line) == meant


def test_answers_end_with_one_blank_line_and_have_none_inside():
    assert success("4", "D") == "=4 D\n\n"
    assert success("") == "=\n\n"
    assert failure("", "what") == "? what\n\n"
    assert success("", "a\n\n\nb\r") == "= a\nb\n\n"


def test_a_session():
    answers = spoken(
        "1 protocol_version\nname\nversion\n\n# nothing\nknown_command play\nknown_command fly\n2 fly\n3\n"
        "play b D\nplay x d\nplay w D\nundo\nplay w Q\nplay w\nplay green D\nundo\nundo\nquit\nname\n"
    )
    assert answers == [
        "=1 2",
        "= random",
        "= 1.0",
        "= true",
        "= false",
        "?2 unknown command",
        "?3 unknown command",
        "=",
        "? illegal move",  # the first player may not move twice
        "=",
        "=",
        "? illegal move",
        "? syntax error",
        "? syntax error",
        "=",
        "? cannot undo",
        "=",
    ]


def test_a_full_column_is_illegal_and_a_game_that_is_over_has_no_moves():
    filled = "".join(f"play {'bw'[k % 2]} A\n" for k in range(7))
    assert spoken(filled) == ["="] * 6 + ["? illegal move"]
    won = "".join(f"play {'bw'[k % 2]} {'AB'[k % 2]}\n" for k in range(7))
    assert spoken(won + "genmove w\nplay w C\nundo\ngenmove b\n")[7:10] == ["? the game is over", "? illegal move", "="]


def test_a_whole_game_against_itself_ends_and_its_stones_are_on_the_board():
    text = "".join(f"genmove {'bw'[k % 2]}\n" for k in range(42)) + "showboard\n"
    *moves, board = spoken(text, seed=3)
    played = [answer.removeprefix("= ") for answer in moves if answer.startswith("= ")]
    game = Connect4()
    position = game.start(1)
    for move in played:
        assert not game.over(position)[0]
        game.play(position, [game.action(move)])
    assert game.over(position)[0]
    assert set(moves[len(played) :]) <= {"? the game is over"}
    assert board.count("X") == (len(played) + 1) // 2
    assert board.count("(") == board.count(")") == 1


def test_the_board_shows_who_lies_where():
    board = spoken("play b D\nplay w D\nplay b E\nshowboard\n")[-1]
    assert [line.rstrip() for line in board.split("\n")] == [
        "=",
        "  A B C D E F G",
        *["  . . . . . . ."] * 4,
        "  . . . O . . .",
        "  . . . X(X). .",
    ]


def test_reg_genmove_plays_nothing():
    answers = spoken("reg_genmove b\nshowboard\nreg_genmove w\n")
    assert answers[0].removeprefix("= ") in set("ABCDEFG")
    assert "X" not in answers[1]
    assert answers[2] == "? players of connect4 move in turn"


def test_long_lines_bytes_that_are_no_text_and_an_end_without_a_line_break():
    long = b"7 play b " + b"D" * (3 * LONGEST) + b"\n"
    assert spoken(long + b"name\n") == ["?7 the line is too long", "= random"]
    assert spoken(b"\xff\xfe name\nname") == ["? unknown command", "= random"]
    assert spoken(b"play b D\r\nname\r\n") == ["=", "= random"]
    assert spoken(b"") == []


def test_every_command_that_is_listed_is_known_and_none_fails_without_arguments():
    listed = spoken("list_commands\n")[0].removeprefix("= ").split("\n")
    assert {"play", "genmove", "undo", "time_settings", "lz-analyze", "kata-genmove_analyze"} <= set(listed)
    assert spoken("".join(f"known_command {name}\n" for name in listed)) == ["= true"] * len(listed)
    plain = [name for name in listed if "analyze" not in name and name != "quit"]
    assert all(answer[0] in "=?" for answer in spoken("".join(f"{name}\n" for name in plain)))


class Pipe:
    """A session in a thread, to which lines are said one at a time."""

    def __init__(self, strength: Strength = SOME) -> None:
        ours, theirs = os.pipe()
        back, out = os.pipe()
        self._in = os.fdopen(theirs, "wb", buffering=0)
        self.out = os.fdopen(back, encoding="utf-8")
        self.thinker = RandomThinker(Connect4())
        commands = commands_of(self.thinker, Connect4(), strength, np.random.default_rng(0))
        self._thread = threading.Thread(
            target=serve, args=(commands, os.fdopen(ours, "rb"), os.fdopen(out, "w", encoding="utf-8")), daemon=True
        )
        self._thread.start()

    def say(self, text: str) -> None:
        self._in.write(text.encode())

    def lines(self, n: int) -> list[str]:
        return [self.out.readline().rstrip("\n") for _ in range(n)]

    def close(self) -> None:
        self._in.close()
        self._thread.join(10)
        assert not self._thread.is_alive()


INFO = re.compile(r"info move [A-G] visits \d+ winrate \d+ prior \d+ lcb \d+ order 0 pv [A-G]")


def test_an_analysis_goes_on_until_the_next_line_and_that_line_is_answered():
    pipe = Pipe()
    pipe.say("8 lz-analyze b 5\n")
    begin, *infos = pipe.lines(4)
    assert begin == "=8"
    assert all(INFO.match(line) for line in infos)
    pipe.say("9 name\n")
    rest = []
    while (line := pipe.lines(1)[0]) != "=9 random":
        rest.append(line)
    assert rest.count("") == 1
    assert rest[-1] == ""
    assert pipe.lines(1) == [""]
    pipe.say("kata-analyze interval 5 maxmoves 2\n")
    assert re.match(r"info move [A-G] visits \d+ winrate 0\.\d{6} prior ", pipe.lines(2)[1])
    pipe.say("\n")  # a line without a command ends it too
    pipe.close()
    assert pipe.out.read().split("\n")[-2:] == ["", ""]


def test_a_move_is_analysed_to_its_end_though_lines_come_in():
    pipe = Pipe(Strength(4))
    pipe.say("1 lz-genmove_analyze b 10\n2 kata-genmove_analyze w\n")
    said = pipe.lines(14)
    pipe.close()
    assert said[0] == "=1"
    assert all(INFO.match(line) for line in said[1:5])
    assert re.fullmatch("play [A-G]", said[5])
    assert said[6:8] == ["", "=2"]
    assert re.fullmatch("play [A-G]", said[12])


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("", Asked()),
        ("50", Asked(0.5)),
        ("interval 20 minmoves 3 maxmoves 5", Asked(0.2, 3, 5)),
        ("100 ownership true rootInfo true", Asked(1.0, ownership=True)),
        ("0", Asked(0.05)),
    ],
)
def test_what_an_analysis_is_asked(words, meant):
    assert asked(words.split()) == meant


@pytest.mark.parametrize("words", ["interval", "interval x", "minmoves -1", "avoid w D 5"])
def test_what_an_analysis_cannot_be_asked(words):
    with pytest.raises(Refusal):
        asked(words.split())


def test_lines_of_analysis():
    moves = (Candidate(3, 90, 0.5, 0.55, (3, 2), 1.5), Candidate(2, 10, 0.25, 0.4, (2,)), Candidate(0, 0, 0.1, 0.5, ()))
    thought = Thought(0.53, moves, 100, 1.5, (0.5,) * 42)
    game = Connect4()
    position = game.start(1)
    assert leela(game, position, thought, Asked()) == (
        "info move D visits 90 winrate 5500 prior 5000 lcb 4472 order 0 pv D C "
        "info move C visits 10 winrate 4000 prior 2500 lcb 964 order 1 pv C"
    )
    assert leela(game, position, thought, Asked(least=3)).endswith(
        "move A visits 0 winrate 5000 prior 1000 lcb 0 order 2 pv A"
    )
    said = kata(game, position, thought, Asked(most=1, ownership=True))
    assert said.startswith("info move D visits 90 winrate 0.550000 scoreMean 1.500 scoreLead 1.500 prior 0.500000 ")
    assert said.split(" ownership ")[1].split() == ["0.5000"] * 42


def test_a_clock_divides_what_is_left():
    clock = Clock()
    assert clock.allowance(0, 30) is None
    clock.set(300, 0, 0)
    assert clock.allowance(0, 30) == pytest.approx(300 * 0.9 / 30 - 0.2)
    clock.spend(0, 200)
    assert clock.allowance(0, 30) == pytest.approx(100 * 0.9 / 30 - 0.2)
    assert clock.allowance(1, 30) == pytest.approx(300 * 0.9 / 30 - 0.2)
    assert clock.allowance(0, 0) == pytest.approx(100 * 0.9 / 12 - 0.2)
    clock.set(60, 30, 5)
    clock.tell(0, 20, 4)
    assert clock.allowance(0, 50) == pytest.approx(20 * 0.9 / 4 - 0.2)
    clock.spend(0, 10)
    assert clock.allowance(0, 50) == pytest.approx(10 * 0.9 / 3 - 0.2)
    clock.set(10, 30, 5)
    clock.spend(1, 11)  # main time is used up: overtime begins
    assert clock.allowance(1, 50) == pytest.approx(30 * 0.9 / 5 - 0.2)
    clock.set(0, 10, 0)
    assert clock.allowance(0, 30) is None


def test_moves_on_one_second_end_in_time_whatever_the_strength():
    moves = "".join(f"genmove {'bw'[k % 2]}\n" for k in range(6))
    began = time.monotonic()
    answers = spoken(f"time_settings 1 0 0\n{moves}", strength=Strength(10**6))
    assert all(answer.startswith("=") for answer in answers)
    assert time.monotonic() - began < 5
    for wrong in (
        "time_settings",
        "time_settings a b c",
        "time_settings 1 1",
        "time_settings nan 0 0",
        "time_left b 1",
    ):
        assert spoken(f"{wrong}\n") == ["? syntax error"]
    assert spoken("time_left b 10 0\n") == ["="]
