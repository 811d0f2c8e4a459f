"""Trees of positions: what every search does to them. Which leaves come next is the matter of the searches.

Legend of shapes: N trees, M nodes of a tree, A actions, L leaves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sounding.errors import NotFiniteError
from sounding.games.game import Game
from sounding.search import walks
from sounding.search.evaluator import Evaluator


@dataclass(frozen=True)
class Searched:
    """What searches of N positions found. Values are from the view of the player to move, -1…1."""

    actions: np.ndarray  # [N] int64, the move to play; -1 where the game is over
    policy: np.ndarray  # [N, A] float32, what the search makes of the moves; all 0 where the game is over
    values: np.ndarray  # [N] float32: what is proven, else the mean over all simulations
    visits: np.ndarray  # [N, A] int32
    action_values: np.ndarray  # [N, A] float32; what was not visited has an estimate, what is illegal is NaN
    proven: np.ndarray  # [N] bool: the value is that of best play, not an estimate


class Trees:
    """N trees with the `positions` [N, M] of their nodes, the roots evaluated."""

    def __init__(self, game: Game, roots: np.ndarray, evaluate: Evaluator, room: int) -> None:
        """Begins a tree at each of the `roots` [N], with room for so many nodes."""
        self.game, self.evaluate = game, evaluate
        self.nodes = walks.empty(len(roots), room, game.actions)
        self.positions = np.zeros((len(roots), room), game.dtype)
        self.nodes.sizes[:] = 1
        self._visit_roots(roots)

    @property
    def bytes_of_node(self) -> int:
        """The memory that a node takes."""
        room = self.positions.size
        return sum(array.nbytes for array in self.nodes[1:]) // room + self.game.dtype.itemsize

    def visit(self, trees: np.ndarray, leaves: np.ndarray) -> None:
        """Evaluate those of the `leaves` [L] of `trees` [L] that are new, in one call; let each count for its tree."""
        new = np.flatnonzero(self.nodes.visits[trees, leaves] == 0)
        if len(new):
            rows, nodes = trees[new], leaves[new]
            positions = self.positions[rows, self.nodes.parents[rows, nodes]]
            self.game.play(positions, self.nodes.actions[rows, nodes])
            self._look_at(rows, nodes, positions)
        walks.backup(self.nodes, trees, leaves)

    def make_room(self, more: int) -> None:
        """Let there be room for so many more nodes of each tree: it is doubled where there is not."""
        have, need = self.positions.shape[1], int(self.nodes.sizes.max()) + more
        if need > have:
            self._copy(slice(None), have, max(need, 2 * have))

    def keep(self, node: int) -> None:
        """Of the first tree, which is the only one, keep what is behind `node`: it becomes the root."""
        numbers = walks.subtree(self.nodes, node)
        kept = np.flatnonzero(numbers != walks.NONE)
        self._copy(kept, len(kept), self.positions.shape[1])
        for links in (self.nodes.parents, self.nodes.children):
            links[0, : len(kept)] = np.where(
                links[0, : len(kept)] == walks.NONE, walks.NONE, numbers[links[0, : len(kept)]]
            )
        self.nodes.parents[0, 0] = walks.NONE
        self.nodes.sizes[0] = len(kept)

    def _copy(self, kept: np.ndarray | slice, count: int, room: int) -> None:
        """New arrays with `room` for nodes, the `count` that are `kept` of the old ones at their beginning."""
        old, positions = self.nodes, self.positions
        self.nodes = walks.empty(len(positions), room, self.game.actions)
        self.positions = np.zeros((len(positions), room), self.game.dtype)
        self.positions[:, :count] = positions[:, kept]
        self.nodes.sizes[:] = old.sizes
        for new, before in zip(self.nodes[1:], old[1:], strict=True):
            new[:, :count] = before[:, kept]

    def _visit_roots(self, roots: np.ndarray) -> None:
        trees, leaves = np.arange(len(roots)), np.zeros(len(roots), np.int32)
        self._look_at(trees, leaves, roots)
        walks.backup(self.nodes, trees, leaves)

    def _look_at(self, trees: np.ndarray, leaves: np.ndarray, positions: np.ndarray) -> None:
        """Store the `positions` [L] of the `leaves`, with what the rules and the evaluator say of them."""
        movers, over = self.game.to_play(positions), self.game.over(positions)
        values = np.where(movers == 0, 1, -1) * self.game.results(positions)
        going_on = np.flatnonzero(~over)
        if len(going_on):
            judged = positions if len(going_on) == len(positions) else positions[going_on]
            logits, values[going_on] = self.evaluate(judged)
            logits, legal = np.ascontiguousarray(logits, np.float32), np.ascontiguousarray(self.game.legal(judged))
            finite = walks.expand(self.nodes, trees[going_on], leaves[going_on], logits, legal)
            if not (finite and np.isfinite(values).all()):
                raise NotFiniteError("what the network says of a position is not finite", fix="Train it anew")
        self.positions[trees, leaves] = positions
        self.nodes.movers[trees, leaves] = movers
        self.nodes.over[trees, leaves] = self.nodes.proven[trees, leaves] = over
        self.nodes.values[trees, leaves] = values


def ended(game: Game, positions: np.ndarray) -> Searched:
    """What is said of `positions` [N] where the game is over."""
    n = len(positions)
    return Searched(
        actions=np.full(n, -1),
        policy=np.zeros((n, game.actions), np.float32),
        values=np.where(game.to_play(positions) == 0, 1, -1) * game.results(positions),
        visits=np.zeros((n, game.actions), np.int32),
        action_values=np.full((n, game.actions), np.nan, np.float32),
        proven=np.ones(n, np.bool_),
    )
