"""What people see on a Go board: liberties, atari, captures, ladders; told by the rules and by reading.

Legend of shapes: N positions, S points.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sounding.applications.games.shared.board_concepts import board_concept
from sounding.contract.concepts import NOT_ASKED, Concept
from sounding.games.game import Game

MANY = 4
"""Liberties from which on they are not counted apart."""
COUNTS = ("1", "2", "3", "4 or more")


def go_concepts(game: Game) -> Iterator[Concept]:
    """The concepts, the easy ones first."""
    from sounding.games.go import Go

    assert isinstance(game, Go)

    def liberties(positions: np.ndarray) -> np.ndarray:
        return _counted(game.liberties(positions))

    def atari(positions: np.ndarray) -> np.ndarray:
        found = game.liberties(positions)
        return np.where(found > 0, found == 1, NOT_ASKED)

    def after(positions: np.ndarray) -> np.ndarray:
        return _counted(_after_each(game, positions)[0])

    def takes(positions: np.ndarray) -> np.ndarray:
        return _after_each(game, positions)[1]

    yield board_concept(game, "liberties", "liberties", "those of a stone's chain", COUNTS, liberties, given=True)
    what = "whether a stone's chain has one liberty"
    yield board_concept(game, "atari", "atari", what, ("no", "yes"), atari, given=True)
    what = "those that the chain of a stone would have that is played on an empty point"
    yield board_concept(game, "liberties_after", "liberties after a move", what, COUNTS, after)
    what = "whether a stone that is played on an empty point takes any"
    yield board_concept(game, "capture", "captures", what, ("no", "yes"), takes)
    what = "whether the chain of a stone, which has two liberties, is caught if the other side moves first"
    yield board_concept(game, "ladder", "ladders", what, ("escapes", "caught"), game.ladders)


def _counted(liberties: np.ndarray) -> np.ndarray:
    """Numbers from 1 as classes from 0; where there are none, nothing is asked."""
    return np.minimum(liberties.astype(np.int64), MANY) - 1


def _after_each(game: Game, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each point [N, S] that may be played: the liberties of the stone there (else 0), and whether it takes any
    (else `NOT_ASKED`).
    """
    from sounding.games.go import Go

    assert isinstance(game, Go)
    rows, points = np.nonzero(game.legal(positions)[:, :-1])
    after = positions[rows]
    game.play(after, points)
    liberties = np.zeros((len(positions), game.points), np.int64)
    liberties[rows, points] = game.liberties(after)[np.arange(len(rows)), points]
    takes = np.full((len(positions), game.points), NOT_ASKED)
    takes[rows, points] = after["captured"] > positions["captured"][rows]
    return liberties, takes
