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


class ActorCritic(Actor):
    """Observations [B, I], or screens [B, C, H, W] in 0…1 → Acting."""

    def __init__(self, shape: Sequence[int], actions: int, width: int, discrete: bool, model: str = "") -> None:
        """`shape` is (I,) or (C, H, W); `model` one of `networks(shape)`, the first by default."""
        numbers = shape[0] if len(shape) == 1 else 0
        super().__init__(numbers)
        self.eye = None if numbers else eye(shape, width, model)
        self.policy = _perceptron(numbers, width, actions) if numbers else nn.Linear(width, actions)
        self.value = _perceptron(numbers, width, 1) if numbers else nn.Linear(width, 1)
        self.spread = None if discrete else nn.Parameter(torch.zeros(actions))
        _begin(self, last=(self.policy, self.value))

    def forward(self, x: Float[Tensor, "B ..."]) -> Acting:
        """What to do, and what it is worth."""
        x = self.normalised(x) if self.eye is None else self.eye(x)
        with in_full(x):
            x = x.float()
            return Acting(self.policy(x), self.spread, self.value(x)[:, 0])


def in_full(x: Tensor) -> torch.autocast:
    """The context of layers that are too small to gain from fewer digits, and whose answers need them all."""
    return torch.autocast(x.device.type, enabled=False)


def networks(shape: Sequence[int]) -> tuple[str, ...]:
    """The networks that observations of this shape can be given to, the usual one first."""
    if len(shape) == 1:
        return (PERCEPTRON,)
    return (NATURE, CELLS) if min(shape[1:]) >= PIXELS else (CELLS,)


def _perceptron(inputs: int, width: int, outputs: int) -> nn.Sequential:
    hidden = [nn.Linear(inputs, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh()]
    return nn.Sequential(*hidden, nn.Linear(width, outputs))


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


def _begin(network: ActorCritic, last: tuple[nn.Module, nn.Module]) -> None:
    """Orthogonal weights: of gain √2, of the last layers 0.01 (policy) and 1 (value); biases 0."""
    for layer in network.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            nn.init.orthogonal_(layer.weight, math.sqrt(2))
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)
    for head, gain in zip(last, (0.01, 1.0), strict=True):
        final = [layer for layer in head.modules() if isinstance(layer, nn.Linear)][-1]
        nn.init.orthogonal_(final.weight, gain)
