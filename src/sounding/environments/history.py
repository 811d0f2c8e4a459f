"""The actions of the episodes that run, so that they can be played again.

Legend of shapes: N copies, D numbers of a continuous action, T steps.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sounding.environments.spec import Actions


class History:
    """What was asked in each step since the oldest episode that runs began, and what was done last."""

    def __init__(self, n: int, actions: Actions) -> None:
        self._actions = actions
        self._shape: tuple[int, ...] = (n,) if actions.discrete else (n, actions.n)
        self._dtype: Any = np.int64 if actions.discrete else np.float32
        self._asked: list[np.ndarray] = []
        self._begun = np.zeros(n, np.int64)
        self._done = np.zeros(self._shape, self._dtype)

    def checked(self, actions: Any) -> np.ndarray:
        """Actions as they are stepped. Raises ValueError for what is none."""
        given = np.asarray(actions)
        if given.shape != self._shape:
            raise ValueError(f"actions of shape {self._shape} are needed, not {given.shape}")
        if not self._actions.discrete:
            return np.clip(given, self._actions.low, self._actions.high).astype(np.float32)
        if given.dtype.kind not in "iu" or (given < 0).any() or (given >= self._actions.n).any():
            raise ValueError(f"actions are whole numbers from 0 to {self._actions.n - 1}, not {given}")
        return given.astype(np.int64)

    def clear(self) -> None:
        """Forget all."""
        self._asked.clear()
        self._begun[:] = 0
        self._done[:] = 0

    def begin(self, which: NDArray[np.int64]) -> None:
        """Episodes begin in the copies `which`: what was done before is none of theirs."""
        self._begun[which] = len(self._asked)
        self._done[which] = 0
        oldest = int(self._begun.min())
        if oldest > 1024 and oldest * 2 > len(self._asked):  # seldom, so that a step costs next to nothing
            del self._asked[:oldest]
            self._begun -= oldest

    def repeated(self, asked: np.ndarray, sticking: NDArray[np.bool_], active: NDArray[np.bool_]) -> np.ndarray:
        """What is done: what was asked, or where it sticks what was done before."""
        mask = sticking & active
        return np.where(mask.reshape(-1, *[1] * (asked.ndim - 1)), self._done, asked) if mask.any() else asked

    def add(self, asked: np.ndarray, done: np.ndarray) -> None:
        """A step was taken."""
        self._asked.append(asked)
        self._done = done.copy()

    def actions(self) -> tuple[NDArray[np.int64], np.ndarray]:
        """(lengths [N] of the running episodes, what was asked in them, one after the other)."""
        lengths = len(self._asked) - self._begun
        told = [np.zeros((0, *self._shape[1:]), self._dtype)]
        for copy in np.flatnonzero(lengths):
            told.append(np.stack([asked[copy] for asked in self._asked[self._begun[copy] :]]))
        return lengths, np.concatenate(told)
