"""What a network makes of an input before it decides: the input of its last linear layer.

Distances between these vectors tell how alike two inputs are to the model: what to label next, what it has never seen.

Legend of shapes: n inputs, B batch, D features.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sounding.challenges.passes import frozen
from sounding.contract.task import Task, chunks


def penultimate(model: nn.Module) -> nn.Linear | None:
    """The last linear layer in the order in which modules were made, or None where the model has none."""
    layers = [module for module in model.modules() if isinstance(module, nn.Linear)]
    return layers[-1] if layers else None


@contextmanager
def watched(layer: nn.Module) -> Iterator[list[Tensor]]:
    """A list that takes in the input of `layer` at each of its calls, with its gradient if there is one."""
    seen: list[Tensor] = []
    handle = layer.register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    try:
        yield seen
    finally:
        handle.remove()


def features(task: Task, model: nn.Module, values: Sequence[Any]) -> np.ndarray | None:
    """[n, D]: the features of each input, averaged over its positions; None for a model without a linear layer."""
    layer = penultimate(model)
    if layer is None:
        return None
    found: list[np.ndarray] = []
    with frozen(model), torch.inference_mode():
        for batch in chunks(values, task.recipe.batch):
            with watched(layer) as seen:
                task.predict(model, batch)
            first = seen[0].float()
            found.append(first.reshape(len(batch), -1, first.shape[-1]).mean(1).cpu().numpy())
    return np.concatenate(found) if found else None
