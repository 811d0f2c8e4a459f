"""The ball around an input that an attack may search: where it ends, how to draw from it, which way is steepest.

A ball is cut by the legal range of the encoded input. Cutting brings no point further from the centre, since the centre
is legal, so a point that was projected into the ball and then clamped lies in both.

Legend of shapes: B batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from sounding.contract.inputs import Threat
from sounding.errors import UsageError

NORMS = ("linf", "l2")


@dataclass(frozen=True)
class LpBall:
    """The balls of a batch: `centre` [B, …], `radius` [B, 1, …] in `norm`, and the legal range `low` to `high`."""

    centre: Tensor
    radius: Tensor
    norm: str
    low: float
    high: float

    @classmethod
    def around(cls, x: Tensor, threat: Threat, legal: tuple[float, float] | None) -> LpBall:
        """The ball of `threat` around each of `x` [B, …].

        A relative radius is a share of the input's own size in the same norm: for "l2" of the norm, so that root mean
        squares have this ratio; for "linf" of the root mean square itself. Raises UsageError for an unknown norm.
        """
        if threat.norm not in NORMS:
            raise UsageError(f"no attack searches a ball in the norm {threat.norm!r}", fix=f"Use {' or '.join(NORMS)}")
        size = length(x) if threat.norm == "l2" else length(x) / max(1, x[0].numel()) ** 0.5
        radius = threat.radius * (size if threat.relative else torch.ones_like(size))
        low, high = legal or (-torch.inf, torch.inf)
        return cls(x, radius, threat.norm, low, high)

    def take(self, rows: Tensor) -> LpBall:
        """The balls of some rows (indices or a mask)."""
        return LpBall(self.centre[rows], self.radius[rows], self.norm, self.low, self.high)

    def start(self, rng: torch.Generator) -> Tensor:
        """A point drawn evenly from each ball, brought into the legal range."""
        x = self.centre
        if self.norm == "linf":
            unit = torch.rand(x.shape, generator=rng).to(x) * 2 - 1
        else:
            direction = torch.randn(x.shape, generator=rng).to(x)
            reach = torch.rand(len(x), generator=rng).to(x) ** (1 / x[0].numel())
            unit = direction / length(direction).clamp_min(1e-30) * like(reach, x)
        return (x + self.radius * unit).clamp(self.low, self.high)

    def inside(self, point: Tensor) -> Tensor:
        """The nearest point of the ball, brought into the legal range."""
        moved = point - self.centre
        if self.norm == "linf":
            moved = torch.maximum(torch.minimum(moved, self.radius), -self.radius)
        else:
            moved = moved * (self.radius / length(moved).clamp_min(1e-30)).clamp(max=1.0)
        return (self.centre + moved).clamp(self.low, self.high)

    def steepest(self, gradient: Tensor) -> Tensor:
        """The step of length 1 that rises most to first order; zero where there is no gradient."""
        return gradient.sign() if self.norm == "linf" else gradient / length(gradient).clamp_min(1e-30)


def length(x: Tensor) -> Tensor:
    """[B, 1, …]: the Euclidean norm of each."""
    return like(x.flatten(1).norm(dim=1), x)


def like(per_example: Tensor, x: Tensor) -> Tensor:
    """[B, 1, …]: one number for each example, shaped to go with `x` [B, …]."""
    return per_example.reshape(-1, *[1] * (x.ndim - 1))


def picked(items: Sequence, rows: Tensor) -> list:
    """The items at `rows` (indices)."""
    return [items[i] for i in rows.tolist()]
