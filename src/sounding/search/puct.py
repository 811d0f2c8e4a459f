"""PUCT search of one game, for long thought: a tree that grows while there is time, and is kept from move to move.

Leaves are evaluated in batches: descents that wait for a value count as lost, so that the next one goes elsewhere
(virtual loss). The formula is AlphaZero's (Silver et al. 2018); `puct_walks.py` has it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from sounding.errors import UsageError
from sounding.games.game import Game
from sounding.search.evaluator import Evaluator, Remembered
from sounding.search.puct_walks import select_puct
from sounding.search.tree import Searched, Trees, ended
from sounding.search.walks import NONE, action_value, root_value

BYTES = 256
"""Of two positions, that are compared at a time."""


@dataclass(frozen=True)
class PuctSettings:
    """How a tree grows."""

    batch: int = 16  # leaves that are evaluated together; fewer while the tree is small
    explore: float = 1.25  # c_init of AlphaZero: how far the prior is followed against what was found
    explore_base: float = 19652.0  # c_base: with so many visits it is followed further
    reduction: float = 0.25  # first-play urgency: how much less an action without visits is worth than the position
    noise_share: float = 0.0  # of Dirichlet noise in the priors of the root; AlphaZero learnt with 0.25
    noise: float = 10.0  # alpha of the noise is this, divided by the number of legal actions
    megabytes: float = 400.0  # that the tree may take, where it stops growing: 44,000 nodes of Go on 19 × 19
    remembered: int = 50_000  # evaluations that are kept for positions that come up again; 0: none

    def __post_init__(self) -> None:
        """Raises UsageError for numbers with which no tree would grow."""
        least = {"batch": 1, "explore": 0, "explore_base": 1, "reduction": 0, "noise_share": 0, "megabytes": 0.01}
        for name, number in least.items():
            if not getattr(self, name) >= number:
                raise UsageError(f"{name}={getattr(self, name)} is out of its range", fix=f"Give {number} or more")


@dataclass(frozen=True)
class Line:
    """A move with how it would go on: the principal variation behind it."""

    actions: tuple[int, ...]  # the move, and the most visited answers in turn
    visits: int
    value: float  # of the move, for the player who makes it, -1…1
    prior: float  # the evaluator's probability of the move

    @property
    def win_rate(self) -> float:
        """The value as a share of games won, draws counting half."""
        return (self.value + 1) / 2


class Puct:
    """One game that is thought about: `go_to` a position, `step` as long as wanted, and look at `found` and `lines`.

    `search` does all that with a limit. `rng` is needed only for noise.
    """

    def __init__(
        self,
        game: Game,
        evaluate: Evaluator,
        settings: PuctSettings | None = None,
        rng: np.random.Generator | None = None,
    ) -> None:
        self.game, self.settings, self._rng = game, settings or PuctSettings(), rng
        if self.settings.noise_share and rng is None:
            raise UsageError("noise at the root is drawn, and nothing was given to draw it with", fix="Give an rng")
        room = self.settings.remembered
        self.evaluate = Remembered(game, evaluate, room) if room else evaluate
        self._trees: Trees | None = None

    @property
    def simulations(self) -> int:
        """How often the tree was descended from the position that is the root now."""
        return int(self._trees.nodes.visits[0, 0]) - 1 if self._trees else 0

    def search(
        self,
        position: np.ndarray,
        simulations: int | None = None,
        seconds: float | None = None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> Searched:
        """Search `position` [1] until the tree has so many simulations, for so long, or until `stopped` says so.

        What earlier searches left of this position counts. Whichever limit comes first holds; at least one simulation
        is made. Raises UsageError where there is no limit.
        """
        if simulations is None and seconds is None:
            raise UsageError("a search needs an end", fix="Give simulations, seconds or both")
        until = None if seconds is None else time.monotonic() + seconds
        self.go_to(position)
        while True:
            left = self.settings.batch if simulations is None else simulations - self.simulations
            if left < 1 and self.simulations:
                break
            made = self.step(max(left, 1))
            if made == 0 or (until is not None and time.monotonic() >= until) or stopped():
                break
        return self.found()

    def go_to(self, position: np.ndarray) -> None:
        """Make `position` [1] the root. Where the tree has it already, what is known of it is kept."""
        node = self._find(position)
        if node == 0:
            return
        if node is None:
            self._trees = Trees(self.game, position, self.evaluate, room=256)
        elif self._trees is not None:
            self._trees.keep(node)
        self._add_noise()

    def only(self, actions: Sequence[int]) -> None:
        """Look at these actions alone from here. What was found of the others is left out as well: begin anew after."""
        priors = self._grown().nodes.priors[0, 0]
        others = np.ones(len(priors), np.bool_)
        others[list(actions)] = False
        priors[others] = 0
        total = priors.sum()
        if total:
            priors /= total

    def step(self, most: int | None = None) -> int:
        """Up to a batch of simulations, and not more than `most`. Gives how many were made: 0 if no more can be."""
        trees, settings = self._grown(), self.settings
        nodes = trees.nodes
        room = int(settings.megabytes * 1e6 / trees.bytes_of_node) - int(nodes.sizes[0])
        wanted = min(settings.batch, settings.batch if most is None else most, int(nodes.visits[0, 0]), room)
        if wanted < 1 or nodes.over[0, 0]:
            return 0
        trees.make_room(wanted)
        nodes = trees.nodes
        leaves = select_puct(nodes, wanted, settings.explore, settings.explore_base, settings.reduction)
        trees.visit(np.zeros(len(leaves), np.int64), leaves)
        nodes.pending[0, : nodes.sizes[0]] = 0
        return len(leaves)

    def found(self) -> Searched:
        """What the search has come to, as of one position: the policy is the share of the visits."""
        trees = self._grown()
        nodes = trees.nodes
        searched = ended(self.game, trees.positions[:, 0])
        if nodes.over[0, 0]:
            return searched
        for action, child in self._children(0):
            searched.visits[0, action] = nodes.visits[0, child]
            searched.action_values[0, action] = action_value(nodes, 0, 0, child, 0)
        unseen = (searched.visits[0] == 0) & (nodes.priors[0, 0] > 0)
        searched.values[0] = root_value(nodes, 0)
        searched.proven[0] = nodes.proven[0, 0]
        searched.action_values[0, unseen] = searched.values[0]
        total = searched.visits[0].sum()
        searched.policy[0] = searched.visits[0] / total if total else nodes.priors[0, 0]
        searched.actions[0] = self._best_first(0)[0] if total else nodes.priors[0, 0].argmax()
        return searched

    def lines(self, count: int | None = None) -> list[Line]:
        """The `count` most visited moves, or all that have visits, with how each would go on."""
        nodes = self._grown().nodes
        lines = []
        for action in self._best_first(0)[:count]:
            child = int(nodes.children[0, 0, action])
            value = action_value(nodes, 0, 0, child, 0)
            variation = (action, *self._variation(child))
            lines.append(Line(variation, int(nodes.visits[0, child]), value, float(nodes.priors[0, 0, action])))
        return lines

    # ---- inside

    def _grown(self) -> Trees:
        if self._trees is None:
            raise UsageError("there is no position to think about yet", fix="Call go_to first")
        return self._trees

    def _find(self, position: np.ndarray) -> int | None:
        """The node of the tree that is this position."""
        if self._trees is None:
            return None
        nodes = self._trees.nodes
        size = int(nodes.sizes[0])
        known = self._trees.positions[0, :size].view(np.uint8).reshape(size, -1)
        wanted = np.ascontiguousarray(position).view(np.uint8)
        alike = np.flatnonzero(nodes.visits[0, :size])
        for begin in range(0, len(wanted), BYTES):  # most differ early, and need not be looked at to their end
            part = slice(begin, begin + BYTES)
            alike = alike[(known[alike, part] == wanted[part]).all(axis=1)]
        return int(alike[0]) if len(alike) else None

    def _add_noise(self) -> None:
        """Mix Dirichlet noise into the priors of the root."""
        share = self.settings.noise_share
        if not share or self._rng is None:
            return
        priors = self._grown().nodes.priors[0, 0]
        legal = np.flatnonzero(priors)
        if len(legal):
            noise = self._rng.dirichlet(np.full(len(legal), self.settings.noise / len(legal)))
            priors[legal] = np.maximum((1 - share) * priors[legal] + share * noise, 1e-30)

    def _children(self, node: int) -> list[tuple[int, int]]:
        """(action, child) of what was visited."""
        nodes = self._grown().nodes
        children = nodes.children[0, node]
        return [(int(a), int(children[a])) for a in np.flatnonzero(children != NONE) if nodes.visits[0, children[a]]]

    def _best_first(self, node: int) -> list[int]:
        """The visited actions, the most visited first; the more probable one of two alike.

        A proven win comes before all others, and a proven loss after them.
        """
        nodes = self._grown().nodes

        def rank(pair: tuple[int, int]) -> tuple[float, int, float]:
            action, child = pair
            proven = action_value(nodes, 0, node, child, 0) if nodes.proven[0, child] else 0.0
            return -proven, -int(nodes.visits[0, child]), -float(nodes.priors[0, node, action])

        return [action for action, _ in sorted(self._children(node), key=rank)]

    def _variation(self, node: int) -> list[int]:
        """The most visited actions from `node` on."""
        nodes = self._grown().nodes
        actions = []
        while best := self._best_first(node)[:1]:
            actions += best
            node = int(nodes.children[0, node, best[0]])
        return actions


def puct_search(
    game: Game,
    position: np.ndarray,
    evaluate: Evaluator,
    simulations: int | None = None,
    seconds: float | None = None,
    settings: PuctSettings | None = None,
    rng: np.random.Generator | None = None,
) -> Searched:
    """Search one `position` [1] once. `Puct` keeps the tree for the next move."""
    return Puct(game, evaluate, settings, rng).search(position, simulations, seconds)
