"""A fitted temperature that predictions can be given with: the answer stays, how sure the model says it is changes.

    fit_for     the temperature of a task's records (the validation rows'), or None where there are too few of them
    Temperature what was fitted and to what it applies; `apply` gives predictions anew, `to_json` keeps it with a model

What was fitted decides what is changed: the probabilities of all options, the confidence in the whole answer, or the
confidence in each of its parts.

Legend of shapes: n decisions, K options.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

import numpy as np

from sounding.challenges.confidences.confidence import Decisions, at_temperature, decisions, fit_temperature
from sounding.contract.records import Prediction, Record
from sounding.contract.task import Task

FEWEST = 30
"""Decisions below which no temperature is fitted."""

Kind = Literal["options", "answer", "parts"]


@dataclass(frozen=True)
class Temperature:
    """Every log-probability is divided by `value`; `of` says of what, `n` on how many decisions it was fitted."""

    value: float
    of: Kind
    n: int

    def apply(self, predictions: Sequence[Prediction]) -> list[Prediction]:
        """The same answers, as sure as they should be; what has no confidence or is not finite is left as it is."""
        return [self._apply(p) for p in predictions]

    def _apply(self, p: Prediction) -> Prediction:
        if self.of == "parts":
            return p if p.scores is None else replace(p, scores=_sure(p.scores, self.value))
        if p.confidence is None or not np.isfinite(p.confidence):
            return p
        if self.of == "answer" or p.scores is None:
            return replace(p, confidence=float(_sure(np.array([p.confidence]), self.value)[0]))
        d = Decisions(np.array([p.confidence]), np.ones(1, bool), [""], np.asarray(p.scores, float)[None], np.zeros(1))
        tempered = at_temperature(d, self.value)
        scores = np.zeros(0) if tempered.scores is None else tempered.scores[0]
        return replace(p, confidence=float(scores.max()), scores=scores.astype(np.asarray(p.scores).dtype))

    def to_json(self) -> dict[str, Any]:
        """The fields by name."""
        return {"value": self.value, "of": self.of, "n": self.n}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Temperature:
        """The temperature that gave `values`."""
        return cls(float(values["value"]), cast(Kind, values["of"]), int(values["n"]))


def fit_for(task: Task, records: Sequence[Record]) -> Temperature | None:
    """The temperature of least log loss on `records`, which should be the validation rows'.

    None where the answers carry no confidence that could be right or wrong, or fewer than 30 do.
    """
    d = decisions(task, records)
    if len(d) < FEWEST:
        return None
    whole = len(d) == len(records) and all(
        r.confidence is not None and abs(r.confidence - c) < 1e-6 for r, c in zip(records, d.confidences, strict=True)
    )
    of: Kind = "options" if d.scores is not None else "answer" if whole else "parts"
    return Temperature(fit_temperature(d), of, len(d))


def _sure(confidences: np.ndarray, temperature: float) -> np.ndarray:
    """Confidences [n] in right against wrong, at a temperature."""
    said = np.asarray(confidences)
    d = Decisions(said.astype(float), np.ones(len(said), bool), [""] * len(said))
    return at_temperature(d, temperature).confidences.astype(said.dtype)
