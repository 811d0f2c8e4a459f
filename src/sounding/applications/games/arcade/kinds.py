"""The kinds of environments, as far as what there is to be seen and done decides about a training."""

from __future__ import annotations

from collections.abc import Mapping

from sounding.architectures.actor_critic import NATURE, networks
from sounding.environments import Spec
from sounding.environments.spec import FRAMES

NUMBERS, CONTINUOUS, GRID, SCREEN = "numbers", "continuous", "grid", "screen"
"""Numbers with one of several actions; numbers with continuous actions; a small grid; a screen of pixels."""
SEEN: Mapping[str, str] = {NUMBERS: "numbers", CONTINUOUS: "numbers", GRID: "a grid", SCREEN: "a screen"}
"""What people are told is seen, by the kind."""


def kind_of(spec: Spec) -> str:
    """The kind of an environment."""
    if spec.observation.kind != FRAMES:
        return NUMBERS if spec.actions.discrete else CONTINUOUS
    return SCREEN if networks(spec.observation.shape)[0] == NATURE else GRID


def seen_in(spec: Spec) -> str:
    """What is seen in an environment, in words: "a grid (4 × 10 × 10)"."""
    return f"{SEEN[kind_of(spec)]} ({' × '.join(map(str, spec.observation.shape))})"
