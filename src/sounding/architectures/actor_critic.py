"""A policy and a value over what an agent senses: of numbers two perceptrons that share nothing, of screens one eye.

The eye of large screens is the network of Mnih et al. (2015, Nature 518); that of small grids is the one of MinAtar
(Young & Tian, arXiv 1903.03176): a convolution of 3×3 and a layer.

Starts as Huang et al. (2022, "The 37 implementation details of PPO") say: orthogonal weights of gain √2, a last layer
of the policy of gain 0.01, so that all actions are about as likely, and of the value of gain 1. Numbers that are sensed
are brought to mean 0 and deviation 1 by buffers, which are set from outside.

Legend of shapes: B batch, I numbers sensed, C channels of H rows and W columns, A actions or numbers of an action.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sounding.architectures.activations import Tanh
from sounding.architectures.batched_linear import BatchedLinear
from sounding.architectures.older_weights import OlderWeights

LIMIT = 10.0
"""Deviations beyond which what is sensed is cut off."""
PIXELS = 36
"""Rows and columns from which on a screen is of pixels; a smaller one is a grid of things."""
NATURE, CELLS, PERCEPTRON = "nature", "cells", "perceptron"
"""The networks by their names: the two eyes, and what numbers are given to, which have none."""
EYES: Mapping[str, Sequence[tuple[int, int, int]]] = {
    NATURE: ((32, 8, 4), (64, 4, 2), (64, 3, 1)),
    CELLS: ((16, 3, 1),),
}
"""The filters of each eye: their number, side and stride."""


class Acting(NamedTuple):
    """What is said of B observations. `spread` is the log of the deviation of each number, of continuous actions."""

    policy: Tensor  # [B, A] logits, or means
    spread: Tensor | None  # [A]
    value: Tensor  # [B], in units of `scale`


class Actor(nn.Module):
    """Says what to do on observations [B, I], or screens [B, C, H, W] in 0…1. A subclass says how.

    The buffers are set from outside: `mean` and `deviation` [I] of what is sensed, and `scale`, the unit of rewards.
    """

    mean: Tensor
    deviation: Tensor
    scale: Tensor

    def __init__(self, numbers: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(numbers))
        self.register_buffer("deviation", torch.ones(numbers))
        self.register_buffer("scale", torch.ones(()))

    def normalised(self, x: Float[Tensor, "B I"]) -> Float[Tensor, "B I"]:
        """Numbers of mean 0 and deviation 1."""
        return ((x - self.mean) / self.deviation).clamp(-LIMIT, LIMIT)


class ActorCritic(Actor, OlderWeights):
    """Observations [B, I], or screens [B, C, H, W] in 0…1 → Acting."""

    def __init__(self, shape: Sequence[int], actions: int, width: int, discrete: bool, model: str = "") -> None:
        """`shape` is (I,) or (C, H, W); `model` one of `networks(shape)`, the first by default."""
        numbers = shape[0] if len(shape) == 1 else 0
        super().__init__(numbers)
        self.eye = None if numbers else eye(shape, width, model)
        self.hidden = _hidden(numbers, width) if numbers else None
        self.policy, self.value = nn.Linear(width, actions), nn.Linear(width, 1)
        self.spread = None if discrete else nn.Parameter(torch.zeros(actions))
        self.register_load_state_dict_pre_hook(_joined)
        _begin(self)

    def forward(self, x: Float[Tensor, "B ..."]) -> Acting:
        """What to do, and what it is worth."""
        if self.eye is not None:
            x = self.eye(x)
        with in_full(x):
            of_policy, of_value = self._apart(x.float())
            return Acting(self.policy(of_policy), self.spread, self.value(of_value)[:, 0])

    def renewed(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Of older runs each perceptron was kept by itself."""
        found = dict(weights)
        _joined(self, found, "")
        return found

    def _apart(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """What the policy is said from, and what the value: of screens the same."""
        if self.hidden is None:
            return x, x
        of_policy, of_value = self.hidden(self.normalised(x).expand(2, -1, -1))
        return of_policy, of_value


def in_full(x: Tensor) -> torch.autocast:
    """The context of layers that are too small to gain from fewer digits, and whose answers need them all."""
    return torch.autocast(x.device.type, enabled=False)


def networks(shape: Sequence[int]) -> tuple[str, ...]:
    """The networks that observations of this shape can be given to, the usual one first."""
    if len(shape) == 1:
        return (PERCEPTRON,)
    return (NATURE, CELLS) if min(shape[1:]) >= PIXELS else (CELLS,)


def _hidden(inputs: int, width: int) -> nn.Sequential:
    """The hidden layers of policy and value: observations [2, B, I] → [2, B, width]."""
    return nn.Sequential(BatchedLinear(2, inputs, width), Tanh(), BatchedLinear(2, width, width), Tanh())


def eye(shape: Sequence[int], width: int, model: str = "", normed: bool = False) -> nn.Sequential:
    """Screens [B, C, H, W] → features [B, width]. `normed`: each layer over all of its outputs (Ba et al. 2016)."""
    channels, rows, columns = shape
    layers: list[nn.Module] = []
    for filters, side, stride in EYES[model or networks(shape)[0]]:
        layers += [nn.Conv2d(channels, filters, side, stride)]
        layers += [nn.GroupNorm(1, filters), nn.ReLU()] if normed else [nn.ReLU()]
        channels = filters
    seen = nn.Sequential(*layers, nn.Flatten())
    with torch.no_grad():
        features = seen(torch.zeros(1, shape[0], rows, columns)).shape[1]
    layers = [nn.Linear(features, width), *([nn.LayerNorm(width)] if normed else []), nn.ReLU()]
    return seen.extend(layers)


def _begin(network: ActorCritic) -> None:
    """Orthogonal weights: of gain √2, of the last layers 0.01 (policy) and 1 (value); biases 0."""
    for layer in network.modules():
        if isinstance(layer, BatchedLinear):
            for weight in layer.weight:
                nn.init.orthogonal_(weight, math.sqrt(2))
        elif isinstance(layer, nn.Linear | nn.Conv2d):
            nn.init.orthogonal_(layer.weight, math.sqrt(2))
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)
    nn.init.orthogonal_(network.policy.weight, 0.01)
    nn.init.orthogonal_(network.value.weight, 1.0)


def _joined(network: nn.Module, weights: dict[str, Tensor], prefix: str, *_: object) -> None:
    """Bring weights that are to be loaded from the form of older runs, where each perceptron was kept by itself."""
    heads = [f"{prefix}policy", f"{prefix}value"]
    if f"{heads[0]}.0.weight" not in weights:
        return
    for place in (0, 2):
        matrices = [weights.pop(f"{head}.{place}.weight").t() for head in heads]
        biases = [weights.pop(f"{head}.{place}.bias")[None] for head in heads]
        weights[f"{prefix}hidden.{place}.weight"] = torch.stack(matrices)
        weights[f"{prefix}hidden.{place}.bias"] = torch.stack(biases)
    for head in heads:
        for kind in ("weight", "bias"):
            weights[f"{head}.{kind}"] = weights.pop(f"{head}.4.{kind}")
