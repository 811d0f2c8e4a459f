"""Parallelised Q-learning: what each action is worth, learnt of a rollout (Gallici et al. 2024, arXiv 2407.04811).

There is no memory of old steps and no second network to aim at: layers are normalised, many copies are played at a
time, and what is aimed at is Q(λ) (Peng & Williams 1996) of the values that the network had when it played the rollout.

Legend of shapes: N copies, B batch, A actions.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from sounding.applications.games.arcade.learner import Learner
from sounding.architectures.action_values import ActionValues
from sounding.architectures.actor_critic import Acting, Actor
from sounding.environments import Spec
from sounding.modalities.actions.decision import EncodedDecisions


class PQN(Learner):
    """Learns what each action is worth, a round of play at a time."""

    title = "PQN"

    def build(self, spec: Spec) -> Actor:
        """A value for each action."""
        return ActionValues(spec.observation.shape, spec.actions.n, self.recipe.width, self.recipe.model)

    def explore(self, said: Acting, played: int, rng: np.random.Generator) -> Tensor:
        """The best action, or any: ever less often any."""
        return perhaps_any(said, chance_of_any(played, self.recipe.explore, self.recipe.epsilon), rng)

    def loss(self, model: nn.Module, x: Tensor, y: EncodedDecisions) -> Tensor:
        """Half the squared error of the value of what was done; of a teacher's action its rarity: [B]."""
        said = model(x)
        off = worth(said, y.action) - y.expected
        return (-self.log_chances(said, y.action)).where(y.taught, 0.5 * off.square())

    def log_chances(self, said: Acting, action: Tensor) -> Tensor:
        """As if actions were drawn by e to the power of their worth (Boltzmann): [B]."""
        return said.policy.float().log_softmax(dim=1).gather(1, action[:, None])[:, 0]


def worth(said: Acting, action: Tensor) -> Tensor:
    """The value [B] of each action, in the network's units."""
    return said.policy.float().gather(1, action[:, None])[:, 0]


def chance_of_any(played: int, over: int, least: float) -> float:
    """How often any action is tried: from always to `least`, falling evenly `over` so many steps."""
    return max(least, 1.0 - (1.0 - least) * played / max(1, over))


def perhaps_any(said: Acting, chance: float, rng: np.random.Generator) -> Tensor:
    """The best action [N], or by `chance` any."""
    n, actions = said.policy.shape
    any_of_them = rng.integers(0, actions, n)
    return torch.from_numpy(np.where(rng.random(n) < chance, any_of_them, said.policy.argmax(dim=1).cpu().numpy()))
