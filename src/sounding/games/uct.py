"""The tree of a plain Monte Carlo search: which action a node tries next, and what a result teaches. Compiled.

UCT (Kocsis and Szepesvári 2006): an action that was not tried yet, at random, else the one with the highest mean
result, from 0 for a loss to 1 for a win, plus `exploration · √(ln visits of the node / visits of the action)`.

Legend of shapes: V nodes, A actions. Node 0 is the root. `children` [V, A] is 0 where there is no node yet.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sounding.games.compiled import compiled
from sounding.games.hashes import below

NONE = -1


@compiled
def choose(
    children: NDArray[np.int64],
    allowed: NDArray[np.bool_],
    visits: NDArray[np.int64],
    totals: NDArray[np.float64],
    node: int,
    exploration: float,
    seed: NDArray[np.uint64],
) -> int:
    """The action that a node tries next. `totals` [V] sum what came of a node for the player who moved to it."""
    untried, best, best_value = 0, NONE, -np.inf
    for action in range(children.shape[1]):
        if not allowed[node, action]:
            continue
        child = children[node, action]
        if child == 0:
            untried += 1
            if below(seed, untried) == 0:  # each of those untried with the same probability
                best = action
        elif untried == 0:
            bonus = exploration * np.sqrt(np.log(visits[node]) / visits[child])
            value = totals[child] / visits[child] + bonus
            if value > best_value:
                best, best_value = action, value
    return best


@compiled
def learn(
    visits: NDArray[np.int64],
    totals: NDArray[np.float64],
    path: NDArray[np.int64],
    length: int,
    first_to_move: int,
    result: float,
) -> None:
    """Add a result, +1 for a win of player 0, to the nodes of a path; at its start `first_to_move` was to move."""
    mover = first_to_move
    visits[path[0]] += 1
    for k in range(1, length):
        node = path[k]
        visits[node] += 1
        totals[node] += 0.5 + 0.5 * result if mover == 0 else 0.5 - 0.5 * result
        mover = 1 - mover


@compiled
def most_visited(children: NDArray[np.int64], visits: NDArray[np.int64], totals: NDArray[np.float64]) -> int:
    """The action of the root that was tried most often, of equals the one with the better mean."""
    best = NONE
    for action in range(children.shape[1]):
        child = children[0, action]
        if child == 0:
            continue
        if best == NONE:
            best = action
            continue
        other = children[0, best]
        more = visits[child] > visits[other]
        if more or (visits[child] == visits[other] and totals[child] > totals[other]):
            best = action
    return best


@compiled
def counted(
    children: NDArray[np.int64], visits: NDArray[np.int64], totals: NDArray[np.float64], out: NDArray[np.int64]
) -> float:
    """Write how often each action of the root was tried [A], and return what the most tried one came to, -1…1."""
    best = most_visited(children, visits, totals)
    for action in range(len(out)):
        child = children[0, action]
        out[action] = visits[child] if child else 0
    child = children[0, best]
    return 2 * totals[child] / visits[child] - 1
