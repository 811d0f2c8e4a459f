"""The Universal Chess Interface: sessions, and what a search is asked, with a thinker whose thoughts are known."""

from __future__ import annotations

import io
import os
import re
import threading
import time

import numpy as np
import pytest

from sounding.errors import UsageError
from sounding.games.chess import Chess
from sounding.games.protocols.clock import share
from sounding.games.protocols.framing import Refusal
from sounding.games.protocols.uci import LONGEST, About, Uci
from sounding.games.protocols.uci_go import Asked, asked
from sounding.games.protocols.uci_info import centipawns, infos, thousandths
from sounding.games.protocols.uci_options import Range, Settings, changed, declared
from sounding.games.thinking import Candidate, Limit, Strength, Thinker, Thought

ABOUT = About("Scripted", "nobody")


class Scripted(Thinker):
    """Thinks a depth deeper each time, for ever where there is no limit; the first legal moves are the best."""

    name, game, unit = "scripted", Chess(), "node"
    ratings = ((1000, Strength(10, 1.0)), (2000, Strength(1000)))

    def __init__(self) -> None:
        self.limits: list[Limit] = []
        self.seen: list[np.ndarray] = []
        self.games: list[Chess] = []
        self.forgot, self.memory, self.closed = 0, 0, 0

    def refuses(self, game):
        return ""

    def forget(self):
        self.forgot += 1

    def set_memory(self, mebibytes):
        self.memory = mebibytes

    def ponder(self, game, position, limit, every=1.0):
        self.limits.append(limit)
        self.seen.append(position.copy())
        self.games.append(game)
        legal = [a for a in np.flatnonzero(game.legal(position)[0]).tolist() if not limit.actions or a in limit.actions]
        texts = sorted((game.text(action, position[0]), action) for action in legal)
        moves = tuple(
            Candidate(action, 1, 0.1, 0.6 - 0.01 * rank, (action,), centipawns=30 - 10 * rank)
            for rank, (_, action) in enumerate(texts)
        )
        end = None if limit.seconds is None else time.monotonic() + limit.seconds
        try:
            for depth in range(1, 10**9):
                yield Thought(0.6, moves, 100 * depth, depth=depth, deepest=depth + 1)
                if depth >= (limit.depth or 10**9) or 100 * depth >= (limit.simulations or 10**12):
                    return
                if end is not None and time.monotonic() >= end:
                    return
                time.sleep(0.001)
        finally:
            self.closed += 1


def spoken(text: str | bytes, thinker: Scripted | None = None, about: About = ABOUT) -> list[str]:
    """What is answered to a whole session; times and speeds, which are nobody's, are left out."""
    out = io.StringIO()
    data = text if isinstance(text, bytes) else text.encode()
    thinker = thinker or Scripted()
    Uci(about, lambda: thinker, np.random.default_rng(0), io.BytesIO(data), out).serve()
    lines = re.sub(r" nps \d+ time \d+", "", out.getvalue()).splitlines()
    return [line for line in lines if not line.startswith("info string compiling")]


def asked_for(*lines: str) -> Limit:
    """The limit of the last search of a session."""
    thinker = Scripted()
    spoken("\n".join(lines) + "\n", thinker)
    return thinker.limits[-1]


def test_a_session():
    said = spoken("uci\nisready\nucinewgame\nposition startpos moves e2e4 e7e5\ngo depth 2\n")
    assert said == [
        "id name Scripted",
        "id author nobody",
        "option name Hash type spin default 16 min 1 max 4096",
        "option name MultiPV type spin default 1 min 1 max 218",
        "option name Ponder type check default false",
        "option name Move Overhead type spin default 30 min 0 max 5000",
        "option name UCI_Chess960 type check default false",
        "option name UCI_ShowWDL type check default false",
        "option name Clear Hash type button",
        "uciok",
        "readyok",
        "info depth 1 seldepth 2 multipv 1 score cp 30 nodes 100 pv a2a3",
        "info depth 2 seldepth 3 multipv 1 score cp 30 nodes 200 pv a2a3",
        "bestmove a2a3",
    ]


def test_uci_is_answered_before_anything_is_opened():
    out = io.StringIO()

    def fails():
        raise UsageError("there is no engine", fix="Make one")

    server = Uci(ABOUT, fails, np.random.default_rng(0), io.BytesIO(b"uci\nisready\n"), out)
    with pytest.raises(UsageError):
        server.serve()
    assert out.getvalue().splitlines()[-2:] == ["uciok", "info string there is no engine. Make one"]


