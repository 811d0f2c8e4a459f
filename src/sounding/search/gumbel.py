"""Gumbel AlphaZero search in many games at a time (Danihelka et al., "Policy improvement by planning with Gumbel",
ICLR 2022): the policy that it gives is better than the evaluator's even after few simulations.

At the root, Gumbel noise draws actions without replacement by the evaluator's policy, and sequential halving divides
the simulations between them (Karnin et al., "Almost optimal exploration in multi-armed bandits", ICML 2013). Below,
actions are taken so that the visits come to the improved policy, and nothing is drawn. Each simulation is one compiled
walk, one move in each game, one call of the evaluator, and one compiled backup.

Legend of shapes: N positions, A actions.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from sounding.errors import UsageError
from sounding.games.game import Game
from sounding.search.evaluator import Evaluator
from sounding.search.gumbel_walks import select_gumbel, summarize_gumbel
from sounding.search.tree import Searched, Trees, ended

VISIT_OFFSET = 50.0
"""c_visit of the paper."""

VALUE_SCALE = 1.0
"""c_scale of the paper for Go and chess, where values are scaled from -1…1 to 0…1; Atari has 0.1.

With 1 a search goes where values are good, and hardly anywhere else: where priors know nothing (all moves alike), an
answer that refutes a move may never be looked at. With 0.1 it looks around more.
"""


def gumbel_search(
    game: Game,
    positions: np.ndarray,
    evaluate: Evaluator,
    simulations: int,
    considered: int = 16,
    rng: np.random.Generator | None = None,
    value_scale: float = VALUE_SCALE,
) -> Searched:
    """Search each of the `positions` [N] with so many simulations, none of which depends on another position.

    At most `considered` actions of a position get simulations. Without `rng` there is no noise: the `considered` most
    probable actions are looked at, and the answer is the best that was found; for matches. With it, the actions are
    drawn by the improved policy, which is what is to be learnt from. Games that are over are not searched.
    """
    if simulations < 1 or considered < 1:
        what = f"{simulations} simulations of {considered} considered moves are no search"
        raise UsageError(what, fix="Give 1 or more of both")
    n = len(positions)
    gumbels = rng.gumbel(size=(n, game.actions)) if rng else np.zeros((n, game.actions))
    going_on = np.flatnonzero(~game.over(positions))
    found = ended(game, positions)
    if not len(going_on):
        return found
    trees = Trees(game, positions[going_on], evaluate, room=simulations + 1)
    gumbels = gumbels[going_on]
    schedule = _schedules(considered, simulations)[np.minimum(considered, _possible(trees))]
    rows = np.arange(len(going_on))
    for simulation in range(simulations):
        visits = schedule[:, simulation]
        leaves = select_gumbel(trees.nodes, gumbels, visits, VISIT_OFFSET, value_scale)
        trees.visit(rows, leaves)
    summary = summarize_gumbel(trees.nodes, gumbels, VISIT_OFFSET, value_scale)
    wholes = (found.actions, found.policy, found.values, found.visits, found.action_values)
    for whole, part in zip(wholes, summary, strict=True):
        whole[going_on] = part
    found.proven[going_on] = trees.nodes.proven[:, 0]
    return found


def sequential_halving(considered: int, simulations: int) -> list[int]:
    """For each simulation, how many visits an action has to have so that it may be the next.

    Of `considered` actions all get the same number of visits, then the better half, and so on to the last two, each
    stage with the same share of the simulations.
    """
    if considered <= 1:
        return list(range(simulations))
    stages = math.ceil(math.log2(considered))
    visits = 0
    sequence: list[int] = []
    left = considered
    while len(sequence) < simulations:
        for _ in range(max(1, simulations // (stages * left))):
            sequence += [visits] * left
            visits += 1
        left = max(2, left // 2)
    return sequence[:simulations]


@lru_cache(maxsize=16)
def _schedules(considered: int, simulations: int) -> np.ndarray:
    """[considered + 1, simulations]: `sequential_halving` of each number of actions."""
    return np.array([sequential_halving(count, simulations) for count in range(considered + 1)])


def _possible(trees: Trees) -> np.ndarray:
    """How many actions each root has [N]."""
    return (trees.nodes.priors[:, 0] > 0).sum(axis=1)
