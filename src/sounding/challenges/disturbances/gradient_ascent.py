"""Two ways of following the gradient of a loss uphill inside a ball.

    pgd       fixed steps from a random start (PGD, Madry et al. 2018)
    apgd      a step that is halved when the loss stalls, with momentum (APGD, Croce and Hein, arXiv 2003.01690,
              algorithm 1): nothing to tune but how many steps there are

Legend of shapes: B batch, R rows that are still attacked.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from sounding.challenges.disturbances.goals import Goal
from sounding.challenges.disturbances.lp_ball import LpBall, like

REACH = 2.5
"""Steps × step of PGD, in radii: below 2 a point could not cross the ball."""
FLAT = 1e-5
"""Losses below this do not resolve a rise: in single precision 1 − probability is rounded at 6e-8."""
FIRST_STEP = 2.0
"""The first step of APGD, in radii."""
MOMENTUM = 0.75
RISING = 0.75
"""The share of steps that must rise, or the step is halved."""
LOOK = 5
"""How often, in steps, it is asked which rows are answered wrongly by now."""

Won = Callable[[Goal, Tensor], Tensor]
"""`won(goal, x)` → bool [B]: whether the answers to `x` are wrong."""


@dataclass
class Found:
    """The best point of each: `points` [B, …], their `losses` [B], and whether the loss `rose` [B] from its start.

    `effort` counts steps (or queries) over all rows; `stopped` is whether time ran out first.
    """

    points: Tensor
    losses: Tensor
    rose: Tensor
    effort: int = 0
    stopped: bool = False


def pgd(goal: Goal, ball: LpBall, steps: int, rng: torch.Generator) -> Found:
    """Steps of REACH / steps radii along the sign (or direction) of the gradient, keeping the point of highest loss."""
    best, highest = ball.centre, goal.loss_and_gradient(ball.centre)[0]
    point = ball.start(rng)
    loss, gradient = goal.loss_and_gradient(point)
    first = peak = loss
    hidden = (loss < FLAT) & (gradient.flatten(1) != 0).any(1).to(loss.device)
    for _ in range(steps):
        best, highest = _higher(best, highest, point, loss)
        point = ball.inside(point + REACH / steps * ball.radius * ball.steepest(gradient))
        loss, gradient = goal.loss_and_gradient(point)
        peak = torch.fmax(peak, loss)
    best, highest = _higher(best, highest, point, loss)
    return Found(best, highest, (peak > first) | hidden, steps * len(point))


@dataclass
class _State:
    """A run of APGD for the R rows that are still attacked; `rows` [R] says which of the batch they are."""

    rows: Tensor
    point: Tensor
    before: Tensor
    loss: Tensor
    gradient: Tensor
    best: Tensor
    highest: Tensor
    best_gradient: Tensor
    step: Tensor  # in radii
    rises: Tensor  # steps that rose since the last checkpoint
    halved: Tensor  # whether the last checkpoint halved the step
    mark: Tensor  # the highest at the last checkpoint

    def take(self, rows: Tensor) -> _State:
        return _State(*(getattr(self, field.name)[rows] for field in fields(self)))


def apgd(
    goal: Goal, ball: LpBall, steps: int, rng: torch.Generator, won: Won | None = None, until: float = math.inf
) -> Found:
    """APGD. Rows whose answer `won` says is wrong at their highest loss are not attacked any further.

    `until` is the time (of `time.perf_counter`) at which the search stops where it is.
    """
    now = _begin(goal, ball, rng)
    first = now.loss
    found = Found(now.best.clone(), now.highest.clone(), torch.zeros_like(first, dtype=torch.bool))
    checks = _checkpoints(steps)
    last = 0
    for k in range(steps):
        if found.stopped or not len(now.rows):
            break
        _step(goal, ball, now, MOMENTUM if k else 1.0)
        found.effort += len(now.rows)
        if k + 1 in checks:
            _check(now, k + 1 - last)
            last = k + 1
        found.stopped = time.perf_counter() > until and k + 1 < steps
        if won and ((k + 1) % LOOK == 0 or k + 1 == steps or found.stopped):
            _keep(found, now)
            right = torch.nonzero(~won(goal, now.best).to(now.rows.device))[:, 0]
            if len(right) < len(now.rows):
                now, goal, ball = now.take(right), goal.take(right), ball.take(right)
    _keep(found, now)
    found.rose = found.losses > first
    return found


def _begin(goal: Goal, ball: LpBall, rng: torch.Generator) -> _State:
    point = ball.start(rng)
    loss, gradient = goal.loss_and_gradient(point)
    loss = loss.to(point.device)
    rows = torch.arange(len(point), device=point.device)
    step = torch.full_like(loss, FIRST_STEP)
    none = torch.zeros_like(loss)
    return _State(rows, point, point, loss, gradient, point, loss, gradient, step, none, none.bool(), loss)


def _step(goal: Goal, ball: LpBall, now: _State, momentum: float) -> None:
    """One step, and a part of the step before: changes `now`."""
    x = now.point
    ahead = ball.inside(x + like(now.step, x) * ball.radius * ball.steepest(now.gradient))
    now.point, now.before = ball.inside(x + momentum * (ahead - x) + (1 - momentum) * (x - now.before)), x
    loss, now.gradient = goal.loss_and_gradient(now.point)
    loss = loss.to(x.device)
    now.rises = now.rises + (loss > now.loss)
    now.loss = loss
    higher = like(loss > now.highest, x)
    now.best, now.best_gradient = (
        torch.where(higher, now.point, now.best),
        torch.where(higher, now.gradient, now.best_gradient),
    )
    now.highest = torch.fmax(now.highest, loss)


def _check(now: _State, steps: int) -> None:
    """Halve the step and go back to the best point where too few of the last `steps` rose, or none reached higher."""
    stuck = ~now.halved & (now.highest <= now.mark)
    now.halved = (now.rises < RISING * steps) | stuck
    back = like(now.halved, now.point)
    now.step = torch.where(now.halved, now.step / 2, now.step)
    now.point, now.gradient = torch.where(back, now.best, now.point), torch.where(back, now.best_gradient, now.gradient)
    now.loss = torch.where(now.halved, now.highest, now.loss)
    now.mark, now.rises = now.highest, torch.zeros_like(now.rises)


def _checkpoints(steps: int) -> set[int]:
    """Where the step may be halved: at 22 % of the steps, and then at intervals that shrink from 19 % to 6 %."""
    at, before, places = 0.22, 0.0, set()
    while at <= 1:
        places.add(math.ceil(at * steps))
        at, before = at + max(at - before - 0.03, 0.06), at
    return places


def _keep(found: Found, now: _State) -> None:
    found.points[now.rows], found.losses[now.rows] = now.best, now.highest


def _higher(best: Tensor, highest: Tensor, point: Tensor, loss: Tensor) -> tuple[Tensor, Tensor]:
    higher = (loss > highest).to(point.device)
    return torch.where(like(higher, point), point, best), torch.where(higher.to(loss.device), loss, highest)