def test_a_session_of_200_commands_is_answered_as_python_chess_would():
    chess = pytest.importorskip("chess")
    rng = np.random.default_rng(0)
    commands, expected = ["isready"], ["readyok"]
    board, begin = chess.Board(), "startpos"
    while len(commands) < 200:
        kind = int(rng.integers(6))
        legal = sorted(move.uci() for move in board.legal_moves)
        if kind == 0:
            commands.append("isready")
            expected.append("readyok")
        elif kind == 1 or board.is_game_over() or board.can_claim_draw():
            commands.append("ucinewgame")
            board = chess.Board()
            for _ in range(int(rng.integers(30))):
                board.push(list(board.legal_moves)[int(rng.integers(board.legal_moves.count()))])
            begin = f"fen {board.fen()}"
            board = chess.Board(board.fen())
        else:
            if kind < 5:
                board.push_uci(legal[int(rng.integers(len(legal)))])
                legal = sorted(move.uci() for move in board.legal_moves)
            moves = " ".join(move.uci() for move in board.move_stack)
            commands.append(f"position {begin}" + (f" moves {moves}" if moves else ""))
            wanted = legal[-2:] if kind == 2 else []
            commands.append("go depth 1" + (f" searchmoves {' '.join(wanted)}" if wanted else ""))
            best = (wanted or legal or ["(none)"])[0]
            if legal:
                expected.append(f"info depth 1 seldepth 2 multipv 1 score cp 30 nodes 100 pv {best}")
            else:
                expected.append(f"info depth 0 score {'mate 0' if board.is_check() else 'cp 0'}")
            expected.append(f"bestmove {best}")
    said = spoken("\n".join(commands) + "\n")
    assert sorted(said) == sorted(expected)  # what is asked during a search is answered there
    assert [line for line in said if line != "readyok"] == [line for line in expected if line != "readyok"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("hello", "info string unknown: 'hello'"),
        ("\x00\xff\x07", "info string unknown: "),
        ("setoption", "info string an option is set so: setoption name NAME value VALUE"),
        ("setoption name Hash value many", "info string Hash is a number from 1 to 4096, not 'many'"),
        ("setoption name Hash value 0", "info string Hash is a number from 1 to 4096, not '0'"),
        ("setoption name Hsh value 3", "info string there is no option 'Hsh'. "),
        ("setoption name Ponder value maybe", "info string Ponder is true or false, not 'maybe'"),
        ("position", "info string a position is set so: "),
        ("position startpos e2e4", "info string a position is set so: "),
        ("position startpos moves e2e5", "info string position: move 1: e2e5 is not legal"),
        ("position startpos moves e2e4 Kx", "info string position: move 2: 'Kx' is no move"),
        ("stop", ""),
        ("ponderhit", ""),
        ("", ""),
    ],
)
def test_what_cannot_be_understood_is_told_and_nothing_comes_of_it(line, said):
    found = spoken(f"{line}\nisready\n".encode("utf-8", "surrogateescape"))
    assert found[-1] == "readyok"
    assert len(found) == 1 + bool(said)
    assert found[0].startswith(said or "readyok")


def test_a_command_behind_unknown_words_is_done():
    assert spoken("joho isready\n") == ["info string unknown: 'joho'", "readyok"]
    assert spoken("IsReady\n") == ["readyok"]


def test_go_is_always_answered():
    assert spoken("go depth 1\n")[-1] == "bestmove a2a3"  # the starting position, where none was set
    said = spoken("position startpos moves e2e5\ngo depth 1\nposition startpos moves e2e4\ngo depth 1\n")
    refused = ["info string there is no position: the last one could not be set up", "bestmove 0000"]
    assert said[1:3] == refused
    assert said[-1] == "bestmove a7a5"
    mated = "position startpos moves f2f3 e7e5 g2g4 d8h4\ngo movetime 10\n"
    assert spoken(mated) == ["info depth 0 score mate 0", "bestmove (none)"]
    assert spoken("go depth x nodes 100 fast searchmoves e2e4 e2e5\n") == [
        "info string depth needs a number, not 'x'",
        "info string 'fast' is no part of go",
        "info string searchmoves: e2e5 is not legal",
        "info depth 1 seldepth 2 multipv 1 score cp 30 nodes 100 pv e2e4",
        "bestmove e2e4",
    ]


