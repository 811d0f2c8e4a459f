"""Gymnasium's spaces as what is seen and can be done here, and how their values are read and written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from sounding.environments.screens import scaled
from sounding.environments.settings import Settings
from sounding.environments.spec import CONTINUOUS, DISCRETE, FRAMES, VECTOR, Actions, Observation
from sounding.errors import UsageError

SUPPORTED = "Supported are screens (Box of uint8), numbers (Box) and choices (Discrete, MultiBinary, MultiDiscrete)"
LARGEST = 65_536
"""Numbers of a vector that is still learnt from."""
SMALLEST = 8
"""Pixels of the shorter side of what is a screen."""


@dataclass(frozen=True)
class Seen:
    """How an observation of a space is read: `read` gives an array of the shape of one screen, or [D]."""

    observation: Observation
    read: Callable[[Any], np.ndarray]


def is_screen(space: spaces.Space[Any]) -> bool:
    """Whether a space is one of screens: bytes, or yes and no, in rows and columns."""
    return (
        isinstance(space, spaces.Box)
        and space.dtype in (np.uint8, np.bool_)
        and len(space.shape) in (2, 3)
        and min(space.shape[:2]) >= SMALLEST
    )


def seen(name: str, space: spaces.Space[Any], settings: Settings, stack: int) -> Seen:
    """How the observations of a space are read. Raises UsageError for spaces that cannot be learnt from."""
    if is_screen(space):
        return _screens(space, settings, stack)
    if not isinstance(space, spaces.Box | spaces.Discrete | spaces.MultiBinary | spaces.MultiDiscrete):
        kinds = {spaces.Dict: "a dictionary", spaces.Text: "text", spaces.Tuple: "a tuple"}
        what = next((words for kind, words in kinds.items() if isinstance(space, kind)), type(space).__name__)
        flattens = "; gymnasium.wrappers.FlattenObservation makes numbers of it"
        fix = SUPPORTED + (flattens if isinstance(space, spaces.Dict | spaces.Tuple) else "")
        raise UsageError(f"what {name} shows is {what}, from which cannot be learnt", fix=fix)
    size = gymnasium.spaces.utils.flatdim(space)
    if not 0 < size <= LARGEST:
        raise UsageError(f"what {name} shows are {size:,} numbers", fix=f"{SUPPORTED}, of at most {LARGEST:,}")
    box = isinstance(space, spaces.Box)
    low, high = (float(space.low.min()), float(space.high.max())) if isinstance(space, spaces.Box) else (0.0, 1.0)

    def read(value: Any) -> np.ndarray:
        given = np.asarray(value)
        if box and given.shape != space.shape:
            raise ValueError(f"an observation of shape {given.shape} where its space says {space.shape}")
        if box and given.dtype == np.float32:
            return given.reshape(-1)
        with np.errstate(over="ignore"):  # what does not fit is found to be infinite
            return np.asarray(gymnasium.spaces.utils.flatten(space, value), np.float32).reshape(-1)

    return Seen(Observation(VECTOR, (size,), low, high), read)


def _screens(space: Any, settings: Settings, stack: int) -> Seen:
    shape = space.shape
    planes_first = len(shape) == 3 and shape[0] in (1, 3, 4) and shape[2] not in (1, 3, 4)
    whole = space.dtype == np.bool_

    def read(value: Any) -> np.ndarray:
        given = np.asarray(value)
        if given.shape != shape:
            raise ValueError(f"a screen of shape {given.shape} where its space says {shape}")
        screen = np.moveaxis(given, 0, -1) if planes_first else given
        return scaled(screen.astype(np.uint8), 0 if whole else settings.size, settings.grey and not whole)

    example = read(np.zeros(shape, space.dtype)).shape
    high = 1.0 if whole else 255.0
    return Seen(Observation(FRAMES, (example[0] * stack, *example[1:]), 0.0, high, stack), read)


def actions(name: str, space: spaces.Space[Any]) -> Actions:
    """What can be done. Raises UsageError for spaces in which nothing can be learnt to be done."""
    known = "An agent can choose one of several (Discrete) or give numbers within limits (Box)"
    if isinstance(space, spaces.Discrete):
        if space.n < 1:
            raise UsageError(f"in {name} there are zero actions", fix=known)
        return Actions(DISCRETE, int(space.n))
    if not isinstance(space, spaces.Box) or space.dtype.kind != "f":
        raise UsageError(f"what is done in {name} is a {type(space).__name__}, which cannot be learnt", fix=known)
    if not space.low.size:
        raise UsageError(f"in {name} there are zero actions", fix=known)
    if not (np.isfinite(space.low).all() and np.isfinite(space.high).all()):
        raise UsageError(f"the actions of {name} have no limits", fix="gymnasium.wrappers.RescaleAction sets them")
    low, high = space.low.ravel().tolist(), space.high.ravel().tolist()
    return Actions(CONTINUOUS, space.low.size, tuple(low), tuple(high))


def given(space: spaces.Space[Any], action: Any) -> Any:
    """An action as the environment takes it."""
    if isinstance(space, spaces.Discrete):
        return np.int64(action + space.start)
    return np.asarray(action, space.dtype).reshape(space.shape)
