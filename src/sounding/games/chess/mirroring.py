"""Positions mirrored from left to right: where nobody may castle any more, the same game.

Legend of shapes: A actions.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sounding.games.chess import layout
from sounding.games.chess.actions import ACTIONS, STEPS, UNDERPROMOTIONS
from sounding.games.chess.rules import Chess
from sounding.games.game import Positions


def _mirrored_actions() -> NDArray[np.int64]:
    plane, square = np.divmod(np.arange(ACTIONS), 64)
    steps = [tuple(step) for step in STEPS.tolist()]
    queenly = np.array([steps.index((-x, y)) for x, y in steps])
    side, piece = np.divmod(np.maximum(plane - UNDERPROMOTIONS, 0), 3)
    less = UNDERPROMOTIONS + (2 - side) * 3 + piece
    return np.where(plane < UNDERPROMOTIONS, queenly[np.minimum(plane, UNDERPROMOTIONS - 1)], less) * 64 + (square ^ 7)


MIRRORED_ACTIONS = _mirrored_actions()
"""[A]: where an action goes."""


def mirrored(game: Chess, position: np.void) -> Positions | None:
    """The position [1] from left to right; None where somebody may castle, or the position was there before."""
    if position["castling"] or position["repeats"]:
        return None
    found = np.empty(1, layout.RECORD)
    found[0] = position
    for name in ("pieces", "colours", "en_passant", "marked"):
        found[name] = _mirrored_sets(found[name])
    last = int(position["last"])
    found["last"] = last ^ sum(0b111_000_111 << 16 * back for back in range(2) if last >> 16 * back & 0xFFFF)
    return game.settled(found)


def _mirrored_sets(sets: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Sets of squares [1, …] with their files in reverse order."""
    ranks = np.ascontiguousarray(sets).view(np.uint8)
    bits = np.unpackbits(ranks, bitorder="little").reshape(-1, 8)[:, ::-1]
    return np.packbits(bits, bitorder="little").view(np.uint64).reshape(sets.shape)
