"""Agents in environments: what to do, learnt by playing (PPO, PQN, Rainbow)."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from sounding.applications.games.arcade import recipe as choices
from sounding.applications.games.arcade.acting import Acts
from sounding.applications.games.arcade.answering import LikeliestAction
from sounding.applications.games.arcade.charting import Charted
from sounding.applications.games.arcade.cloning import RECORDINGS
from sounding.applications.games.arcade.foretelling import foretold
from sounding.applications.games.arcade.imitating import Imitator
from sounding.applications.games.arcade.kinds import seen_in
from sounding.applications.games.arcade.learner import Learner
from sounding.applications.games.arcade.ppo import PPO
from sounding.applications.games.arcade.pqn import PQN
from sounding.applications.games.arcade.rainbow import Rainbow
from sounding.applications.games.arcade.recipe import ArcadeRecipe, spec_of
from sounding.applications.games.arcade.replay_feed import ReplayFeed
from sounding.applications.games.arcade.rollout import Plan, Rollouts, scales
from sounding.applications.games.arcade.trials import all_trials, as_learnt, conditions, scores
from sounding.architectures.actor_critic import Acting, Actor
from sounding.contract.metrics import POSITIVE, Metric, mean
from sounding.contract.player import Experience
from sounding.contract.records import Example, Prediction, Record
from sounding.contract.tree import arrays
from sounding.environments import Spec
from sounding.environments.spec import FRAMES
from sounding.modalities.actions.decision import Decision, EncodedDecisions
from sounding.modalities.frames.frames import Frames
from sounding.modalities.observations import sensed
from sounding.modalities.vectors.vector import Vector
from sounding.randomness import stream
from sounding.training.shards import Shards

LEARNERS: Mapping[str, type[Learner]] = {choices.PPO: PPO, choices.PQN: PQN, choices.RAINBOW: Rainbow}

LOOKED_AT = 2_000
"""Steps of an episode that validates, at most."""
SHOWN_STEPS = 64
"""Steps of a rollout that nothing is learnt from, for what a card looks at."""


class PolicyAndValue(NamedTuple):
    """What a network says of B observations, without how freely it draws: logits [B, A] or means [B, D], values [B]."""

    policy: Tensor
    value: Tensor


class Arcade(Imitator, Charted):
    """Agents in environments: what to do, learnt by playing (gymnasium)."""

    Recipe = ArcadeRecipe
    recipe: ArcadeRecipe
    input: Vector | Frames
    target: Decision
    pipeline = "reinforcement-learning"
    layouts = (RECORDINGS,)
    caution = "What an agent does outside the environment that it learnt in is not known."

    def __init__(self, recipe: ArcadeRecipe | None = None, options: Any = None) -> None:
        super().__init__(recipe or ArcadeRecipe.make(), options)
        r = self.recipe
        self.learner = LEARNERS[r.learner](r)
        self._rollouts = Rollouts(r.environment, r.copies, r.put_around, self.input.encode, self.target)

    @property
    def spec(self) -> Spec:
        """The environment."""
        return spec_of(self.recipe.environment, self.recipe.put_around)

    @property
    def method(self) -> str:
        """What learns, and from what: in words, for the person who waits."""
        r = self.recipe
        actions = f"{self.spec.actions.n} {'' if self.spec.actions.discrete else 'continuous '}actions"
        others = [word for word in choices.fitting(self.spec) if word != r.learner]
        fit = f" (what fits as well: learner={' or '.join(others)})" if others else ""
        learns = f"{self.learner.title} learns from {seen_in(self.spec)} with {actions}"
        return f"{learns}, by the network model={r.model}{fit}"

    @property
    def gamma(self) -> float:
        """How much a reward counts a step later."""
        return self.recipe.gamma

    def modalities(self) -> tuple[Vector | Frames, Decision]:
        """What is sensed; what is done and expected."""
        return sensed(self.spec.observation), Decision(self.spec.actions)

    @property
    def metrics(self) -> Sequence[Metric]:
        """The score of whole episodes, as learnt and in harder conditions; of recordings, those of single steps."""
        return scores(self.spec) if self.plays else self.row_metrics

    @property
    def row_metrics(self) -> Sequence[Metric]:
        """How single decisions are judged."""
        return (_agreement() if self.spec.actions.discrete else _distance(), _value_error())

    # ---- learning

    def build(self) -> nn.Module:
        """The learner's network."""
        return self.taught(self.learner.build(self.spec))

    def loss(self, model: nn.Module, x: Tensor, y: EncodedDecisions) -> Tensor:
        """What the learner learns of each decision: [B]."""
        return self.learner.loss(model, x, y)

    def log_likelihood(self, model: nn.Module, x: Tensor, y: EncodedDecisions) -> Tensor:
        """How likely each action is, as a logarithm: [B]."""
        return self.learner.log_chances(model(x), y.action)

    @property
    def estimates(self) -> Mapping[str, Callable[[nn.Module, Any], Tensor]]:
        """The return that is expected."""
        return {"expected return": _expected}

    def play(self, model: nn.Module, rng: np.random.Generator) -> Experience:
        """A round from the beginning of episodes."""
        return self.follow(model, rng, None)

    def follow(self, model: nn.Module, rng: np.random.Generator, before: Experience | None) -> Experience:
        """A round that goes on where the one before ended."""
        r = self.recipe
        plan = Plan(r.length, r.gamma, r.trust, r.reward_clip)
        return self._rollouts.play(plan, self.learner, _of(model), rng, before)

    def feed(self, shards: Shards, seed: int) -> ReplayFeed | None:
        """Of Rainbow the feed from its memory."""
        return ReplayFeed(self, shards, seed) if self.recipe.learner == choices.RAINBOW else None

    def shown(self, model: nn.Module, rng: np.random.Generator, played: int) -> Experience:
        """A rollout that nothing is learnt from, by an agent that has played so many steps."""
        r = self.recipe
        plan = Plan(SHOWN_STEPS, r.gamma, r.trust, r.reward_clip, played)
        return self._rollouts.play(plan, self.learner, _of(model), rng, None)

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
        seeds = [int(rng.integers(2**31)) for _ in ("as learnt", *conditions(self.spec))]
        return all_trials(self.agent(model), _of(model), self.recipe.match_games, seeds, self.recipe.gamma)

    def validate(self, model: nn.Module, examples: Sequence[Example]) -> list[Record]:
        """Episodes as learnt, which are not those of the trials; of recordings the held-out steps."""
        if not self.plays:
            return self.evaluate(model, examples)
        seed = int(stream("validation").integers(2**31))
        return as_learnt(self.agent(model), self.recipe.match_games, seed, longest=LOOKED_AT)

    def agent(self, model: nn.Module) -> Acts:
        """The network in its environment."""
        return Acts(_of(model), self.spec, self.recipe.put_around, self.input.encode, self.recipe.reward_clip)

    @torch.inference_mode()
    def predict(self, model: nn.Module, inputs: Sequence[np.ndarray]) -> list[Prediction]:
        """The likeliest action of each observation, and the return that is expected."""
        if not len(inputs):
            return []
        outputs = arrays(self.outputs(model, self.encoded(model, inputs)))
        return self.postprocessing(model).answers(outputs, (), inputs, self.target)

    def outputs(self, model: nn.Module, x: Tensor) -> PolicyAndValue:
        """What to do, and what it is worth."""
        said: Acting = model(x)
        return PolicyAndValue(said.policy.float(), said.value.float())

    def standing_in(self, model: nn.Module, outputs: Callable[[Any], Any]) -> nn.Module:
        """A copy of `model` that says what `outputs` gives, as likely as it is in `model`."""
        twin = copy.copy(model)

        def forward(x: Tensor) -> Acting:
            policy, value = outputs(x)
            return Acting(policy, getattr(model, "spread", None), value)

        twin.__dict__["forward"] = forward
        return twin

    def postprocessing(self, model: nn.Module) -> LikeliestAction:
        """The likeliest action."""
        return LikeliestAction(float(_of(model).scale), self.spec.actions.discrete)

    def agree(self, answer: np.void, other: np.void) -> bool:
        """Whether the action is the same."""
        return bool(np.allclose(answer["action"], other["action"], atol=0.01))

    def foretold(self, setting: Any, seconds: float | None, until: float | None, steps: int | None = None) -> str:
        """How many steps of the environment there will be, or how long they take."""
        return foretold(self, setting, seconds, steps)

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


def _of(model: nn.Module) -> Actor:
    assert isinstance(model, Actor)
    return model


def _expected(model: nn.Module, x: Tensor) -> Tensor:
    said: Acting = model(x)
    return said.value.float() * _of(model).scale


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
