"""A random game played by our rules and by OpenSpiel's at once, compared at each position."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pyspiel

from sounding.games.game import Game

DRAWN = re.compile(r"^ *\d* ?([+.XOxo]+)$", re.MULTILINE)
SIGNS = np.frombuffer(b".xo", np.uint8)


@dataclass
class Compared:
    """What was compared: positions, moves that only OpenSpiel allows as they bring back a board, the last position."""

    positions: int
    repeats: int
    end: np.ndarray


def rows(state) -> str:
    """The board as OpenSpiel draws it: the top row first, x the first player's stones, o the second's."""
    drawn = DRAWN.findall(str(state))
    return "".join(drawn).lower().replace("+", ".")


def connect_four(game: Game, rng: np.random.Generator) -> Compared:
    return beside(game, pyspiel.load_game("connect_four").new_initial_state(), np.arange(7), rng)


def go(game, rng: np.random.Generator) -> Compared:
    spiel = pyspiel.load_game("go", {"board_size": game.size, "komi": game.komi})
    from_below = np.arange(game.points).reshape(game.size, game.size)[::-1].ravel()
    return beside(game, spiel.new_initial_state(), np.append(from_below, game.points), rng)


def beside(game: Game, state, theirs: np.ndarray, rng: np.random.Generator) -> Compared:
    """Play to the end; `theirs` [A] is how OpenSpiel numbers our actions.

    OpenSpiel's Go forbids a simple ko alone, and a longer cycle ends its games as a draw. What it allows beyond what
    we do has hence to bring back a board that was there, and what we allow must not.
    """
    position, seen, positions, repeats = game.start(), set(), 0, 0
    passes = False
    while not state.is_terminal():
        board = rows(state)
        assert SIGNS[game.stones(position)].tobytes().decode() == board
        assert passes or board not in seen
        seen.add(board)
        actions = np.flatnonzero(game.legal(position)[0])
        beyond = set(state.legal_actions()) - set(theirs[actions].tolist())
        assert len(actions) + len(beyond) == len(state.legal_actions())
        assert all(rows(state.child(action)) in seen for action in beyond)
        assert not game.over(position)[0]
        assert game.to_play(position)[0] == state.current_player()
        action = int(actions[int(rng.random() * len(actions))])
        passes = game.text(action) == "pass"
        game.play(position, [action])
        state.apply_action(int(theirs[action]))
        positions, repeats = positions + 1, repeats + len(beyond)
    assert game.over(position)[0]
    assert not game.legal(position).any()
    assert game.results(position)[0] == state.returns()[0]
    return Compared(positions, repeats, position)
