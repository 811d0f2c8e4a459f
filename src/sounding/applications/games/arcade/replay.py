"""A memory of what was played, from which steps are drawn the oftener the more there is to learn of them.

Prioritised replay (Schaul et al. 2016, arXiv 1511.05952): a step is drawn by its loss to the power of `priority`, one
that is new by the most that any had, and counts the less the likelier it is drawn.

Legend of shapes: N copies, B steps that were drawn, C channels, H rows, W columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sounding.applications.games.arcade.sum_tree import SumTree
from sounding.applications.games.arcade.transitions import Transitions
from sounding.environments.spec import Observation

LEAST = 1e-6
"""What is added to a loss, so that no step is forgotten."""


class Drawn(NamedTuple):
    """B steps from the memory."""

    leaves: NDArray[np.int64]
    seen: Any
    action: NDArray[np.int64]
    gained: NDArray[np.float32]  # discounted rewards of the next steps
    discount: NDArray[np.float32]  # of what is expected from `following` on
    following: Any
    weight: NDArray[np.float32]  # at most 1


class Replay:
    """The latest `capacity` steps of N copies together, whose returns are over `horizon` steps."""

    def __init__(
        self,
        observation: Observation,
        copies: int,
        capacity: int,
        horizon: int,
        gamma: float,
        priority: float,
        folder: Path | None = None,
    ) -> None:
        self.copies, self.horizon, self.gamma, self.priority = copies, horizon, gamma, priority
        self._rows = max(horizon + 1, capacity // copies)
        self.transitions = Transitions(observation, copies, self._rows, folder)
        self._tree = SumTree(self._rows * copies)
        self._most = 1.0  # the largest weight that a step had

    def add(self, seen: np.ndarray, steps: np.ndarray) -> None:
        """A step of each copy: what was seen [N, …], and records [N] of `transitions.STEP`. Rewards as learnt from."""
        self.transitions.add(seen, steps)
        latest, copies = self.transitions.count - 1, np.arange(self.copies)
        self._tree.set(self._leaves(latest, copies), 0.0)  # the oldest is let go
        known = latest - self.horizon  # what it led to has been seen
        if known >= 0:
            tells = ~self.transitions.steps(np.full(self.copies, known), copies)["cut"]
            self._tree.set(self._leaves(known, copies), np.where(tells, self._most, 0.0))

    @property
    def ready(self) -> bool:
        """Whether there is anything to be drawn."""
        return self._tree.total > 0

    def draw(self, count: int, rng: np.random.Generator) -> Drawn:
        """B steps, one from each of as many equal parts of all the weight."""
        where = (np.arange(count) + rng.random(count)) * (self._tree.total / count)
        leaves = self._tree.find(np.minimum(where, np.nextafter(self._tree.total, 0)))
        rows, copies = np.divmod(leaves, self.copies)
        latest = self.transitions.count - 1
        steps = latest - (latest - rows) % self._rows
        ahead = self.transitions.returns(steps, copies, self.horizon, self.gamma)
        weight = self._tree.leaves[leaves] ** -0.5 if self.priority else np.ones(count)
        return Drawn(
            leaves,
            self.transitions.seen(steps, copies),
            self.transitions.steps(steps, copies)["action"].copy(),
            ahead.gained,
            ahead.discount,
            self.transitions.seen(ahead.following, copies),
            (weight / weight.max()).astype(np.float32),
        )

    def learnt(self, leaves: NDArray[np.int64], losses: NDArray[np.float64]) -> None:
        """What the losses [B] of steps were that had been drawn."""
        if self.priority:
            weights = (losses + LEAST) ** self.priority
            self._most = max(self._most, float(weights.max()))
            self._tree.set(leaves, weights)

    def clear(self) -> None:
        """Forget all."""
        self.restore({"numbers": np.array([0.0, 1.0]), "weights": np.zeros(self._tree.capacity)})

    def state(self) -> dict[str, np.ndarray]:
        """All that `restore` needs besides the files, which are seen to be on the disk."""
        self.transitions.flush()
        numbers = np.array([self.transitions.count, self._most])
        return {"numbers": numbers, "weights": self._tree.leaves.copy()}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go back to where it gave a `state`. Raises RunError where what was played is missing."""
        count, self._most = int(state["numbers"][0]), float(state["numbers"][1])
        self.transitions.go_back(count)
        self._tree.restore(state["weights"])

    def _leaves(self, step: int, copies: NDArray[np.int64]) -> NDArray[np.int64]:
        return (step % self._rows) * self.copies + copies