def test_lines_that_are_too_long():
    long = b"position startpos moves " + b"g1f3 g8f6 f3g1 f6g8 " * (LONGEST // 20) + b"\n"
    said = spoken(long + b"go depth 1\nisready\n")
    assert said == [
        f"info string a line of more than {LONGEST:,} bytes is not read",
        "info string there is no position: the last one could not be set up",
        "bestmove 0000",
        "readyok",
    ]
    knights = "g1f3 g8f6 f3g1 f6g8 " * 3  # a draw that nobody has claimed, and played on
    thinker = Scripted()
    assert spoken(f"position startpos moves {knights}e2e4\ngo depth 1\n", thinker)[-1] == "bestmove a7a5"
    assert thinker.games[-1].claims  # after a pawn's move nothing was there before


def test_a_position_in_which_a_draw_can_be_claimed_is_thought_about():
    thinker = Scripted()
    moves = "g1f3 g8f6 f3g1 f6g8 " * 2
    assert spoken(f"position startpos moves {moves}\ngo depth 1\n", thinker)[-1] == "bestmove a2a3"
    assert not thinker.games[-1].claims


def test_moves_that_were_played_are_not_played_again_and_others_are():
    thinker = Scripted()
    lines = ["e2e4", "e2e4 e7e5", "e2e4 e7e5 g1f3", "e2e4 c7c5", "", "e2e4 c7c5"]
    spoken("".join(f"position startpos moves {moves}\ngo depth 1\n" for moves in lines), thinker)
    for moves, seen in zip(lines, thinker.seen[1:], strict=True):
        position = Chess().start(1)
        for move in moves.split():
            Chess().play(position, [Chess().action(move, position[0])])
        assert seen == position


def test_limits_and_clocks():
    assert asked_for("go nodes 500 depth 3 mate 2") == Limit(simulations=500, depth=3, mate=2)
    assert asked_for("go depth 0").depth == 1
    assert asked_for("setoption name MultiPV value 3", "go depth 1").lines == 3
    e2e4, d2d4 = (Chess().action(move, Chess().start(1)[0]) for move in ("e2e4", "d2d4"))
    assert asked_for("go searchmoves e2e4 d2d4 depth 2") == Limit(depth=2, actions=(e2e4, d2d4))
    moved = asked_for("go movetime 50")
    assert (moved.seconds, moved.target) == (0.025, None)
    assert asked_for("setoption name Move Overhead value 10", "go movetime 50").seconds == 0.04
    clocked = asked_for("go wtime 300 btime 900000 depth 1")
    assert 0 < clocked.target <= clocked.seconds < 0.3
    black = asked_for("position startpos moves e2e4", "go wtime 300 btime 900000 depth 1")
    assert black.target > 10
    assert asked_for("go wtime 0 btime 0 winc 0 binc 0").seconds < 0.01
    assert asked_for("go wtime -500 btime 10").seconds < 0.01
    assert asked_for("go ponder wtime 1000 btime 1000 depth 1") == Limit(depth=1)


def test_a_single_move_is_not_thought_about_where_a_clock_runs():
    forced = "position startpos moves e2e4 f7f5 d1h5"  # a pawn has to go between
    limit = asked_for(forced, "go wtime 60000 btime 60000")
    assert limit.seconds == limit.target < 0.01
    assert asked_for(forced, "go movetime 100 depth 1").seconds > 0.05


def test_clocks_are_divided_so_that_they_last():
    left = 10.0
    for _ in range(200):
        part = share(left, 0.1)
        assert part.target <= part.most < left
        left += 0.1 - part.target - 0.02
    assert left > 0.5
    assert share(60, 0, moves=1).target > 40
    assert share(60, 0, moves=40).target == pytest.approx(60 / 28, rel=0.05)
    assert share(0.0).most == share(-3.0).most > 0


class Pipe:
    """A session in a thread, to which lines are said one at a time."""

    def __init__(self, about: About = ABOUT) -> None:
        ours, theirs = os.pipe()
        back, out = os.pipe()
        self._in = os.fdopen(theirs, "wb", buffering=0)
        self._out = os.fdopen(back, encoding="utf-8")
        self.thinker = Scripted()
        server = Uci(
            about,
            lambda: self.thinker,
            np.random.default_rng(0),
            os.fdopen(ours, "rb", buffering=0),
            os.fdopen(out, "w", encoding="utf-8"),
        )
        self._thread = threading.Thread(target=server.serve, daemon=True)
        self._thread.start()

    def say(self, text: str) -> None:
        self._in.write(f"{text}\n".encode())

    def until(self, begin: str) -> list[str]:
        """The lines up to the first that begins so."""
        lines = [self._out.readline().rstrip("\n")]
        while not lines[-1].startswith(begin):
            lines.append(self._out.readline().rstrip("\n"))
        return lines

    def close(self) -> None:
        self._in.close()
        self._thread.join(10)
        assert not self._thread.is_alive()


@pytest.fixture
def pipe():
    pipe = Pipe()
    yield pipe
    pipe.close()


def test_commands_during_a_search(pipe):
    pipe.say("go infinite")
    pipe.until("info depth 3 ")
    pipe.say("isready")
    pipe.until("readyok")
    pipe.say("debug on")
    pipe.say("position startpos moves e2e4")
    pipe.until("info string position waits for the end of the search")
    pipe.say("nonsense")
    pipe.until("info string unknown")
    pipe.say("stop")
    assert pipe.until("bestmove")[-1] == "bestmove a2a3"
    pipe.say("go depth 1")
    assert pipe.until("bestmove")[-1] == "bestmove a7a5"  # the position that waited
    assert pipe.thinker.closed == 3  # with the warming up


def test_a_search_without_an_end_waits_for_stop_though_there_is_nothing_left_to_find(pipe):
    pipe.say("go infinite depth 2")
    pipe.until("info depth 2 ")
    pipe.say("isready")
    assert pipe.until("readyok") == ["readyok"]
    pipe.say("stop")
    assert pipe.until("bestmove") == ["bestmove a2a3"]


def test_pondering_becomes_a_search_on_the_clock_or_is_stopped(pipe):
    pipe.say("position startpos moves e2e4 e7e5")
    pipe.say("go ponder wtime 2000 btime 2000")
    pipe.until("info depth 5 ")
    pipe.say("ponderhit")
    pipe.until("bestmove")
    assert pipe.thinker.limits[-1].is_endless
    pipe.say("go ponder depth 2")
    pipe.until("info depth 2 ")
    pipe.say("isready")
    assert pipe.until("readyok") == ["readyok"]  # and no move before
    pipe.say("ponderhit")
    assert pipe.until("bestmove") == ["bestmove a2a3"]
    pipe.say("go ponder wtime 99000 btime 99000")
    pipe.until("info depth 2 ")
    pipe.say("stop")
    pipe.until("bestmove")


def test_the_input_ends_during_a_search_without_an_end(pipe):
    pipe.say("go infinite")
    pipe.until("info depth 2 ")


def test_quit_ends_a_search():
    pipe = Pipe()
    pipe.say("go infinite")
    pipe.until("info depth 2 ")
    pipe.say("quit")
    pipe.until("bestmove")
    pipe._thread.join(10)
    assert not pipe._thread.is_alive()


# ---- options


def test_options_reach_the_thinker():
    thinker = Scripted()
    spoken("isready\nsetoption name hash value 64\nucinewgame\nsetoption name Clear Hash\n", thinker)
    assert (thinker.memory, thinker.forgot) == (64, 2)
    said = spoken(
        "setoption name UCI_Chess960 value true\n"
        "position startpos moves g1f3 g8f6 g2g3 g7g6 f1g2 f8g7 e1h1\ngo depth 1\n"
    )
    assert said[-1] == "bestmove a7a5"
    said = spoken("setoption name MultiPV value 3\nsetoption name UCI_ShowWDL value true\ngo depth 1\n")
    assert [line.split(" nodes")[0] for line in said[:-1]] == [
        "info depth 1 seldepth 2 multipv 1 score cp 30 wdl 438 324 238",
        "info depth 1 seldepth 2 multipv 2 score cp 20 wdl 427 326 247",
        "info depth 1 seldepth 2 multipv 3 score cp 10 wdl 417 326 257",
    ]


def test_strength_by_a_rating_that_was_measured():
    about = About("Scripted", "nobody", Range(1000, 2000))
    said = spoken("uci\n", about=about)
    assert "option name UCI_LimitStrength type check default false" in said
    assert "option name UCI_Elo type spin default 2000 min 1000 max 2000" in said
    thinker = Scripted()
    limited = "setoption name UCI_LimitStrength value true\n"
    spoken(f"go depth 1\n{limited}go depth 1\nsetoption name UCI_Elo value 1500\ngo depth 1\n", thinker, about)
    free, strongest, middle = thinker.limits[1:]
    assert (free.simulations, strongest.simulations, middle.simulations) == (None, 1000, 100)
    assert (strongest.lines, middle.lines) == (1, 8)
    weak = f"{limited}setoption name UCI_Elo value 1000\n" + "go depth 1\n" * 30
    moves = {line for line in spoken(weak, about=about) if line.startswith("bestmove")}
    assert len(moves) > 3
    with pytest.raises(Refusal, match="no option"):
        changed(Settings(), "UCI_Elo", "1500", None)
    assert declared(Settings(), None)[-1] == "option name Clear Hash type button"


# ---- words and lines


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("", Asked()),
        ("infinite", Asked(infinite=True)),
        ("wtime 10 btime -5 winc 1 binc 2 movestogo 7", Asked((), False, False, 10, -5, 1, 2, 7)),
        ("SEARCHMOVES e2e4 d2d4 nodes 7", Asked(("e2e4", "d2d4"), nodes=7)),
        ("depth", Asked(faults=("depth needs a number",))),
        ("depth infinite", Asked(infinite=True, faults=("depth needs a number",))),
        ("depth -3", Asked(faults=("depth needs a number, not '-3'",))),
        ("nodes 9999999999999999999", Asked(faults=("nodes needs a number, not '9999999999999999999'",))),
        ("movetime ٣", Asked(faults=("movetime needs a number, not '٣'",))),
    ],
)
def test_what_go_asks(words, meant):
    assert asked(words.split()) == meant


