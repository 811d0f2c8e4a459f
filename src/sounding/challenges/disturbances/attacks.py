"""Searches for the input near a given one on which the model does worst.

    pgd       continuous inputs: fixed steps along the gradient of the loss inside a ball (Madry et al. 2018)
    apgd      the same, with steps that adapt themselves, on the loss of the truth (APGD-CE) or on the margin of another
              answer (APGD-T; Croce and Hein, arXiv 2003.01690)
    square    continuous inputs without gradients: windows that are changed at random (arXiv 1912.00049)
    greedy    discrete inputs: the small edit that hurts most, and then the next
    perturb   one noisy step for one batch of a training against attacks

What an attack finds is real; what it does not find may still be there. So accuracy under attack is an upper bound on
what the worst attack leaves ("at most"), and an attack with too short or too few steps flatters the model.

Legend of shapes: B batch.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sounding.challenges.disturbances import goals, gradient_ascent
from sounding.challenges.disturbances.goals import Goal
from sounding.challenges.disturbances.gradient_ascent import Found
from sounding.challenges.disturbances.lp_ball import LpBall, picked
from sounding.challenges.disturbances.square import square as square_search
from sounding.challenges.passes import alike, frozen, scored
from sounding.contract.inputs import Continuous, Discrete, Threat
from sounding.contract.task import Task
from sounding.errors import UsageError
from sounding.randomness import generator, stream

EDITS = 2
TRIED = 10
"""Neighbours that are tried for each edit."""
NOISE = 2.0
"""How many radii the noise before a step of training may reach; less lets nets learn to defeat the step alone."""


@dataclass(frozen=True)
class Attacked:
    """The worst input found for each: `values` [B], their `losses` [B], and where the search `rose` [B].

    `losses` are of whatever the search raised: the loss of the truth, or a margin. `rose` is where following the search
    raised it above that of its start (or could not be seen to, since the loss is so near 0 that floating point hides a
    rise). A gradient that leads nowhere is masked (by rounding, say): the model is not robust, the attack is blind.
    `effort` counts steps or queries over all inputs; `stopped` is whether time ran out first.
    """

    values: list[Any]
    losses: np.ndarray
    rose: np.ndarray
    effort: int = 0
    stopped: bool = False


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
    """Projected gradient ascent on the loss of the truth from a random start, keeping the worst point of each.

    Points stay inside the ball of `threat` and the legal range of the encoded input; the model is in evaluation mode
    and full precision, and is left as it was found.
    """
    rng = generator("pgd", seed, threat.name)

    def search(x: Tensor, batch: Sequence[int], until: float) -> Found:
        goal = Goal(task, model, task.encoded_targets(model, [truths[i] for i in batch]))
        return gradient_ascent.pgd(goal, LpBall.around(x, threat, _range(task)), steps, rng)

    return _searched(task, model, values, search, math.inf)


def apgd(
    task: Task,
    model: nn.Module,
    values: Sequence[Any],
    truths: Sequence[Any],
    threat: Threat,
    *,
    targets: Sequence[Any] | None = None,
    steps: int = 100,
    seed: int = 0,
    until: float = math.inf,
) -> Attacked:
    """Gradient ascent whose step is halved when it stalls: on the loss of the truth, or the margin of `targets` [B].

    An input is left in peace once its answer is wrong (where the headline metric is a share of right answers). `until`
    is the time (of `time.perf_counter`) at which the search stops where it is.
    """
    rng = generator("apgd", seed, threat.name, "" if targets is None else "targeted")

    def fooled(goal: Goal, x: Tensor) -> Tensor:
        return goals.won(task, model, x, goal.truths)

    def search(x: Tensor, batch: Sequence[int], until: float) -> Found:
        known = [truths[i] for i in batch]
        others = None if targets is None else task.encoded_targets(model, [targets[i] for i in batch])
        goal = Goal(task, model, task.encoded_targets(model, known), others, known)
        ball = LpBall.around(x, threat, _range(task))
        return gradient_ascent.apgd(goal, ball, steps, rng, fooled if task.row_metrics[0].proportion else None, until)

    return _searched(task, model, values, search, until)


def square(
    task: Task,
    model: nn.Module,
    values: Sequence[Any],
    truths: Sequence[Any],
    threat: Threat,
    *,
    queries: int = 5000,
    seed: int = 0,
    until: float = math.inf,
) -> Attacked:
    """Square Attack: sees what the model answers and no gradient, so a masked gradient does not stop it."""
    rng = generator("square", seed, threat.name)

    def search(x: Tensor, batch: Sequence[int], until: float) -> Found:
        known = [truths[i] for i in batch]

        def shown(tried: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
            return goals.shown(task, model, tried, picked(known, rows))

        return square_search(LpBall.around(x, threat, _range(task)), shown, queries, rng, until)

    return _searched(task, model, values, search, until)


def greedy(task: Task, model: nn.Module, values: Sequence[Any], truths: Sequence[Any], *, seed: int = 0) -> Attacked:
    """Two edits, each the worst of ten neighbours (`input.neighbours`); an edit that does not hurt is not made."""
    worst = list(values)
    clean = scored(task.loss, task, model, zip(worst, truths, strict=True))
    losses, effort, input = clean.copy(), 0, Discrete.of(task.input)
    for edit in range(EDITS):
        rngs = [stream("greedy", seed, edit, i) for i in range(len(worst))]
        near = [list(islice(input.neighbours(v, rng), TRIED)) for v, rng in zip(worst, rngs, strict=True)]
        pairs = ((v, truth) for some, truth in zip(near, truths, strict=True) for v in some)
        tried = np.split(scored(task.loss, task, model, pairs), np.cumsum([len(some) for some in near])[:-1])
        effort += sum(len(some) for some in near)
        for i, some in enumerate(tried):
            if len(some) and np.nanmax([losses[i], *some]) > losses[i]:
                best = int(np.nanargmax(some))
                worst[i], losses[i] = near[i][best], some[best]
    return Attacked(worst, losses, losses > clean, effort)


def perturb(task: Task, model: nn.Module, x: Tensor, y: Any, threat: Threat, rng: torch.Generator) -> Tensor:
    """Encoded inputs `x` [B, …] moved to where the loss of `y` is higher, for a training against attacks.

    From a point drawn from a ball of `NOISE` times the radius of `threat`, one step of a whole radius up the loss, not
    projected back, brought into the legal range; detached (N-FGSM, de Jorge et al., arXiv 2202.01181). The loss is the
    one that the model is trained on when it is in training mode. Nothing is left behind: parameters get no gradient;
    normalisation layers look at the batch as in a training step, but their running statistics are not touched (they
    would otherwise count each batch twice); dropout is off, so that no random numbers are drawn but from `rng`. Raises
    UsageError where the input has no legal range.
    """
    if not isinstance(task.input, Continuous):
        fix = "Train without attacks"
        raise UsageError("this kind of input has no range in which gradients could attack it", fix=fix)
    wide = replace(threat, radius=NOISE * threat.radius)
    start = LpBall.around(x.detach(), wide, task.input.value_range).start(rng)
    with _statistics_at_rest(model):
        gradient = Goal(task, model, y).loss_and_gradient(start)[1]
    ball = LpBall.around(x.detach(), threat, task.input.value_range)
    return (start + ball.radius * ball.steepest(gradient)).clamp(ball.low, ball.high).to(x.dtype)


# ---- parts


def _range(task: Task) -> tuple[float, float]:
    return Continuous.of(task.input).value_range


@contextmanager
def _statistics_at_rest(model: nn.Module) -> Iterator[None]:
    """Normalisation layers that neither use nor update their running statistics in training; no dropout."""
    learning = [m for m in model.modules() if m.training]
    paused = [(m, "track_running_stats") for m in learning if getattr(m, "track_running_stats", False)]
    paused += [(m, "training") for m in learning if isinstance(m, nn.modules.dropout._DropoutNd)]
    for module, flag in paused:
        setattr(module, flag, False)
    try:
        yield
    finally:
        for module, flag in paused:
            setattr(module, flag, True)


def _searched(
    task: Task,
    model: nn.Module,
    values: Sequence[Any],
    search: Callable[[Tensor, Sequence[int], float], Found],
    until: float,
) -> Attacked:
    """`search` in every batch of inputs of one shape; each may take its share of the time that is left."""
    found: list[Found] = []
    moved: dict[int, Any] = {}
    batches = alike(task, values)
    with frozen(model):
        for k, batch in enumerate(batches):
            now = time.perf_counter()
            x = task.encoded(model, [values[i] for i in batch]).float()
            found.append(search(x, batch, now + (until - now) / (len(batches) - k)))
            moved.update(zip(batch, Continuous.of(task.input).decode(found[-1].points.cpu()), strict=True))
    order = np.argsort([i for batch in batches for i in batch])
    losses, rose = (
        np.concatenate([getattr(f, name).cpu().numpy() for f in found] or [np.zeros(0)])[order]
        for name in ("losses", "rose")
    )
    effort, stopped = sum(f.effort for f in found), any(f.stopped for f in found)
    return Attacked([moved[i] for i in range(len(values))], losses, rose, effort, stopped)
