"""What each kind of environment gives: N copies that are begun and stepped, and nothing around them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sounding.environments.spec import Spec


class CopyFailedError(Exception):
    """What a copy raised, or what is wrong with what it gave."""

    def __init__(self, copy: int, what: str) -> None:
        super().__init__(what)
        self.copy, self.what = copy, what


@dataclass(frozen=True)
class Moved:
    """What a step led to: observations [N, …], rewards, ends and lives [N]. Copies that were not stepped are void."""

    observations: np.ndarray
    rewards: NDArray[np.float64]
    terminated: NDArray[np.bool_]
    truncated: NDArray[np.bool_]
    lives: NDArray[np.int64]


class Copies(ABC):
    """N copies of an environment. An episode is a function of its seed and its actions."""

    spec: Spec
    sticky: float = 0.0
    """With what probability an action is to be repeated by the caller."""
    noop_max: int = 0
    """An episode has to be begun by fewer than so many actions that do nothing."""

    @abstractmethod
    def begin(self, which: NDArray[np.int64], seeds: NDArray[np.int64]) -> tuple[np.ndarray, NDArray[np.int64]]:
        """Begin an episode in the copies `which` [K], and give their observations [K, …] and lives [K].

        Raises CopyFailedError.
        """

    @abstractmethod
    def step(self, actions: np.ndarray, active: NDArray[np.bool_]) -> Moved:
        """Step the copies that are `active` [N], none of which has ended. Raises CopyFailedError."""

    @abstractmethod
    def render(self, copy: int) -> NDArray[np.uint8]:
        """What a person would see: [H, W, 3]. Raises UsageError where there is nothing to see."""

    def close(self) -> None:
        """Free what is held."""
        return None
