"""Which kind of input it is that an environment shows."""

from __future__ import annotations

from sounding.environments.spec import FRAMES, Observation
from sounding.modalities.frames import Frames
from sounding.modalities.vectors import Vector


def sensed(observation: Observation) -> Frames | Vector:
    """Screens or numbers, as the observation says."""
    return Frames(observation) if observation.kind == FRAMES else Vector(observation.shape[0])
