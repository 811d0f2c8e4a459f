"""The network that judges positions of chess inside a search, as it is trained (NNUE, Y. Nasu 2018).

Legend of shapes: B batch, F features of each side, U units, K output layers.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor, nn
from torch.nn import functional

LARGEST = 1.98
"""The largest weight, of both layers: what whole numbers of few bits hold."""


class Nnue(nn.Module):
    """The same first layer for both sides, squared between 0 and 1, and one of `buckets` linear layers over both.

    The output is the logit of the expected score of the player to move.
    """

    def __init__(self, features: int = 768, units: int = 256, buckets: int = 8) -> None:
        super().__init__()
        self.first = nn.Linear(features, units)
        self.last = nn.Linear(2 * units, buckets)
        # Some thirty of the features are there at a time: weights are as for so many inputs.
        nn.init.uniform_(self.first.weight, -0.15, 0.15)
        nn.init.constant_(self.first.bias, 0.25)
        nn.init.uniform_(self.last.weight, -0.05, 0.05)
        nn.init.zeros_(self.last.bias)

    def forward(self, inputs: UInt8[Tensor, "B 2 F"], buckets: Int[Tensor, B]) -> Float[Tensor, B]:
        """Logits; `inputs` is 1 where a feature is there, the player to move first."""
        weight = self.first.weight.clamp(-LARGEST, LARGEST)
        dtype = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else weight.dtype
        units = functional.linear(inputs.to(dtype), weight, self.first.bias).clamp(0, 1).square()
        scores = functional.linear(units.flatten(1), self.last.weight.clamp(-LARGEST, LARGEST), self.last.bias)
        return scores.float().gather(1, buckets[:, None])[:, 0]
