"""The convolutional network for texts of Kim (arXiv 1408.5882): filters over a few words, the largest answer of each.

    TextCNNConfig   what tells one from another
    TextCNN         vectors of tokens → one vector of the text

Legend of shapes: B batch, T tokens, D width of what comes in, C filters of a length, F all filters.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from sounding.architectures.pooling import largest_over_tokens, within


@dataclass(frozen=True)
class TextCNNConfig:
    """The shape of a convolutional network for texts; the defaults are Kim's."""

    inputs: int
    filters: int = 100  # of each length
    lengths: tuple[int, ...] = (3, 4, 5)  # tokens that a filter looks at

    @property
    def outputs(self) -> int:
        """The width of what goes out."""
        return self.filters * len(self.lengths)


class TextCNN(nn.Module):
    """Filters of several lengths, a rectifier, and the largest answer of each over the text.

    Zeros stand before and behind a text, so that one shorter than a filter has an answer, too. A filter is centred on
    each token (of an even length: the token before the middle counts as the centre).
    """

    def __init__(self, config: TextCNNConfig) -> None:
        super().__init__()
        self.config, self.outputs = config, config.outputs
        self.filters = nn.ModuleList(nn.Conv1d(config.inputs, config.filters, length) for length in config.lengths)

    def forward(self, x: Float[Tensor, "B T D"], lengths: Int[Tensor, " B"]) -> Float[Tensor, "B F"]:
        """The vector of each text."""
        x = (x * within(lengths, x.shape[1])[..., None]).transpose(1, 2)
        answers = []
        for length, filters in zip(self.config.lengths, self.filters, strict=True):
            around = F.pad(x, ((length - 1) // 2, length // 2))
            answers.append(largest_over_tokens(filters(around).transpose(1, 2), lengths))
        return F.relu(torch.cat(answers, dim=1))
