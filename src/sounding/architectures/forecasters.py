"""Networks that foretell how series go on. Each column is a series by itself, and all share one network's weights.

    ForecasterConfig   what tells one from another
    Forecaster         values [B, T, C] → median, and lower and upper ends of intervals [B, 1 + 2 L, H, C]

What is read is cut into patches, each of which becomes one position (Nie et al., arXiv 2211.14730). Over these goes a
GRU, a stack of dilated convolutions (Bai et al., arXiv 1803.01271) or a Transformer; the linear network (DLinear, Zeng
et al., arXiv 2205.13504) needs no patches. The last value is taken off and put back at the end, or the window's mean
and deviation (Kim et al., RevIN, ICLR 2022), so that a level that was never seen does no harm.

The intervals are widths over and under the median, in units of how much the window changes from season to season. They
learn from what the network has made of the window, and do not shape it in training: the median is that of a network
without them.

What is known ahead (holidays, prices) has an effect on each column at its own step: see `_Effect`.

Legend of shapes: B batch, T steps that are read, C columns, S series (B · C), N patches, D width, H horizon, L levels,
K columns known ahead, U steps and I columns of what comes in: T and C, or T + H and C + K.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from sounding.architectures.dropout import Dropout
from sounding.architectures.rnn import RNN, RNNConfig
from sounding.architectures.transformer import Block, Look, TransformerConfig
from sounding.errors import UsageError, did_you_mean

MODELS = ("gru", "mingru", "linear", "cnn", "transformer")
NORMS = ("last", "window", "none")
SMOOTHED = 25
"""Steps over which DLinear's trend is averaged."""
EFFECT = 32
"""Units between what is known ahead and its effect."""
NARROWEST = 0.05
"""Standard deviations below which no window's changes from season to season are taken to be."""


