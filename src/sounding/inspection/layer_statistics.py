"""The numbers of one layer, as an inspection reports them.

Legend of shapes: B rows.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class LayerStatistics:
    """What was measured of one layer; None where there is no such thing (no weights, no bounds, no gradient).

    A layer whose module is never called itself (its weights are used by another) has weights and their gradient alone.
    """

    index: int  # 1 is the first to answer
    name: str  # as in `model.named_modules()`
    kind: str  # the class of the module
    shape: tuple[int, ...]  # of the output, first axis B
    parameters: int  # numbers that belong to the layer itself
    mean: float | None = None  # of the outputs
    std: float | None = None
    zeros: float | None = None  # share of outputs that are exactly 0
    units: int | None = None  # channels, or features
    dead: int | None = None  # units that nothing can be learnt from
    saturated: float | None = None  # share of outputs within 1 % of an end; of bounded layers
    gradient: float | None = None  # RMS over elements of the gradient of one row's loss at the output
    gradient_norm: float | None = None  # RMS over rows of the norm of that gradient
    weight: float | None = None  # RMS of the weights
    weight_gradient: float | None = None  # RMS of the gradient of the mean loss at the weights
    update: float | None = None  # RMS of one step over RMS of the weights
    optimizer: str = ""  # that trains the weights: "muon", "filter-muon", "adamw" or "sgd"; "" where there are none
    not_finite: str = ""  # "weights", "outputs" or "gradient" that are not finite

    @property
    def title(self) -> str:
        """How a sentence names it."""
        return f"{self.name} ({self.kind})" if self.name != self.kind else self.name

    @property
    def dead_share(self) -> float:
        """Share of the units that are dead, 0 where there are none to judge."""
        return (self.dead or 0) / self.units if self.units else 0.0

    def to_json(self) -> dict[str, Any]:
        """The fields by name; what is not finite becomes None, which JSON can hold (`not_finite` says so)."""
        return {name: _finite(value) for name, value in asdict(self).items()}


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
