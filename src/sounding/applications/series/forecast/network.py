"""The network of a forecast: one, or a recurrent and a linear one that learn side by side.

Of two, validation rows say after the training which answers; until then the last does. Both read the same batches, and
neither sees what the other does.

Legend of shapes: B batch, Q 1 + 2 L outputs, H horizon, C columns, L intervals, M networks.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from sounding.architectures.forecasters import Forecaster, ForecasterConfig


class Forecasting(nn.Module):
    """Values [B, T, C] → median, lower and upper ends [B, Q, H, C] of the network that was chosen.

    `margin` [M, L, H, C]: by how much each interval is widened on both sides, in standard deviations of the training.
    """

    chosen: Tensor
    margin: Tensor

    def __init__(self, configs: Sequence[ForecasterConfig], columns: int) -> None:
        super().__init__()
        self.networks = nn.ModuleList(Forecaster(config) for config in configs)
        first = configs[0]
        self.register_buffer("chosen", torch.tensor(len(configs) - 1))
        self.register_buffer("margin", torch.zeros(len(configs), first.levels, first.horizon, columns))

    def forward(self, x: Tensor) -> Tensor:
        """What the chosen network says, its intervals as wide as validation asked for."""
        number = int(self.chosen) if len(self.networks) > 1 else 0
        return self.widened(self.networks[number](x), number)

    def each(self, x: Tensor) -> list[Tensor]:
        """What every network says, its intervals as they were learnt."""
        return [network(x) for network in self.networks]

    def widened(self, found: Tensor, number: int) -> Tensor:
        """The outputs [B, Q, H, C] of a network, no interval's end on the wrong side of the median."""
        margin = self.margin[number]
        median, levels = found[:, :1].float(), margin.shape[0]
        low = torch.minimum(found[:, 1 : 1 + levels] - margin, median)
        high = torch.maximum(found[:, 1 + levels :] + margin, median)
        return torch.cat([median, low, high], dim=1)