@dataclass(frozen=True)
class ForecasterConfig:
    """The shape of a forecaster."""

    context: int
    horizon: int
    levels: int  # intervals
    model: str = "gru"
    width: int = 128
    layers: int = 1
    heads: int = 4
    patch: int = 48
    season: int = 1
    norm: str = "last"  # last: the last value is taken off; window: mean and deviation; none
    dropout: float = 0.3
    columns: int = 1  # C, which matter where something is known ahead
    known: int = 0  # K: columns of that

    def __post_init__(self) -> None:
        """Raises UsageError for a model or a norm that does not exist, and for a number out of its range."""
        for name, value, known in (("model", self.model, MODELS), ("norm", self.norm, NORMS)):
            if value not in known:
                raise UsageError(f"{name}={value} is not known", fix=did_you_mean(value, known))
        for name in ("context", "horizon", "width", "layers", "patch", "season"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name}={getattr(self, name)} is out of its range", fix="Give 1 or more")

    @property
    def cut(self) -> int:
        """Steps of a patch: shorter where little is read, so that there are some."""
        return max(1, min(self.patch, self.context // 4))


class Forecaster(nn.Module):
    """A network over the columns of a window, one by one."""

    def __init__(self, config: ForecasterConfig) -> None:
        super().__init__()
        self.config = c = config
        self.trunk = _TRUNKS[c.model](c)
        features = self.trunk.features
        self.dropout = Dropout(c.dropout)
        linear = c.model == "linear"
        self.point = _Decomposed(c.context, c.horizon) if linear else nn.Linear(features, c.horizon)
        self.widths = nn.Linear(features, 2 * c.levels * c.horizon)
        self.effect = _Effect(c.known, c.columns) if c.known else None

    def forward(self, x: Float[Tensor, "B U I"]) -> Float[Tensor, "B Q H C"]:
        """The median first, then the lower and then the upper ends, each from the narrowest interval to the widest.

        x is [B, T, C]. With columns that are known ahead it is [B, T + H, C + K]: see `_Effect`.
        """
        if self.effect is None:
            return self._going_on(x)
        context, columns = self.config.context, self.config.columns
        added = self.effect(x[..., columns:])
        found = self._going_on(x[:, :context, :columns] - added[:, :context])
        ahead = added[:, None, context:]
        ends = ahead.detach() if self.training else ahead  # intervals do not shape the median
        return torch.cat([found[:, :1] + ahead, found[:, 1:] + ends], dim=1)

    def _going_on(self, x: Float[Tensor, "B T C"]) -> Float[Tensor, "B Q H C"]:
        """How the columns go on by themselves."""
        batch, _, columns = x.shape
        series = x.transpose(1, 2).flatten(0, 1)
        shift, scale = self._norm(series)
        series = (series - shift) / scale
        features = self.trunk(series)
        median = self.point(self.dropout(features))
        unit = self._unit(series)
        known, fixed = features, median[:, None]
        if self.training:
            known, fixed = known.detach(), fixed.detach()
        spread = self.widths(known.view(batch, columns, -1))  # a batch of windows, for who listens to what they become
        steps = F.softplus(spread).view(series.shape[0], 2, self.config.levels, -1)
        widths = steps.cumsum(dim=2) * unit[:, None, None]
        found = torch.cat([median[:, None], fixed - widths[:, 0], fixed + widths[:, 1]], dim=1)
        found = found * scale[:, None] + shift[:, None]
        return found.view(batch, columns, *found.shape[1:]).permute(0, 2, 3, 1)

    def _norm(self, series: Float[Tensor, "S T"]) -> tuple[Float[Tensor, "#S 1"], Float[Tensor, "#S 1"]]:
        if self.config.norm == "none":
            return series.new_zeros(1, 1), series.new_ones(1, 1)
        if self.config.norm == "last":
            return series[:, -1:], series.new_ones(1, 1)
        return series.mean(dim=1, keepdim=True), series.std(dim=1, keepdim=True) + NARROWEST

    def _unit(self, series: Float[Tensor, "S T"]) -> Float[Tensor, "#S 1"]:
        """How far, in the mean, a value is from that of a season before."""
        apart = min(self.config.season, series.shape[1] - 1)
        if apart < 1:
            return series.new_ones(1, 1)
        return (series[:, apart:] - series[:, :-apart]).abs().mean(dim=1, keepdim=True).clamp(min=NARROWEST)


class _Effect(nn.Module):
    """What is known ahead at a step [B, U, K] → what it adds to each column there [B, U, C].

    It is taken off what is read and put back where it is known to come, so that any network goes on with what is left:
    a regression whose errors are a series (as ARIMAX has it). It begins with nothing.
    """

    def __init__(self, known: int, columns: int) -> None:
        super().__init__()
        self.direct = nn.Linear(known, columns, bias=False)
        self.hidden = nn.Linear(known, EFFECT)
        self.mixed = nn.Linear(EFFECT, columns, bias=False)
        nn.init.zeros_(self.direct.weight)
        nn.init.zeros_(self.mixed.weight)

    def forward(self, known: Float[Tensor, "B U K"]) -> Float[Tensor, "B U C"]:
        """The effect of each step."""
        return self.direct(known) + self.mixed(self.hidden(known).relu())


class _Patches(nn.Module):
    """Series [S, T] → a vector for each patch [S, N, D]; before the first step the first value goes on."""

    def __init__(self, config: ForecasterConfig) -> None:
        super().__init__()
        self.length = config.cut
        self.number = -(-config.context // self.length)
        self.embedding = nn.Linear(self.length, config.width)

    def forward(self, series: Float[Tensor, "S T"]) -> Float[Tensor, "S N D"]:
        """The vectors in the order of time."""
        missing = self.number * self.length - series.shape[1]
        if missing:
            series = torch.cat([series[:, :1].expand(-1, missing), series], dim=1)
        return self.embedding(series.view(series.shape[0], self.number, self.length))


class _Trunk(nn.Module):
    """Series [S, T] → what is known of each, [S, `features`]."""

    features: int

    def __init__(self, config: ForecasterConfig) -> None:
        super().__init__()
        self.features = config.width


class _Recurrent(_Trunk):
    """A GRU over patches; its last state."""

    cell = "gru"

    def __init__(self, config: ForecasterConfig) -> None:
        super().__init__(config)
        self.patches = _Patches(config)
        width, layers = config.width, config.layers
        shape = RNNConfig(width, width, layers, self.cell, bidirectional=False, dropout=config.dropout)
        self.rnn = RNN(shape)

    def forward(self, series: Float[Tensor, "S T"]) -> Float[Tensor, "S D"]:
        """The state after the last patch."""
        x = self.patches(series).relu()
        lengths = torch.full((x.shape[0],), x.shape[1], device=x.device)
        return self.rnn(x, lengths)[:, -1]


class _LinearlyRecurrent(_Recurrent):
    """A minGRU in its place, whose state is a sum of what it read."""

    cell = "mingru"


class _Convolutional(_Trunk):
    """Causal convolutions over patches, each reaching twice as far as the one before; the last position."""

    def __init__(self, config: ForecasterConfig) -> None:
        super().__init__(config)
        self.patches = _Patches(config)
        layers: list[nn.Conv1d] = []
        reach = 1
        while reach < self.patches.number or not layers:
            layers.append(nn.Conv1d(config.width, config.width, 3, dilation=reach))
            reach *= 2
        self.layers = nn.ModuleList(layers)
        self.dropout = Dropout(config.dropout)

    def forward(self, series: Float[Tensor, "S T"]) -> Float[Tensor, "S D"]:
        """What the last patch and all before it have become."""
        x = self.patches(series).transpose(1, 2)
        for number, layer in enumerate(self.layers):
            x = x + self.dropout(layer(F.pad(x, (2 * 2**number, 0))).relu())
        return x[:, :, -1]


class _Attending(_Trunk):
    """A Transformer over patches (PatchTST), all positions side by side at the end."""

    def __init__(self, config: ForecasterConfig) -> None:
        super().__init__(config)
        self.patches = _Patches(config)
        shape = TransformerConfig(
            vocabulary=1,
            width=config.width,
            layers=config.layers,
            heads=config.heads,
            feed_forward=2 * config.width,
            dropout=config.dropout,
        )
        self.positions = nn.Parameter(0.02 * torch.randn(self.patches.number, config.width))
        self.blocks = nn.ModuleList(Block(shape, layer) for layer in range(config.layers))
        self.norm = nn.LayerNorm(config.width)
        self.features = self.patches.number * config.width

    def forward(self, series: Float[Tensor, "S T"]) -> Float[Tensor, "S F"]:
        """The vectors of all patches."""
        x, look = self.patches(series) + self.positions, Look()
        for block in self.blocks:
            x = block(x, look)
        return self.norm(x).flatten(1)


class _Plain(_Trunk):
    """The series itself."""

    def __init__(self, config: ForecasterConfig) -> None:
        super().__init__(config)
        self.features = config.context

    def forward(self, series: Float[Tensor, "S T"]) -> Float[Tensor, "S T"]:
        """As it came."""
        return series


class _Decomposed(nn.Module):
    """A linear map of a series' trend and one of what is left (DLinear)."""

    def __init__(self, context: int, horizon: int) -> None:
        super().__init__()
        self.trend, self.rest = nn.Linear(context, horizon), nn.Linear(context, horizon)
        self.smoothed = min(SMOOTHED, 2 * ((context - 1) // 2) + 1)

    def forward(self, series: Float[Tensor, "S T"]) -> Float[Tensor, "S H"]:
        """How it goes on."""
        half = self.smoothed // 2
        padded = F.pad(series[:, None], (half, half), mode="replicate")
        trend = F.avg_pool1d(padded, self.smoothed, stride=1)[:, 0]
        return self.trend(trend) + self.rest(series - trend)


_TRUNKS: dict[str, type[_Trunk]] = {
    "gru": _Recurrent,
    "mingru": _LinearlyRecurrent,
    "linear": _Plain,
    "cnn": _Convolutional,
    "transformer": _Attending,
}
