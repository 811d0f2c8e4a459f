"""How far one step of the optimizer moves the weights of each layer, as a share of their size.

The ratio of the root mean square of the step to that of the weights says whether the learning rate fits: about 1e-3 is
the rule of thumb (Karpathy, Stanford CS231n notes, "Ratio of weights:updates"), and 1e-4 to 1e-2 is common.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from sounding.contract.recipe import Recipe
from sounding.inspection.hooks import layers, weights
from sounding.training.optimization import clip_gradients, optimizer, set_learning_rate

Weights = Mapping[str, Sequence[Tensor]]
"""The weights of each layer by its name."""


def kept(model: nn.Module) -> dict[str, list[Tensor]]:
    """A copy of the weights of every layer that has some."""
    found = {name: [p.detach().clone() for p in weights(module)] for name, module in layers(model).items()}
    return {name: tensors for name, tensors in found.items() if tensors}


def ratios(before: Weights, after: Weights) -> dict[str, float]:
    """RMS of the step over RMS of the weights before it, by layer; without those whose weights were all 0."""
    found = {}
    for name in before.keys() & after.keys():
        size = rms(before[name])
        if size > 0:
            steps = [new - old for old, new in zip(before[name], after[name], strict=True)]
            found[name] = rms(steps) / size
    return found


def trial(model: nn.Module, recipe: Recipe, rate: float) -> dict[str, float]:
    """The ratios of one step of the recipe's optimizer at learning rate `rate`, taken on `model`, which is changed.

    The optimizer is new. For AdamW the first step is the longest: it moves every weight by `rate`; later ones, when the
    gradients of several steps disagree, are four to twelve times shorter. For SGD the momentum has yet to build up:
    where gradients agree, later steps are up to five times as long.
    """
    before = kept(model)
    trained = [p for p in model.parameters() if p.requires_grad]
    clip_gradients(trained, recipe.clip or math.inf)
    taker = optimizer(model, recipe)
    set_learning_rate(taker, rate / recipe.lr if recipe.lr else 1.0)
    taker.step()
    return ratios(before, kept(model))


def rms(tensors: Sequence[Tensor]) -> float:
    """The root mean square over all elements."""
    count = sum(tensor.numel() for tensor in tensors)
    return math.sqrt(sum(float(t.double().square().sum()) for t in tensors) / count) if count else 0.0
