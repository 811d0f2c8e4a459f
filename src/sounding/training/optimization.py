"""What one step of training does to the weights: the optimizer, the learning rate, and the moving average."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from functools import partial

import torch
from torch import nn

from sounding.contract.recipe import Recipe
from sounding.errors import UsageError, did_you_mean
from sounding.training.muon import Muon, muon_parameters


def optimizer(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """AdamW (Loshchilov & Hutter 2019), Muon with AdamW, or SGD with Nesterov momentum 0.9, as the recipe says.

    Biases and gains are not decayed. Each group of parameters has its highest rate as `peak`.
    """
    banks = muon_parameters(model) if recipe.optimizer == "muon" else []
    others = [p for p in model.parameters() if p.requires_grad and all(p is not bank for bank in banks)]
    groups = [
        {"params": [p for p in others if p.ndim > 1], "peak": recipe.lr, "weight_decay": recipe.weight_decay},
        {"params": [p for p in others if p.ndim <= 1], "peak": recipe.lr, "weight_decay": 0.0},
        {"params": banks, "peak": recipe.muon_lr, "weight_decay": 0.0, "turns": True},
    ]
    groups = [{"lr": group["peak"], **group} for group in groups if group["params"]]
    makers: dict[str, Callable[..., torch.optim.Optimizer]]
    makers = {"adamw": torch.optim.AdamW, "muon": Muon, "sgd": partial(torch.optim.SGD, momentum=0.9, nesterov=True)}
    if recipe.optimizer not in makers:
        raise UsageError(f"no optimizer {recipe.optimizer!r}", fix=did_you_mean(recipe.optimizer, makers))
    return makers[recipe.optimizer](groups)


def effective_optimizer(model: nn.Module, recipe: Recipe) -> str:
    """The name of the optimizer that trains `model`: Muon with no filters to turn is AdamW."""
    return "adamw" if recipe.optimizer == "muon" and not muon_parameters(model) else recipe.optimizer


def set_learning_rate(optimizer: torch.optim.Optimizer, share: float) -> None:
    """Set the learning rate of every group of parameters to this share of its peak."""
    for group in optimizer.param_groups:
        group["lr"] = group["peak"] * share


def schedule(recipe: Recipe, progress: float) -> float:
    """The share of the peak rate at `progress` 0..1: a linear rise over the warm-up, then half a cosine down to 0."""
    if progress < recipe.warmup:
        return max(progress / recipe.warmup, 1e-3)
    decayed = (progress - recipe.warmup) / max(1e-9, 1 - recipe.warmup)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, decayed)))


def learning_rate(recipe: Recipe, progress: float) -> float:
    """The rate at `progress` 0..1 of the training, as `lr` names its peak."""
    return recipe.lr * schedule(recipe, progress)


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
