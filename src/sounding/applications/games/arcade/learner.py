"""What a learner is: how it plays to gather, and what it learns of a decision. All else of an agent is the task's.

What has to be saved of it are the weights and buffers of its network, and the state of its rounds.

Legend of shapes: N copies, B batch, A actions.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from torch import Tensor, nn

from sounding.architectures.actor_critic import Acting, Actor
from sounding.environments import Spec
from sounding.modalities.actions.decision import EncodedDecisions

if TYPE_CHECKING:
    from sounding.applications.games.arcade.recipe import ArcadeRecipe


class Learner(ABC):
    """Learns by the numbers of a recipe."""

    title: ClassVar[str]
    """What people call it."""

    def __init__(self, recipe: ArcadeRecipe) -> None:
        self.recipe = recipe

    @abstractmethod
    def build(self, spec: Spec) -> Actor:
        """The network."""

    @abstractmethod
    def explore(self, said: Acting, played: int, rng: np.random.Generator) -> Tensor:
        """What is done [N] or [N, A] to gather, after so many steps of the environment in all."""

    @abstractmethod
    def loss(self, model: nn.Module, x: Tensor, y: EncodedDecisions) -> Tensor:
        """What is learnt of each decision: [B]."""

    @abstractmethod
    def log_chances(self, said: Acting, action: Tensor) -> Tensor:
        """[B]: the log of how likely each action is, as far as the network tells."""
