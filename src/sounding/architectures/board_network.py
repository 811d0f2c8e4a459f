"""A residual network that looks at a board of any size: which move, who wins, whose is each point, by how much.

    BoardNetwork    a stem, residual blocks at the resolution of the board, and heads over the last map
    BoardOutputs    what it says of a batch of positions

After AlphaGo Zero (Silver et al. 2017, Nature 550) with the global pooling of KataGo (Wu, arXiv 1902.10565, section
3.3): every second block and every head also reads means and maxima over the whole board, so that a ladder or a race at
one side is known at the other after few layers. Nothing depends on how large the board is.

Legend of shapes: B batch, P planes of H rows and W columns, C channels, A actions.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from sounding.architectures.layers import ConvNorm, Residual, initialise

Moves = Literal["points", "columns", "pieces"]
POOLED = 3
"""Numbers that pooling makes of a channel: mean, mean times the side of the board, maximum."""
USUAL_SIDE, SIDES = 14.0, 10.0
"""The side at which the second of them is 0, and what it is divided by (KataGo's numbers)."""
HEAD = 32
"""Channels of the map of each head, at most."""


class BoardOutputs(NamedTuple):
    """What a network says of B positions, from the view of the player to move; no activation on any of it.

    Without territory `ownership` is [B, 0] and `score` [B, 0].
    """

    policy: Tensor  # [B, A] logits of the moves, legal or not; a pass is the last
    outcome: Tensor  # [B, 3] logits of a win, a draw, a loss
    ownership: Tensor  # [B, H · W] logits that a point ends as one's own, row by row from the top left
    score: Tensor  # [B, 1] points by which the game is won


@dataclass(frozen=True)
class BoardConfig:
    """The shape of a network: what it reads, how large it is, and of what kind the moves are.

    Moves are the points of the board, or its columns; with `passes` there is one more. Or pieces move: then `steps` has
    for each kind of move how many rows down and columns to the right it goes, and an action is
    kind · H · W + the point that is left. With `territory` a game ends in points, of which each player has some.
    """

    planes: int
    blocks: int = 4
    channels: int = 48
    moves: Moves = "points"
    passes: bool = False
    territory: bool = False
    steps: tuple[tuple[int, int], ...] = ()


def pooled(x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B _"]:
    """Of each channel its mean, its mean times how large the board is, and its maximum: [B, 3 C]."""
    points = x.permute(0, 2, 3, 1).flatten(1, 2)  # channels last: a sixth of the time of reducing over two axes
    mean, side = points.mean(1), points.shape[1] ** 0.5
    return torch.cat([mean, mean * ((side - USUAL_SIDE) / SIDES), points.amax(1)], dim=1)


class GlobalBias(nn.Module):
    """Adds to each channel a number that depends on what there is anywhere on the board."""

    def __init__(self, channels: int, width: int | None = None) -> None:
        super().__init__()
        self.linear = nn.Linear(POOLED * channels, width or channels)

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        """The same map, shifted."""
        return x + self.linear(pooled(x))[:, :, None, None]


class PolicyHead(nn.Module):
    """Logits of the moves [B, A] from the last map."""

    def __init__(self, channels: int, moves: Moves, passes: bool) -> None:
        super().__init__()
        width = min(HEAD, channels)
        self.moves = moves
        self.map = ConvNorm(channels, width, 1)
        self.bias = GlobalBias(width)
        reads = 2 * width if moves == "columns" else width
        self.act = nn.ReLU()
        self.score = nn.Conv2d(reads, 1, 1)
        self.passing = nn.Linear(POOLED * width, 1) if passes else None

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B A"]:
        """A logit for each point or column, and one for a pass."""
        x = self.map(x)
        y = self.bias(x)
        if self.moves == "columns":  # a column is known by what lies in it, wherever that is
            y = torch.cat([y.mean(2, keepdim=True), y.amax(2, keepdim=True)], dim=1)
        logits = self.score(self.act(y)).flatten(1)
        return logits if self.passing is None else torch.cat([logits, self.passing(pooled(x))], dim=1)


class PiecePolicyHead(nn.Module):
    """Logits of the moves [B, kinds · H · W] of pieces from the last map.

    A move is judged by what is seen where it begins, and by how well that fits what is seen where it ends: a product of
    two vectors, as in the attention of a Transformer (so do the newer networks of Leela Chess Zero).
    """

    def __init__(self, channels: int, steps: tuple[tuple[int, int], ...]) -> None:
        super().__init__()
        width = min(HEAD, channels)
        self.steps, self.width = steps, width
        self.map = ConvNorm(channels, channels, 1)
        self.bias = GlobalBias(channels)
        self.act = nn.ReLU()
        self.score = nn.Conv2d(channels, len(steps), 1)
        self.ends = nn.Conv2d(channels, 2 * width, 1)

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B A"]:
        """A logit for each kind of move from each point; those that lead off the board are no moves."""
        rows, columns = x.shape[2:]
        x = self.act(self.bias(self.map(x)))
        begins, ends = self.ends(x).flatten(2).chunk(2, dim=1)
        fits = begins.transpose(1, 2) @ ends * self.width**-0.5
        pairs = torch.from_numpy(_pairs(self.steps, rows, columns)).to(x.device)
        return self.score(x).flatten(1) + fits.flatten(1)[:, pairs]


@functools.cache
def _pairs(steps: tuple[tuple[int, int], ...], rows: int, columns: int) -> np.ndarray:
    """[A]: for each move the number of its pair of points; of moves that lead off the board that of any."""
    row, column = np.indices((rows, columns))
    found = []
    for down, right in steps:
        end = (row + down).clip(0, rows - 1) * columns + (column + right).clip(0, columns - 1)
        found.append(((row * columns + column) * rows * columns + end).ravel())
    return np.concatenate(found)


class ValueHead(nn.Module):
    """Who wins [B, 3]; with territory also the owners of the points [B, H · W] and the score [B, 1]."""

    def __init__(self, channels: int, territory: bool) -> None:
        super().__init__()
        width = min(HEAD, channels)
        self.map = ConvNorm(channels, width, 1)
        self.hidden = nn.Sequential(nn.Linear(POOLED * width, 2 * width), nn.ReLU())
        self.outcome = nn.Linear(2 * width, 3)
        self.score = nn.Linear(2 * width, 1) if territory else None
        self.ownership = nn.Conv2d(width, 1, 1) if territory else None

    def forward(self, x: Float[Tensor, "B C H W"]) -> tuple[Tensor, Tensor, Tensor]:
        """Outcome, ownership, score."""
        x = self.map(x)
        seen = self.hidden(pooled(x))
        none = seen[:, :0]  # by a slice, so that a trace for export does not take the batch for one of fixed length
        ownership = none if self.ownership is None else self.ownership(x).flatten(1)
        return self.outcome(seen), ownership, none if self.score is None else self.score(seen)


class BoardNetwork(nn.Module):
    """Planes [B, P, H, W] → BoardOutputs, at any H and W."""

    def __init__(self, config: BoardConfig) -> None:
        super().__init__()
        channels = config.channels
        self.stem = ConvNorm(config.planes, channels)
        self.blocks = nn.Sequential(*(_block(channels, pools=i % 2 == 1) for i in range(config.blocks)))
        self.policy: PolicyHead | PiecePolicyHead = (
            PiecePolicyHead(channels, config.steps)
            if config.moves == "pieces"
            else PolicyHead(channels, config.moves, config.passes)
        )
        self.value = ValueHead(channels, config.territory)
        initialise(self)
        for layer in (self.policy.score, self.value.outcome):  # near even odds: chance should lead no search
            nn.init.normal_(layer.weight, std=0.01)
        if isinstance(self.policy, PiecePolicyHead):
            nn.init.normal_(self.policy.ends.weight, std=0.05)

    def forward(self, x: Float[Tensor, "B P H W"]) -> BoardOutputs:
        """What is said of each position."""
        x = self.blocks(self.stem(x))
        return BoardOutputs(self.policy(x), *self.value(x))


def _block(channels: int, *, pools: bool) -> nn.Module:
    """Two convolutions beside a shortcut, which the block begins as; what `pools` reads the whole board in between."""
    last = ConvNorm(channels, channels, act="identity")
    nn.init.zeros_(last.norm.weight)
    between = [GlobalBias(channels), nn.ReLU()] if pools else []
    return Residual(nn.Sequential(ConvNorm(channels, channels), *between, last))
