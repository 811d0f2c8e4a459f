"""Matches of simple players at noughts and crosses: sides, openings, points, forfeits, and what comes of them."""

from __future__ import annotations

import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sounding.arena.elo import elo_difference
from sounding.arena.ladder import Ladder, ladder, play_until_known, told
from sounding.arena.matches import Match, play_match
from sounding.arena.movers import SearchMover, ThinkerMover
from sounding.arena.openings import openings
from sounding.errors import UsageError
from sounding.games.thinking import Strength
from sounding.search.evaluator import Uniform
from sounding.search.thinker import SearchThinker

sys.path.insert(0, str(Path(__file__).parents[1] / "search"))

from tictactoe import TicTacToe

GAME = TicTacToe()


class Random:
    def __init__(self, name="random"):
        self.name, self.asked = name, []

    def moves(self, game, positions, rng):
        self.asked.append(len(positions))
        legal = game.legal(positions)
        return np.argmax(rng.random(legal.shape) * legal, axis=1)


class Greedy(Random):
    """Wins where it can at once, and else keeps the other from it."""

    def moves(self, game, positions, rng):
        moves = super().moves(game, positions, rng)
        for i, board in enumerate(positions):
            for own in (-1, 1):  # its own win comes last, and stays
                for action in np.flatnonzero(game.legal(positions[i : i + 1])[0]):
                    after = positions[i : i + 1].copy()
                    after["stones"][0, action] = own * (1 if board["moves"] % 2 == 0 else -1)
                    if game.results(after)[0]:
                        moves[i] = action
        return moves


class Fails(Random):
    """Does something wrong where the centre is taken."""

    def __init__(self, how):
        super().__init__("faulty")
        self.how = how

    def moves(self, game, positions, rng):
        moves = super().moves(game, positions, rng)
        taken = positions["stones"][:, 4] != 0
        if taken.any() and self.how == "raises":
            raise RuntimeError("out of ideas")
        if taken.any() and self.how == "hangs":
            threading.Event().wait(30)
        wrong = {"illegal": 4, "no such": 77, "gives up": -1}
        return np.where(taken, wrong.get(self.how, 0), moves)


def begun(plies=2, pairs=20, seed=0):
    return openings(GAME, pairs, plies, np.random.default_rng(seed))


def replayed(match, begins):
    """The last position of each game, played again from what the match has noted."""
    for played in match.games:
        board = begins[played.opening : played.opening + 1].copy()
        for action in played.actions:
            GAME.play(board, [action])
        yield played, board


# ---- openings


def test_openings_are_different_and_of_the_length_asked_for():
    begins = begun(plies=3, pairs=100)
    assert len(np.unique(GAME.keys(begins))) == len(begins) == 100
    assert (begins["moves"] == 3).all()
    assert (begins["stones"].sum(axis=1) == 1).all()
    np.testing.assert_array_equal(begins, begun(plies=3, pairs=100))


def test_there_are_no_more_openings_than_there_are():
    assert len(begun(plies=1, pairs=9)) == 9
    assert len(begun(plies=0, pairs=1)) == 1
    with pytest.raises(UsageError, match="9 openings of 1 move could be drawn, and 10 were asked for"):
        begun(plies=1, pairs=10)
    with pytest.raises(UsageError, match="0 openings of 9 moves"):
        begun(plies=9, pairs=200)


# ---- matches


