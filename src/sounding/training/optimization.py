"""What one step of training does to the weights: the optimizer, the learning rate, and the moving average."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from sounding.contract.recipe import Recipe
from sounding.errors import UsageError, did_you_mean
from sounding.training.adamw import AdamW
from sounding.training.combined import Combined
from sounding.training.muon import FilterMuon, MatrixMuon, filter_parameters, matrix_parameters

NAMES = ("muon", "adamw", "sgd")

_UNDECAYED = (
    nn.Embedding,
    nn.EmbeddingBag,
    nn.modules.batchnorm._NormBase,
    nn.GroupNorm,
    nn.LayerNorm,
    nn.RMSNorm,
)
"""Modules whose parameters are not decayed: a rare word's embedding would shrink while it is not seen, and a gain is no
weight whose size means that something was learnt by heart."""


def optimizer(model: nn.Module, recipe: Recipe) -> Combined:
    """AdamW (Loshchilov & Hutter 2019), Muon with AdamW, or SGD with Nesterov momentum 0.9, as the recipe says.

    Muon trains matrices of hidden layers and filters ahead of a normalisation, AdamW embeddings, gains, biases, output
    layers and whatever else there is. Embeddings, gains and biases are not decayed. Each group of parameters has the
    highest rate as `peak`. Raises UsageError for an unknown name.
    """
    if recipe.optimizer not in NAMES:
        raise UsageError(f"no optimizer {recipe.optimizer!r}", fix=did_you_mean(recipe.optimizer, NAMES))
    filters = filter_parameters(model) if recipe.optimizer == "muon" else []
    matrices = matrix_parameters(model) if recipe.optimizer == "muon" else []
    apart = {id(p) for p in (*filters, *matrices)}
    others = [p for p in model.parameters() if p.requires_grad and id(p) not in apart]
    undecayed = _undecayed(model) if recipe.weight_decay else set()  # else all are alike: one group, stepped at once
    decayed = {"params": [p for p in others if id(p) not in undecayed], "weight_decay": recipe.weight_decay}
    groups = [decayed, {"params": [p for p in others if id(p) in undecayed], "weight_decay": 0.0}]
    groups = [{"lr": recipe.lr, "peak": recipe.lr, **group} for group in groups if group["params"]]
    parts: list[torch.optim.Optimizer] = []
    if groups and recipe.optimizer == "sgd":
        parts.append(torch.optim.SGD(groups, momentum=0.9, nesterov=True))
    elif groups:
        parts.append(AdamW(groups))
    if filters:
        parts.append(FilterMuon([{"params": filters, "lr": recipe.muon_lr, "peak": recipe.muon_lr}]))
    if matrices:
        rate = recipe.matrix_lr or recipe.lr
        group = {"params": matrices, "lr": rate, "peak": rate, "weight_decay": recipe.weight_decay}
        parts.append(MatrixMuon([group], as_adamw=not recipe.matrix_lr))
    return Combined(parts)


def _undecayed(model: nn.Module) -> set[int]:
    """Embeddings, gains and biases, by id."""
    small = {id(p) for p in model.parameters() if p.ndim <= 1}
    kinds = [module for module in model.modules() if isinstance(module, _UNDECAYED)]
    return small | {id(p) for module in kinds for p in module.parameters(recurse=False)}


def effective_optimizers(model: nn.Module, recipe: Recipe) -> dict[nn.Parameter, str]:
    """The optimizer that trains each parameter: muon, filter-muon, adamw or sgd; without those that are frozen."""
    names = {MatrixMuon: "muon", FilterMuon: "filter-muon", AdamW: "adamw", torch.optim.SGD: "sgd"}
    parts = optimizer(model, recipe).parts
    return {p: names[type(part)] for part in parts for group in part.param_groups for p in group["params"]}


def set_learning_rate(optimizer: Combined, share: float) -> None:
    """Set the learning rate of every group of parameters to this share of its peak."""
    for group in optimizer.param_groups:
        group["lr"] = group["peak"] * share


def schedule(recipe: Recipe, progress: float) -> float:
    """The share of the peak rate at `progress` 0..1: a linear rise over the warm-up, the peak until `hold`, then a fall
    to 0 as `decay` says.
    """
    if progress < recipe.warmup:
        return max(progress / recipe.warmup, 1e-3)
    peak = max(recipe.warmup, recipe.hold)
    decayed = min(1.0, max(0.0, progress - peak) / max(1e-9, 1 - peak))
    return 1 - decayed if recipe.decay == "linear" else 0.5 * (1 + math.cos(math.pi * decayed))


def learning_rate(recipe: Recipe, progress: float) -> float:
    """The rate at `progress` 0..1 of the training, as `lr` names its peak."""
    return recipe.lr * schedule(recipe, progress)


def clip_gradients(parameters: Sequence[nn.Parameter], most: float) -> float:
    """Scale all gradients so that their norm together is at most `most`, and return what it was before.

    As torch.nn.utils.clip_grad_norm_, which takes a small network a tenth of its step: it sorts parameters by device
    and multiplies gradients that are short enough by 1.
    """
    gradients = [p.grad for p in parameters if p.grad is not None]
    if not gradients:
        return 0.0
    norms = torch._foreach_norm(gradients)
    norm = float(torch.linalg.vector_norm(torch.stack([each.to(norms[0].device) for each in norms])))
    if norm + 1e-6 > most:
        torch._foreach_mul_(gradients, most / (norm + 1e-6))
    return norm


class Average:
    """The exponential moving average of a model's weights: what is validated and kept (Polyak & Juditsky 1992).

    Early in training the average forgets faster, so that it does not drag the random start along. Without a `decay` it
    is the model itself, in evaluation mode and without gradients: both lie in the same memory.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self.decay = decay
        self._parts = list(zip(self.model.modules(), model.modules(), strict=True))
        if not decay:
            for mine, theirs in self._tensors():
                mine.data = theirs.data

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Move towards the model after its step number `step` (0, 1, …)."""
        if not self.decay:
            return
        share = 1 - min(self.decay, (1 + step) / (10 + step))
        kept, new = [], []
        for mine, theirs in self._tensors():
            if mine.is_floating_point():
                kept.append(mine)
                new.append(theirs)
            else:
                mine.copy_(theirs)
        torch._foreach_lerp_(kept, new, share)

    def _tensors(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Each parameter and buffer of the average, once, beside the model's own.

        The modules were looked up once: a walk through the tree at every step takes a small network a fifth of it.
        """
        seen = set()
        for mine, theirs in self._parts:
            for own, others in ((mine._parameters, theirs._parameters), (mine._buffers, theirs._buffers)):
                for name, tensor in own.items():
                    other = others[name]
                    if tensor is not None and other is not None and id(tensor) not in seen:
                        seen.add(id(tensor))
                        yield tensor, other
