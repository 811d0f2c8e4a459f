"""Square Attack: a search that sees answers and no gradient (Andriushchenko et al., arXiv 1912.00049).

It changes one window at a time and keeps what makes the answer worse. Windows shrink as the search goes on. Because it
asks for no gradient, a model that only hides its gradients is no safer from it.

Inputs are looked at as planes [R, C, H, W]. Pictures are that already; anything else is cut along its last axis, as
planes of height 1, and its windows are segments: a tenth of a second of a sound, some columns of a table.

    L∞   the window of each channel moves to the far side of the ball, + or −
    L2   the window takes over the energy of another one, in the shape of two small hills of opposite sign

Legend of shapes: B batch, R rows that still stand, C channels, H height, W width, a b sides of a window.
"""

from __future__ import annotations

import bisect
import math
import time
from collections.abc import Callable

import torch
from torch import Tensor

from sounding.challenges.disturbances.gradient_ascent import Found
from sounding.challenges.disturbances.lp_ball import LpBall, length, like

SHARE = 0.8
"""The share of the positions that the first windows cover."""
HALVINGS = (10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000)
"""Queries of 10,000 at which the share is halved; other budgets are scaled to this."""
TILES = 5
"""The L2 search starts with this many hills along each side."""
TINY = 1e-12

Shown = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""`shown(x, rows)` → losses [R] and whether the answers are wrong [R], for rows [R] of the batch."""


def square(ball: LpBall, shown: Shown, queries: int, rng: torch.Generator, until: float = math.inf) -> Found:
    """The worst points that `queries` questions to the model find; a row whose answer is wrong is left in peace.

    `until` is the time (of `time.perf_counter`) at which the search stops where it is.
    """
    rows = torch.arange(len(ball.centre))
    found = Found(ball.centre.clone(), shown(ball.centre, rows)[0], torch.zeros(len(rows), dtype=torch.bool))
    clean = found.losses.clone()
    for query in range(queries):
        if not len(rows) or found.stopped:
            break
        here = ball.take(rows)
        best = found.points[rows]
        tried = _first(here, rng) if query == 0 else _moved(here, best, _share(query, queries), rng)
        losses, wrong = shown(tried, rows)
        better = (losses > found.losses[rows]) | wrong
        found.points[rows] = torch.where(like(better, best).to(best.device), tried, best)
        found.losses[rows] = torch.where(better, losses, found.losses[rows])
        found.effort += len(rows)
        rows = rows[~wrong]
        found.stopped = time.perf_counter() > until and query + 1 < queries
    found.rose = found.losses > clean
    return found


def _share(query: int, queries: int) -> float:
    return SHARE / 2 ** bisect.bisect_left(HALVINGS, query * 10_000 / queries)


def planes(x: Tensor) -> Tensor:
    """`x` as [R, C, H, W]: as it is, or [R, C, W] or [R, W] with a height of 1."""
    return x if x.ndim == 4 else x.reshape(len(x), -1, 1, x.shape[-1])


def _first(ball: LpBall, rng: torch.Generator) -> Tensor:
    centre = planes(ball.centre)
    n, channels, height, width = centre.shape
    if ball.norm == "linf":  # vertical stripes
        delta = like(ball.radius.flatten(), centre) * _signs((n, channels, 1, width), rng).to(centre)
    else:
        tile = hills(max(1, height // TILES), max(1, width // TILES))
        down, across = math.ceil(height / len(tile)), math.ceil(width / len(tile[0]))
        signs = _signs((n, channels, down, across), rng)
        delta = torch.kron(signs, tile[None, None])[:, :, :height, :width].to(centre)
        delta = delta / length(delta).clamp_min(TINY) * like(ball.radius.flatten(), centre)
    return ball.inside((centre + delta).reshape(ball.centre.shape))


def _moved(ball: LpBall, best: Tensor, share: float, rng: torch.Generator) -> Tensor:
    delta = planes(best - ball.centre).clone()
    radius = like(ball.radius.flatten(), delta)
    if ball.norm == "linf":
        window = _window(delta.shape, share, rng)
        delta[window] = (radius * _signs((*delta.shape[:2], 1, 1), rng).to(delta)).expand_as(delta[window])
    else:
        _shift_energy(delta, radius, share, rng)
    return ball.inside(ball.centre + delta.reshape(best.shape))


def _shift_energy(delta: Tensor, radius: Tensor, share: float, rng: torch.Generator) -> None:
    """Empty one window and give what it held, and what the ball leaves unused, to another: changes `delta`."""
    channels = delta.shape[1]
    to, of = _window(delta.shape, share, rng), _window(delta.shape, share, rng)
    unused = (radius**2 - length(delta) ** 2).clamp_min(0)
    either = torch.zeros_like(delta)
    either[to] = either[of] = 1.0
    held = (delta**2 * either).sum((2, 3), keepdim=True) + unused / channels
    shape = hills(*delta[to].shape[2:]).to(delta)
    if shape.shape[0] == shape.shape[1] and torch.rand((), generator=rng) < 0.5:
        shape = shape.T
    fresh = _signs((*delta.shape[:2], 1, 1), rng).to(delta) * shape + _unit(delta[to])
    delta[of] = 0.0
    delta[to] = _unit(fresh) * held.sqrt()


def hills(a: int, b: int) -> Tensor:
    """[a, b]: a hill and a hollow side by side along the longer side, of norm 1; higher towards their middles."""
    if a > b:
        return hills(b, a).T
    half = b // 2
    parts = [_hill(a, half), -_hill(a, b - half)] if half else [_hill(a, b)]
    shape = torch.cat(parts, dim=1)
    return shape / shape.norm()


def _hill(a: int, b: int) -> Tensor:
    """[a, b]: rises from the border inwards by 1/n², … 1/4, 1/1, n being the number of rings."""
    down, across = (torch.minimum(torch.arange(n), torch.arange(n).flip(0)) for n in (a, b))
    ring = torch.minimum(down[:, None], across[None])
    most = int(ring.max())
    steps = 1.0 / torch.arange(most + 1, 0, -1, dtype=torch.float32) ** 2
    return steps.cumsum(0)[ring]


def _window(shape: torch.Size, share: float, rng: torch.Generator) -> tuple[Tensor, ...]:
    """Indices of a window of `share` of the positions, somewhere else in each row: together [R, C, a, b]."""
    n, channels, height, width = shape
    if height == 1:
        a, b = 1, max(1, round(share * width))
    else:
        side = max(1, round((share * height * width) ** 0.5))
        a, b = min(side, height), min(side, width)
    top = torch.randint(height - a + 1, (n, 1), generator=rng) + torch.arange(a)
    left = torch.randint(width - b + 1, (n, 1), generator=rng) + torch.arange(b)
    every, channel = torch.arange(n)[:, None, None, None], torch.arange(channels)[None, :, None, None]
    return every, channel, top[:, None, :, None], left[:, None, None, :]


def _signs(shape: tuple[int, ...], rng: torch.Generator) -> Tensor:
    return torch.randint(2, shape, generator=rng) * 2.0 - 1.0


def _unit(window: Tensor) -> Tensor:
    return window / window.flatten(2).norm(dim=2)[..., None, None].clamp_min(TINY)
