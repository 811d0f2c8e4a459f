"""Who acts in an environment: what those who watch it, try it and record it need of it.

Legend of shapes: N observations, D numbers of a continuous action.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sounding.environments.chance import SEEDS
from sounding.environments.environments import Environments
from sounding.environments.settings import Disturbance, Settings
from sounding.environments.spec import Spec
from sounding.randomness import entropy


class Agent(ABC):
    """Acts in the environment of `spec`, as `settings` put it. A subclass has these two, and writes `act`."""

    spec: Spec
    settings: Settings
    scale: tuple[float, ...] = ()
    """The deviation of each number that is sensed, as it was learnt; nothing for screens."""
    reward_clip: float = 0.0
    """What it learnt rewards cut to, below and above 0; 0: as they are. Scores are of rewards as they are."""

    @abstractmethod
    def act(self, observations: np.ndarray, rng: np.random.Generator | None = None) -> np.ndarray:
        """What to do [N] or [N, D] on `observations` [N, …]; the likeliest where there is no `rng`."""

    def values(self, observations: np.ndarray) -> NDArray[np.float32] | None:
        """[N]: what the agent expects to get from here on; None where it expects nothing."""
        return None

    def environments(self, n: int, disturbance: Disturbance | None = None, rendering: bool = False) -> Environments:
        """N copies of its environment."""
        return Environments(self.spec.name, n, self.settings, disturbance, rendering=rendering)


LONGEST = 30_000
"""Steps after which an episode is cut off where its environment sets no limit: an agent may never end it."""


@dataclass(frozen=True)
class Episode:
    """An episode that was played: the sum of its rewards, its steps, its seed, and whether it was cut off.

    `expected` and `came` are means over its steps, where they were asked for: of the return that the agent expected,
    and of the discounted sum of the rewards that came, cut as it learnt them, up to the end or a lost life.
    """

    score: float
    steps: int
    seed: int
    truncated: bool
    expected: float = math.nan
    came: float = math.nan


def episodes(
    agent: Agent,
    count: int,
    seed: int = 0,
    n: int = 8,
    disturbance: Disturbance | None = None,
    rng: np.random.Generator | None = None,
    longest: int = LONGEST,
    valued: float | None = None,
) -> list[Episode]:
    """`count` episodes, those of `seed`, `n` at a time. Each begins with a seed of its own, whatever `n` is.

    As many of each copy are counted, so that short ones are no likelier to be among them than long ones. What goes on
    after `longest` steps is counted as it stands. Returns are told where they are `valued`: discounted by it.
    """
    played: list[Episode] = []
    for first in range(0, count, n):
        seeds = [entropy("episode", seed, k) % SEEDS for k in range(first, min(count, first + n))]
        played += _at_once(agent, seeds, disturbance, rng, longest, valued)
    return played


def _at_once(
    agent: Agent,
    seeds: Sequence[int],
    disturbance: Disturbance | None,
    rng: np.random.Generator | None,
    longest: int,
    valued: float | None,
) -> list[Episode]:
    """One episode of each seed."""
    found: dict[int, Episode] = {}
    with agent.environments(len(seeds), disturbance) as environments:
        seen = environments.reset(seeds)
        scores = np.zeros(len(seeds))
        returns = _Returns(agent, valued)
        for steps in range(1, longest + 1):
            step = environments.step(agent.act(seen, rng))
            returns.add(seen, step.rewards, step.life_lost)
            scores += step.rewards
            ended = step.ended | (steps == longest)
            for copy in np.flatnonzero(ended).tolist():
                if copy not in found:
                    cut = not step.terminated[copy]
                    means = returns.means(copy, step.final_obs[copy] if cut else None)
                    found[copy] = Episode(float(scores[copy]), steps, seeds[copy], cut, *means)
            if len(found) == len(seeds):
                break
            seen = step.obs
    return [found[copy] for copy in range(len(seeds))]


class _Returns:
    """What an agent expects at each step of the copies, and what comes."""

    def __init__(self, agent: Agent, gamma: float | None) -> None:
        self._agent, self._gamma = agent, gamma
        self._expected: list[NDArray[np.float32]] = []
        self._rewards: list[NDArray[np.float32]] = []
        self._lost: list[NDArray[np.bool_]] = []

    def add(self, seen: np.ndarray, rewards: NDArray[np.float32], lost: NDArray[np.bool_]) -> None:
        """A step: what was seen before it, what it gave, and where it cost a life, which ends what is expected."""
        if self._gamma is None:
            return
        values = self._agent.values(seen)
        if values is None:
            self._gamma = None
            return
        self._expected.append(values)
        most = self._agent.reward_clip or np.inf
        self._rewards.append(rewards.clip(-most, most))
        self._lost.append(lost)

    def means(self, copy: int, cut: np.ndarray | None) -> tuple[float, float]:
        """(expected, came) of the episode of a copy, which ended with this step; `cut` is what was seen where it was
        cut off, of which the agent says what would have come.
        """
        if self._gamma is None:
            return math.nan, math.nan
        ahead, total = 0.0, 0.0
        beyond = None if cut is None else self._agent.values(cut[None])
        if beyond is not None:
            ahead = float(beyond[0])
        for rewards, lost in zip(reversed(self._rewards), reversed(self._lost), strict=True):
            ahead = float(rewards[copy]) + (0.0 if lost[copy] else self._gamma * ahead)
            total += ahead
        expected = sum(float(values[copy]) for values in self._expected)
        return expected / len(self._rewards), total / len(self._rewards)
