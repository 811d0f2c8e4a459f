"""Walks through many trees of positions, compiled: which leaf is looked at next, and what its value changes.

A tree is a row of each array, a node is a column; node 0 is the root, and a node stands behind its parent.

Legend of shapes: N trees, M nodes of a tree, A actions, L leaves.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from sounding.games.compiled import compiled

NONE = -1
"""Stands where there is no node."""


class Nodes(NamedTuple):
    """The numbers of N trees. Values are from the view of the player who is to move at the node, -1…1."""

    sizes: np.ndarray  # [N] how many nodes there are
    parents: np.ndarray  # [N, M]; NONE: the root
    actions: np.ndarray  # [N, M] the action that led here from the parent
    children: np.ndarray  # [N, M, A]; NONE: not looked at yet
    priors: np.ndarray  # [N, M, A] probabilities by the evaluator; 0 where an action is illegal, and only there
    values: np.ndarray  # [N, M] what the evaluator, or the end of the game, says of the node itself
    totals: np.ndarray  # [N, M] the sum of the values of all visits, those of the descendants among them
    visits: np.ndarray  # [N, M] 0: not evaluated yet
    pending: np.ndarray  # [N, M] descents through the node whose value is not known yet
    movers: np.ndarray  # [N, M] the player to move
    over: np.ndarray  # [N, M] whether the game is over here
    proven: np.ndarray  # [N, M] whether `values` is that of best play: the game is over, or what follows tells


def empty(trees: int, nodes: int, actions: int) -> Nodes:
    """Trees without a node, with room for `nodes` each."""
    shape = (trees, nodes)
    return Nodes(
        sizes=np.zeros(trees, np.int32),
        parents=np.full(shape, NONE, np.int32),
        actions=np.zeros(shape, np.int32),
        children=np.full((*shape, actions), NONE, np.int32),
        priors=np.zeros((*shape, actions), np.float32),
        values=np.zeros(shape, np.float32),
        totals=np.zeros(shape, np.float64),
        visits=np.zeros(shape, np.int32),
        pending=np.zeros(shape, np.int32),
        movers=np.zeros(shape, np.int8),
        over=np.zeros(shape, np.bool_),
        proven=np.zeros(shape, np.bool_),
    )


# ---- what all searches do


@compiled
def attach(nodes: Nodes, tree: int, parent: int, action: int) -> int:
    """A new node behind `parent`, not evaluated yet."""
    node = nodes.sizes[tree]
    nodes.sizes[tree] += 1
    nodes.parents[tree, node] = parent
    nodes.actions[tree, node] = action
    nodes.children[tree, parent, action] = node
    return node


@compiled
def action_value(nodes: Nodes, tree: int, node: int, child: int, lost: int) -> float:
    """The value of a child for the player to move at `node`: what is proven, else the mean of its visits.

    The mean is taken as if `lost` more visits had been losses.
    """
    sign = 1.0 if nodes.movers[tree, child] == nodes.movers[tree, node] else -1.0
    if nodes.proven[tree, child]:
        return sign * nodes.values[tree, child]
    return (sign * nodes.totals[tree, child] - lost) / (nodes.visits[tree, child] + lost)


@compiled
def prove(nodes: Nodes, tree: int, node: int) -> None:
    """Mark a node as proven where its children say so: one is a win, or all are known and the best of them counts."""
    best, all_known = -np.inf, True
    for a in range(nodes.children.shape[2]):
        if nodes.priors[tree, node, a] == 0:
            continue
        child = nodes.children[tree, node, a]
        if child != NONE and nodes.proven[tree, child]:
            best = max(best, action_value(nodes, tree, node, child, 0))
        else:
            all_known = False
    if best >= 1 or all_known:
        nodes.values[tree, node] = best
        nodes.proven[tree, node] = True


@compiled
def expand(nodes: Nodes, trees: np.ndarray, leaves: np.ndarray, logits: np.ndarray, legal: np.ndarray) -> bool:
    """Set the priors of `leaves` [L] of `trees` [L]: softmax of `logits` [L, A] over `legal` [L, A].

    No legal action gets less than 1e-30, so that 0 says illegal. False where a logit is not finite.
    """
    for i in range(len(leaves)):
        priors = nodes.priors[trees[i], leaves[i]]
        top = -np.inf
        for a in range(len(priors)):
            if legal[i, a]:
                if not math.isfinite(logits[i, a]):
                    return False
                top = max(top, logits[i, a])
        total = 0.0
        for a in range(len(priors)):
            if legal[i, a]:
                total += math.exp(logits[i, a] - top)
        for a in range(len(priors)):
            priors[a] = max(math.exp(logits[i, a] - top) / total, 1e-30) if legal[i, a] else 0.0
    return True


@compiled
def backup(nodes: Nodes, trees: np.ndarray, leaves: np.ndarray) -> None:
    """Count a visit of each of the `leaves` [L] of `trees` [L], and add its value to all nodes on the way to it.

    What a proven leaf proves on its way up replaces its value from there on (Winands et al., "Monte-Carlo tree search
    solver", CG 2008): a tactic that is seen to its end is not averaged with the moves that miss it.
    """
    for i in range(len(leaves)):
        tree, node = trees[i], leaves[i]
        value, mover = nodes.values[tree, node], nodes.movers[tree, node]
        proves = nodes.proven[tree, node]
        while node != NONE:
            if proves and not nodes.proven[tree, node]:
                prove(nodes, tree, node)
            proves = nodes.proven[tree, node]
            if proves:
                value, mover = nodes.values[tree, node], nodes.movers[tree, node]
            nodes.visits[tree, node] += 1
            nodes.totals[tree, node] += value if nodes.movers[tree, node] == mover else -value
            node = nodes.parents[tree, node]


@compiled
def root_value(nodes: Nodes, tree: int) -> float:
    """What a search says of its position: what is proven, else the mean over all visits."""
    return nodes.values[tree, 0] if nodes.proven[tree, 0] else nodes.totals[tree, 0] / nodes.visits[tree, 0]


@compiled
def subtree(nodes: Nodes, root: int) -> np.ndarray:
    """For each node of the first tree its number in the tree that begins at `root`, or NONE: it is not in it."""
    numbers = np.full(nodes.sizes[0], NONE, np.int32)
    numbers[root] = 0
    kept = 1
    for node in range(root + 1, nodes.sizes[0]):
        if numbers[nodes.parents[0, node]] != NONE:
            numbers[node] = kept
            kept += 1
    return numbers
