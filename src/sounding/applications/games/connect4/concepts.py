"""What people see in Connect Four: squares where a stone would be the fourth in a line.

Legend of shapes: N positions, S squares.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sounding.applications.games.shared.board_concepts import board_concept
from sounding.contract.concepts import NOT_ASKED, Concept
from sounding.games.game import Game


def connect4_concepts(game: Game) -> Iterator[Concept]:
    """Threats of who is to move, and of the other; asked at empty squares, whether one can land there yet or not."""
    for side, (id, whose) in enumerate((("threat", "who is to move"), ("threat_of_the_other", "the other"))):

        def labels(positions: np.ndarray, side: int = side) -> np.ndarray:
            from sounding.games.connect4_solver import threats

            found = threats(positions)[:, side]
            return np.where(game.stones(positions) == 0, found, NOT_ASKED).reshape(len(positions), -1)

        what = f"whether a stone of {whose} on an empty square would be the fourth in a line"
        yield board_concept(game, id, f"threats of {whose}", what, ("no", "yes"), labels)
