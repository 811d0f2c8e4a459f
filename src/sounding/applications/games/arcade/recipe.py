"""The numbers of an agent's training, and which learner and network an environment is given where nobody says."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from sounding.applications.games.arcade.cloning import is_place, recorded_environment
from sounding.applications.games.arcade.kinds import CONTINUOUS, GRID, NUMBERS, SCREEN, kind_of
from sounding.architectures.actor_critic import networks
from sounding.contract.player import PlayRecipe
from sounding.environments import Environments, Settings, Spec
from sounding.environments.spec import FRAMES
from sounding.errors import UsageError, did_you_mean

AUTO = "auto"
PPO, PQN, RAINBOW = "ppo", "pqn", "rainbow"
LEARNERS = (PPO, PQN, RAINBOW)
FEW = 100_000
"""Steps of an environment up to which Rainbow learns more of them than PQN."""

DEFAULTS: Mapping[tuple[str, str], Mapping[str, Any]] = {
    (PPO, NUMBERS): {"select": "metric", "validations": 10},
    (PPO, CONTINUOUS): {
        "copies": 4, "length": 512, "batch": 128, "passes": 10, "gamma": 0.9, "trust": 0.95, "least_steps": 24_000,
        "select": "metric", "validations": 10,
    },
    (PPO, GRID): {
        "copies": 8, "length": 128, "batch": 256, "passes": 4, "gamma": 0.99, "trust": 0.95, "width": 128,
        "lr": 5e-4, "entropy_weight": 0.01, "least_steps": 16_000,
    },
    (PQN, NUMBERS): {
        "copies": 32, "length": 32, "batch": 128, "passes": 4, "gamma": 0.99, "trust": 0.9, "width": 128,
        "lr": 5e-4, "clip": 10.0, "explore": 50_000, "least_steps": 8_000,
    },
    (PQN, GRID): {
        "copies": 64, "length": 32, "batch": 128, "passes": 2, "gamma": 0.99, "trust": 0.65, "width": 128,
        "lr": 5e-4, "clip": 10.0, "explore": 250_000, "epsilon": 0.02, "least_steps": 30_000,
    },
    (RAINBOW, SCREEN): {"width": 512, "match_games": 10},
    (RAINBOW, GRID): {"width": 128},
    (RAINBOW, NUMBERS): {"width": 128, "least_steps": 10_000},
}  # fmt: skip
"""What differs from the recipe's own numbers, which are those of PPO on numbers: there the weights of the best
validation are kept, since a policy may be lost again; of continuous actions longer rollouts and more passes, of screens
fewer passes and a reward for staying undecided (Huang et al. 2022); of PQN what Gallici et al. (2024) take, with fewer
copies and less time to explore, as a small machine needs it."""
CLONING: Mapping[str, Any] = {
    "learner": PPO, "batch": 256, "least_steps": 1_500, "validations": 20, "select": "loss", "warmup": 0.05,
    "entropy_weight": 0.0,
}  # fmt: skip
"""What learning from recordings takes: a few steps, of which those are kept that foretell held-out episodes best."""
OF_RAINBOW: Mapping[str, Any] = {
    "copies": 1, "length": 4, "batch": 32, "passes": 1, "gamma": 0.99, "lr": 1e-4, "clip": 10.0, "hold": 1.0,
    "explore": 5_000, "epsilon": 0.01, "sticky": 0.0, "reward_clip": 1.0, "held_out": 1 / 3, "least_steps": 98_400,
}  # fmt: skip
"""What Rainbow takes, which is the protocol of Atari-100k (Kaiser et al. 2020): 100,000 steps of the environment, of
which the first 1,600 come ahead of learning, no sticky actions, rewards cut to -1…1."""
SAME: Mapping[tuple[str, str], tuple[str, str]] = {(PPO, SCREEN): (PPO, GRID), (PQN, SCREEN): (PQN, GRID)}


@dataclass(frozen=True)
class ArcadeRecipe(PlayRecipe):
    """The numbers of a training by playing an environment. `round_steps` follows from the others."""

    played: ClassVar = "environment"
    shaping: ClassVar = ("width", "model", "learner")
    sizes: ClassVar = {
        "tiny": {"width": 32, "copies": 4, "length": 16, "batch": 64, "passes": 4, "match_games": 4},
        "small": {},
        "base": {"width": 256},
    }

    environment: str = "CartPole-v1"
    learner: str = AUTO  # ppo, pqn or rainbow; auto: by what is seen and done, and the time
    model: str = AUTO  # perceptron, cells or nature; auto: by what is seen
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
    trust: float = 0.9  # λ: how far what happened counts beyond what was expected
    policy_clip: float = 0.2  # of ppo: how far the chance of an action may move in a round
    value_clip: float = 0.0  # of ppo: how far a value may; 0: as far as it will
    value_weight: float = 0.5  # of ppo
    entropy_weight: float = 0.0  # of ppo
    explore: int = 100_000  # of pqn and rainbow: steps of the environment in which the chance of a random action falls
    epsilon: float = 0.05  # of pqn and rainbow: the chance of a random action after these
    replay: int = 100_000  # of rainbow: steps that are remembered
    warm: int = 1_600  # of rainbow: steps that are played ahead of learning
    ratio: float = 1.0  # of rainbow: steps of learning for a step of the environment
    horizon: int = 10  # of rainbow: steps whose rewards are summed ahead of what is expected
    priority: float = 0.5  # of rainbow: the power of its loss by which a step is drawn; 0: all alike
    shifts: bool = True  # of rainbow: screens are moved by a few pixels
    reward_clip: float = 0.0  # rewards are cut to as much below and above 0; 0: as they are
    sticky: float = -1.0  # chance that the action before is repeated; below 0: as the environment has it
    match_games: int = 20  # episodes of a trial; half as many in each harder condition

    def __post_init__(self) -> None:
        """Raises UsageError for numbers with which nothing can be played."""
        for name in ("passes", "copies", "length", "match_games", "replay", "horizon"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name}={getattr(self, name)} leaves nothing to play", fix=f"Give {name} 1 or more")
        for name in ("gamma", "trust", "epsilon"):
            if not 0 <= getattr(self, name) <= 1:
                raise UsageError(f"{name}={getattr(self, name):g} is out of range", fix=f"Give {name} 0 to 1")
        for name in ("explore", "warm", "ratio", "priority", "reward_clip"):
            if getattr(self, name) < 0:
                raise UsageError(f"{name}={getattr(self, name):g} is out of range", fix=f"Give {name} 0 or more")
        rows = self.copies * self.length
        steps = rows * self.ratio if self.learner == RAINBOW else self.passes * rows // max(1, self.batch)
        object.__setattr__(self, "round_steps", max(1, int(steps)))
        super().__post_init__()

    @classmethod
    def make(cls, size: str = "small", settings: Mapping[str, Any] | None = None) -> Self:
        """As every recipe is made; each learner has numbers of its own for what is seen and done.

        Raises UsageError for a learner or a network that does not fit the environment, with what does.
        """
        asked = dict(settings or {})
        spec = spec_of(str(asked.get("environment", cls.environment)))
        asked["learner"] = learner = _learner(str(asked.get("learner", AUTO)), spec)
        asked["model"] = _network(str(asked.get("model", AUTO)), spec)
        usual = OF_RAINBOW if learner == RAINBOW else {}
        key = (learner, kind_of(spec))
        if size != "tiny":
            usual = {**usual, **DEFAULTS.get(SAME.get(key, key), {})}
        return super().make(size, {**usual, **asked})

    @classmethod
    def planned(cls, size: str, settings: Mapping[str, Any], seconds: float | None) -> Self:
        """As `make`; where nobody names a learner, few steps of a screen in the time are given to Rainbow.

        How many steps there are at most is found by a fifth of a second of play.
        """
        made = cls.make(size, settings)
        free = str(settings.get("learner", AUTO)) == AUTO
        if not (free and seconds is not None and made.learner == PQN and kind_of(spec_of(made.environment)) == SCREEN):
            return made
        few = seconds * pace(made.environment, made.put_around) < FEW
        return cls.make(size, {**settings, "learner": RAINBOW}) if few else made

    @classmethod
    def named(cls, source: Any) -> tuple[Mapping[str, Any], Any]:
        """An environment, or recordings of one. Raises UsageError, with the file, where nobody knows theirs."""
        if not isinstance(source, str | Path) or not is_place(source):
            return super().named(source)
        name, file = recorded_environment(Path(source))
        try:
            return {"environment": spec_of(name).name, **CLONING}, source
        except UsageError as error:
            raise error.at(str(file)) from None

    @property
    def put_around(self) -> Settings:
        """How the environment is played."""
        return Settings(sticky=None if self.sticky < 0 else self.sticky)


@cache
def spec_of(name: str, settings: Settings | None = None) -> Spec:
    """What an environment shows and takes. Raises UsageError where it is unknown."""
    with Environments(name, 1, settings) as environments:
        return environments.spec


def pace(name: str, settings: Settings, seconds: float = 0.2) -> float:
    """Steps of the environment in a second, by playing it so long."""
    rng = np.random.default_rng(0)
    with Environments(name, 1, settings) as environments:
        environments.reset([0])
        steps, began = 0, time.perf_counter()
        while (passed := time.perf_counter() - began) < seconds:
            environments.step(rng.integers(0, environments.spec.actions.n, 1))
            steps += 1
    return steps / passed


def fitting(spec: Spec) -> tuple[str, ...]:
    """The learners that fit an environment, the usual one first."""
    if not spec.actions.discrete:
        return (PPO,)
    return (PPO, PQN, RAINBOW) if spec.observation.kind != FRAMES else (PQN, PPO, RAINBOW)


def _learner(word: str, spec: Spec) -> str:
    if word not in (AUTO, *LEARNERS):
        raise UsageError(f"learner={word} is not known", fix=did_you_mean(word, (AUTO, *LEARNERS)))
    fit = fitting(spec)
    if word != AUTO and word not in fit:
        what = f"{word} learns what each of several actions is worth, and {spec.name} takes continuous actions"
        raise UsageError(what, fix=f"What fits is learner={' or '.join(fit)}")
    return fit[0] if word == AUTO else word


def _network(word: str, spec: Spec) -> str:
    fit = networks(spec.observation.shape)
    if word not in (AUTO, *fit):
        shape = " × ".join(map(str, spec.observation.shape))
        what = f"model={word} cannot see what {spec.name} shows: {shape} numbers"
        raise UsageError(what, fix=f"What fits is model={' or '.join((AUTO, *fit))}")
    return fit[0] if word == AUTO else word