def test_each_opening_is_played_twice_with_sides_changed():
    begins = begun()
    match = play_match(GAME, Greedy("greedy"), Random(), begins, np.random.default_rng(0))
    assert [game.opening for game in match.games] == [n // 2 for n in range(40)]
    assert [game.first for game in match.games] == [True, False] * 20
    for played, board in replayed(match, begins):
        result = GAME.results(board)[0]
        assert GAME.over(board)[0]
        assert played.points == (1 + (result if played.first else -result)) / 2
    assert match.score > 0.7
    assert match.counts.sum() == 20
    assert sum(match.won_drawn_lost) == 40
    assert match.counts @ [0, 0.25, 0.5, 0.75, 1] / 20 == pytest.approx(match.score)


def test_all_games_are_advanced_together():
    one, other = Random("one"), Random("other")
    play_match(GAME, one, other, begun(), np.random.default_rng(0))
    assert max(one.asked) == 40  # those that it begins, and those in which the other has moved
    assert len(one.asked) <= 5
    one.asked.clear()
    play_match(GAME, one, other, begun(), np.random.default_rng(0), at_a_time=8)
    assert max(one.asked) == 8


def test_the_players_are_told_apart():
    """A player of both sides gets every second point of each pair that it decides."""
    same = play_match(GAME, Greedy("greedy"), Greedy("twin"), begun(pairs=30), np.random.default_rng(3))
    better = play_match(GAME, Random(), Greedy("greedy"), begun(pairs=30), np.random.default_rng(3))
    assert 0.4 < same.score < 0.6
    assert better.score < 0.3


def test_progress_is_told():
    heard = []
    play_match(GAME, Random(), Random("b"), begun(), np.random.default_rng(0), 16, progress=lambda *n: heard.append(n))
    assert heard[-1] == (40, 40)
    assert [done for done, _ in heard] == sorted(done for done, _ in heard)


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ("raises", "faulty failed: out of ideas"),
        ("illegal", "faulty made an illegal move (B2)"),
        ("no such", "faulty made an illegal move (77)"),
        ("gives up", "faulty gave up"),
    ],
)
@pytest.mark.parametrize("swapped", [False, True])
def test_who_fails_forfeits_that_game_and_the_match_goes_on(how, why, swapped):
    begins = begun()
    players = (Random(), Fails(how)) if swapped else (Fails(how), Random())
    match = play_match(GAME, *players, begins, np.random.default_rng(0))
    lost = 1.0 if swapped else 0.0
    assert len(match.games) == 40
    assert set(match.forfeits) == {why}
    for played, board in replayed(match, begins):
        assert bool(played.forfeit) != bool(GAME.over(board)[0])
        if played.forfeit:
            assert played.points == lost
            assert board["stones"][0, 4] != 0  # only where it did something wrong
    assert any(not played.forfeit for played in match.games) or how == "raises"


def test_a_failure_in_one_position_costs_no_other_game():
    begins = begun(plies=2, pairs=20)
    match = play_match(GAME, Fails("raises"), Random(), begins, np.random.default_rng(0))
    hit = {played.opening for played in match.games if played.forfeit and not played.actions}
    assert hit == set(np.flatnonzero(begins["stones"][:, 4] != 0))


def test_who_hangs_forfeits_and_the_match_goes_on():
    match = play_match(GAME, Fails("hangs"), Random(), begun(pairs=4), np.random.default_rng(0), 2, seconds=0.3)
    assert len(match.games) == 8
    assert "faulty failed: no answer within 0.3 s" in match.forfeits
    assert all(played.points == 0 for played in match.games if played.forfeit)


def test_reasons_that_a_player_gives_itself_are_kept():
    class Engine(Random):
        forfeits = ()

        def moves(self, game, positions, rng):
            moves = super().moves(game, positions, rng)
            moves[-1] = -1
            self.forfeits = [*self.forfeits, f"crash {len(self.forfeits)}"]
            return moves

    match = play_match(GAME, Engine("engine"), Random(), begun(pairs=2), np.random.default_rng(0))
    assert match.forfeits
    assert set(match.forfeits) <= {f"crash {n}" for n in range(9)}


