"""How many openings can be played in the time that there is: games on large boards are long, and searches dear."""

from __future__ import annotations

import time

import torch

from sounding.contract.contest import Contest
from sounding.randomness import stream

FEWEST = 4
"""Openings below which nothing is said."""
TRIED = 8
"""Games in which one move is timed."""


def openings_within(contest: Contest, most: int, seconds: float, matches: int) -> int:
    """So many openings of `most` that about so many `matches` from them, both sides begun, take `seconds`; or 0.

    A game is taken to last as many moves as its board has squares, each of which costs what the model's costs.
    """
    game, mover = contest.game, contest.mover(contest.simulations, False)
    positions, rng = game.start(TRIED), stream("affordable")
    with torch.inference_mode():
        mover.moves(game, positions, rng)  # a first call is slower
        started = time.perf_counter()
        mover.moves(game, positions, rng)
    each = (time.perf_counter() - started) / TRIED
    _, rows, columns = game.shape
    found = min(most, int(seconds / max(1e-9, 2 * matches * rows * columns * each)))
    return found if found >= min(most, FEWEST) else 0
