"""Gumbel search, compiled: the next leaf of many trees, and what their roots come to. `gumbel.py` has the source.

Legend of shapes: N trees, A actions.
"""

from __future__ import annotations

import math

import numpy as np

from sounding.games.compiled import compiled
from sounding.search.walks import NONE, Nodes, action_value, attach, root_value


@compiled
def improved_logits(
    nodes: Nodes, tree: int, node: int, visit_offset: float, value_scale: float, counts: np.ndarray, logits: np.ndarray
) -> float:
    """Log priors plus what the search found: log p(a) + sigma(completed Q(a)); -inf for illegal actions.

    sigma(q) = (visit_offset + most visits of an action) · value_scale · (q + 1) / 2. An action without visits is taken
    to be worth the mixed value, which is returned (Danihelka et al. 2022, equations 8, 10 and 33). Fills `counts` [A]
    with the visits of the actions, and `logits` [A].
    """
    visits, most, weight, weighted = 0, 0, 0.0, 0.0
    for a in range(len(counts)):
        child = nodes.children[tree, node, a]
        counts[a] = nodes.visits[tree, child] if child != NONE else 0
        if counts[a] > 0:
            logits[a] = action_value(nodes, tree, node, child, 0)
            weight += nodes.priors[tree, node, a]
            weighted += nodes.priors[tree, node, a] * logits[a]
            visits += counts[a]
            most = max(most, counts[a])
    mixed = float(nodes.values[tree, node])
    if visits > 0:
        mixed = (mixed + visits * weighted / weight) / (1 + visits)
    scale = (visit_offset + most) * value_scale
    for a in range(len(counts)):
        prior = nodes.priors[tree, node, a]
        value = logits[a] if counts[a] > 0 else mixed
        logits[a] = math.log(prior) + scale * (value + 1) / 2 if prior > 0 else -np.inf
    return mixed


@compiled
def root_action(logits: np.ndarray, gumbels: np.ndarray, counts: np.ndarray, visits: int) -> int:
    """The best of the actions that have `visits` visits, by Gumbel noise and improved logits; NONE if there is none."""
    best, top = NONE, -np.inf
    for a in range(len(logits)):
        if counts[a] == visits and logits[a] + gumbels[a] > top:
            best, top = a, logits[a] + gumbels[a]
    return best


@compiled
def proving_action(nodes: Nodes, tree: int, logits: np.ndarray, gumbels: np.ndarray) -> int:
    """The best of the actions whose proven value is that of the root, by Gumbel noise and improved logits."""
    best, top = NONE, -np.inf
    for a in range(len(logits)):
        child = nodes.children[tree, 0, a]
        if child == NONE or not nodes.proven[tree, child]:
            continue
        value = action_value(nodes, tree, 0, child, 0)
        if value == nodes.values[tree, 0] and logits[a] + gumbels[a] > top:
            best, top = a, logits[a] + gumbels[a]
    return best


@compiled
def inner_action(logits: np.ndarray, counts: np.ndarray) -> int:
    """The action whose share of the visits is furthest below the improved policy (equation 14): nothing is drawn."""
    top = logits.max()
    total, visits = 0.0, 1
    for a in range(len(logits)):
        total += math.exp(logits[a] - top)
        visits += counts[a]
    best, most = NONE, -np.inf
    for a in range(len(logits)):
        lacking = math.exp(logits[a] - top) / total - counts[a] / visits
        if logits[a] > -np.inf and lacking > most:
            best, most = a, lacking
    return best


@compiled
def select_gumbel(
    nodes: Nodes, gumbels: np.ndarray, considered: np.ndarray, visit_offset: float, value_scale: float
) -> np.ndarray:
    """The next leaf of each tree [N]: a new node, or one that is proven already.

    `gumbels` [N, A] is the noise of each root; at the root, an action with `considered` [N] visits is taken.
    """
    trees, actions = gumbels.shape
    leaves = np.empty(trees, np.int32)
    counts, logits = np.empty(actions, np.int32), np.empty(actions, np.float64)
    for tree in range(trees):
        node = 0
        while node == 0 or not nodes.proven[tree, node]:
            improved_logits(nodes, tree, node, visit_offset, value_scale, counts, logits)
            if node == 0:
                action = root_action(logits, gumbels[tree], counts, considered[tree])
            else:
                action = inner_action(logits, counts)
            child = nodes.children[tree, node, action]
            if child == NONE:
                node = attach(nodes, tree, node, action)
                break
            node = child
        leaves[tree] = node
    return leaves


@compiled
def summarize_gumbel(
    nodes: Nodes, gumbels: np.ndarray, visit_offset: float, value_scale: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """What the roots come to: actions [N], improved policies [N, A], values [N], visits [N, A], action values [N, A].

    The action is the best of those with most visits, by noise and improved logits; of a proven root, the best of those
    that prove it. Action values are completed; those of illegal actions are NaN.
    """
    trees, actions = gumbels.shape
    chosen, roots = np.empty(trees, np.int64), np.empty(trees, np.float32)
    policies, values = np.zeros((trees, actions), np.float32), np.full((trees, actions), np.nan, np.float32)
    visits = np.zeros((trees, actions), np.int32)
    logits = np.empty(actions, np.float64)
    for tree in range(trees):
        counts = visits[tree]
        mixed = improved_logits(nodes, tree, 0, visit_offset, value_scale, counts, logits)
        roots[tree] = root_value(nodes, tree)
        if nodes.proven[tree, 0]:
            chosen[tree] = proving_action(nodes, tree, logits, gumbels[tree])
        else:
            chosen[tree] = root_action(logits, gumbels[tree], counts, counts.max())
        top = logits.max()
        total = np.exp(logits - top).sum()
        for a in range(actions):
            policies[tree, a] = math.exp(logits[a] - top) / total
            if counts[a] > 0:
                values[tree, a] = action_value(nodes, tree, 0, nodes.children[tree, 0, a], 0)
            elif nodes.priors[tree, 0, a] > 0:
                values[tree, a] = mixed
    return chosen, policies, roots, visits, values
