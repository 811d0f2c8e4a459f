"""PUCT search, compiled: the next leaves of one tree.

Legend of shapes: L leaves.
"""

from __future__ import annotations

import math

import numpy as np

from sounding.games.compiled import compiled
from sounding.search.walks import NONE, Nodes, action_value, attach


@compiled
def best_action(nodes: Nodes, node: int, explore: float, base: float, reduction: float) -> int:
    """The action of `node` in the first tree with the highest Q + U (Silver et al. 2018, AlphaZero).

    U = (log((1 + visits + base) / base) + explore) · prior · √visits / (1 + visits of the action). Descents that wait
    for a value count as visits that were lost. What has no visit is worth the mean of the node, less `reduction` times
    the square root of the prior that was visited (first-play urgency, as in Leela Chess Zero and KataGo).
    """
    actions = nodes.children.shape[2]
    seen = 0.0
    for a in range(actions):
        child = nodes.children[0, node, a]
        if child != NONE:
            seen += nodes.priors[0, node, a]
    visits = nodes.visits[0, node] + nodes.pending[0, node] - 1  # this descent is pending as well
    unseen = nodes.totals[0, node] / nodes.visits[0, node] - reduction * math.sqrt(seen)
    weight = (math.log((1 + visits + base) / base) + explore) * math.sqrt(visits)
    best, top = NONE, -np.inf
    for a in range(actions):
        prior = nodes.priors[0, node, a]
        if prior == 0:
            continue
        child = nodes.children[0, node, a]
        value, tried = unseen, 0
        if child != NONE:
            lost = nodes.pending[0, child]
            value, tried = action_value(nodes, 0, node, child, lost), nodes.visits[0, child] + lost
        score = value + weight * prior / (1 + tried)
        if score > top:
            best, top = a, score
    return best


@compiled
def select_puct(nodes: Nodes, batch: int, explore: float, base: float, reduction: float) -> np.ndarray:
    """Up to `batch` leaves [L] of the first tree: new nodes, or such that are proven already, maybe more than once.

    There are fewer where a descent comes to a leaf that waits for its value already: another would learn nothing.
    """
    leaves = np.empty(batch, np.int32)
    for i in range(batch):
        node = 0
        nodes.pending[0, 0] += 1
        while node == 0 or not nodes.proven[0, node]:
            action = best_action(nodes, node, explore, base, reduction)
            child = nodes.children[0, node, action]
            is_new = child == NONE
            if is_new:
                child = attach(nodes, 0, node, action)
            elif nodes.visits[0, child] == 0:
                return leaves[:i].copy()
            nodes.pending[0, child] += 1
            node = child
            if is_new:
                break
        leaves[i] = node
    return leaves
