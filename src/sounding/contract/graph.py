"""A network, or a part of one, that is written down alone for other programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor, nn

Axes = tuple[str | int, ...]
"""Of a tensor: a number for an axis that is always so long, a word for one that may be of any length."""


@dataclass(frozen=True)
class Graph:
    """A forward pass from tensors to tensors, with `arguments` to follow it by: no free axis of them is 1 long.

    `module` is called with the tensors one by one and gives a tuple; `inputs` and `outputs` are axes by name.
    """

    module: nn.Module
    arguments: tuple[Tensor, ...]
    inputs: Mapping[str, Axes]
    outputs: Mapping[str, Axes]
