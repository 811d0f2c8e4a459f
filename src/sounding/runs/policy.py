"""A run as a policy: what Stable-Baselines3's users call `predict`."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import nn

from sounding.contract.player import Player
from sounding.contract.task import Task
from sounding.environments.agent import Agent
from sounding.errors import UsageError


def agent_of(task: Task, module: nn.Module) -> Agent:
    """What acts in an environment with this network. Raises UsageError for a task that acts in none."""
    if not isinstance(task, Player):
        raise UsageError(f"{type(task).__name__} acts in no environment", fix="Name a run that does")
    return task.agent(module)


def acts(task: Task) -> bool:
    """Whether a task acts in an environment."""
    return isinstance(task, Player) and type(task).agent is not Player.agent


def actions(agent: Agent, observation: Any, rng: np.random.Generator | None = None) -> np.ndarray:
    """What to do on one observation, or [N] on a batch of them. Raises UsageError for another shape."""
    seen = np.asarray(observation)
    shape = agent.spec.observation.shape
    if seen.shape[-len(shape) :] != shape or seen.ndim > len(shape) + 1:
        what = f"an observation of shape {seen.shape} is none of {agent.spec.name}"
        raise UsageError(what, fix=f"Give one of shape {shape}, or a batch of these")
    if not np.isfinite(seen).all():
        raise UsageError("an observation is not finite", fix="Look at what the environment gives")
    single = seen.ndim == len(shape)
    batch = (seen[None] if single else seen).astype(agent.spec.observation.dtype, copy=False)
    found = agent.act(batch, rng)
    return found[0] if single else found
