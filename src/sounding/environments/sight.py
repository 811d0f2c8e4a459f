"""What disturbs the eyes of an agent: noise, another brightness, and seeing late."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from sounding.environments.settings import Disturbance
from sounding.environments.spec import FRAMES, Observation
from sounding.errors import UsageError


class Sight:
    """N pairs of eyes. What they see is a function of what there is, the seeds of the episodes and the steps."""

    def __init__(self, disturbance: Disturbance, observation: Observation) -> None:
        """Raises UsageError for a disturbance that a vector cannot have."""
        self._disturbance, self._observation = disturbance, observation
        self._late: deque[np.ndarray] = deque(maxlen=disturbance.delay + 1)
        if disturbance.brightness and observation.kind != FRAMES:
            raise UsageError("brightness changes screens, and this environment shows none", fix="Leave it out")

    def begin(self, seen: np.ndarray, which: NDArray[np.int64]) -> None:
        """Episodes begin in the copies `which`: until something newer arrives, they see the beginning."""
        if not self._late:
            self._late.extend([seen] * (self._disturbance.delay + 1))
        for k, earlier in enumerate(self._late):
            self._late[k] = earlier.copy()  # what was seen is in others' hands
            self._late[k][which] = seen[which]

    def step(self, seen: np.ndarray) -> None:
        """There is something new to be seen [N, …]."""
        self._late.append(seen)

    def see(self, seeds: NDArray[np.int64], steps: NDArray[np.int64]) -> np.ndarray:
        """What is seen now [N, …]."""
        clear = self._late[0]
        if not self._disturbance.noise and not self._disturbance.brightness:
            return clear
        low, high = self._observation.low, self._observation.high
        screens = self._observation.kind == FRAMES
        scale = (high - low) if screens else np.array(self._disturbance.scale or 1.0)
        noise = np.stack([self._noise(seed, step) for seed, step in zip(seeds.tolist(), steps.tolist(), strict=True)])
        changed = clear + noise * scale
        if screens:
            changed += self._disturbance.brightness * scale
            changed = np.clip(np.rint(changed), low, high)
        return changed.astype(clear.dtype)

    def _noise(self, seed: int, step: int) -> np.ndarray:
        rng = np.random.default_rng((seed, step))
        return rng.normal(0.0, self._disturbance.noise, self._observation.shape)
