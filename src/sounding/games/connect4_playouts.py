"""Connect Four played to the end at random, and the plain Monte Carlo search that does so. Compiled."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sounding.games.compiled import compiled
from sounding.games.connect4 import COLUMNS, ROWS, has_four, is_open, landing
from sounding.games.game import Positions
from sounding.games.hashes import below
from sounding.games.uct import choose, counted, learn, most_visited

GOES_ON = 2


@compiled
def to_the_end(own: np.uint64, other: np.uint64, moves: int, seed: NDArray[np.uint64]) -> tuple[int, int]:
    """The result for the player to move, whose stones are `own`, of a random game that goes on; and its last move."""
    mover = 1
    open_columns = np.empty(COLUMNS, np.int64)
    while moves < ROWS * COLUMNS:
        count = 0
        for column in range(COLUMNS):
            if is_open(own | other, column):
                open_columns[count] = column
                count += 1
        own |= landing(own | other, open_columns[below(seed, count)])
        moves += 1
        if has_four(own):
            return mover, moves
        own, other, mover = other, own, -mover
    return 0, moves


@compiled
def results(
    positions: Positions, seeds: NDArray[np.uint64], out: NDArray[np.float32], moves: NDArray[np.int64]
) -> None:
    """[N]: the results of random games, and how many moves they had in all."""
    for n in range(len(positions)):
        position, player = positions[n], positions[n].moves & 1
        if position.over:
            out[n], moves[n] = position.result, position.moves
            continue
        own, other = position.stones[player], position.stones[1 - player]
        won, moves[n] = to_the_end(own, other, position.moves, seeds[n : n + 1])
        out[n] = won * (1 - 2 * player)


@compiled
def search(
    positions: Positions,
    rollouts: int,
    exploration: float,
    seeds: NDArray[np.uint64],
    out: NDArray[np.int64],
    tried: NDArray[np.int64],
    values: NDArray[np.float32],
) -> None:
    """The actions [N] of a search with so many random games, from positions that go on; how often each action was
    tried [N, A], and what the most tried one came to [N].
    """
    nodes = rollouts + 1
    children, allowed = np.empty((nodes, COLUMNS), np.int64), np.empty((nodes, COLUMNS), np.bool_)
    visits, totals = np.empty(nodes, np.int64), np.empty(nodes, np.float64)
    ends = np.empty(nodes, np.int64)  # the result for player 0 of a node where the game is over, else GOES_ON
    path = np.empty(ROWS * COLUMNS + 1, np.int64)
    for n in range(len(positions)):
        first, seed, count = positions[n].moves & 1, seeds[n : n + 1], 0
        for _ in range(rollouts + 1):  # the first one makes the root
            own, other = positions[n].stones[first], positions[n].stones[1 - first]
            moves, node, fresh = int(positions[n].moves), 0, count == 0
            path[0], length = 0, 1
            while not fresh and ends[node] == GOES_ON:
                action = choose(children, allowed, visits, totals, node, exploration, seed)
                own |= landing(own | other, action)
                own, other, moves = other, own, moves + 1
                fresh = children[node, action] == 0
                if fresh:
                    children[node, action] = count
                node = children[node, action]
                path[length] = node
                length += 1
            if fresh:
                children[node, :], visits[node], totals[node] = 0, 0, 0
                for column in range(COLUMNS):
                    allowed[node, column] = is_open(own | other, column)
                ends[node] = _ended(own, other, moves)
                count += 1
            result = ends[node]
            if result == GOES_ON:
                won, _last = to_the_end(own, other, moves, seed)
                result = won * (1 - 2 * (moves & 1))
            learn(visits, totals, path, length, first, result)
        out[n] = most_visited(children, visits, totals)
        values[n] = counted(children, visits, totals, tried[n])


@compiled
def _ended(own: np.uint64, other: np.uint64, moves: int) -> int:
    """+1 or −1 where the last move, of the stones `other`, has won, 0 for a full board, else GOES_ON."""
    if has_four(other):
        return 1 if moves & 1 else -1
    return 0 if moves == ROWS * COLUMNS else GOES_ON
