"""What people see on any board, and what a control task can tell apart there.

Legend of shapes: N values, S squares.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from sounding.contract.concepts import Concept
from sounding.games.game import Game
from sounding.modalities.boards.board import many

FURTHEST = 3
OUTSIDE = 3
"""What stands beyond the edge, beside nothing, an own stone and one of the other."""


def board_concept(
    game: Game,
    id: str,
    name: str,
    definition: str,
    classes: Sequence[str],
    labels: Callable[[np.ndarray], np.ndarray],
    *,
    given: bool = False,
    trivial: bool = False,
) -> Concept:
    """A concept at the squares of a board: `labels(positions)` [N, S]; its control task knows the squares around."""

    def of(values: Sequence[np.void]) -> np.ndarray:
        return labels(many(values, game))

    return Concept(id, name, definition, classes, of, lambda values: surroundings(game, values), given, trivial)


def distance_to_the_edge(game: Game) -> Concept:
    """On which line from the edge a square lies: whoever knows the square knows it."""
    _, rows, columns = game.shape
    row, column = np.indices((rows, columns))
    near = np.minimum(np.minimum(row, rows - 1 - row), np.minimum(column, columns - 1 - column))
    lines = np.minimum(near, FURTHEST - 1).ravel()

    def labels(positions: np.ndarray) -> np.ndarray:
        return np.repeat(lines[None], len(positions), axis=0)

    what = "on which line from the edge of the board a square lies"
    return board_concept(
        game, "edge", "distance to the edge", what, ("first", "second", "third or further"), labels, trivial=True
    )


def surroundings(game: Game, values: Sequence[np.void]) -> np.ndarray:
    """[N, S]: a number for what stands on each square and the eight around it, as who is to move sees it."""
    positions = many(values, game)
    sign = 1 - 2 * game.to_play(positions).astype(np.int64)
    board = game.stones(positions) * sign[:, None, None] % OUTSIDE  # 0 nothing, 1 own, 2 the other's
    padded = np.pad(board, ((0, 0), (1, 1), (1, 1)), constant_values=OUTSIDE)
    _, rows, columns = game.shape
    found = np.zeros((len(positions), rows, columns), np.int64)
    for down in range(3):
        for across in range(3):
            found = found * (OUTSIDE + 1) + padded[:, down : down + rows, across : across + columns]
    return found.reshape(len(positions), -1)
