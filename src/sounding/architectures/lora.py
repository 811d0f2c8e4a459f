"""Low-rank adaptation (LoRA: Hu et al., arXiv 2106.09685): a trained net learns something new with few new weights.

Each matrix W stays as it is, and beside it W x + (α / r) up down x is learnt, with matrices of rank r. After training
they are added to W: the net is as large and as fast as it was.

Legend of shapes: I inputs, O outputs, R rank.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sounding.errors import UsageError, did_you_mean

TUNING = ("full", "lora", "frozen")
"""What of a net that was trained before is trained on: everything, low-rank matrices beside its own, or nothing."""
SCALE = 2.0
"""α / r: how much the new matrices weigh (twice, as in the paper's successors)."""


class LowRank(nn.Linear):
    """A linear layer that is learnt on by two small matrices; its own weights are at rest."""

    def __init__(self, layer: nn.Linear, rank: int) -> None:
        super().__init__(layer.in_features, layer.out_features, layer.bias is not None, device="meta")
        self.weight, self.bias = layer.weight, layer.bias
        self.requires_grad_(False)
        device = layer.weight.device
        self.down = nn.Parameter(torch.randn(rank, layer.in_features, device=device) / layer.in_features**0.5)
        self.up = nn.Parameter(torch.zeros(layer.out_features, rank, device=device))

    def forward(self, x: Tensor) -> Tensor:
        """The outputs [..., O] for inputs [..., I]."""
        return super().forward(x) + SCALE * F.linear(F.linear(x, self.down), self.up)

    @torch.no_grad()
    def merge(self) -> None:
        """Add what was learnt to the weights, and begin anew beside them."""
        self.weight += SCALE * (self.up @ self.down)
        self.up.zero_()


def tune(trunk: nn.Module, how: str, rank: int = 8) -> None:
    """Prepare a net that was trained before, all of it or its `trunk`, to be trained on in one of the ways of `TUNING`.

    Embeddings and norms are at rest but for "full". Raises UsageError for a way that is not known.
    """
    if how not in TUNING:
        raise UsageError(f"tune={how} is not known", fix=did_you_mean(how, TUNING))
    if how == "full":
        return
    trunk.requires_grad_(False)
    if how == "lora":
        for parent in list(trunk.modules()):
            for name, layer in list(parent.named_children()):
                if type(layer) is nn.Linear:
                    setattr(parent, name, LowRank(layer, rank))


def merge(model: nn.Module) -> bool:
    """Add what all low-rank matrices have learnt to the weights beside them; returns whether there were any."""
    found = [module for module in model.modules() if isinstance(module, LowRank)]
    for module in found:
        module.merge()
    return bool(found)
