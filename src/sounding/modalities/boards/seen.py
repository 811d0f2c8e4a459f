"""What a network is given of a position, in sentences for who makes it in another program: by the name of the game.

They stand here and not beside the rules, which a change of their files compiles anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Seen(NamedTuple):
    """What each plane is, and how moves are numbered."""

    planes: str
    moves: str


OTHER = Seen("planes of the board", "numbered from 0")
"""Of a game that is not listed."""
SEEN: Mapping[str, Seen] = {
    "connect4": Seen(
        "the stones of the player to move, those of the other, the squares where a stone can land",
        "a move is a column, from the left",
    ),
    "go": Seen(
        "the stones of the player to move; the other's; stones of chains with 1, 2 and 3 liberties, of both; the last "
        "move, and the one before it; empty points where he may put no stone; everywhere: whether the other has just "
        "passed, komi in his favour in units of 20 points, 1",
        "a move is a point, row by row from the top left, or the pass, which is the last",
    ),
    "chess": Seen(
        "those that games/chess/observation.py of this package lists, seen by the player to move",
        "a move is kind · 64 + the square that is left, seen by the player to move, with the kinds that "
        "games/chess/actions.py of this package lists",
    ),
}
