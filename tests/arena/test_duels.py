"""Matches one game at a time: clocks, adjudication, forfeits, and what is kept of the games."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np
import pytest

from sounding.arena.duels import NEVER, Adjudication, play_duel, play_duels
from sounding.arena.openings import openings
from sounding.errors import UsageError
from sounding.games.connect4 import Connect4
from sounding.games.contest import Answer, Clocks, Forfeit, Moving, Pace, Thinking
from sounding.games.playouts import Greedily, Randomly
from sounding.games.session import Session
from sounding.games.thinking import Candidate, Limit, Strength, Thinker, Thought

GAME = Connect4()


@dataclass
class Scripted:
    """Plays the lowest legal column, or what it is told to; says a score, and may fail."""

    name: str
    score: int | None = None
    action: int | None = None
    failure: Exception | None = None
    delay: float = 0.0
    begun: int = 0
    seen: list[list[float]] = field(default_factory=list)

    def begin(self) -> None:
        self.begun += 1

    def answer(self, session: Session, clocks: Clocks, pace: Pace) -> Answer:
        self.seen.append(list(clocks.left))
        if self.failure is not None:
            raise self.failure
        time.sleep(self.delay)
        legal = np.flatnonzero(session.game.legal(session.position)[0])
        return Answer(int(legal[0]) if self.action is None else self.action, self.score)

    def close(self) -> None:
        pass


def duel(one: Scripted, other: Scripted, pace: Pace | None = None, rules: Adjudication = NEVER):
    return play_duel(GAME, GAME.start(1), (one, other), pace or Pace(), rules)


def test_a_game_is_played_to_its_end_and_told_of():
    found = duel(Scripted("a", 30), Scripted("b", 20))
    assert found.session.over
    assert (
        found.winner == found.session.result == 1
    )  # the columns fill one after the other: the first gets four in a row
    assert found.how == found.forfeit == ""
    assert found.scores[:2] == (30, -20)
    assert len(found.remarks) == len(found.seconds) == len(found.session.moves)
    assert found.remarks[1].startswith("[%eval -0.20] 0.0")


@pytest.mark.parametrize(
    ("wrong", "how", "said"),
    [
        (Scripted("b", action=99), "illegal move", "b made an illegal move"),
        (Scripted("b", failure=Forfeit("b crashed")), "forfeit", "b crashed"),
        (Scripted("b", failure=RuntimeError("no luck")), "forfeit", "b failed: no luck"),
    ],
)
def test_who_fails_has_lost_the_game_and_the_match_goes_on(wrong, how, said):
    found = duel(Scripted("a"), wrong)
    assert (found.winner, found.how) == (1, how)
    assert found.forfeit.startswith(said)
    match = play_duels(GAME, wrong, Scripted("a"), openings(GAME, 2, 2, np.random.default_rng(0)), Pace())
    assert match.score == 0
    assert len(match.forfeits) == 4
    assert wrong.begun == 5


def test_a_clock_is_kept_and_who_has_no_time_left_has_lost():
    slow = Scripted("b", delay=0.03)
    found = duel(Scripted("a"), slow, Pace.clock("60+2"))
    assert found.how == ""
    moves = len(slow.seen)
    assert slow.seen[0] == [pytest.approx(62, abs=1), 60]
    assert slow.seen[-1][1] == pytest.approx(60 + (moves - 1) * (2 - 0.03), abs=0.5)
    found = duel(Scripted("a"), slow, Pace.clock("0.01"))
    assert (found.winner, found.how, found.forfeit) == (1, "time forfeit", "b lost on time")


def test_clocks_that_are_none():
    assert Pace.clock("10+0.1") == Pace(seconds=10, added=0.1)
    for wrong in ("", "ten", "0+1", "10+", "-5", "10+0.1+3"):
        with pytest.raises(UsageError, match="is no clock"):
            Pace.clock(wrong)


RULES = Adjudication(win=500, win_moves=2, draw=10, draw_moves=2, draw_from=3, longest=5)


@pytest.mark.parametrize(
    ("scores", "verdict"),
    [
        ([600, 600, 600], None),
        ([600, 600, 600, 500], 1),
        ([-600, -500, -500, -32000], -1),
        ([600, 600, 499, 600], None),
        ([600, 600, None, 600], None),
        ([0, 0, 0, 0], None),  # too early for a draw
        ([90, 90, 10, -10, 0, 3], 0),
        ([90, 90, 10, -11, 0, 3], None),
        ([90, 90, 10, None, 0, 3], None),
        ([50] * 9, None),
        ([50] * 10, 0),
    ],
)
def test_games_are_adjudicated_where_both_agree(scores, verdict):
    found = RULES.verdict(scores)
    assert (None if found is None else found[0]) == verdict
    assert NEVER.verdict(scores) is None


def test_adjudication_ends_a_game_and_names_itself():
    found = duel(Scripted("a", 900), Scripted("b", -900), rules=Adjudication(win=800, win_moves=2))
    assert (found.winner, found.how, len(found.session.moves)) == (1, "adjudication: decided", 4)


def test_sides_change_and_points_are_counted_as_results_say():
    heard = []
    one, other = (Moving(mover, np.random.default_rng(1)) for mover in (Greedily(), Randomly()))
    begins = openings(GAME, 8, 2, np.random.default_rng(0))
    match = play_duels(GAME, one, other, begins, Pace(), told=lambda *told: heard.append(told))
    assert [(game.opening, game.first) for game in match.games] == [(k // 2, k % 2 == 0) for k in range(16)]
    for game, found, *_ in heard:
        position = begins[game.opening : game.opening + 1].copy()
        for action in game.actions:
            GAME.play(position, [action])
        assert GAME.over(position)[0]
        assert game.points == (1 + GAME.results(position)[0] * (1 if game.first else -1)) / 2
        assert found.winner == GAME.results(position)[0]
    assert match.score > 0.5


def test_a_test_ends_a_match_as_soon_as_it_is_known():
    verdicts = []
    begins = openings(GAME, 200, 3, np.random.default_rng(0))
    one, other = (Moving(mover, np.random.default_rng(2)) for mover in (Greedily(), Randomly()))
    told = lambda game, duel, match, verdict: verdicts.append(verdict)  # noqa: E731
    match = play_duels(GAME, one, other, begins, Pace(), test=(0, 100), told=told)
    assert len(match.games) < 400
    assert verdicts[-1].verdict == "better"
    assert verdicts[::2] == [None] * (len(match.games) // 2)
    assert all(verdict.verdict == "open" for verdict in verdicts[1:-1:2])


class Recorder(Thinker):
    """Knows what it was asked."""

    name, game = "recorder", GAME

    def __init__(self, **known):
        self.limits, self.forgot, self.known = [], 0, known

    def forget(self):
        self.forgot += 1

    def ponder(self, game, position, limit, every=1.0):
        self.limits.append(limit)
        legal = np.flatnonzero(game.legal(position)[0])
        yield Thought(0.6, tuple(Candidate(int(a), 1, 0.1, 0.6, (int(a),), **self.known) for a in legal), 5)


def test_a_thinker_is_given_what_the_pace_allows():
    thinker = Recorder(centipawns=40)
    player = Thinking(thinker, np.random.default_rng(0), Strength(50))
    player.begin()
    session = Session(GAME)
    for pace in (Pace(nodes=20), Pace(move_seconds=0.5), Pace(depth=3), Pace.clock("10+1")):
        assert player.answer(session, Clocks(pace), pace) == Answer(0, 40)
    assert thinker.limits[:3] == [Limit(simulations=20), Limit(simulations=50, seconds=0.5), Limit(50, depth=3)]
    assert 0 < thinker.limits[3].target < thinker.limits[3].seconds < 10
    assert thinker.forgot == 1
    mated = Thinking(Recorder(mate=-2), np.random.default_rng(0))
    assert mated.answer(session, Clocks(Pace()), Pace(depth=1)).centipawns < -10_000
    assert Thinking(Recorder(), np.random.default_rng(0)).answer(session, Clocks(Pace()), Pace(depth=1)) == Answer(0)
