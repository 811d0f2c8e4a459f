"""Agents in environments: what to do, learnt by playing (PPO)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor, nn

from sounding.applications.games.arcade import ppo
from sounding.applications.games.arcade.acting import Acts
from sounding.applications.games.arcade.rollout import Plan, Rollouts, best, scales
from sounding.applications.games.arcade.trials import AS_LEARNT, CONDITIONS, disturbance, scores, trials
from sounding.architectures.actor_critic import Acting, ActorCritic
from sounding.contract.metrics import POSITIVE, Metric, mean
from sounding.contract.player import Experience, Player, PlayRecipe
from sounding.contract.records import Example, Prediction, Record
from sounding.environments import Environments, Spec
from sounding.environments.spec import FRAMES
from sounding.errors import UsageError
from sounding.modalities.actions.decision import Decision, EncodedDecisions
from sounding.modalities.frames.frames import Frames
from sounding.modalities.observations import sensed
from sounding.modalities.vectors.vector import Vector
from sounding.randomness import stream

CONTINUOUS: Mapping[str, Any] = {
    "copies": 4, "length": 512, "batch": 128, "passes": 10, "gamma": 0.9, "trust": 0.95, "least_steps": 24_000,
}  # fmt: skip
"""What continuous actions take: longer rollouts and more passes."""
SCREENS: Mapping[str, Any] = {
    "copies": 8, "length": 128, "batch": 256, "passes": 4, "gamma": 0.99, "trust": 0.95, "width": 128,
    "lr": 5e-4, "entropy_weight": 0.01, "least_steps": 16_000,
}  # fmt: skip
"""What screens take (Huang et al. 2022): longer rollouts, fewer passes, and a reward for staying undecided."""


@dataclass(frozen=True)
class ArcadeRecipe(PlayRecipe):
    """The numbers of a training by playing an environment (PPO). `round_steps` follows from the others."""

    played: ClassVar = "environment"
    shaping: ClassVar = ("width",)
    sizes: ClassVar = {
        "tiny": {"width": 32, "copies": 4, "length": 16, "batch": 64, "passes": 4, "match_games": 4},
        "small": {},
        "base": {"width": 256},
    }

    environment: str = "CartPole-v1"
    optimizer: str = "adamw"
    lr: float = 1e-3
    weight_decay: float = 0.0
    warmup: float = 0.0
    decay: str = "linear"
    clip: float = 0.5
    average: float = 0.0  # the policy that plays is the one that learns
    least_steps: int = 8_000
    held_out: float = 0.05
    batch: int = 256
    passes: int = 20
    copies: int = 8  # of the environment, stepped together
    length: int = 32  # steps of each copy in a round
    width: int = 64
    gamma: float = 0.98  # how much a reward counts a step later
    trust: float = 0.9  # λ of the generalised advantages: how far what happened counts beyond what was expected
    policy_clip: float = 0.2  # how far the chance of an action may move in a round
    value_clip: float = 0.0  # how far a value may; 0: as far as it will
    value_weight: float = 0.5
    entropy_weight: float = 0.0
    match_games: int = 20  # episodes of a trial; half as many in each harder condition

    def __post_init__(self) -> None:
        """Raises UsageError for numbers with which nothing can be played."""
        for name in ("passes", "copies", "length", "match_games"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name}={getattr(self, name)} leaves nothing to play", fix=f"Give {name} 1 or more")
        for name in ("gamma", "trust"):
            if not 0 <= getattr(self, name) <= 1:
                raise UsageError(f"{name}={getattr(self, name):g} is out of range", fix=f"Give {name} 0 to 1")
        rows = self.copies * self.length
        object.__setattr__(self, "round_steps", max(1, self.passes * rows // max(1, self.batch)))
        super().__post_init__()

    @classmethod
    def make(cls, size: str = "small", settings: Mapping[str, Any] | None = None) -> Self:
        """As every recipe is made; continuous actions and screens have defaults of their own."""
        asked = dict(settings or {})
        spec = spec_of(str(asked.get("environment", cls.environment)))
        if size == "tiny":
            return super().make(size, asked)
        defaults = SCREENS if spec.observation.kind == FRAMES else {} if spec.actions.discrete else CONTINUOUS
        return super().make(size, {**defaults, **asked})


@cache
def spec_of(name: str) -> Spec:
    """What an environment shows and takes. Raises UsageError where it is unknown."""
    with Environments(name, 1) as environments:
        return environments.spec


class Arcade(Player):
    """Agents in environments: what to do, learnt by playing (gymnasium)."""

    Recipe = ArcadeRecipe
    recipe: ArcadeRecipe
    input: Vector | Frames
    target: Decision
    caution = "What an agent does outside the environment that it learnt in is not known."

    def __init__(self, *words: Any) -> None:
        super().__init__(*words)
        self._rollouts = Rollouts(self.recipe.environment, self.recipe.copies, self.input.encode, self.target)

    @property
    def spec(self) -> Spec:
        """The environment."""
        return spec_of(self.recipe.environment)

    def modalities(self) -> tuple[Vector | Frames, Decision]:
        """What is sensed; what is done and expected."""
        return sensed(self.spec.observation), Decision(self.spec.actions)

    @property
    def metrics(self) -> Sequence[Metric]:
        """The score of whole episodes, as learnt and in harder conditions."""
        return scores()

    @property
    def row_metrics(self) -> Sequence[Metric]:
        """How single decisions are judged."""
        return (_agreement() if self.spec.actions.discrete else _distance(), _value_error())

    # ---- learning

    def build(self) -> nn.Module:
        """A policy and a value."""
        actions = self.spec.actions
        return ActorCritic(self.spec.observation.shape, actions.n, self.recipe.width, actions.discrete)

    def loss(self, model: nn.Module, x: Tensor, y: EncodedDecisions) -> Tensor:
        """The clipped objective of PPO with the error of the value, and in training less entropy: [B]."""
        r, said = self.recipe, model(x)
        total = ppo.policy_loss(ppo.log_chances(said, y.action), y, r.policy_clip)
        total = total + r.value_weight * ppo.value_loss(said.value.float(), y, r.value_clip)
        return total - r.entropy_weight * ppo.entropy(said) if model.training else total

    def log_likelihood(self, model: nn.Module, x: Tensor, y: EncodedDecisions) -> Tensor:
        """The log-probability [B] of each action."""
        return ppo.log_chances(model(x), y.action)

    def play(self, model: nn.Module, rng: np.random.Generator) -> Experience:
        """A round from the beginning of episodes."""
        return self.follow(model, rng, None)

    def follow(self, model: nn.Module, rng: np.random.Generator, before: Experience | None) -> Experience:
        """A round that goes on where the one before ended."""
        plan = Plan(self.recipe.length, self.recipe.gamma, self.recipe.trust)
        return self._rollouts.play(plan, _of(model), rng, before)

    @torch.no_grad()
    def absorb(self, model: nn.Module, experience: Experience) -> None:
        """Set the scales of what is sensed and of rewards to those of all that was played."""
        agent = _of(model)
        mean_seen, deviation, scale = scales(experience)
        if len(mean_seen):
            agent.mean.copy_(torch.from_numpy(mean_seen))
            agent.deviation.copy_(torch.from_numpy(deviation))
        agent.scale.fill_(scale)

    # ---- answering

    def matches(self, model: nn.Module, rng: np.random.Generator) -> list[Record]:
        """Episodes as learnt, then in each harder condition."""
        games, agent = self.recipe.match_games, self.agent(model)
        found = []
        for condition in (AS_LEARNT, *CONDITIONS):
            count = games if condition == AS_LEARNT else max(1, games // 2)
            put_between = disturbance(condition, _of(model))
            found += trials(agent, count, condition, put_between, int(rng.integers(2**31)))
        return found

    def agent(self, model: nn.Module) -> Acts:
        """The network in its environment."""
        return Acts(_of(model), self.spec, self.input.encode)

    @torch.inference_mode()
    def predict(self, model: nn.Module, inputs: Sequence[np.ndarray]) -> list[Prediction]:
        """The likeliest action of each observation, and the return that is expected."""
        if not len(inputs):
            return []
        said: Acting = model(self.encoded(model, inputs))
        scale = float(_of(model).scale)
        values = self.target.taught(best(said).cpu().numpy(), (said.value.float() * scale).cpu().numpy(), scale)
        if said.spread is not None:
            return [Prediction(value) for value in values]
        chances = said.policy.float().softmax(dim=1).cpu().numpy()
        return [Prediction(value, float(row.max()), row) for value, row in zip(values, chances, strict=True)]

    def agree(self, answer: np.void, other: np.void) -> bool:
        """Whether the action is the same."""
        return bool(np.allclose(answer["action"], other["action"], atol=0.01))

    def demo(self, rng: np.random.Generator, n: int) -> list[Example]:
        """Observations drawn at random and a teacher who goes by a fixed weighing of their numbers."""
        actions, shown, weights = self.spec.actions, self.spec.observation, stream("demo teacher")
        seen = rng.standard_normal((n, *shown.shape)).astype(np.float32)
        if shown.kind == FRAMES:
            seen = (seen > 0).astype(shown.dtype) * np.asarray(shown.high, shown.dtype)
        flat = seen.reshape(n, -1).astype(np.float64)
        leanings = flat @ weights.standard_normal((flat.shape[1], actions.n))
        done = leanings.argmax(axis=1) if actions.discrete else np.tanh(leanings)
        worth = np.tanh(flat @ weights.standard_normal(flat.shape[1]))
        targets = self.target.taught(done, worth)
        return [Example(x, y, f"game {i // 4}") for i, (x, y) in enumerate(zip(seen, targets, strict=True))]


def _of(model: nn.Module) -> ActorCritic:
    assert isinstance(model, ActorCritic)
    return model


def _agreement() -> Metric:
    said = "share of observations whose likeliest action is the one that was done, drawn as the policy then said"
    return Metric("action agreement", _same, mean, said, proportion=True, hit=_decided)


def _distance() -> Metric:
    said = "root of the mean squared distance of the action from the one that was done"
    return Metric("action distance", _off, mean, said, higher_is_better=False, bounds=POSITIVE)


def _value_error() -> Metric:
    said = "mean absolute distance of the expected return from the one estimated from what followed"
    return Metric("value error", _value_off, mean, said, higher_is_better=False, bounds=POSITIVE)


def _same(record: Record) -> float:
    return float(record.value["action"] == record.truth["action"])


def _decided(record: Record) -> list[tuple[float, bool]]:
    return [] if record.confidence is None else [(record.confidence, bool(_same(record)))]


def _off(record: Record) -> float:
    return float(np.sqrt(np.mean((record.value["action"] - record.truth["action"]) ** 2)))


def _value_off(record: Record) -> float:
    return abs(float(record.value["expected"]) - float(record.truth["expected"]))
