"""Recurrent networks: the LSTM (Hochreiter and Schmidhuber 1997), the GRU (Cho et al., arXiv 1406.1078), and the plain
one (Elman 1990), whose states pass through a tanh at every step and whose gradient soon vanishes; and minGRU, which is
linear in its states (`linear_recurrence.py`).

    RNNConfig   what tells one from another
    RNN         vectors of tokens → vectors that know the tokens before (and after) them
    TextRNN     vectors of tokens → one vector of the text

The steps themselves are `nn.LSTM`, `nn.GRU` and `nn.RNN`, whose kernels are fused. The direction from the end of a text
to its beginning is a layer of its own, given each row reversed within its length: so padding on the right is not read,
and a text gives the same alone and in a batch, without packing.

Legend of shapes: B batch, T tokens, D width of what comes in, H units of a direction, F width of what goes out.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from sounding.architectures.dropout import Dropout
from sounding.architectures.linear_recurrence import MinGRU
from sounding.architectures.pooling import AttentionPooling, largest_over_tokens, mean_over_tokens, within
from sounding.errors import UsageError, did_you_mean

CELLS: dict[str, type[nn.Module]] = {"lstm": nn.LSTM, "gru": nn.GRU, "tanh": nn.RNN, "mingru": MinGRU}
POOLS = ("attention", "largest", "mean")


@dataclass(frozen=True)
class RNNConfig:
    """The shape of a recurrent network. On a CPU the LSTM is the faster of the two: its kernel has a fused backward."""

    inputs: int
    width: int = 128  # units of each direction
    layers: int = 1
    cell: str = "lstm"
    bidirectional: bool = True
    dropout: float = 0.0  # of what goes from layer to layer
    pool: str = "attention"  # how the vectors of a text become one

    def __post_init__(self) -> None:
        """Raises UsageError for a cell or a way to pool that does not exist."""
        for name, value, known in (("cell", self.cell, tuple(CELLS)), ("pool", self.pool, POOLS)):
            if value not in known:
                raise UsageError(f"{name}={value} is not known", fix=did_you_mean(value, known))

    @property
    def outputs(self) -> int:
        """The width of what goes out."""
        return self.width * (2 if self.bidirectional else 1)


class RNN(nn.Module):
    """Layers of a recurrence, each from left to right and, where it is bidirectional, from right to left as well."""

    def __init__(self, config: RNNConfig) -> None:
        super().__init__()
        self.config = config
        cell = CELLS[config.cell]
        widths = [config.inputs, *[config.outputs] * (config.layers - 1)]
        self.ahead = nn.ModuleList(cell(width, config.width, batch_first=True) for width in widths)
        self.back = nn.ModuleList(cell(width, config.width, batch_first=True) for width in widths)
        if not config.bidirectional:
            self.back = nn.ModuleList()
        self.dropout = Dropout(config.dropout)

    def forward(self, x: Float[Tensor, "B T D"], lengths: Int[Tensor, " B"]) -> Float[Tensor, "B T F"]:
        """The states after each token [B, T, H], or those of both directions side by side; zeros for padding."""
        places = _reversed(lengths, x.shape[1])
        for layer, ahead in enumerate(self.ahead):
            x = x if not layer else self.dropout(x)
            states = ahead(x)[0]
            if self.config.bidirectional:
                states = torch.cat([states, _taken(self.back[layer](_taken(x, places))[0], places)], dim=2)
            x = states
        return x * within(lengths, x.shape[1])[..., None]


class TextRNN(nn.Module):
    """One vector of a text: the states of a recurrence, pooled."""

    def __init__(self, config: RNNConfig) -> None:
        super().__init__()
        self.outputs = config.outputs
        self.rnn = RNN(config)
        self.attention = AttentionPooling(config.outputs) if config.pool == "attention" else None
        self._pool = largest_over_tokens if config.pool == "largest" else mean_over_tokens

    def forward(self, x: Float[Tensor, "B T D"], lengths: Int[Tensor, " B"]) -> Float[Tensor, "B F"]:
        """The vector of each text."""
        states = self.rnn(x, lengths)
        return self._pool(states, lengths) if self.attention is None else self.attention(states, lengths)


def _reversed(lengths: Int[Tensor, " B"], tokens: int) -> Int[Tensor, "B T"]:
    """For each place the place of the token that stands there when a row is reversed; padding stays."""
    places = torch.arange(tokens, device=lengths.device)
    back = lengths[:, None] - 1 - places
    return torch.where(back >= 0, back, places)


def _taken(x: Float[Tensor, "B T D"], places: Int[Tensor, "B T"]) -> Float[Tensor, "B T D"]:
    return x.gather(1, places[..., None].expand_as(x))
