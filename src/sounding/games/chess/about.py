"""What is known of the game that a position is from, in one word of it that every move copies (`layout.ABOUT`).

    bits   0 … 15   White's rating (Elo); 0: not known
          16 … 31   Black's
          32        it is a puzzle: there is one good move for the player who is asked
          33 … 47   how hard the puzzle is, on the same scale
          48 … 63   half-moves before the record begins (`layout.PLY` of its first position)

A network is shown the ratings; all else is for those who measure.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sounding.games.chess.bits import number
from sounding.games.chess.layout import ABOUT
from sounding.games.compiled import lean
from sounding.games.game import Positions

USUAL_RATING, RATING_UNIT = 2000, 1000
"""The rating that a network is given as 0, and how far from it is 1."""
LARGEST = 4000
"""Of a rating that is believed."""
_PUZZLE = 1 << 32


class About(NamedTuple):
    """What is known of a game: ratings of White and Black (0: not known); of a puzzle how hard it is (-1: none)."""

    ratings: tuple[int, int] = (0, 0)
    puzzle: int = -1
    begins: int = 0

    @property
    def is_puzzle(self) -> bool:
        """Whether it is a puzzle."""
        return self.puzzle >= 0


def about(position: np.void) -> About:
    """What is known of the game of a position."""
    word = int(position["about"])
    puzzle = word >> 33 & 0x7FFF if word & _PUZZLE else -1
    return About((word & 0xFFFF, word >> 16 & 0xFFFF), puzzle, word >> 48)


def note(positions: Positions, known: About) -> None:
    """Let this be known of the positions, in place."""
    white, black = known.ratings
    word = white | black << 16 | known.begins << 48
    if known.is_puzzle:
        word |= _PUZZLE | known.puzzle << 33
    positions["about"] = np.uint64(word)


def rated(positions: Positions, own: int) -> Positions:
    """Copies in which the player to move has this rating, and so has the other."""
    found = positions.copy()
    kept = found["about"] & ~np.uint64(0xFFFF_FFFF)
    found["about"] = kept | np.uint64(own | own << 16)
    return found


@lean
def rating_of(board: NDArray[np.uint64], colour: int) -> int:
    """The rating of a colour on a board; 0: not known."""
    return number(board[ABOUT] >> np.uint64(16 * colour)) & 0xFFFF
