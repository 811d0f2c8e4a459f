"""Proximal policy optimisation: what is learnt of a rollout (Schulman et al., arXiv 1707.06347).

Legend of shapes: T steps, N copies, B batch, A actions or numbers of an action.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from sounding.applications.games.arcade.learner import Learner
from sounding.architectures.actor_critic import Acting, Actor, ActorCritic
from sounding.environments import Spec
from sounding.modalities.actions.decision import EncodedDecisions

MOST = 20.0
"""The log of how much likelier an action may have become: beyond it there would be no number for the ratio."""


class PPO(Learner):
    """Learns how likely each action should be, a round of play at a time."""

    title = "PPO"

    def build(self, spec: Spec) -> Actor:
        """A policy and a value."""
        actions, r = spec.actions, self.recipe
        return ActorCritic(spec.observation.shape, actions.n, r.width, actions.discrete, r.model)

    def explore(self, said: Acting, played: int, rng: np.random.Generator) -> Tensor:
        """As likely as the policy says."""
        return drawn(said, rng)

    def loss(self, model: nn.Module, x: Tensor, y: EncodedDecisions) -> Tensor:
        """The clipped objective with the error of the value, and in training less entropy: [B]."""
        r, said = self.recipe, model(x)
        total = policy_loss(log_chances(said, y.action), y, r.policy_clip)
        total = total.add(value_loss(said.value.float(), y, r.value_clip), alpha=r.value_weight)
        return total.sub(entropy(said), alpha=r.entropy_weight) if model.training and r.entropy_weight else total

    def log_chances(self, said: Acting, action: Tensor) -> Tensor:
        """The log-probability, or density, of each action: [B]."""
        return log_chances(said, action)


def drawn(said: Acting, rng: np.random.Generator) -> Tensor:
    """Actions [N] or [N, A] as likely as the policy says."""
    shape = tuple(said.policy.shape)
    if said.spread is None:
        return (said.policy + torch.from_numpy(rng.gumbel(size=shape).astype(np.float32))).argmax(dim=1)
    return said.policy + said.spread.exp() * torch.from_numpy(rng.standard_normal(shape).astype(np.float32))


def advantages(
    rewards: np.ndarray, values: np.ndarray, last: np.ndarray, ended: np.ndarray, gamma: float, weight: float
) -> np.ndarray:
    """Generalised advantage estimates [T, N] (Schulman et al., arXiv 1506.02438), `weight` being its λ.

    `values` [T, N] are of what was seen before each step, `last` [N] of what is seen after all. `ended` [T, N] are
    steps after which another episode began; where one was cut off, its reward holds the value of what it was cut from.
    """
    found = np.zeros_like(values)
    following, ahead = last, np.zeros_like(last)
    for t in reversed(range(len(rewards))):
        going = 1.0 - ended[t]
        surprise = rewards[t] + gamma * going * following - values[t]
        ahead = surprise + gamma * weight * going * ahead
        found[t], following = ahead, values[t]
    return found


def log_chances(said: Acting, action: Tensor) -> Tensor:
    """The log-probability [B] of each action, or the log-density of a Gaussian."""
    if said.spread is None:
        return -functional.cross_entropy(said.policy.float(), action, reduction="none")
    off = (action - said.policy.float()) / said.spread.exp()
    return (-0.5 * off.square() - said.spread - 0.5 * math.log(2 * math.pi)).sum(dim=1)


def entropy(said: Acting) -> Tensor:
    """The entropy [B] of what is done, in nats."""
    if said.spread is None:
        chances = said.policy.float().log_softmax(dim=1)
        return -(chances.exp() * chances).sum(dim=1)
    return (said.spread + 0.5 * math.log(2 * math.pi * math.e)).sum().expand(len(said.policy))


def policy_loss(now: Tensor, y: EncodedDecisions, clip: float) -> Tensor:
    """The clipped objective [B], negated; of what a teacher did minus its log-probability.

    The lesser of ratio · advantage and cut-off ratio · advantage is the ratio, cut off above where the advantage is
    positive and below where it is not, times the advantage: one product, and limits that need no gradient.
    """
    gain = y.advantage > 0
    least = torch.where(gain, -math.inf, math.log1p(-clip) if clip < 1 else -math.inf)
    most = torch.where(gain, math.log1p(clip), MOST)
    ratio = (now - y.log_chance).clamp(least, most).exp()
    lost = ratio * -y.advantage
    return (-now).where(y.taught, lost) if y.taught.any() else lost


def value_loss(value: Tensor, y: EncodedDecisions, clip: float) -> Tensor:
    """Half the squared error [B]; with a `clip` above 0 the larger of it and that of a value that moved so far only."""
    loss = functional.mse_loss(value, y.expected, reduction="none")
    if clip:
        near = y.before + (value - y.before).clamp(-clip, clip)
        loss = loss.maximum((near - y.expected).square()).where(~y.taught, loss)
    return 0.5 * loss
