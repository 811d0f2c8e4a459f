"""What people see on any board, and what a control task can tell apart there.

Legend of shapes: N values, H rows, W columns, S squares.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from sounding.contract.concepts import Concept
from sounding.games.game import Game
from sounding.modalities.boards.board import many

FURTHEST = 3
STONES = 3
"""What may be on a square: nothing, an own stone, one of the other."""

Seen = Callable[[np.ndarray], np.ndarray]
"""`seen(positions)` [N, H, W]: a number for what stands on each square, as who is to move sees the board."""


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
    seen: Seen | None = None,
    signs: int = STONES,
) -> Concept:
    """A concept at the squares of a board: `labels(positions)` [N, S]; its control task knows the squares around.

    What stands there, one of so many `signs`, is told by `seen`: by default an own stone from one of the other.
    """

    def of(values: Sequence[np.void]) -> np.ndarray:
        return labels(many(values, game))

    def kinds(values: Sequence[np.void]) -> np.ndarray:
        positions = many(values, game)
        return surroundings(stones_seen(game, positions) if seen is None else seen(positions), signs)

    return Concept(id, name, definition, classes, of, kinds, given, trivial)


def distance_to_the_edge(game: Game, *, seen: Seen | None = None, signs: int = STONES) -> Concept:
    """On which line from the edge a square lies: whoever knows the square knows it."""
    _, rows, columns = game.shape
    row, column = np.indices((rows, columns))
    near = np.minimum(np.minimum(row, rows - 1 - row), np.minimum(column, columns - 1 - column))
    lines = np.minimum(near, FURTHEST - 1).ravel()

    def labels(positions: np.ndarray) -> np.ndarray:
        return np.repeat(lines[None], len(positions), axis=0)

    what, classes = "on which line from the edge of the board a square lies", ("first", "second", "third or further")
    return board_concept(
        game, "edge", "distance to the edge", what, classes, labels, trivial=True, seen=seen, signs=signs
    )


def stones_seen(game: Game, positions: np.ndarray) -> np.ndarray:
    """[N, H, W]: 0 nothing, 1 a stone of who is to move, 2 one of the other."""
    sign = 1 - 2 * game.to_play(positions).astype(np.int64)
    return game.stones(positions) * sign[:, None, None] % STONES


def surroundings(board: np.ndarray, signs: int) -> np.ndarray:
    """[N, S]: a number for what stands on each square of a board [N, H, W] and on the eight around it."""
    padded = np.pad(board.astype(np.int64), ((0, 0), (1, 1), (1, 1)), constant_values=signs)  # beyond the edge
    n, rows, columns = board.shape
    found = np.zeros(board.shape, np.int64)
    for down in range(3):
        for across in range(3):
            found = found * (signs + 1) + padded[:, down : down + rows, across : across + columns]
    return found.reshape(n, -1)
