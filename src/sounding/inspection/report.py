"""What an inspection found: for programs as JSON, for terminals as a table."""

from __future__ import annotations

import math
import textwrap
from dataclasses import asdict, dataclass
from typing import Any

from sounding.inspection.layer_statistics import LayerStatistics
from sounding.inspection.verdicts import HEALTHY, Finding

SCHEMA = 1
"""The format of `to_json`."""
LONGEST_NAME, LONGEST_KIND = 24, 13
HEAD = ("", "layer", "kind", "output", "weights", "mean", "spread", "zero", "dead", "ends", "gradient", "step", "by")
EXPLAINED = (
    "spread: standard deviation of the outputs. zero, ends: share of outputs that are 0, that lie at an end of a "
    "bounded activation. dead: share of units. gradient: RMS at the outputs, for one row. step: RMS of a step of the "
    "optimizer (by) over RMS of the weights,"
)
FIRST, REAL = (
    "a fresh optimizer's first (AdamW's is four to twelve times a later one).",
    "as it was taken; near 0.001 is usual.",
)
WIDEST = 100


@dataclass(frozen=True)
class Inspection:
    """One look at a net: its layers in the order in which they compute, and what ails them."""

    layers: tuple[LayerStatistics, ...]
    findings: tuple[Finding, ...]
    loss: float  # mean over the rows, in nats
    rows: int
    seed: int
    rate: float  # learning rate of the step that `update` tells of
    unused: tuple[str, ...] = ()  # layers that these rows did not pass through
    real: bool = False  # whether `update` tells of a step of a training, not of one that was tried

    @property
    def optimizer(self) -> str:
        """What trains the layers, such as "filter-muon and adamw": the recipe's, as far as there is a use for it."""
        return " and ".join(dict.fromkeys(layer.optimizer for layer in self.layers if layer.optimizer)) or "nothing"

    @property
    def verdict(self) -> str:
        """In a word or two: healthy, or what comes first of all that ails it."""
        return self.findings[0].ailment if self.findings else HEALTHY

    @property
    def sentence(self) -> str:
        """The verdict with its reason and what to do, for each finding."""
        if self.findings:
            return " ".join(f"{f.ailment.capitalize()}: {f.found}. {f.fix}." for f in self.findings)
        if not any(layer.gradient for layer in self.layers):
            return "Healthy, but no gradient comes from the loss: these rows are fitted, or nothing is trained."
        return f"Healthy: signals and gradients pass through all {len(self.layers)} layers."

    def ailment(self, name: str) -> str:
        """What ails the layer of that name first, or "healthy"."""
        return next((finding.ailment for finding in self.findings if name in finding.layers), HEALTHY)

    def to_json(self) -> dict[str, Any]:
        """Everything, as JSON can hold it."""
        return {
            "schema": SCHEMA,
            "verdict": self.verdict,
            "sentence": self.sentence,
            "findings": [asdict(finding) for finding in self.findings],
            "loss": self.loss if math.isfinite(self.loss) else None,
            "rows": self.rows,
            "seed": self.seed,
            "rate": self.rate,
            "optimizer": self.optimizer,
            "real": self.real,
            "unused": list(self.unused),
            "layers": [layer.to_json() for layer in self.layers],
        }


def table(inspection: Inspection) -> list[str]:
    """The lines for a terminal of about 100 columns: a row for each layer, what the columns are, and the verdict."""
    rows = [_cells(layer, inspection.ailment(layer.name)) for layer in inspection.layers]
    widths = [max(len(row[i]) for row in [HEAD, *rows]) for i in range(len(HEAD))]
    explained = textwrap.wrap(f"{EXPLAINED} {REAL if inspection.real else FIRST}", WIDEST)
    lines = [_line(HEAD, widths), *(_line(row, widths) + row[-1] for row in rows), "", *explained, ""]
    if inspection.unused:
        lines.append(f"Not used by these rows: {', '.join(inspection.unused)}.")
    findings = [f"{f.ailment.capitalize()}: {f.found}. {f.fix}." for f in inspection.findings]
    looked = f"({inspection.rows} rows, mean loss {inspection.loss:.4g}, {inspection.optimizer} at {inspection.rate:g})"
    words = [line for said in findings or [inspection.sentence] for line in textwrap.wrap(said, WIDEST)]
    return [*lines, *words, looked]


def _cells(layer: LayerStatistics, ailment: str) -> list[str]:
    return [
        str(layer.index),
        shortened(layer.name, LONGEST_NAME),
        shortened(layer.kind, LONGEST_KIND),
        "×".join(map(str, layer.shape[1:])) or "1",
        _count(layer.parameters),
        number(layer.mean),
        number(layer.std),
        _share(layer.zeros),
        _share(layer.dead_share if layer.units and layer.dead is not None else None),
        _share(layer.saturated),
        number(layer.gradient),
        number(layer.update),
        layer.optimizer or "·",
        "" if ailment == HEALTHY else f"  {ailment}",
    ]


def _line(cells: Any, widths: list[int]) -> str:
    """Numbers to the right, words to the left, one column apart."""
    right = {0, *range(4, len(widths))}
    padded = [c.rjust(w) if i in right else c.ljust(w) for i, (c, w) in enumerate(zip(cells, widths, strict=False))]
    return " ".join(padded).rstrip()


def shortened(name: str, most: int) -> str:
    """A name with its start left out where it is too long: the end says more."""
    return name if len(name) <= most else f"…{name[1 - most :]}"


def number(value: float | None) -> str:
    """Two digits, at most seven characters; a point where there is none."""
    if value is None:
        return "·"
    if not math.isfinite(value):
        return str(value)
    if value == 0 or 1e-2 <= abs(value) < 1e4:
        return f"{value:.2g}" if abs(value) < 100 else f"{value:.0f}"
    digits, power = f"{value:.0e}".split("e")
    return f"{digits}e{int(power)}"


def _share(value: float | None) -> str:
    return "·" if value is None else "0" if value == 0 else f"{value:.0%}" if value >= 0.005 else "<1%"


def _count(value: int) -> str:
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g}{letter}"
    return str(value) if value else "·"
