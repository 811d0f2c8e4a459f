"""Chess as people play it: a board, moves as they are typed, what is told, games kept; and games judged."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from doubles import Materialist

from sounding.errors import DataError, UsageError
from sounding.games.chess import Chess
from sounding.games.connect4 import Connect4
from sounding.games.records.pgn import games, read
from sounding.games.table import Table
from sounding.games.thinking import Limit, Strength
from sounding.runs.reviewing import reviewed


class Talk:
    """A table at which lines are typed; `told` is all that was said to the last one."""

    def __init__(self, person: int = 0) -> None:
        self.heard: list[str] = []
        game = Chess()
        self.table = Table(Materialist(game), game, Strength(3), person, np.random.default_rng(0), self.heard.append)
        self.table.begin()

    def __call__(self, line: str) -> str:
        self.heard.clear()
        assert self.table.take(line)
        return "\n".join(self.heard)


def test_a_board_has_coordinates_and_lies_as_the_player_sits():
    board = Talk().heard[1].strip("\n").split("\n")
    assert board[0] == board[-1] == "   a  b  c  d  e  f  g  h"
    assert board[1] == "8  r  n  b  q  k  b  n  r  8"
    assert board[8] == "1  R  N  B  Q  K  B  N  R  1"
    black = Talk(person=1).heard[1].strip("\n").split("\n")
    assert black[0] == "   h  g  f  e  d  c  b  a"
    assert black[8] == "8  r  n  b  k  q  b  n  r  8"
    assert "".join(black).count("(") == 2  # where the move of the other began and ended


def test_moves_are_typed_in_san_or_uci():
    talk = Talk()
    assert "You are White, materialist is Black; White begins" in talk.heard[0]
    assert "Black plays " in talk("e4")
    talk("g1f3")
    texts = [
        talk.table.session.game.text(m.action, p[0])
        for m, p in zip(talk.table.session.moves, talk.table.session.positions, strict=False)
    ]
    assert (texts[0], texts[2]) == ("e2e4", "g1f3")
    assert "Nf9" in talk("Nf9")
    assert "not legal" in talk("Ke4")
    assert "Did you mean hint?" in talk("hnt")
    assert len(talk.table.session.moves) == 4
    talk("takeback")
    assert len(talk.table.session.moves) == 2


def test_what_is_told():
    talk = Talk()
    talk.table.session.play(Chess().action("f3", talk.table.session.position[0]))
    talk.table.session.play(Chess().action("e5", talk.table.session.position[0]))
    said = talk("g4")
    assert "Black plays Qh4#: win rate of Black 50 %, +100.00, depth 2, " in said
    assert said.endswith("Black wins (checkmate).")
    talk = Talk()
    assert talk("hint").count("% for you, ") == 3
    assert "win rate of White" in talk("evaluate")
    assert talk("strength 8") == "64 nodes a move from here"
    assert "neither a level nor a number" in talk("strength strong")
    assert "none is known of it" in talk("rating 1500")
    assert "'strong' is no number" in talk("rating strong")
    assert "save FILE" in talk("help")
    assert "(.pgn)" in talk("help")


def test_games_are_kept_as_pgn(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    talk = Talk()
    talk("e4")
    talk("resign")
    assert talk("save game.pgn") == "2 moves in game.pgn"
    (record,) = read(Path("game.pgn"))
    assert (record.players, record.result) == (("you", "materialist"), "0-1")
    assert record.tags["Termination"] == "resignation"
    assert len(record.moves) == 2
    assert "saved as .pgn" in talk("save game.sgf")


GAMES = """[White "Ann"]
[Black "Ben"]
[Result "1-0"]

1. e4 e5 2. Qh5 Ke7 {[%clk 0:05:00] why?} 3. Qxe5# 1-0

[White "Cid"]

1. e4 e5 2. Nf9 *

[White "Dan"]

1. d4 d5 2. Qd3 Nf6 3. Qxh7 Rxh7 *
"""


def judged(tmp_path, refused=None):
    (tmp_path / "some.pgn").write_text(GAMES)
    return list(reviewed(Materialist(Chess()), [tmp_path / "some.pgn"], Limit(simulations=1), refused))


def test_what_gives_something_away_is_found(tmp_path):
    told = []
    mated, lost = judged(tmp_path, told.append)
    assert [str(error).split(" Mend")[0] for error in told] == [
        "some.pgn: game 2, move 2: White's 'Nf9' is no move: they are written e4, Nf3, exd5, O-O, e8=Q (line 9)."
    ]
    text = str(mated)
    assert text.startswith("some.pgn: game 1: Ann – Ben, 1-0\n")
    assert "2… Ke7?? blunder: " in text
    assert text.count("??") == 1
    assert "Black: 2 moves, 1 blunder, " in text
    assert "3. Qxh7?? blunder: 50 % → " in str(lost)
    again = mated.annotated()
    blunder = again.moves[3]
    assert (blunder.nags, blunder.remark[:8]) == ((4,), "blunder:")
    assert len(blunder.variations) == 1
    last = lost.moves[-1]
    assert (last.kind, last.better) == ("", ())  # the best move there is


def test_the_verb_judges_games_and_keeps_what_it_found(sounding, monkeypatch, tmp_path):
    monkeypatch.setattr("sounding.games.shipped.shipped", lambda name: Materialist(Chess()))
    (tmp_path / "some.pgn").write_text(GAMES)
    status, out, err = sounding("predict", "chess", "some.pgn", "--out", "noted.pgn", "strength=3")
    assert status == 1
    assert "game 2, move 2" in err
    assert "2… Ke7??" in out
    first, second = read(tmp_path / "noted.pgn")
    assert first.moves[3].nags == (4,)
    assert second.moves[4].nags == (4,)
    assert sounding("predict", "chess", "some.pgn", "--out", "noted.pgn")[0] != 0  # never overwritten
    _, out, _ = sounding("predict", "chess", "some.pgn", "--json")
    facts = json.loads(out.splitlines()[0])
    assert [move["move"] for move in facts["moves"]] == ["e4", "e5", "Qh5", "Ke7", "Qxe5#"]
    assert facts["moves"][3]["kind"] == "blunder"
    assert "no setting" in sounding("predict", "chess", "some.pgn", "speed=3")[2]
    assert "none.pgn" in sounding("predict", "chess", "none.pgn")[2]


def test_another_game_is_not_judged(tmp_path):
    thinker = Materialist(Connect4())
    with pytest.raises(UsageError, match="plays connect4"):
        list(reviewed(thinker, [tmp_path / "x.pgn"], Limit(simulations=1)))
    (tmp_path / "empty.pgn").write_text("")
    with pytest.raises(DataError, match="no game of chess"):
        list(reviewed(Materialist(Chess()), [tmp_path / "empty.pgn"], Limit(simulations=1)))
    assert next(games(["1. e4 *"])).players == ("?", "?")
