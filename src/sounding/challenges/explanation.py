"""Which parts of an input carry the answer that a model gave to it.

    occlusion              how much support the answer loses when one part is taken away
    gradient               gradient × (input − empty input), summed over each part
    integrated_gradients   the same gradient, averaged over the way from the empty input to the input
    random_order           a coin's explanation: what every other must beat

Support is `task.support`: the log-probability of the answer, in nats. A positive weight speaks for the answer. The
*empty* input has all of its parts taken away; where there are several ways of doing that (ablations), explanations
average over them, because one that leans on a single way looks good when scored by the same way and poor by another.

Legend of shapes: B batch, P parts, M masks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sounding.challenges.passes import frozen, supports
from sounding.engine.task import Task, chunks

Explain = Callable[[Task, nn.Module, Sequence[Any], Sequence[Any], np.random.Generator], list[np.ndarray]]
"""`explain(task, model, values, answers, rng)` → one weight [P] for each part of each value."""

STEPS = 16


def occlusion(task: Task, model: nn.Module, value: Any, answer: Any, ablation: str) -> np.ndarray:
    """[P]: the support that `answer` loses when each part alone is taken away (Zeiler and Fergus 2014)."""
    kept = task.input.keep_many(value, ~np.eye(task.input.parts(value), dtype=bool), ablation)
    scores = supports(task, model, ((v, answer) for v in (value, *kept)))
    return scores[0] - scores[1:]


def occlusions(
    task: Task, model: nn.Module, values: Sequence[Any], answers: Sequence[Any], rng: np.random.Generator
) -> list[np.ndarray]:
    """Occlusion of each value, averaged over the ablations."""

    def each() -> Iterator[tuple[Any, Any]]:
        for value, answer in zip(values, answers, strict=True):
            masks = ~np.eye(task.input.parts(value), dtype=bool)
            yield value, answer
            for ablation in task.input.ablations:
                yield from ((v, answer) for v in task.input.keep_many(value, masks, ablation))

    counts = [task.input.parts(value) for value in values]
    ways = len(task.input.ablations)
    scores = np.split(supports(task, model, each()), np.cumsum([1 + ways * p for p in counts])[:-1])
    return [s[0] - s[1:].reshape(ways, -1).mean(0) for s in scores]


def gradient(
    task: Task, model: nn.Module, values: Sequence[Any], answers: Sequence[Any], rng: np.random.Generator
) -> list[np.ndarray]:
    """Gradient × (input − empty input) at the leaf, summed over each part (Shrikumar et al. 2016)."""
    return _along_the_way(task, model, values, answers, shares=(1.0,))


def integrated_gradients(
    task: Task, model: nn.Module, values: Sequence[Any], answers: Sequence[Any], rng: np.random.Generator
) -> list[np.ndarray]:
    """Integrated gradients (Sundararajan et al. 2017) from the empty input, by the midpoint rule in 16 steps.

    The weights of a value sum to support(input) − support(empty), up to the error of the rule: see `completeness_gap`.
    """
    return _along_the_way(task, model, values, answers, shares=[(i + 0.5) / STEPS for i in range(STEPS)])


def random_order(
    task: Task, model: nn.Module, values: Sequence[Any], answers: Sequence[Any], rng: np.random.Generator
) -> list[np.ndarray]:
    """Weights that order the parts at random."""
    return [rng.permutation(task.input.parts(value)).astype(float) for value in values]


METHODS: dict[str, Explain] = {
    "occlusion": occlusions,
    "gradient": gradient,
    "integrated_gradients": integrated_gradients,
}


def methods(task: Task, model: nn.Module) -> dict[str, Explain]:
    """The methods that this input allows: gradients need a leaf module, or an encoded input that is continuous."""
    if task.input.legal is not None or task.leaf(model) is not None:
        return METHODS
    return {"occlusion": occlusions}


def completeness_gap(
    task: Task, model: nn.Module, values: Sequence[Any], answers: Sequence[Any], maps: Sequence[np.ndarray]
) -> np.ndarray:
    """[B]: |sum of weights − (support(input) − support(empty))| as a share of that difference; 0 is exact."""
    gaps = []
    for batch in chunks(list(zip(values, answers, maps, strict=True)), task.recipe.batch):
        inputs, answered, weights = (list(column) for column in zip(*batch))
        with frozen(model), torch.no_grad():
            x, full, empty = _ends(task, model, inputs, answered)
            change = _support_at(task, model, x, full, answered) - _support_at(task, model, x, empty, answered)
        sums = np.array([w.sum() for w in weights])
        whole = change.double().cpu().numpy()
        gaps.append(np.abs(sums - whole) / np.maximum(np.abs(whole), 1e-6))
    return np.concatenate(gaps)


# ---- gradients at the leaf


def _along_the_way(
    task: Task, model: nn.Module, values: Sequence[Any], answers: Sequence[Any], shares: Sequence[float]
) -> list[np.ndarray]:
    """Mean gradient at `shares` of the way from empty to full, times (full − empty), summed over parts."""
    maps: list[np.ndarray] = []
    for batch in chunks(list(zip(values, answers, strict=True)), task.recipe.batch):
        inputs, answered = [v for v, _ in batch], [a for _, a in batch]
        with frozen(model):
            with torch.no_grad():
                x, full, empty = _ends(task, model, inputs, answered)
            total = torch.zeros_like(full)
            for share in shares:
                total += _gradient_at(task, model, x, torch.lerp(empty, full, share), answered)
        saliency = (total / len(shares) * (full - empty)).float().cpu()
        maps += [np.asarray(task.input.pool(s, v), float) for s, v in zip(saliency, inputs, strict=True)]
    return maps


def _gradient_at(task: Task, model: nn.Module, x: Any, point: Tensor, answers: Sequence[Any]) -> Tensor:
    point = point.detach().requires_grad_(True)
    with torch.enable_grad():
        return torch.autograd.grad(_support_at(task, model, x, point, answers).sum(), point)[0]


def _support_at(task: Task, model: nn.Module, x: Any, point: Tensor, answers: Sequence[Any]) -> Tensor:
    """Support [B] when the leaf gives `point` [B, …] instead of what it would; without a leaf, `point` is the input."""
    leaf = task.leaf(model)
    if leaf is None:
        return task.support(model, point, answers)
    with _replaced_output(leaf, point):
        return task.support(model, x, answers)


def _ends(task: Task, model: nn.Module, values: Sequence[Any], answers: Sequence[Any]) -> tuple[Any, Tensor, Tensor]:
    """Encoded inputs, and what the leaf gives for them and for the empty inputs (mean over ablations): two [B, …].

    An ablation that changes the length (words deleted) has no counterpart position by position and is left out; when
    none is left, empty is all zeros.
    """
    x = task.encoded(model, values)
    full = _at_leaf(task, model, x, answers)
    empties = []
    for ablation in task.input.ablations:
        gone = [task.input.keep(v, np.zeros(task.input.parts(v), bool), ablation) for v in values]
        empty = _at_leaf(task, model, task.encoded(model, gone), answers)
        if empty.shape == full.shape:
            empties.append(empty)
    return x, full, torch.stack(empties).mean(0) if empties else torch.zeros_like(full)


class _Seen(Exception):
    """The leaf was reached: the rest of the forward pass is not needed."""


def _at_leaf(task: Task, model: nn.Module, x: Any, answers: Sequence[Any]) -> Tensor:
    leaf = task.leaf(model)
    if leaf is None:
        return x
    seen: list[Tensor] = []

    def stop(module: nn.Module, args: Any, output: Tensor) -> None:
        seen.append(output.detach())
        raise _Seen

    handle = leaf.register_forward_hook(stop)
    try:
        task.support(model, x, answers)
    except _Seen:
        pass
    finally:
        handle.remove()
    return seen[0]


@contextmanager
def _replaced_output(leaf: nn.Module, point: Tensor) -> Iterator[None]:
    """The first call of `leaf` gives `point`; later ones (a decoder that shares the embedding) what they would."""
    calls = iter([point])
    handle = leaf.register_forward_hook(lambda module, args, output: next(calls, output))
    try:
        yield
    finally:
        handle.remove()
