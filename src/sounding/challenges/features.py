"""What a network makes of an input before it decides: the input of its last linear layer.

Distances between these vectors tell how alike two inputs are to the model: what to label next, what it has never seen.

Legend of shapes: n inputs, B batch, D features.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from torch import Tensor, nn


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


def averaged(seen: Sequence[Tensor], n: int) -> np.ndarray | None:
    """[n, D]: the first of what `watched` saw, averaged over its positions; None where its first axis is not the batch.

    A network may fold positions into the first axis, or look at other things beside the inputs.
    """
    if not seen or seen[0].ndim < 2 or len(seen[0]) != n:
        return None
    first = seen[0].float()
    return first.reshape(n, -1, first.shape[-1]).mean(1).cpu().numpy()
