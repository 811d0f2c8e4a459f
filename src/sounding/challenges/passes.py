"""Forward passes for measuring: many inputs, one model, nothing left behind.

scored   the loss or the log-likelihood of any number of answers
alike    batches without padding; `unpadded` computes something in them
frozen   the model as measuring wants it: evaluation mode, full precision, parameters at rest
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import islice
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from sounding.architectures.folding import fuse_for_inference
from sounding.contract.task import Task, chunks
from sounding.contract.tree import leaves

T = TypeVar("T")
Score = Callable[[nn.Module, Any, Any], Tensor]
"""`score(model, x, answers)` → [B]."""


def scored(score: Score, task: Task, model: nn.Module, pairs: Iterable[tuple[Any, Any]]) -> np.ndarray:
    """[n]: `score` (`task.log_likelihood` or `task.loss`) of each (value, answer).

    The pairs are taken as they are needed, so there may be more of them than fit in memory.
    """
    stream, scores = iter(pairs), [np.zeros(0)]
    size = min(512, 2 * task.recipe.batch)  # nothing is kept for a backward pass, so more fits than in training
    with frozen(model), torch.inference_mode():
        while batch := list(islice(stream, size)):
            x = task.encoded(model, [value for value, _ in batch])
            y = task.encoded_targets(model, [answer for _, answer in batch])
            scores.append(score(model, x, y).double().cpu().numpy())
    return np.concatenate(scores)


def log_likelihoods(task: Task, model: nn.Module, pairs: Iterable[tuple[Any, Any]]) -> np.ndarray:
    """[n]: the log-likelihood that the model gives to each (value, answer)."""
    return scored(task.log_likelihood, task, fuse_for_inference(model), pairs)


def alike(task: Task, values: Sequence[Any]) -> list[Sequence[int]]:
    """Batches of indices whose inputs have the same shape: no input is padded to the length of another.

    In padding an attack would find room that no input has, and features would be averaged over it.
    """
    shapes: dict[tuple[tuple[int, ...], ...], list[int]] = {}
    for i, value in enumerate(values):
        shape = tuple(tuple(tensor.shape) for tensor in leaves(task.encode_inputs([value])))
        shapes.setdefault(shape, []).append(i)
    return [batch for indices in shapes.values() for batch in chunks(indices, task.recipe.batch)]


def unpadded(task: Task, values: Sequence[Any], compute: Callable[[Sequence[int]], Sequence[T]]) -> list[T]:
    """What `compute` gives for each of the values, in their order; it is asked for batches of indices as in `alike`."""
    found: dict[int, T] = {}
    for batch in alike(task, values):
        found |= zip(batch, compute(batch), strict=True)
    return [found[i] for i in range(len(values))]


@contextmanager
def frozen(model: nn.Module) -> Iterator[None]:
    """The model in evaluation mode and full precision, its parameters needing no gradient; all restored at the end."""
    modes = [(module, module.training) for module in model.modules()]
    learnt = [p for p in model.parameters() if p.requires_grad]
    model.eval().requires_grad_(False)
    try:
        with ExitStack() as stack:
            stack.enter_context(torch.autocast(device(model).type, enabled=False))
            if any(isinstance(module, nn.RNNBase) for module in model.modules()):
                # cuDNN's recurrent layers have no gradient in evaluation mode; torch's own have.
                stack.enter_context(torch.backends.cudnn.flags(enabled=False))
            yield
    finally:
        for module, mode in modes:
            module.training = mode
        for p in learnt:
            p.requires_grad_(True)


def device(model: nn.Module) -> torch.device:
    """Where the weights are."""
    return next((p.device for p in model.parameters()), torch.device("cpu"))
