"""Beginnings of games for matches: so many moves at random, no two of them alike.

Legend of shapes: N positions.
"""

from __future__ import annotations

import numpy as np

from sounding.errors import UsageError
from sounding.games.game import Game, Positions
from sounding.wording import counted

TRIES = 20
"""Rounds without an opening that is new, after which there are said to be no more."""


def openings(game: Game, count: int, plies: int, rng: np.random.Generator) -> Positions:
    """[N]: `count` different positions after `plies` random moves each, none of a game that is over.

    Every move changes a stone: nobody passes. Different means that `Game.keys` differ, so that the same position is not
    played twice because it came about in another order. Raises UsageError where there are not so many.
    """
    if count < 1 or plies < 0:
        raise UsageError(f"{count} openings of {plies} moves cannot be drawn", fix="Give 1 or more, of 0 moves or more")
    found: dict[int, np.ndarray] = {}
    in_vain = 0
    while len(found) < count and in_vain < TRIES:
        before = len(found)
        drawn = _drawn(game, max(count, 64), plies, rng)
        for row, key in enumerate(game.keys(drawn).tolist()):
            if len(found) < count:
                found.setdefault(key, drawn[row : row + 1])
        in_vain = in_vain + 1 if len(found) == before else 0
    if len(found) < count:
        there = counted(len(found), "opening")
        what = f"{there} of {counted(plies, 'move')} could be drawn, and {count} were asked for"
        raise UsageError(what, fix="Ask for more moves or fewer openings")
    return np.concatenate(list(found.values()))


def _drawn(game: Game, n: int, plies: int, rng: np.random.Generator) -> Positions:
    """[N or fewer]: random positions, not all different."""
    positions = game.start(n)
    for _ in range(plies):
        legal = game.legal(positions)
        before = game.stones(positions).copy()
        game.play(positions, np.argmax(rng.random(legal.shape) * legal, axis=1))
        moved = (game.stones(positions) != before).any(axis=(1, 2))
        positions = positions[moved & ~game.over(positions)]
    return positions
