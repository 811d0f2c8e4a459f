"""Linear layers of the same shape in one product: to start each of small ones takes longer than to compute it.

Legend of shapes: K layers, B batch, I inputs, O outputs.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn


class BatchedLinear(nn.Module):
    """K linear layers, each of which has its own inputs. Weights begin empty: who makes it sets them."""

    def __init__(self, count: int, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(count, inputs, outputs))
        self.bias = nn.Parameter(torch.zeros(count, 1, outputs))

    def forward(self, x: Float[Tensor, "K B I"]) -> Float[Tensor, "K B O"]:
        """What each layer makes of its own."""
        return torch.baddbmm(self.bias, x, self.weight)
