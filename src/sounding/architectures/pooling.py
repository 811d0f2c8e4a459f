"""From vectors of the tokens of a text to one vector of the text, whatever padding stands behind them.

Legend of shapes: B batch, T tokens, D width.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn


def within(lengths: Int[Tensor, " B"], tokens: int) -> Bool[Tensor, "B T"]:
    """Where the tokens are that are no padding."""
    return torch.arange(tokens, device=lengths.device) < lengths[:, None]


def mean_over_tokens(x: Float[Tensor, "B T D"], lengths: Int[Tensor, " B"]) -> Float[Tensor, "B D"]:
    """The mean vector."""
    kept = within(lengths, x.shape[1])[..., None]
    return (x * kept).sum(dim=1) / lengths.clamp(min=1)[:, None].to(x.dtype)


def largest_over_tokens(x: Float[Tensor, "B T D"], lengths: Int[Tensor, " B"]) -> Float[Tensor, "B D"]:
    """The largest number of each place of the vectors."""
    return x.masked_fill(~within(lengths, x.shape[1])[..., None], -torch.inf).amax(dim=1)


class AttentionPooling(nn.Module):
    """A weighted mean, whose weights a small network gives to the vectors (Yang et al. 2016, NAACL, equations 5–7)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(width, width)
        self.score = nn.Linear(width, 1, bias=False)

    def forward(self, x: Float[Tensor, "B T D"], lengths: Int[Tensor, " B"]) -> Float[Tensor, "B D"]:
        """The weighted mean."""
        return (self.weights(x, lengths)[..., None] * x).sum(dim=1)

    def weights(self, x: Float[Tensor, "B T D"], lengths: Int[Tensor, " B"]) -> Float[Tensor, "B T"]:
        """The share of each token, which sum to 1; 0 for padding."""
        scores = self.score(torch.tanh(self.hidden(x)))[..., 0].float()
        return scores.masked_fill(~within(lengths, x.shape[1]), -torch.inf).softmax(dim=1)
