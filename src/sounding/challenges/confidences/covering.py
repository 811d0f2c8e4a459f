"""Conformal sets of a subject's records: which rows calibrate, and how well the test rows are covered.

Legend of shapes: n calibration rows, m test rows, K options.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sounding.challenges.confidences import conformal
from sounding.contract.evidence import Estimate
from sounding.contract.metrics import mean
from sounding.contract.records import Record
from sounding.contract.task import Task
from sounding.evaluation.context import EvaluationContext
from sounding.evaluation.evaluation import FEW
from sounding.evaluation.intervals import bootstrap, clopper_pearson, proportion, wilson
from sounding.wording import percent

NAMES = {"lac": "LAC", "aps": "APS", "raps": "RAPS"}
LARGEST = 20_000_000
"""Probabilities that a table holds at most; with very many options only the first rows are looked at."""


@dataclass(frozen=True)
class Listed:
    """Records with a probability for each option: `scores` [n, K], `truths` [n] (−1 for none of them), `groups` [n]."""

    scores: np.ndarray
    truths: np.ndarray
    groups: list[str]
    classes: list[Any]

    def __len__(self) -> int:
        return len(self.truths)

    @property
    def grouped(self) -> bool:
        """Whether rows share a group, so that they are not independent."""
        named = [group for group in self.groups if group]
        return len(set(named)) < len(named)


@dataclass(frozen=True)
class Covered:
    """One kind of sets on the test rows: `members` [m, K], how often and with how many answers the truth is held."""

    kind: str
    nominal: float
    members: np.ndarray
    coverage: Estimate
    size: Estimate
    worst: Estimate | None
    worst_class: Any
    classes: int
    settings: str = ""

    @property
    def name(self) -> str:
        """What the field calls this kind."""
        return NAMES[self.kind]

    @property
    def label(self) -> str:
        """The kind and its nominal coverage, for names and figures."""
        return f"{self.name} sets at {percent(self.nominal)}"

    def row(self) -> dict[str, Any]:
        """A row of the table of all kinds."""
        spread = {"coverage": self.coverage, "mean size": self.size, "worst class": self.worst}
        cells = {key: None if e is None else e.cell for key, e in spread.items()}
        empty = float((self.members.sum(1) == 0).mean())
        return {"sets": self.label, **cells, "empty": empty, "settings": self.settings}

    def sizes(self) -> list[dict[str, Any]]:
        """How many sets hold how many answers."""
        counts = np.bincount(self.members.sum(1))
        return [{"answers": size, "sets": int(count)} for size, count in enumerate(counts) if count]


def listed(task: Task, records: Sequence[Record]) -> Listed | None:
    """The records as arrays; None where some have no probabilities of the task's options."""
    options = task.target.classes
    if not options or not records or any(r.scores is None for r in records):
        return None
    records = records[: max(1000, LARGEST // len(options))]
    scores = [np.asarray(r.scores, float) for r in records]
    if any(s.shape != (len(options),) or not np.isfinite(s).all() or s.min() < 0 for s in scores):
        return None
    place = {option: i for i, option in enumerate(options)}
    table = np.stack(scores)
    table = table / np.maximum(table.sum(1, keepdims=True), 1e-12)
    truths = np.array([place.get(r.truth, -1) for r in records])
    return Listed(table, truths, [r.group for r in records], list(options))


def halves(records: Sequence[Record], rng: np.random.Generator) -> tuple[list[Record], list[Record]]:
    """The records in two halves drawn by `rng`; those of one group go to the same half. The first is the larger."""
    groups: dict[object, list[int]] = {}
    for i, record in enumerate(records):
        groups.setdefault(record.group or i, []).append(i)
    members, first = list(groups.values()), set[int]()
    for place in rng.permutation(len(members)):
        if 2 * len(first) < len(records):
            first |= set(members[place])
    return [r for i, r in enumerate(records) if i in first], [r for i, r in enumerate(records) if i not in first]


def covered(
    kind: str,
    nominal: float,
    calibration: Listed,
    other: Listed,
    test: Listed,
    context: EvaluationContext,
    resamples: int,
) -> Covered:
    """Sets of one kind with the threshold of the calibration rows, on the test rows."""
    rng, alpha = context.rng(f"sets {kind} {nominal:g}"), 1 - nominal
    misfit, settings = _nonconformity(kind, other, alpha, rng)
    limit = conformal.threshold(conformal.of_truth(misfit(calibration.scores), calibration.truths), alpha)
    members = conformal.sets(misfit(test.scores), limit)
    held = members[np.arange(len(test)), test.truths] & (test.truths >= 0)
    groups = test.groups if test.grouped else None
    coverage = clopper_pearson(int(held.sum()), len(held)) if groups is None else proportion(held, groups, context.seed)
    worst, where, classes = _worst_class(held, test)
    size = _size(members, groups, context.seed, resamples)
    return Covered(kind, nominal, members, coverage, size, worst, where, classes, settings)


def _nonconformity(
    kind: str, other: Listed, alpha: float, rng: np.random.Generator
) -> tuple[Callable[[np.ndarray], np.ndarray], str]:
    """The function of scores [n, K] that says how badly each answer fits, and what was chosen for it."""
    if kind == "lac":
        return conformal.lac, ""
    if kind == "aps":
        return lambda scores: conformal.aps(scores, rng.random(len(scores))), ""
    penalty, free = conformal.tuned(other.scores, other.truths, rng.random(len(other)), alpha)
    chosen = f"penalty {penalty:g} beyond rank {free}, chosen on the other half"
    return lambda scores: conformal.raps(scores, rng.random(len(scores)), penalty, free), chosen


def _size(members: np.ndarray, groups: list[str] | None, seed: int, resamples: int) -> Estimate:
    """The mean number of answers in a set; where all are of one size, unseen others are allowed for."""
    sizes, most = members.sum(1).astype(float), members.shape[1]
    found = bootstrap(sizes, mean, groups, seed, resamples)
    if sizes.min() == sizes.max():
        unseen = wilson(0, found.n).high or 0.0
        low, high = found.value * (1 - unseen), found.value + unseen * (most - found.value)
        return replace(found, low=low, high=high, interval="wilson")
    if found.low is None or found.high is None:
        return found
    return replace(found, low=max(0.0, found.low), high=min(float(most), found.high))


def _worst_class(held: np.ndarray, test: Listed) -> tuple[Estimate | None, Any, int]:
    """The least coverage among classes of enough rows, with an interval that holds for all of them at once."""
    places = [k for k in range(len(test.classes)) if (test.truths == k).sum() >= FEW]
    if not places or test.grouped:
        return None, None, len(places)
    level = 1 - 0.05 / len(places)  # Bonferroni: the worst of many is picked because it looks bad
    found = {}
    for k in places:
        own = held[test.truths == k]
        found[k] = clopper_pearson(int(own.sum()), len(own), level)
    worst = min(found, key=lambda k: found[k].value)
    low = min(0.0 if e.low is None else e.low for e in found.values())
    high = min(1.0 if e.high is None else e.high for e in found.values())
    name = "clopper-pearson" + (f", joint over {len(places)} classes" if len(places) > 1 else "")
    return replace(found[worst], low=low, high=high, level=0.95, interval=name), test.classes[worst], len(places)
