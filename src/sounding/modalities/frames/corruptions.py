"""How screens get worse while what should be done stays the same. Severities are from 1 to 5."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sounding.contract.inputs import Corruption
from sounding.environments.spec import Observation


def of_screens(observation: Observation) -> Mapping[str, Corruption]:
    """Of screens of pixels. The latest screen is never lost."""
    low, high = observation.low, observation.high
    extent = high - low

    def ranged(value: NDArray[Any], like: NDArray[Any]) -> NDArray[Any]:
        return np.rint(value.clip(low, high)).astype(np.uint8) if like.dtype == np.uint8 else value.clip(low, high)

    def noise(value: NDArray[Any], severity: int, rng: np.random.Generator) -> NDArray[Any]:
        noisy = value + rng.normal(0, 0.03 * severity * extent, value.shape).astype(np.float32)
        return ranged(noisy, value)

    def brightness(value: NDArray[Any], severity: int, rng: np.random.Generator) -> NDArray[Any]:
        return ranged(value.astype(np.float32) + np.float32(0.08 * severity * extent), value)

    def dead_pixels(value: NDArray[Any], severity: int, rng: np.random.Generator) -> NDArray[Any]:
        dead = rng.random(value.shape[1:]) < 0.01 * severity
        return np.where(dead, np.asarray(low, value.dtype), value)

    def lost_screens(value: NDArray[Any], severity: int, rng: np.random.Generator) -> NDArray[Any]:
        lost = rng.random(observation.stack) < 0.15 * severity
        lost[-1] = False
        return np.where(lost.repeat(observation.planes)[:, None, None], np.asarray(low, value.dtype), value)

    found = {"noise": noise, "brightness": brightness, "dead pixels": dead_pixels}
    return {**found, "lost screens": lost_screens} if observation.stack > 1 else found


def of_grids() -> Mapping[str, Corruption]:
    """Of grids on which there are things."""

    def unseen(value: NDArray[Any], severity: int, rng: np.random.Generator) -> NDArray[Any]:
        return np.where(rng.random(value.shape) < 0.02 * severity, np.asarray(0, value.dtype), value)

    def imagined(value: NDArray[Any], severity: int, rng: np.random.Generator) -> NDArray[Any]:
        return np.where(rng.random(value.shape) < 0.003 * severity, np.asarray(1, value.dtype), value)

    return {"things unseen": unseen, "things imagined": imagined}
