"""Learning from few steps: a memory that is drawn from by what there is to learn, returns over several steps, and
screens that are moved a little each time they are looked at.

Of the parts of Rainbow (Hessel et al. 2018, arXiv 1710.02298) those that DrQ takes (Kostrikov et al. 2020, arXiv
2004.13649; with the ε of Agarwal et al. 2021, arXiv 2108.13264): values of actions by double Q-learning (van Hasselt et
al. 2016), dueling, returns over n steps, prioritised replay. There is no network to aim at beside the one that learns
(DrQ copies it after each step): the best action to come is chosen by one shift of the screen, and judged by another. On
numbers and grids nothing is shifted, so that there it is plain Q-learning.

Legend of shapes: B batch.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sounding.applications.games.arcade.pqn import PQN, chance_of_any, perhaps_any, worth
from sounding.architectures.action_values import ActionValues
from sounding.architectures.actor_critic import Acting, Actor
from sounding.environments import Spec


class EncodedSteps(NamedTuple):
    """B steps from the memory, with what followed them, seen twice."""

    action: Tensor
    gained: Tensor
    discount: Tensor
    weight: Tensor
    following: Tensor
    again: Tensor


class Rainbow(PQN):
    """Learns what each action is worth from all that was played, a step at a time."""

    title = "Rainbow"

    def build(self, spec: Spec) -> Actor:
        """A value of what is seen, and a gain of each action."""
        r = self.recipe
        return ActionValues(spec.observation.shape, spec.actions.n, r.width, r.model, dueling=True)

    def explore(self, said: Acting, played: int, rng: np.random.Generator) -> Tensor:
        """Any action until there is enough to learn from, then ever more often the best."""
        r = self.recipe
        return perhaps_any(said, chance_of_any(max(0, played - r.warm), r.explore, r.epsilon), rng)

    def loss(self, model: nn.Module, x: Tensor, y: Any) -> Tensor:
        """Of steps from the memory the Huber error of their value, by their weight; else as PQN: [B]."""
        if not isinstance(y, EncodedSteps):
            return super().loss(model, x, y)
        with torch.no_grad():
            chosen = model(y.following).policy.argmax(dim=1)
            ahead = worth(model(y.again), chosen)
        aim = y.gained + y.discount * ahead
        return y.weight * F.huber_loss(worth(model(x), y.action), aim, reduction="none")