def test_scores():
    def move(**known):
        return Candidate(0, 5, 0.1, known.pop("win_rate", 0.5), (0,), **known)

    assert centipawns(move()) == 0
    assert centipawns(move(win_rate=0.75)) == round(111.714640912 * np.tan(1.5620688421 * 0.5))
    assert centipawns(move(win_rate=1.0)) == -centipawns(move(win_rate=0.0)) == 12_780
    assert thousandths(move(win_rate=0.6, draws=0.4)) == (400, 400, 200)
    assert thousandths(move(win_rate=1.0)) == (1000, 0, 0)
    assert thousandths(move(win_rate=0.9, draws=0.9)) == (800, 200, 0)  # draws cannot be more
    for rate in (0.01, 0.3, 0.5, 0.77, 0.99):
        won, drawn, lost = thousandths(move(win_rate=rate))
        assert won + drawn + lost == 1000
        assert won + drawn / 2 == pytest.approx(1000 * rate, abs=1)
        assert (drawn / 1000) ** 2 == pytest.approx(won * lost / 1e6, rel=0.1, abs=0.001)  # Davidson's ν of 1


def test_lines_of_moves_end_before_what_is_illegal():
    game = Chess()
    position = game.start(1)
    e2e4 = game.action("e2e4", position[0])
    moves = (Candidate(e2e4, 3, 0.1, 0.5, (e2e4, e2e4, e2e4), mate=3), Candidate(0, 0, 0.1, 0.5, (0,)))
    (line,) = infos(game, position, Thought(0.5, moves, 1000), 5, 0.5, False)
    assert line == "info depth 1 multipv 1 score mate 3 nodes 1000 nps 2000 time 500 pv e2e4 e7e5"


def test_the_engine_of_the_package_says_what_it_can_be_held_to_and_means_it():
    from sounding.games.chess.engine import AlphaBeta
    from sounding.games.chess_strengths import RATINGS
    from sounding.games.thinking import rated

    assert AlphaBeta.ratings == RATINGS
    elos = [elo for elo, _ in RATINGS]
    nodes = [rated(RATINGS, elo).simulations for elo in range(elos[0], elos[-1] + 1, 25)]
    assert (elos, nodes) == (sorted(elos), sorted(nodes))
    assert (nodes[0], nodes[-1]) == (50, 80_000)
