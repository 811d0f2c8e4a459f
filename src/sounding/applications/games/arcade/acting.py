"""The network in its environment: what those who watch it and ask it need.

Legend of shapes: N observations.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sounding.applications.games.arcade.ppo import drawn
from sounding.applications.games.arcade.rollout import best
from sounding.architectures.actor_critic import Acting, Actor
from sounding.environments.agent import Agent
from sounding.environments.settings import Settings
from sounding.environments.spec import Spec


class Acts(Agent):
    """Does the likeliest, or draws what it does."""

    def __init__(
        self, model: Actor, spec: Spec, settings: Settings, look: Callable[[Any], Tensor], reward_clip: float = 0.0
    ) -> None:
        self.spec, self.settings, self._model, self._look = spec, settings, model, look
        self.reward_clip = reward_clip
        self.scale = tuple(model.deviation.tolist())

    @torch.inference_mode()
    def act(self, observations: np.ndarray, rng: np.random.Generator | None = None) -> np.ndarray:
        """What to do on each observation."""
        said = self._said(observations)
        return (best(said) if rng is None else drawn(said, rng)).cpu().numpy()

    @torch.inference_mode()
    def values(self, observations: np.ndarray) -> NDArray[np.float32]:
        """The return that is expected from each observation."""
        return (self._said(observations).value.float() * float(self._model.scale)).cpu().numpy()

    def _said(self, observations: np.ndarray) -> Acting:
        if self._model.training:  # to tell each layer takes a small network longer than to answer
            self._model.eval()
        said: Acting = self._model(self._look(observations))
        return said
