"""Which sections a card has, in which order, and what measures each of them.

A measurement is imported when it is called: reading a card loads none of them, and one that cannot be imported costs
its own section and no other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from sounding.contract.evidence import Section
from sounding.evaluation.context import EvaluationContext

SECTIONS: Mapping[str, str] = {
    "use": "Use and limits",
    "data": "Data",
    "quality": "Quality",
    "seeds": "Seed spread",
    "data_efficiency": "Data efficiency",
    "interpretability": "Interpretability",
    "robustness": "Robustness",
    "certificate": "Certificate",
    "shift": "Shift",
    "calibration": "Calibration",
    "prediction_sets": "Prediction sets and abstention",
    "unknown_inputs": "Unknown inputs",
    "energy": "Energy and cost",
    "trade_offs": "Trade-offs",
    "method": "Method notes",
}
"""Id → usual title of every section that a card has, in the order of the card."""

MEASURED: Mapping[str, str] = {id: title for id, title in SECTIONS.items() if id != "method"}
"""The sections that are measured one after the other; the notes on method are made from them at the end."""


@dataclass(frozen=True)
class Known:
    """What some measurements want beside the context.

    `report` is what `data.Report.to_json()` gives, `use` the author's words on what the model is for, `siblings`
    seed → headline of runs that differ by seed alone. `scores` keeps what long measurements have by name, so that they
    can go on where they were stopped; `say` hears of their progress.
    """

    report: Mapping[str, Any] = field(default_factory=dict)
    use: str = ""
    siblings: Mapping[int, float] = field(default_factory=dict)
    scores: MutableMapping[str, float] | None = None
    say: Callable[[str], None] | None = None


def measurement(id: str, context: EvaluationContext, known: Known) -> Section:
    """Measure the section called `id`."""
    if id in ("use", "data"):
        from sounding.card import data

        found = data.measure(context, known.report)
        return found if id == "data" else import_module("sounding.card.use").measure(context, found, known.use)
    if id == "seeds":
        return import_module("sounding.card.seeds").measure(context, known.siblings)
    if id == "data_efficiency":
        challenge = import_module("sounding.challenges.data_efficiency")
        return challenge.measure(context, kept=known.scores, progress=known.say)
    place = {"quality": "card.quality", "trade_offs": "card.precisions"}.get(id, f"challenges.{id}")
    return import_module(f"sounding.{place}").measure(context)
