"""Players without a network: what they play where the best move is plain, and whether random games are random."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from sounding.games.compiled import announced
from sounding.games.connect4 import Connect4
from sounding.games.game import Game
from sounding.games.go import Go
from sounding.games.playouts import Greedily, Randomly, Rollouts, play_out
from sounding.randomness import stream

FOUR = Connect4()


def played(game: Game, moves: str, n: int = 1) -> np.ndarray:
    positions = game.start(n)
    for move in moves:
        game.play(positions, [game.action(move)] * n)
    return positions


def finished(game: Game, mover, n: int, rng: np.random.Generator) -> np.ndarray:
    """Games that a mover plays with itself."""
    positions = game.start(n)
    while not game.over(positions).all():
        going = np.flatnonzero(~game.over(positions))
        moved = positions[going]
        game.play(moved, mover.moves(game, moved, rng))
        positions[going] = moved
    return positions


def share(mover, game: Game, positions: np.ndarray, move: str) -> float:
    return float((mover.moves(game, positions, stream("moves")) == game.action(move)).mean())


@pytest.mark.parametrize("game", [FOUR, Go(5, komi=0.5)])
def test_random_moves_are_legal_and_all_of_them(game):
    finished(game, Randomly(), 30, stream("random", game.name))  # `play` refuses illegal ones
    moves = Randomly().moves(game, game.start(2000), stream("random moves"))
    counts = np.bincount(moves, minlength=game.actions)
    expected = 2000 / game.actions
    assert (np.abs(counts - expected) < 5 * np.sqrt(expected)).all()


def test_random_games_end_as_those_of_single_moves_do():
    results, moves = play_out(FOUR, FOUR.start(20_000), stream("compiled"))
    slow = finished(FOUR, Randomly(), 2000, stream("slow"))
    assert abs(results.mean() - FOUR.results(slow).mean()) < 5 / np.sqrt(2000)
    assert abs(moves.mean() - slow["moves"].mean()) < 5 * slow["moves"].std() / np.sqrt(2000)
    assert set(results.tolist()) == {-1, 0, 1}


def test_random_games_leave_positions_as_they_are_and_respect_their_ends():
    for game, ended in ((FOUR, played(FOUR, "DEDEDED", 5)), (Go(5, komi=30), None)):
        positions = game.start(5) if ended is None else ended
        if ended is None:
            game.play(positions, [25] * 5)
            game.play(positions, [25] * 5)
        before = positions.copy()
        results, moves = play_out(game, positions, stream("ends"))
        assert (positions == before).all()
        assert (results == game.results(positions)).all()
        assert (moves == positions["moves"]).all()


def test_random_players_of_go_fill_no_eyes():
    game = Go(5, komi=20)
    eyes = {0, 24}
    alive = game.setup([point for point in range(25) if point not in eyes], to_play=0)
    results, moves = play_out(game, np.repeat(alive, 200), stream("eyes"))
    assert (results == 1).all()
    assert (moves == 2).all()  # both pass


def test_greedy_wins_where_it_can_and_takes_most():
    assert share(Greedily(), FOUR, played(FOUR, "DEDEDE", 20), "D") == 1
    game = Go(5)
    white = [*range(15, 19), 1, 5]
    position = game.setup([20, 21, 22], white, to_play=1)  # three stones in the corner, whose liberty is D1
    assert share(Greedily(), game, np.repeat(position, 20), "D1") == 1


def test_rollouts_win_and_defend():
    for mover in (Rollouts(200), Rollouts(1000)):
        assert share(mover, FOUR, played(FOUR, "DEDEDE", 20), "D") == 1
        assert share(mover, FOUR, played(FOUR, "DEDED", 20), "D") == 1


def against(strong, weak, game: Game, n: int, rng: np.random.Generator) -> float:
    """The mean result of n games for each colour, +1 a win of `strong`."""
    results = []
    for first in (0, 1):
        positions = game.start(n)
        while not game.over(positions).all():
            going = np.flatnonzero(~game.over(positions))
            moved = positions[going]
            mover = strong if game.to_play(moved)[0] == first else weak
            game.play(moved, mover.moves(game, moved, rng))
            positions[going] = moved
        results += (game.results(positions) * (1 - 2 * first)).tolist()
    return float(np.mean(results))


def test_each_player_is_stronger_than_the_one_before():
    rng = stream("stronger")
    assert against(Greedily(), Randomly(), FOUR, 60, rng) > 0.3
    assert against(Rollouts(50), Greedily(), FOUR, 40, rng) > 0.5
    assert against(Rollouts(500), Rollouts(20), FOUR, 40, rng) > 0.5
    assert against(Greedily(), Randomly(), Go(5, komi=0.5), 20, rng) > 0.5
    assert against(Rollouts(200), Greedily(), Go(5, komi=0.5), 10, rng) > 0.5


@pytest.mark.parametrize("game", [FOUR, Go(5)])
def test_games_of_a_batch_are_thought_about_alone(game):
    mover = Rollouts(60)
    batch = game.start(6)
    game.play(batch[3:], [2, 3, 4])
    before = batch.copy()
    together = mover.moves(game, batch, stream("batch"))
    assert (batch == before).all()
    assert (together == mover.moves(game, batch, stream("batch"))).all()
    assert together[0] == mover.moves(game, batch[:1], stream("batch"))[0]
    assert (together == mover.moves(game, np.repeat(batch, 2, axis=0)[::2], stream("batch"))).all()


def test_nobody_moves_in_a_game_that_is_over():
    with pytest.raises(ValueError, match="over"):
        Rollouts(10).moves(FOUR, played(FOUR, "DEDEDED"), stream("over"))


def test_waiting_is_announced_only_where_it_is_long():
    said, waited = [], threading.Event()
    with announced(said.append, after=60):
        pass
    with announced(lambda line: (said.append(line), waited.set()), after=0):
        assert waited.wait(30)
    assert len(said) == 1
    assert "once on this machine" in said[0]
