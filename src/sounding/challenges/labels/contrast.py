"""Learning to see without answers: two strong variations of one input should look alike to the network, others not.

SimCLR (Chen et al., arXiv 2002.05709) over the contract: the network is the task's own, its features are the input of
its last linear layer, and a small projection is learnt beside it and thrown away. What is left are weights that another
training begins with (`--from` a run, or `--unlabelled` with the method "contrast").

Legend of shapes: B batch, D features.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sounding.challenges.features import penultimate, watched
from sounding.contract.change import Change, Unchanged
from sounding.contract.inputs import StronglyAugmented
from sounding.contract.task import Task
from sounding.contract.task_wrapper import TaskWrapper
from sounding.errors import UsageError

TEMPERATURE = 0.5
PROJECTED = 128
"""The width of the space in which views are compared."""
BATCH = 256
"""Inputs a step, at least: each is told apart from all others in its batch."""
_WITHOUT = "Train without --unlabelled"


class Projection(nn.Sequential):
    """Two layers that are thrown away after the training; AdamW trains both."""

    muon = False


class Projected(nn.Module):
    """A task's network, and the projection of its features; kept apart, so that the network can be taken out."""

    def __init__(self, network: nn.Module, width: int) -> None:
        super().__init__()
        self.network = network
        self.projection = Projection(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, PROJECTED))

    def forward(self, x: Any) -> Tensor:
        """Unit vectors [B, PROJECTED]."""
        layer = penultimate(self.network)
        assert layer is not None
        with watched(layer) as seen:
            self.network(x)
        features = seen[0].reshape(len(seen[0]), -1, seen[0].shape[-1]).mean(1)
        return F.normalize(self.projection(features).float(), dim=1)


class Contrast(TaskWrapper):
    """Learns which two views show the same input; answers are not looked at."""

    def __init__(self, wrapped: Task) -> None:
        super().__init__(wrapped)
        if not isinstance(self.input, StronglyAugmented):
            raise UsageError("this kind of input knows no strong variation to learn from", fix=_WITHOUT)
        self.recipe = replace(wrapped.recipe, batch=max(BATCH, wrapped.recipe.batch), validations=1, patience=0)

    @property
    def passes(self) -> float:
        """Two views."""
        return 2 * self.wrapped.passes

    def build(self) -> nn.Module:
        """The task's network with a projection. Raises UsageError for one without a linear layer at its end."""
        network = self.wrapped.build()
        return Projected(network, self.require_features(network))

    def require_features(self, network: nn.Module) -> int:
        """The width of a network's features. Raises UsageError for one without a linear layer at its end."""
        layer = penultimate(network)
        if layer is None:
            raise UsageError("this network has no features to learn without answers", fix=_WITHOUT)
        return layer.in_features

    def encode_targets(self, values: Sequence[Any]) -> None:
        """No answer is looked at."""

    def augment(self, x: Tensor, rng: torch.Generator) -> tuple[Tensor, Change]:
        """Two views of every input, one batch after the other: [2B, …]."""
        input = StronglyAugmented.of(self.input)
        views = [input.strong_augmentation(self.wrapped.augment(x, rng)[0], rng) for _ in range(2)]
        return torch.cat(views), Unchanged()

    def loss(self, model: nn.Module, x: Tensor, y: Any) -> Tensor:
        """Loss [B]: minus the log-probability of picking an input's other view among all views of the batch."""
        views = model(x)  # [2B, D]
        likeness = views @ views.T / TEMPERATURE
        likeness.fill_diagonal_(-torch.inf)
        others = torch.arange(len(views), device=views.device).roll(len(views) // 2)
        return F.cross_entropy(likeness, others, reduction="none").unflatten(0, (2, -1)).mean(0)


def network_weights(pretrained: nn.Module) -> dict[str, Tensor]:
    """The weights of the task's network in what a training on `Contrast` gave, by their names there."""
    assert isinstance(pretrained, Projected)
    layer = penultimate(pretrained.network)
    head = next(name for name, module in pretrained.network.named_modules() if module is layer)
    state = pretrained.network.state_dict()
    return {name: tensor for name, tensor in state.items() if not name.startswith(f"{head}.")}
