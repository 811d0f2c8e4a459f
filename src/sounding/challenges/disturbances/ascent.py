"""Two climbs along the gradient inside a ball.

    climb     fixed steps from a random start (PGD, Madry et al. 2018)
    adapt     a step that is halved when the climb stalls, with momentum (APGD, Croce and Hein, arXiv 2003.01690,
              algorithm 1): nothing to tune but how many steps there are

Legend of shapes: B batch, R rows that still stand.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from sounding.challenges.disturbances.ball import Ball, like
from sounding.challenges.disturbances.goals import Goal

REACH = 2.5
"""Steps × step of the plain climb, in radii: below 2 a point could not cross the ball."""
FLAT = 1e-5
"""Losses below this do not resolve a rise: in single precision 1 − probability is rounded at 6e-8."""
FIRST_STEP = 2.0
"""The first step of APGD, in radii."""
MOMENTUM = 0.75
RISING = 0.75
"""The share of steps that must rise, or the step is halved."""
LOOK = 5
"""How often, in steps, rows are asked whether they have fallen."""

Won = Callable[[Goal, Tensor], Tensor]
"""`won(goal, x)` → bool [B]: whether the answers to `x` are wrong."""


@dataclass
class Found:
    """The best point of each: `points` [B, …], their `heights` [B], and whether the climb `rose` [B] from its start.

    `effort` counts steps (or queries) over all rows; `stopped` is whether time ran out first.
    """

    points: Tensor
    heights: Tensor
    rose: Tensor
    effort: int = 0
    stopped: bool = False


def climb(goal: Goal, ball: Ball, steps: int, rng: torch.Generator) -> Found:
    """Steps of REACH / steps radii along the sign (or the direction) of the slope, keeping the highest point met."""
    best, highest = ball.centre, goal.height_and_slope(ball.centre)[0]
    point = ball.start(rng)
    height, slope = goal.height_and_slope(point)
    first = peak = height
    hidden = (height < FLAT) & (slope.flatten(1) != 0).any(1).to(height.device)
    for _ in range(steps):
        best, highest = _higher(best, highest, point, height)
        point = ball.inside(point + REACH / steps * ball.radius * ball.steepest(slope))
        height, slope = goal.height_and_slope(point)
        peak = torch.fmax(peak, height)
    best, highest = _higher(best, highest, point, height)
    return Found(best, highest, (peak > first) | hidden, steps * len(point))


@dataclass
class _State:
    """One climb of APGD for the R rows that still stand; `rows` [R] says which of the batch they are."""

    rows: Tensor
    point: Tensor
    before: Tensor
    height: Tensor
    slope: Tensor
    best: Tensor
    highest: Tensor
    best_slope: Tensor
    step: Tensor  # in radii
    rises: Tensor  # steps that rose since the last checkpoint
    halved: Tensor  # whether the last checkpoint halved the step
    mark: Tensor  # the highest at the last checkpoint

    def take(self, rows: Tensor) -> _State:
        return _State(*(getattr(self, field.name)[rows] for field in fields(self)))


def adapt(
    goal: Goal, ball: Ball, steps: int, rng: torch.Generator, won: Won | None = None, until: float = math.inf
) -> Found:
    """APGD. Rows that `won` says have fallen at their highest point are not climbed any further.

    `until` is the time (of `time.perf_counter`) at which the climb stops where it is.
    """
    now = _begin(goal, ball, rng)
    first = now.height
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
            stands = torch.nonzero(~won(goal, now.best).to(now.rows.device))[:, 0]
            if len(stands) < len(now.rows):
                now, goal, ball = now.take(stands), goal.take(stands), ball.take(stands)
    _keep(found, now)
    found.rose = found.heights > first
    return found


def _begin(goal: Goal, ball: Ball, rng: torch.Generator) -> _State:
    point = ball.start(rng)
    height, slope = goal.height_and_slope(point)
    height = height.to(point.device)
    rows = torch.arange(len(point), device=point.device)
    step = torch.full_like(height, FIRST_STEP)
    none = torch.zeros_like(height)
    return _State(rows, point, point, height, slope, point, height, slope, step, none, none.bool(), height)


def _step(goal: Goal, ball: Ball, now: _State, momentum: float) -> None:
    """One step, and a part of the step before: changes `now`."""
    x = now.point
    ahead = ball.inside(x + like(now.step, x) * ball.radius * ball.steepest(now.slope))
    now.point, now.before = ball.inside(x + momentum * (ahead - x) + (1 - momentum) * (x - now.before)), x
    height, now.slope = goal.height_and_slope(now.point)
    height = height.to(x.device)
    now.rises = now.rises + (height > now.height)
    now.height = height
    higher = like(height > now.highest, x)
    now.best, now.best_slope = torch.where(higher, now.point, now.best), torch.where(higher, now.slope, now.best_slope)
    now.highest = torch.fmax(now.highest, height)


def _check(now: _State, steps: int) -> None:
    """Halve the step and go back to the best point where too few of the last `steps` rose, or none reached higher."""
    stuck = ~now.halved & (now.highest <= now.mark)
    now.halved = (now.rises < RISING * steps) | stuck
    back = like(now.halved, now.point)
    now.step = torch.where(now.halved, now.step / 2, now.step)
    now.point, now.slope = torch.where(back, now.best, now.point), torch.where(back, now.best_slope, now.slope)
    now.height = torch.where(now.halved, now.highest, now.height)
    now.mark, now.rises = now.highest, torch.zeros_like(now.rises)


def _checkpoints(steps: int) -> set[int]:
    """Where the step may be halved: at 22 % of the steps, and then at intervals that shrink from 19 % to 6 %."""
    at, before, places = 0.22, 0.0, set()
    while at <= 1:
        places.add(math.ceil(at * steps))
        at, before = at + max(at - before - 0.03, 0.06), at
    return places


def _keep(found: Found, now: _State) -> None:
    found.points[now.rows], found.heights[now.rows] = now.best, now.highest


def _higher(best: Tensor, highest: Tensor, point: Tensor, height: Tensor) -> tuple[Tensor, Tensor]:
    higher = (height > highest).to(point.device)
    return torch.where(like(higher, point), point, best), torch.where(higher.to(height.device), height, highest)
