"""The bag of words: a text is the mean of its words, in no order (deep averaging network, Iyyer et al. 2015, ACL).

    BagConfig   what tells one from another; without hidden layers it is fastText's (Joulin et al., arXiv 1607.01759)
    Bag         vectors of tokens → one vector of the text

Legend of shapes: B batch, T tokens, D width of what comes in, F width of what goes out.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from sounding.architectures.dropout import Dropout
from sounding.architectures.pooling import mean_over_tokens


@dataclass(frozen=True)
class BagConfig:
    """The shape of a bag of words."""

    inputs: int
    width: int = 128  # units of a hidden layer
    layers: int = 1  # hidden layers; 0: the mean itself
    dropout: float = 0.0  # ahead of each hidden layer

    @property
    def outputs(self) -> int:
        """The width of what goes out."""
        return self.width if self.layers else self.inputs


class Bag(nn.Module):
    """The mean of the vectors of a text, and hidden layers over it."""

    def __init__(self, config: BagConfig) -> None:
        super().__init__()
        self.outputs = config.outputs
        widths = [config.inputs, *[config.width] * config.layers]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(widths))
        self.dropout = Dropout(config.dropout)

    def forward(self, x: Float[Tensor, "B T D"], lengths: Int[Tensor, " B"]) -> Float[Tensor, "B F"]:
        """The vector of each text."""
        found = mean_over_tokens(x, lengths)
        for layer in self.layers:
            found = F.relu(layer(self.dropout(found)))
        return found
