"""Dropout that does not take longer than the layers around it."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Dropout(nn.Module):
    """Sets numbers to zero with probability `p` in training, and makes up for it in the others (JMLR 15, 2014).

    On a CPU the generator of torch draws one number at a time, and dropout takes more time than a matrix product. Here
    eight random bytes are drawn at once and each number takes one: `p` is met to 1/512.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        if not 0 <= p < 1:
            raise ValueError(f"a probability of dropout of {p}")
        self.p = p
        self.dropped = round(256 * p)

    def forward(self, x: Tensor) -> Tensor:
        """`x` with a part of it set to zero, scaled so that its mean stays."""
        if not self.training or not self.dropped:
            return x
        drawn = torch.empty(-(-x.numel() // 8), dtype=torch.int64, device=x.device).random_(-(2**63), None)
        kept = drawn.view(torch.uint8)[: x.numel()].view(x.shape) >= self.dropped
        return x * kept * (256 / (256 - self.dropped))

    def extra_repr(self) -> str:
        """The probability."""
        return f"p={self.p}"
