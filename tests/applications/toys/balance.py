"""A toy that acts in an environment: CartPole, learnt by doing what a rule of four numbers does.

It shows what an application has to give to be watched, recorded and asked as a policy: an `Agent`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sounding.contract.metrics import Metric, accuracy, mean
from sounding.contract.player import Experience, Player, PlayRecipe
from sounding.contract.records import Prediction, Record
from sounding.environments import Environments, Settings, Spec
from sounding.environments.agent import Agent, episodes
from sounding.modalities.category import Category
from sounding.modalities.vectors import Vector

NAME, SETTINGS = "CartPole-v1", Settings(time_limit=60)
RULE = np.array([0.1, 0.5, 2.0, 1.5])


class Balancer(Agent):
    """The network at the pole."""

    settings = SETTINGS

    def __init__(self, model: nn.Module, spec: Spec) -> None:
        self.model, self.spec = model, spec

    def act(self, observations: np.ndarray, rng: np.random.Generator | None = None) -> np.ndarray:
        with torch.no_grad():
            shares = self.model(torch.from_numpy(observations).float()).softmax(-1).numpy()
        return shares.argmax(1) if rng is None else (rng.random(len(shares)) < shares[:, 1]).astype(np.int64)


@dataclass(frozen=True)
class BalanceRecipe(PlayRecipe):
    """The numbers of a training of `Balance`."""

    batch: int = 64
    lr: float = 3e-2
    round_steps: int = 20
    window: int = 400
    validations: int = 1


class Balance(Player):
    """CartPole."""

    Recipe = BalanceRecipe
    recipe: BalanceRecipe
    input: Vector
    target: Category

    def modalities(self) -> tuple[Vector, Category]:
        moves = Category()
        moves.fit("01")
        return Vector(4, ("place", "speed", "angle", "turn")), moves

    @property
    def metrics(self) -> Sequence[Metric]:
        return (Metric("score", lambda record: float(record.value), mean, "steps that the pole stays up"),)

    @property
    def row_metrics(self) -> Sequence[Metric]:
        return (accuracy(),)

    def build(self) -> nn.Module:
        return nn.Sequential(nn.Linear(4, 2))

    def loss(self, model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        return F.cross_entropy(model(x), y, reduction="none")

    @torch.no_grad()
    def predict(self, model: nn.Module, inputs: Sequence[Any]) -> list[Prediction]:
        scores = model(self.encoded(model, inputs)).softmax(-1).numpy()
        return [Prediction("01"[row.argmax()], float(row.max()), row) for row in scores]

    def play(self, model: nn.Module, rng: np.random.Generator) -> Experience:
        inputs, targets, games = [], [], []
        with Environments(NAME, 4, SETTINGS) as environments:
            seen = environments.reset(rng.integers(0, 2**31, 4))
            for _ in range(25):
                inputs += list(seen)
                targets += ["01"[int(row @ RULE > 0)] for row in seen]
                games += (4 * environments.episodes + np.arange(4)).tolist()
                seen = environments.step(rng.integers(0, 2, 4)).obs
        return Experience(np.stack(inputs), np.array(targets), np.array(games))

    def matches(self, model: nn.Module, rng: np.random.Generator) -> list[Record]:
        return [Record(e.score, 60.0, None, float("nan"), f"{e.seed}") for e in episodes(self.agent(model), 4)]

    def agent(self, model: nn.Module) -> Balancer:
        with Environments(NAME, 1, SETTINGS) as environments:
            return Balancer(model, environments.spec)