def test_matches_are_added():
    begins = begun(pairs=6)
    one, other = Random("one"), Random("other")
    first, second = (play_match(GAME, one, other, part, np.random.default_rng(0)) for part in (begins[:4], begins[4:]))
    both = first + second
    assert [game.opening for game in both.games] == [n // 2 for n in range(12)]
    assert both.counts.tolist() == (first.counts + second.counts).tolist()
    with pytest.raises(ValueError, match="does not go on"):
        first + play_match(GAME, other, one, begins, np.random.default_rng(0))


# ---- what comes of them


def test_a_ladder_puts_the_better_above():
    heard = []
    found = ladder(GAME, [Random(), Greedy("greedy"), Random("twin")], pairs=15, plies=2, progress=heard.append)
    ratings = found.ratings.ratings
    assert next(iter(ratings)) == "greedy"
    assert ratings["random"].value == 0
    assert ratings["greedy"].low > 0
    assert [(match.one, match.other) for match in heard] == [
        ("random", "greedy"),
        ("random", "twin"),
        ("greedy", "twin"),
    ]
    text = str(found)
    assert text.splitlines()[0].split() == ["player", "Elo", "95", "%", "interval", "games", "points"]
    assert "greedy against twin: " in text
    np.testing.assert_allclose(found.points + found.points.T, 30 * (1 - np.eye(3)))


def test_neighbours_alone_may_play():
    found = ladder(GAME, [Random(), Random("b"), Random("c"), Random("d")], pairs=3, plies=2, anchor="b", neighbours=1)
    assert [(match.one, match.other) for match in found.matches] == [("random", "b"), ("b", "c"), ("c", "d")]
    assert found.ratings.ratings["b"].value == 0
    assert len(found.ratings.ratings) == 4


def test_a_ladder_needs_players_with_names_of_their_own():
    with pytest.raises(UsageError, match="random, random is no ladder"):
        ladder(GAME, [Random(), Random()], pairs=1, plies=1)
    with pytest.raises(UsageError, match="with nobody"):
        ladder(GAME, [Random(), Random("b")], pairs=1, plies=1, anchor="nobody")


def test_a_match_is_told_in_a_line():
    begins = begun()
    match = play_match(GAME, Greedy("greedy"), Random(), begins, np.random.default_rng(0))
    won, drawn, lost = match.won_drawn_lost
    elo = elo_difference(match.counts)
    assert told(match).startswith(
        f"greedy against random: {100 * match.score:.1f} % of 40 games (+{won} ={drawn} -{lost})"
    )
    assert told(match).endswith(f"Elo {elo.value:+.0f} [{elo.low:+.0f}, {elo.high:+.0f}]")
    failed = play_match(GAME, Fails("gives up"), Random(), begins, np.random.default_rng(0))
    assert told(failed).endswith("forfeited: faulty gave up")
    hopeless = Match("a", "b", tuple(replace(game, points=0.0) for game in match.games))
    assert ": 0.0 % of 40 games (+0 =0 -40), Elo at most -" in told(hopeless)
    assert Ladder("random", (match, failed)).names == ["greedy", "random", "faulty"]


@pytest.mark.parametrize(("better", "verdict"), [(True, "better"), (False, "not better")])
def test_a_match_ends_as_soon_as_it_is_known(better, verdict):
    one, other = (Greedy("one"), Random("other")) if better else (Random("one"), Greedy("other"))
    match, found = play_until_known(GAME, one, other, 0, 50, plies=3, most_pairs=200, at_a_time=16)
    assert found.verdict == verdict
    assert len(match.games) < 400
    assert len(match.games) % 16 == 0


def test_a_match_of_equals_ends_at_its_limit():
    match, found = play_until_known(GAME, Random("a"), Random("b"), -1, 1, plies=2, most_pairs=10)
    assert (found.verdict, len(match.games)) == ("open", 20)


# ---- searches as players


def wins_below(positions):
    """An evaluator that likes the last squares best."""
    return np.tile(np.arange(9, dtype=np.float32), (len(positions), 1)), np.zeros(len(positions), np.float32)


def test_searches_play_matches():
    begins = begun(pairs=5)
    thinker = SearchThinker("tree", GAME, Uniform)
    players = [SearchMover("search", Uniform(GAME), 32), ThinkerMover(thinker, Strength(32))]
    for player in players:
        match = play_match(GAME, player, Random(), begins, np.random.default_rng(0))
        assert match.score > 0.6
        assert not match.forfeits
    assert players[1].name == "tree (32 simulations)"
    assert ThinkerMover(thinker, Strength(1, 0.5)).name == "tree (1 simulation, temperature 0.5)"


def test_without_simulations_the_evaluator_plays():
    boards = begun(plies=3, pairs=30)
    moves = SearchMover("policy", wins_below, 0).moves(GAME, boards, np.random.default_rng(0))
    assert moves.tolist() == [np.flatnonzero(legal)[-1] for legal in GAME.legal(boards)]
