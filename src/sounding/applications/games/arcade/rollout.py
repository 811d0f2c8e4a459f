"""Rollouts: so many steps of many copies of an environment, which go on where the rollout before ended.

Legend of shapes: T steps, N copies, D numbers of an observation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from sounding.applications.games.arcade.course import Log
from sounding.applications.games.arcade.learner import Learner
from sounding.applications.games.arcade.ppo import advantages
from sounding.architectures.actor_critic import Acting, Actor
from sounding.contract.player import Experience
from sounding.environments import Environments, Settings
from sounding.modalities.actions.decision import Decision

_TOTALS = ("total.seen", "total.gained")
"""Running totals (count, sum, sum of squares) of what is sensed and of the discounted sums of rewards."""


KNOWN = 10_000
"""Steps that the scales count for with which a training begins."""


@dataclass(frozen=True)
class Plan:
    """How a rollout is played and judged."""

    length: int
    gamma: float
    weight: float  # λ of the generalised advantages, and of Q(λ)
    reward_clip: float = 0.0  # rewards are cut to as much below and above 0; 0: as they are
    played: int = 0  # steps of the environment ahead of those that these rollouts count


class Rollouts:
    """Copies of an environment between rounds. They are made and restored when they are first needed."""

    def __init__(
        self, name: str, copies: int, settings: Settings, look: Callable[[Any], Tensor], target: Decision
    ) -> None:
        self.name, self.copies, self.settings, self.look, self.target = name, copies, settings, look, target
        self._live: Environments | None = None
        self._mark = -1  # of the round after which the live copies stand
        self._seen = np.zeros(0)

    def __getstate__(self) -> dict[str, object]:
        """Without the live copies, which another process restores."""
        return {**self.__dict__, "_live": None, "_mark": -1}

    def play(
        self, plan: Plan, learner: Learner, model: Actor, rng: np.random.Generator, before: Experience | None
    ) -> Experience:
        """A round of `plan.length` steps after the round `before`, or from the beginning of episodes."""
        state = before.state if before is not None and before.state else self._begun(model, rng)
        environments = self._at(state)
        told, seen, log = _Told(), self._seen, Log.restored(state, self.copies)
        gained, most = state["gained"].copy(), plan.reward_clip or np.inf
        sums = {name: state[name].copy() for name in _TOTALS}
        scale, look, played = float(model.scale), self.look, plan.played + int(sums["total.gained"][0, 0])
        for _ in range(plan.length):
            said = model(look(seen))
            actions = learner.explore(said, played, rng)
            step = environments.step(actions.numpy())
            played, over = played + self.copies, step.ended | step.life_lost
            log.stepped(step.rewards, step.ended)
            rewards = step.rewards.astype(np.float64).clip(-most, most)
            gained = gained * plan.gamma + rewards
            rewards, sofar = rewards / scale, gained.copy()
            gained[over] = 0
            if step.truncated.any():
                beyond = model(look(step.final_obs)).value.numpy()
                rewards = np.where(step.truncated, rewards + plan.gamma * beyond, rewards)
            told.add(said, actions, seen, rewards, over, sofar)
            seen = step.obs
        last = model(look(seen)).value.numpy()
        noted = told.noted(learner)
        _count(sums["total.gained"], noted.gained.reshape(-1, 1))
        if seen.ndim == 2:  # screens are in a range of their own
            _count(sums["total.seen"], noted.seen.reshape(-1, noted.seen.shape[-1]))
        self._seen, self._mark = seen, int(rng.integers(2**62))
        kept = {f"environments.{name}": array for name, array in environments.state().items()}
        after = {**kept, **log.state(), **sums, "gained": gained, "mark": np.array(self._mark)}
        return noted.experience(plan, self.target, last, scale, after)

    def _begun(self, model: Actor, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """The state before the first round, with the scales of a model that has learnt before."""
        environments = self._made()
        seen = environments.reset(rng.integers(0, 2**31 - 1, self.copies))
        self._seen, self._mark = seen, int(rng.integers(2**62))
        return {
            "mark": np.array(self._mark),
            "gained": np.zeros(self.copies),
            **_known(model),
        }

    def _at(self, state: Mapping[str, np.ndarray]) -> Environments:
        """The copies as they stood after the round of a state."""
        environments = self._made()
        if self._mark != int(state["mark"]):
            prefix = "environments."
            kept = {n.removeprefix(prefix): array for n, array in state.items() if n.startswith(prefix)}
            self._seen = environments.restore(kept)
        return environments

    def _made(self) -> Environments:
        if self._live is None:
            self._live = Environments(self.name, self.copies, self.settings, threads=torch.get_num_threads())
        return self._live


class _Noted(NamedTuple):
    """What was noted of the steps of a rollout: each [T, N, …]."""

    seen: np.ndarray
    actions: np.ndarray
    chances: np.ndarray
    values: np.ndarray
    rewards: np.ndarray
    over: np.ndarray  # where an episode ended, or a life: nothing that comes later is expected
    gained: np.ndarray  # the discounted sums of rewards in the episodes, or lives, so far

    def experience(
        self, plan: Plan, target: Decision, last: np.ndarray, scale: float, state: Mapping[str, np.ndarray]
    ) -> Experience:
        """The rows, copy by copy; each stretch of an episode, or of a life, is a game."""
        rewards, values, over = self.rewards, self.values, self.over
        gains = advantages(rewards, values.astype(np.float64), last.astype(np.float64), over, plan.gamma, plan.weight)
        targets = np.zeros(values.shape, target.dtype)
        targets["action"], targets["log_chance"], targets["before"] = self.actions, self.chances, values
        targets["expected"], targets["scale"] = (gains + values) * scale, scale
        targets["advantage"] = (gains - gains.mean()) / (gains.std() + 1e-8)
        begins = np.concatenate([np.zeros_like(over[:1]), over[:-1]]).cumsum(axis=0)
        games = begins + np.arange(over.shape[1]) * (len(over) + 1)
        flat = [array.swapaxes(0, 1).reshape(-1, *array.shape[2:]) for array in (self.seen, targets, games)]
        return Experience(flat[0], flat[1], flat[2], state)


class _Told:
    """The steps of a rollout as they are taken."""

    def __init__(self) -> None:
        self._said: list[Acting] = []
        self._actions: list[Tensor] = []
        self._steps: list[tuple[np.ndarray, ...]] = []

    def add(self, said: Acting, actions: Tensor, *what: np.ndarray) -> None:
        """One step: what the network said and was done; what was seen, rewards, over, sums of rewards; each [N, …]."""
        self._said.append(said)
        self._actions.append(actions)
        self._steps.append(what)

    def noted(self, learner: Learner) -> _Noted:
        """All steps. How likely the actions were is asked of all at once."""
        length, policy = len(self._said), torch.cat([said.policy for said in self._said])
        value, actions = torch.cat([said.value for said in self._said]), torch.cat(self._actions)
        chances = learner.log_chances(Acting(policy, self._said[0].spread, value), actions)
        done, likely, worth = (each.numpy().reshape(length, -1, *each.shape[1:]) for each in (actions, chances, value))
        seen, rewards, over, gained = (np.stack(each) for each in zip(*self._steps, strict=True))
        return _Noted(seen, done, likely, worth, rewards, over, gained)


def best(said: Acting) -> Tensor:
    """The likeliest actions."""
    return said.policy.argmax(dim=1) if said.spread is None else said.policy


def scales(experience: Experience) -> tuple[np.ndarray, np.ndarray, float]:
    """(mean [D] and deviation [D] of what was sensed in all rounds, deviation of the discounted sums of rewards).

    While nothing was gained the unit is 1: by the least deviation the first reward of all would be thousands.
    """
    count, total, squares = experience.state["total.seen"]
    mean = total / count
    deviation = np.sqrt(np.maximum(squares / count - mean**2, 0) + 1e-8)
    (number,), (gained,), (gained_squares,) = experience.state["total.gained"]
    spread = np.sqrt(max(0.0, gained_squares / number - (gained / number) ** 2))
    return mean, deviation, max(float(spread), 1e-4) if gained_squares else 1.0


def _known(model: Actor) -> dict[str, np.ndarray]:
    """The running totals of a model: as of `KNOWN` steps where it has learnt before, else of none.

    Else the scales of the first few steps would take the place of those by which its weights were learnt.
    """
    mean, deviation, scale = (getattr(model, name).double().numpy() for name in ("mean", "deviation", "scale"))
    new = scale == 1 and not mean.any() and (deviation == 1).all()
    count = 0 if new else KNOWN
    seen = np.stack([np.ones_like(mean), mean, mean**2 + deviation**2])
    gained = np.array([[1.0], [0.0], [scale**2]])
    return {"total.seen": count * seen, "total.gained": count * gained}


def _count(totals: np.ndarray, values: np.ndarray) -> None:
    """Add values [N, D] to totals [3, D]: count, sum, sum of squares."""
    values = values.astype(np.float64)
    totals += np.stack([np.full(values.shape[1], float(len(values))), values.sum(axis=0), (values**2).sum(axis=0)])
