"""A search as a thinker: limits, candidates, main lines, what the network says at once."""

from __future__ import annotations

import time

import numpy as np
import pytest

from sounding.errors import UsageError
from sounding.games.connect4 import Connect4
from sounding.games.thinking import Limit
from sounding.search.evaluator import Uniform
from sounding.search.thinker import Judged, RatedPlayers, SearchThinker

GAME = Connect4()


def after(moves: str) -> np.ndarray:
    position = GAME.start(1)
    for move in moves:
        GAME.play(position, [GAME.action(move)])
    return position


class Keen:
    """Likes column C, and says that the player to move is well off."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, positions):
        self.asked += len(positions)
        logits = np.zeros((len(positions), 7), np.float32)
        logits[:, 2] = 3
        return logits, np.full(len(positions), 0.2, np.float32)


def uniform() -> SearchThinker:
    return SearchThinker("plain", GAME, Uniform)


def test_a_win_and_a_threat_are_found_and_all_legal_moves_are_told():
    thought = uniform().think(GAME, after("AGAGA"), Limit(simulations=400))  # O has to block at the top of A
    assert thought.candidates[0].action == 0
    assert sorted(move.action for move in thought.candidates) == list(range(7))
    winning = uniform().think(GAME, after("AGAGAB"), Limit(simulations=200))
    assert winning.candidates[0].line == (0,)
    assert winning.candidates[0].win_rate > 0.99
    assert winning.win_rate > 0.8
    full = uniform().think(GAME, after("AAAAAA"), Limit(simulations=5))
    assert 0 not in [move.action for move in full.candidates]


def test_one_simulation_is_what_the_network_says():
    evaluator = Keen()
    thinker = SearchThinker("keen", GAME, lambda game: evaluator, judge=lambda game, position: Judged(2.5, (1.0,)))
    thought = thinker.think(GAME, GAME.start(1), Limit(simulations=1))
    assert evaluator.asked == 1
    assert (thought.simulations, thought.lead, thought.ownership) == (1, 2.5, (1.0,))
    assert thought.win_rate == pytest.approx(0.6)
    assert [move.action for move in thought.candidates] == [2, 0, 1, 3, 4, 5, 6]
    assert thought.candidates[0].prior == pytest.approx(np.exp(3) / (np.exp(3) + 6))
    assert {move.visits for move in thought.candidates} == {0}


def test_only_the_actions_that_are_wanted_are_looked_at():
    thinker = uniform()
    for winning in (False, True):
        thought = thinker.think(GAME, after("AGAGAB"), Limit(simulations=100, actions=(2, 5) + (0,) * winning))
        assert sorted(move.action for move in thought.candidates) == [0, 2, 5][1 - winning :]
        assert sum(move.visits for move in thought.candidates) == 99
    freely = thinker.think(GAME, after("AGAGAB"), Limit(simulations=100))
    assert sorted(move.action for move in freely.candidates) == list(range(7))


def test_a_depth_is_the_length_of_the_main_line_and_a_target_ends_it():
    thought = uniform().think(GAME, GAME.start(1), Limit(depth=3))
    assert len(thought.candidates[0].line) == thought.depth == thought.deepest == 3
    began = time.monotonic()
    next(iter(uniform().ponder(GAME, GAME.start(1), Limit(seconds=60, target=0.1), every=60)))
    assert time.monotonic() - began < 30


def test_simulations_are_counted_and_the_tree_is_kept():
    thinker = uniform()
    first = thinker.think(GAME, GAME.start(1), Limit(simulations=300))
    assert first.simulations == 300
    assert sum(move.visits for move in first.candidates) == 299
    best = first.candidates[0]
    position = GAME.start(1)
    GAME.play(position, [best.action])
    assert next(thinker.ponder(GAME, position, Limit(simulations=best.visits))).simulations == best.visits
    assert next(thinker.ponder(GAME, position, Limit(), every=0)).simulations > best.visits
    assert next(thinker.ponder(GAME, position, Limit(simulations=3))).simulations == 3  # no more than is asked for


def test_thoughts_come_while_there_is_time():
    began = time.monotonic()
    thoughts = list(uniform().ponder(GAME, GAME.start(1), Limit(seconds=0.3), every=0.02))
    assert time.monotonic() - began < 5
    numbers = [thought.simulations for thought in thoughts]
    assert len(numbers) > 1
    assert numbers == sorted(numbers)
    assert next(uniform().ponder(GAME, GAME.start(1), Limit(), every=0.01)).simulations > 1


def test_it_plays_its_game_alone_unless_told_and_none_that_is_over():
    assert uniform().refuses(GAME) == ""
    assert SearchThinker("x", GAME, Uniform, lambda game: "too large").refuses(GAME) == "too large"
    with pytest.raises(ValueError, match="over"):
        next(uniform().ponder(GAME, after("ABABABA"), Limit(simulations=2)))


def test_a_player_of_a_rating_is_the_network_asked_for_the_moves_of_such_players():
    asked: list[int] = []

    def evaluator_of(game, rating):
        asked.append(rating)
        return Keen()

    thinker = SearchThinker("rated", GAME, Uniform, players=RatedPlayers(1000, 2000, evaluator_of))
    strength = thinker.rated(1500)
    thought = thinker.think(GAME, GAME.start(1), strength.limit())
    assert (asked, thought.simulations, thought.candidates[0].action) == ([1500], 1, 2)
    assert thinker.think(GAME, GAME.start(1), thinker.rated(1900).limit()).win_rate == pytest.approx(0.6)
    assert asked == [1500, 1900], "what another rating thought is not kept"
    assert thinker.think(GAME, GAME.start(1), Limit(simulations=1)).win_rate == pytest.approx(0.5)
    for other, elo, said in ((thinker, 2001, "Give 1000 to 2000"), (uniform(), 1500, "none is known")):
        with pytest.raises(UsageError, match=said):
            other.rated(elo)
