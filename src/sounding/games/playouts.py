"""Players that need no network: opponents whose strength is the same on every machine and in every year.

    Randomly     any legal action
    Greedily     the action after which it stands best
    Rollouts     the action that does best in so many games that random players finish (plain UCT)
    play_out     games finished by random players

Each is a mover: `moves(game, positions, rng)` answers an action for each position, none of which may be over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sounding.games import connect4_playouts
from sounding.games.connect4 import Connect4
from sounding.games.game import Game, Positions
from sounding.games.go import Go
from sounding.games.go import playouts as go_playouts
from sounding.games.go.layout import diagonals_of, neighbours_of

EXPLORATION = 0.7


@dataclass(frozen=True)
class Randomly:
    """Any legal action, each with the same probability."""

    name: str = "random"

    def moves(self, game: Game, positions: Positions, rng: np.random.Generator) -> NDArray[np.int64]:
        """[N] actions."""
        return _any_of(game.legal(positions), rng)


@dataclass(frozen=True)
class Greedily:
    """The action after which it stands best: won, else with the most points where a game counts any; of equals any."""

    name: str = "greedy"

    def moves(self, game: Game, positions: Positions, rng: np.random.Generator) -> NDArray[np.int64]:
        """[N] actions."""
        legal = game.legal(positions)
        rows, actions = np.nonzero(legal)
        after = positions[rows]
        game.play(after, actions)
        side = 1 - 2 * game.to_play(positions)[rows].astype(np.float32)
        value = game.results(after) * side * 1e6
        if isinstance(game, Go):
            value += game.score(after) * side
        values = np.full(legal.shape, -np.inf)
        values[rows, actions] = value
        return _any_of(values == values.max(axis=1, keepdims=True), rng)


class Tried(NamedTuple):
    """What a plain search found of N positions."""

    actions: NDArray[np.int64]  # [N] the one that was tried most
    visits: NDArray[np.int64]  # [N, A] how often each was tried
    values: NDArray[np.float32]  # [N] what the one that was tried most came to, from the view of the player to move


@dataclass(frozen=True)
class Rollouts:
    """Plain Monte Carlo tree search: UCT with so many random games a move, nothing kept from move to move.

    `exploration` weighs what was tried little, with results from 0 to 1.
    """

    rollouts: int = 1000
    exploration: float = EXPLORATION

    @property
    def name(self) -> str:
        """How tables of results call it."""
        return f"MCTS {self.rollouts}"

    def moves(self, game: Game, positions: Positions, rng: np.random.Generator) -> NDArray[np.int64]:
        """[N] actions. Raises ValueError where a game is over, and for a game whose random play is not compiled."""
        return self.searched(game, positions, rng).actions

    def searched(self, game: Game, positions: Positions, rng: np.random.Generator) -> Tried:
        """What it found, and not the best moves alone. Raises ValueError as `moves` does."""
        if game.over(positions).any():
            raise ValueError("there is no move in a game that is over")
        n = len(positions)
        found = Tried(np.empty(n, np.int64), np.empty((n, game.actions), np.int64), np.empty(n, np.float32))
        settings = (self.rollouts, self.exploration, _seeds(rng, n), *found)
        match game:
            case Connect4():
                connect4_playouts.search(game.solid(positions), *settings)
            case Go():
                go_playouts.search(game.raw(positions), neighbours_of(game.size), diagonals_of(game.size), *settings)
            case _:
                raise ValueError(f"{game.name} has no random games")
        return found


def play_out(
    game: Game, positions: Positions, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """[N], [N]: the results of games that random players finish, as `game.results` says them, and their moves in all.

    In Go they fill no eyes of their own. Raises ValueError for a game whose random play is not compiled.
    """
    return _finished(game, positions, _seeds(rng, len(positions)))


def _finished(
    game: Game, positions: Positions, seeds: NDArray[np.uint64]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    results, moves = np.empty(len(positions), np.float32), np.empty(len(positions), np.int64)
    match game:
        case Connect4():
            connect4_playouts.results(game.solid(positions), seeds, results, moves)
        case Go():
            tables = neighbours_of(game.size), diagonals_of(game.size)
            go_playouts.results(game.raw(positions), *tables, seeds, results, moves)
        case _:
            raise ValueError(f"{game.name} has no random games")
    return results, moves


def mean_results(game: Game, positions: Positions, games: int) -> NDArray[np.float32]:
    """[N]: the mean result of so many random games from each position, from the view of the first player.

    A function of the position: the random numbers of its games come from its key.
    """
    first = game.keys(positions)[:, None]
    seeds = first + np.arange(1, games + 1, dtype=np.uint64) * np.uint64(0xD1342543DE82EF95)
    results, _ = _finished(game, np.repeat(positions, games), seeds.ravel())
    return results.reshape(-1, games).mean(axis=1)


def owned_after(game: Go, positions: Positions, games: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """[N, points]: whose each point is after `games` random games, as a mean from −1 (White's) to 1 (Black's).

    Of a game that has ended this tells which of its stones are dead, where that is plain.
    """
    out = np.empty((len(positions), game.points), np.float32)
    tables = neighbours_of(game.size), diagonals_of(game.size)
    go_playouts.owners(game.raw(positions), *tables, games, _seeds(rng, len(positions)), out)
    return out


def _seeds(rng: np.random.Generator, n: int) -> NDArray[np.uint64]:
    return rng.integers(0, 2**64, n, dtype=np.uint64)


def _any_of(choices: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.int64]:
    """[N]: one of the actions [N, A] of each row."""
    return np.argmax(choices * (1 - rng.random(choices.shape)), axis=1)
