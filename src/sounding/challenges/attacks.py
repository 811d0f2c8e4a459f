"""Searches for the input near a given one on which the model does worst.

    pgd      continuous inputs: steps along the gradient of the loss inside a ball (Madry et al. 2018)
    greedy   discrete inputs: the small edit that hurts most, and then the next

What an attack finds is real; what it does not find may still be there. So accuracy under attack is an upper bound on
what the worst attack leaves ("at most"), and an attack with too short or too few steps flatters the model: here
steps × step is 2.5 × the radius, so that a point can cross the ball.

Legend of shapes: B batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sounding.challenges.passes import frozen, scored
from sounding.engine.task import Task, chunks
from sounding.modalities.modality import Threat
from sounding.randomness import generator, stream

REACH = 2.5
"""Steps × step, in radii."""
FLAT = 1e-5
"""Losses below this do not resolve a rise: in single precision 1 − probability is rounded at 6e-8."""
EDITS = 2
TRIED = 10
"""Neighbours that are tried for each edit."""


@dataclass(frozen=True)
class Attacked:
    """The worst input found for each: `values` [B], their `losses` [B], and where the search `rose` [B].

    `rose` is where following the search raised the loss above that of its start (or could not be seen to, since the
    loss is so near 0 that floating point hides a rise). A gradient that leads nowhere is masked (rounded, broken): the
    model is not robust, the attack is blind.
    """

    values: list[Any]
    losses: np.ndarray
    rose: np.ndarray


def pgd(
    task: Task,
    model: nn.Module,
    values: Sequence[Any],
    truths: Sequence[Any],
    threat: Threat,
    *,
    steps: int = 10,
    seed: int = 0,
) -> Attacked:
    """Projected gradient ascent on the loss of the truth from a random start, keeping the worst point of each input.

    Points stay inside the ball of `threat` and the legal range of the encoded input; the model is in evaluation mode
    and full precision, and is left as it was found.
    """
    found: list[Attacked] = []
    rng = generator("pgd", seed, threat.name)
    batches = _alike(task, values)
    with frozen(model):
        for batch in batches:
            x = task.encoded(model, [values[i] for i in batch]).float()
            found.append(_climb(task, model, x, [truths[i] for i in batch], threat, steps, rng))
    return _joined(found, [i for batch in batches for i in batch])


def greedy(task: Task, model: nn.Module, values: Sequence[Any], truths: Sequence[Any], *, seed: int = 0) -> Attacked:
    """Two edits, each the worst of ten neighbours (`input.neighbours`); an edit that does not hurt is not made."""
    worst = list(values)
    clean = scored(task.loss, task, model, zip(worst, truths, strict=True))
    losses = clean.copy()
    for edit in range(EDITS):
        rngs = [stream("greedy", seed, edit, i) for i in range(len(worst))]
        near = [list(islice(task.input.neighbours(v, rng), TRIED)) for v, rng in zip(worst, rngs, strict=True)]
        pairs = ((v, truth) for some, truth in zip(near, truths, strict=True) for v in some)
        tried = np.split(scored(task.loss, task, model, pairs), np.cumsum([len(some) for some in near])[:-1])
        for i, some in enumerate(tried):
            if len(some) and some.max() > losses[i]:
                worst[i], losses[i] = near[i][int(some.argmax())], some.max()
    return Attacked(worst, losses, losses > clean)


# ---- gradient ascent in a ball


def _climb(
    task: Task,
    model: nn.Module,
    x: Tensor,
    truths: Sequence[Any],
    threat: Threat,
    steps: int,
    rng: torch.Generator,
) -> Attacked:
    radius = _radius(x, threat)
    low, high = task.input.legal or (-torch.inf, torch.inf)
    worst, highest = x, _loss_and_slope(task, model, x, truths)[0]
    point = (x + radius * _random_direction(x, threat.norm, rng)).clamp(low, high)
    loss, slope = _loss_and_slope(task, model, point, truths)
    first = peak = loss
    hidden = (loss < FLAT) & (slope.flatten(1) != 0).any(1).to(loss.device)
    for _ in range(steps):
        worst, highest = _worse(worst, highest, point, loss)
        moved = point + REACH / steps * radius * _steepest(slope, threat.norm)
        point = (x + _projected(moved - x, radius, threat.norm)).clamp(low, high)
        loss, slope = _loss_and_slope(task, model, point, truths)
        peak = torch.maximum(peak, loss)
    worst, highest = _worse(worst, highest, point, loss)
    return Attacked(task.input.decode(worst.cpu()), highest.cpu().numpy(), ((peak > first) | hidden).cpu().numpy())


def _loss_and_slope(task: Task, model: nn.Module, x: Tensor, truths: Sequence[Any]) -> tuple[Tensor, Tensor]:
    point = x.detach().requires_grad_(True)
    with torch.enable_grad():
        loss = task.loss(model, point, truths)
        if not loss.requires_grad:  # nothing of the input reaches the loss smoothly
            return loss.float(), torch.zeros_like(x)
        slope = torch.autograd.grad(loss.sum(), point, materialize_grads=True)[0]
    return loss.detach().float(), slope


def _worse(worst: Tensor, highest: Tensor, point: Tensor, loss: Tensor) -> tuple[Tensor, Tensor]:
    higher = (loss > highest).to(point.device)
    return torch.where(_like(higher, point), point, worst), torch.maximum(highest, loss)


def _radius(x: Tensor, threat: Threat) -> Tensor:
    """[B, 1, …]: the radius of each ball. A relative one is a share of the input's own size in the same norm.

    (For "l2" that is the norm, so that root mean squares have this ratio; for "linf" the root mean square itself.)
    """
    size = _norm(x) if threat.norm == "l2" else _norm(x) / x[0].numel() ** 0.5
    return threat.radius * (size if threat.relative else torch.ones_like(size))


def _random_direction(x: Tensor, norm: str, rng: torch.Generator) -> Tensor:
    """A point drawn evenly from the unit ball."""
    if norm == "linf":
        return torch.rand(x.shape, generator=rng).to(x.device) * 2 - 1
    direction = torch.randn(x.shape, generator=rng).to(x.device)
    length = torch.rand(len(x), generator=rng).to(x.device) ** (1 / x[0].numel())
    return direction / _norm(direction) * _like(length, x)


def _steepest(slope: Tensor, norm: str) -> Tensor:
    """The unit step that raises the loss most to first order; zero where there is no slope."""
    return slope.sign() if norm == "linf" else slope / _norm(slope).clamp_min(1e-30)


def _projected(moved: Tensor, radius: Tensor, norm: str) -> Tensor:
    if norm == "linf":
        return torch.maximum(torch.minimum(moved, radius), -radius)
    return moved * (radius / _norm(moved).clamp_min(1e-30)).clamp(max=1.0)


def _norm(x: Tensor) -> Tensor:
    """[B, 1, …]: the Euclidean norm of each."""
    return _like(x.flatten(1).norm(dim=1), x)


def _like(per_example: Tensor, x: Tensor) -> Tensor:
    return per_example.reshape(-1, *[1] * (x.ndim - 1))


def _alike(task: Task, values: Sequence[Any]) -> list[Sequence[int]]:
    """Batches of indices whose inputs have the same shape: in padding, an attack would find room that no input has."""
    alike: dict[tuple[int, ...], list[int]] = {}
    for i, value in enumerate(values):
        alike.setdefault(tuple(task.input.encode([value]).shape), []).append(i)
    return [batch for indices in alike.values() for batch in chunks(indices, task.recipe.batch)]


def _joined(found: Sequence[Attacked], order: Sequence[int]) -> Attacked:
    """One result of several, back in the order of the inputs: `order` [B] says which input each is of."""
    back = np.argsort(order)
    values = [value for some in found for value in some.values]
    losses, rose = (np.concatenate([getattr(f, name) for f in found])[back] for name in ("losses", "rose"))
    return Attacked([values[i] for i in back], losses, rose)
