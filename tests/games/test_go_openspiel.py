"""Go in random games against OpenSpiel's rules, and their ends against sgfmill's count of areas."""

from __future__ import annotations

import numpy as np
import openspiel
import pytest
from sgfmill.boards import Board

from sounding.games.go import Go
from sounding.randomness import stream


def counted(game: Go, position: np.ndarray) -> int:
    """Black's points less White's, by sgfmill."""
    stones = game.stones(position)[0][::-1]  # sgfmill's row 0 is the lowest
    board = Board(game.size)
    black, white = (list(map(tuple, np.argwhere(stones == colour).tolist())) for colour in (1, -1))
    assert board.apply_setup(black, white, [])
    return board.area_score()


@pytest.mark.parametrize(("size", "komi", "games"), [(5, 0.5, 40), (7, 9.0, 12), (9, 7.0, 8), (19, 7.5, 2)])
def test_random_games_are_those_of_openspiel(size, komi, games):
    game = Go(size, komi)
    rng = stream("go beside openspiel", size)
    compared = [openspiel.go(game, rng) for _ in range(games)]
    assert sum(each.positions for each in compared) > 300
    ends = np.concatenate([each.end for each in compared])
    scores = game.score(ends)
    for n in range(len(ends)):
        assert scores[n] == counted(game, ends[n : n + 1]) - komi
