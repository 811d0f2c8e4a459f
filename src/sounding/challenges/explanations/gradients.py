"""Explanations by gradients: how the log-likelihood of an answer changes with what the model sees.

    gradient               gradient × (input − empty input), summed over each part
    integrated_gradients   the same gradient, averaged over the way from the empty input to the input
    completeness_gap       how far the weights are from adding up to what the parts bring together

Slopes are taken at `task.embedding_layer` (an embedding), or at the encoded input itself where there is none; inputs of
one size at a time, since a part of a padded input would not be where its cell is.

Legend of shapes: B batch, P parts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sounding.challenges.passes import frozen, unpadded
from sounding.contract.inputs import Attributable
from sounding.contract.task import Task

STEPS = 16


def gradient(
    task: Task, model: nn.Module, values: Sequence[Any], answers: Sequence[Any], rng: np.random.Generator
) -> list[np.ndarray]:
    """Gradient × (input − empty input) at the embedding layer, summed over each part (Shrikumar et al. 2016)."""
    return _along_the_way(task, model, values, answers, shares=(1.0,))


def integrated_gradients(
    task: Task, model: nn.Module, values: Sequence[Any], answers: Sequence[Any], rng: np.random.Generator
) -> list[np.ndarray]:
    """Integrated gradients (Sundararajan et al. 2017) from the empty input, by the midpoint rule in 16 steps.

    The weights of a value sum to log-likelihood(input) − log-likelihood(empty), up to the error of the rule: see
    `completeness_gap`.
    """
    return _along_the_way(task, model, values, answers, shares=[(i + 0.5) / STEPS for i in range(STEPS)])


def completeness_gap(
    task: Task, model: nn.Module, values: Sequence[Any], answers: Sequence[Any], maps: Sequence[np.ndarray]
) -> np.ndarray:
    """[B]: how far the sum of weights is from log-likelihood(input) − log-likelihood(empty), as a share of that.

    0 is exact.
    """

    def gaps(batch: Sequence[int]) -> list[float]:
        answered = [answers[i] for i in batch]
        with frozen(model), torch.no_grad():
            x, full, empty = _ends(task, model, [values[i] for i in batch], answered)
            ends = [_log_likelihood_at(task, model, x, point, answered).double() for point in (full, empty)]
        whole = (ends[0] - ends[1]).cpu().numpy()
        sums = np.array([maps[i].sum() for i in batch])
        found: list[float] = (np.abs(sums - whole) / np.maximum(np.abs(whole), 1e-6)).tolist()
        return found

    return np.array(unpadded(task, values, gaps))


def gradient_of(log_likelihood: Tensor, point: Tensor) -> Tensor:
    """The gradient of the summed `log_likelihood` [B] at `point` [B, …]; zeros where it does not depend on it."""
    if not log_likelihood.requires_grad:
        return torch.zeros_like(point)
    return torch.autograd.grad(log_likelihood.sum(), point, allow_unused=True, materialize_grads=True)[0]


# ---- gradients at the embedding layer


def _along_the_way(
    task: Task, model: nn.Module, values: Sequence[Any], answers: Sequence[Any], shares: Sequence[float]
) -> list[np.ndarray]:
    """Mean gradient at `shares` of the way from empty to full, times (full − empty), summed over parts."""
    input = Attributable.of(task.input)

    def maps(batch: Sequence[int]) -> list[np.ndarray]:
        inputs, answered = [values[i] for i in batch], [answers[i] for i in batch]
        with frozen(model):
            with torch.no_grad():
                x, full, empty = _ends(task, model, inputs, answered)
            total = torch.zeros_like(full)
            for share in shares:
                total += _gradient_at(task, model, x, torch.lerp(empty, full, share), answered)
        saliency = (total / len(shares) * (full - empty)).float().cpu()
        return [np.asarray(input.aggregate(s, v), float) for s, v in zip(saliency, inputs, strict=True)]

    return unpadded(task, values, maps)


def _gradient_at(task: Task, model: nn.Module, x: Any, point: Tensor, answers: Sequence[Any]) -> Tensor:
    point = point.detach().requires_grad_(True)
    with torch.enable_grad():
        return gradient_of(_log_likelihood_at(task, model, x, point, answers), point)


def _log_likelihood_at(task: Task, model: nn.Module, x: Any, point: Tensor, answers: Sequence[Any]) -> Tensor:
    """The log-likelihood [B] when the embedding layer gives `point` [B, …] instead of what it would.

    Without such a layer `point` is the input.
    """
    layer = task.embedding_layer(model)
    if layer is None:
        return task.log_likelihood(model, point, task.encoded_targets(model, answers))
    with _replaced_output(layer, point):
        return task.log_likelihood(model, x, task.encoded_targets(model, answers))


def _ends(task: Task, model: nn.Module, values: Sequence[Any], answers: Sequence[Any]) -> tuple[Any, Tensor, Tensor]:
    """Encoded inputs, and what the embedding layer gives for them and for empty ones: [B, …].

    Empty is what the kind of input calls blank, or else the mean over baselines. One that changes the length (words
    deleted) has no counterpart position by position and is left out; when none is left, empty is all zeros.
    """
    x, input = task.encoded(model, values), Attributable.of(task.input)
    full = _at_layer(task, model, x, answers)
    if (blank := input.blank(x)) is not None:
        return x, full, _at_layer(task, model, blank, answers)
    empties = []
    for baseline in input.baselines:
        gone = [input.mask(v, np.zeros(input.segments(v), bool), baseline) for v in values]
        empty = _at_layer(task, model, task.encoded(model, gone), answers)
        if empty.shape == full.shape:
            empties.append(empty)
    return x, full, torch.stack(empties).mean(0) if empties else torch.zeros_like(full)


class _Seen(Exception):
    """The layer was reached: the rest of the forward pass is not needed."""


def _at_layer(task: Task, model: nn.Module, x: Any, answers: Sequence[Any]) -> Tensor:
    layer = task.embedding_layer(model)
    if layer is None:
        return x
    seen: list[Tensor] = []

    def stop(module: nn.Module, args: Any, output: Tensor) -> None:
        seen.append(output.detach())
        raise _Seen

    handle = layer.register_forward_hook(stop)
    try:
        task.log_likelihood(model, x, task.encoded_targets(model, answers))
    except _Seen:
        pass
    finally:
        handle.remove()
    return seen[0]


@contextmanager
def _replaced_output(layer: nn.Module, point: Tensor) -> Iterator[None]:
    """The first call of `layer` gives `point`; later ones (a decoder that shares the embedding) what they would."""
    calls = iter([point])
    handle = layer.register_forward_hook(lambda module, args, output: next(calls, output))
    try:
        yield
    finally:
        handle.remove()
