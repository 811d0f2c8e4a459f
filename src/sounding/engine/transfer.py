"""Weights of one model as the start of another: by name, where the shapes agree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from sounding.errors import UsageError

LEAST = 0.3
"""A smaller share of the parameters than this is hardly a start."""


@dataclass(frozen=True)
class Transfer:
    """What was taken: weights by name, the share of the new model's parameters that they are, and what stays random."""

    weights: dict[str, Tensor]
    share: float
    left: list[str]

    def to_json(self) -> dict[str, Any]:
        """What the run folder and the card say of it."""
        return {"tensors": len(self.weights), "share": round(self.share, 4), "left_random": self.left}


def transfer(weights: Mapping[str, Tensor], model: nn.Module, where: str = "") -> Transfer:
    """The tensors of `weights` that fit `model`.

    Raises UsageError, naming the first that do not fit, when too few do.
    """
    own = model.state_dict()
    fitting = {name: t for name, t in weights.items() if name in own and own[name].shape == t.shape}
    learnt = dict(model.named_parameters())
    whole = sum(p.numel() for p in learnt.values())
    share = sum(learnt[name].numel() for name in fitting if name in learnt) / max(1, whole)
    left = [name for name in learnt if name not in fitting]
    if share < LEAST:
        shapes = ", ".join(f"{name} {list(learnt[name].shape)}" for name in left[:3])
        what = f"only {share:.0%} of the new model's parameters have a counterpart; there is none for {shapes}"
        raise UsageError(what, where=where, fix="Train with the same network, width and size as the run has")
    return Transfer(fitting, share, left)
