"""How a training went in its environment: the steps that were played, and the score of each episode that ended.

The log is part of the state of a round, so that it comes back with it. The course is what is kept of it for good: the
interquartile mean of the episodes of each stretch of steps, with its bootstrap interval (Agarwal et al. 2021, arXiv
2108.13264).

Legend of shapes: N copies, E episodes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sounding.evaluation.interquartile import stratified

RECENT = 20
"""Episodes of which the progress line says the mean."""
MOST = 2_000
"""Episodes that are remembered; of more, every second one."""
STRETCHES = 20
"""Parts of a training that the course tells of."""
PREFIX = "log."


class Log:
    """What N copies have played so far."""

    def __init__(self, n: int) -> None:
        self.steps = 0
        self._running = np.zeros(n)
        self._ended = np.zeros((0, 2))  # [E, 2]: the steps played by then, the score
        self._every = 1  # of so many episodes one is remembered …
        self._passed = 0  # … and so many have ended

    @classmethod
    def restored(cls, state: Mapping[str, np.ndarray], n: int) -> Self:
        """The log of a `state`, which may be that of something else: then it begins."""
        found = cls(n)
        if f"{PREFIX}running" in state:
            found._running, found._ended = (state[f"{PREFIX}{name}"].copy() for name in ("running", "ended"))
            found.steps, found._every, found._passed = state[f"{PREFIX}counts"].tolist()
        return found

    def state(self) -> dict[str, np.ndarray]:
        """All that `restored` needs."""
        counts = np.array([self.steps, self._every, self._passed], np.int64)
        return {f"{PREFIX}running": self._running, f"{PREFIX}ended": self._ended, f"{PREFIX}counts": counts}

    def stepped(self, rewards: NDArray[Any], ended: NDArray[np.bool_]) -> None:
        """A step of all copies: rewards [N] as the environment gave them, and where an episode ended."""
        self.steps += len(rewards)
        self._running = self._running + rewards
        for copy in np.flatnonzero(ended).tolist():
            self._passed += 1
            if self._passed % self._every == 0:
                self._ended = np.concatenate([self._ended, [[self.steps, self._running[copy]]]])
            self._running[copy] = 0.0
        if len(self._ended) > MOST:
            self._ended, self._every = self._ended[1::2], self._every * 2

    @property
    def ended(self) -> NDArray[np.float64]:
        """[E, 2]: of each episode that is remembered the steps that were played when it ended, and its score."""
        return self._ended

    def told(self, seconds: float) -> list[str]:
        """How it goes, in words."""
        last = self._ended[-RECENT:, 1]
        said = [f"score {last.mean():.4g} in the last {len(last)} episodes"] if len(last) > 1 else []
        return [*said, f"{self.steps / seconds:,.0f} steps/s"] if seconds > 0 else said


@dataclass(frozen=True)
class Point:
    """The episodes that ended in a stretch of `steps`, up to these: the interquartile mean of their scores."""

    steps: int
    score: float
    low: float | None
    high: float | None
    episodes: int


@dataclass(frozen=True)
class Course:
    """What is kept of a log: the steps of the environment in all, and how the scores rose."""

    steps: int
    points: tuple[Point, ...]

    @classmethod
    def of(cls, log: Log) -> Self:
        """The stretches in which an episode ended."""
        cuts = np.linspace(0, max(1, log.steps), STRETCHES + 1)
        found = []
        for begin, end in pairwise(cuts):
            scores = log.ended[(log.ended[:, 0] > begin) & (log.ended[:, 0] <= end), 1]
            if len(scores):
                mean = stratified(scores[:, None], draws=500)
                found.append(Point(round(end), mean.value, mean.low, mean.high, len(scores)))
        return cls(log.steps, tuple(found))

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """The course that gave `values` (`dataclasses.asdict`)."""
        return cls(int(values["steps"]), tuple(Point(**point) for point in values["points"]))
