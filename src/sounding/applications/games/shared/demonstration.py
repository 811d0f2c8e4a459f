"""Small games that can be learnt in seconds: a player with a plan against one without, and the plan is what is learnt.

A network that has learnt nothing finds moves that nobody could learn. So demonstrations are played by a teacher on one
side, who mostly wins, and at random on the other; what the teacher would do is the answer to every position.

Legend of shapes: N positions, A actions.
"""

from __future__ import annotations

import numpy as np

from sounding.applications.games.shared.self_play import Ending, opened, random_moves
from sounding.arena.matches import Mover
from sounding.contract.records import Example
from sounding.games.game import Game
from sounding.modalities.boards.judgement import record

LEAST, MOST = 2, 12
"""Moves at random at the beginning of a game: some stones for something to explain, and not the same ones."""
KEPT = 0.2
"""The share of the positions of a game that are kept: of many games a few, since those of one game are alike."""


def demonstrated(
    game: Game, teacher: Mover, ending: Ending, rng: np.random.Generator, n: int, longest: int
) -> list[Example]:
    """`n` positions of games of the teacher, each in the group of its game. After `longest` moves games are ended."""
    found: list[Example] = []
    game_number = 0
    while len(found) < n:
        found += _games(game, teacher, ending, rng, 16, longest, game_number)
        game_number += 16
    return found[:n]


def _games(
    game: Game, teacher: Mover, ending: Ending, rng: np.random.Generator, games: int, longest: int, number: int
) -> list[Example]:
    """Positions of some games, half of which the teacher begins."""
    positions = opened(game, games, MOST, rng, least=LEAST)
    taught = np.arange(games) % 2
    noted = []
    for _ in range(longest):
        going = np.flatnonzero(~game.over(positions))
        if not len(going):
            break
        now = positions[going]
        advised = teacher.moves(game, now, rng)
        kept = np.flatnonzero(rng.random(len(going)) < KEPT)
        noted += list(zip(going[kept].tolist(), now[kept], advised[kept].tolist(), strict=True))
        mine = game.to_play(now) == taught[going]
        game.play(now, np.where(mine, advised, random_moves(game, now, rng)))
        positions[going] = now
    last = ending.ended(game, positions)
    results = game.results(last)
    more = ending.of(game, last)
    targets = np.zeros(len(noted), record(game, ending.territory))
    for row, (g, position, move) in enumerate(noted):
        sign = 1 - 2 * int(game.to_play(np.array([position], game.dtype))[0])
        targets["policy"][row, move] = 1
        if game.speaks_of_positions:
            targets["position"][row] = position
        targets["outcome"][row, 1 - int(sign * results[g])] = 1
        for name, values in more.items():
            targets[name][row] = sign * values[g]
    return [
        Example(position, target, f"game {number + g}")
        for (g, position, _), target in zip(noted, targets, strict=True)
        if np.count_nonzero(game.stones(np.array([position], game.dtype))) >= LEAST
    ]
