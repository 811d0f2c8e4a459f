"""What one step of training does to the weights: the optimizer, the learning rate, and the moving average."""

from __future__ import annotations

import copy
import math

import torch
from torch import nn

from sounding.engine.recipe import Recipe
from sounding.errors import UsageError, did_you_mean


def optimizer(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """AdamW (Loshchilov & Hutter 2019) or SGD with Nesterov momentum 0.9; biases and gains are not decayed."""
    trained = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=recipe.lr)
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=recipe.lr, momentum=0.9, nesterov=True)
    raise UsageError(f"no optimizer {recipe.optimizer!r}", fix=did_you_mean(recipe.optimizer, ["adamw", "sgd"]))


def learning_rate(recipe: Recipe, progress: float) -> float:
    """The rate at `progress` 0..1 of the training: a linear rise over the warm-up, then half a cosine down to 0."""
    if progress < recipe.warmup:
        return recipe.lr * max(progress / recipe.warmup, 1e-3)
    decayed = (progress - recipe.warmup) / max(1e-9, 1 - recipe.warmup)
    return recipe.lr * 0.5 * (1 + math.cos(math.pi * min(1.0, decayed)))


class Average:
    """The exponential moving average of a model's weights: what is validated and kept (Polyak & Juditsky 1992).

    Early in training the average forgets faster, so that it does not drag the random start along.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        """Move towards `model` after its step number `step` (0, 1, …)."""
        share = 1 - min(self.decay, (1 + step) / (10 + step)) if self.decay else 1.0
        kept, new = list(_floats(self.model)), list(_floats(model))
        torch._foreach_lerp_(kept, new, share)
        for mine, theirs in zip(self.model.buffers(), model.buffers(), strict=True):
            if not mine.is_floating_point():
                mine.copy_(theirs)


def _floats(model: nn.Module) -> list[torch.Tensor]:
    tensors = [*model.parameters(), *model.buffers()]
    return [tensor.data for tensor in tensors if tensor.is_floating_point()]
