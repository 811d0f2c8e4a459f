"""Several attacks on the same rows, one after the other: what none of them breaks is said to be left.

Each attack tries only the rows that still stand, which saves most of the work; a metric that is no share of right
answers has no fallen rows, and there every row is attacked again and the worst record by loss is kept, unless
that makes the metric better. What a ball holds, a larger one of the same norm holds too.

Order: in every ball PGD, APGD-CE and APGD-T; then, in the largest ball of each norm, APGD-CE once more with twice the
steps, and Square. The last two are also what `masking` looks at: neither should find much.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from torch import nn

from sounding.challenges.disturbances.attacks import Attacked, apgd, greedy, pgd, square
from sounding.challenges.disturbances.goals import rivals
from sounding.contract.evidence import Estimate
from sounding.contract.inputs import Threat
from sounding.contract.metrics import Metric
from sounding.contract.records import Example, Record
from sounding.contract.task import Task
from sounding.evaluation.evaluation import estimate, evaluate_rows

EDITS = Threat("two small edits", "edits", 2)
ALL_OF_IT = "everything"
BY_GRADIENT, AGAIN = 0.6, 0.7
"""Shares of the time after which attacks by gradient, and their repetition, stop; Square has the rest."""

Search = Callable[[list[Any], list[Any], float], Attacked]
"""`search(values, truths, until)`"""


@dataclass(frozen=True)
class Arms:
    """How hard to attack: steps of PGD, APGD-CE and APGD-T; runner-up answers; queries; seconds after which to stop.

    An attack with 0 is left out. PGD is never cut short.
    """

    pgd: int
    apgd: int = 0
    targets: int = 0
    targeted: int = 0
    queries: int = 0
    seconds: float = math.inf


@dataclass(frozen=True)
class Line:
    """One attack in one ball: rows `tried` and `broken`, and what is `left` after it and all before it."""

    threat: str
    attack: str
    how: str
    tried: int
    broken: int
    left: Estimate
    rose: float
    effort: int
    stopped: bool
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """The line as a row of a table."""
        row = {"ball": self.threat, "attack": self.attack, "settings": self.how, "rows tried": self.tried}
        row |= {"broken": self.broken, "left so far, at most": asdict(self.left), "seconds": round(self.seconds, 3)}
        return {**row, "stopped by the time limit": self.stopped}


@dataclass
class Siege:
    """The rows in one ball: their worst `records` so far, `lines` of what was tried, and what each attack `felled`."""

    task: Task
    model: nn.Module
    examples: Sequence[Example]
    threat: Threat
    records: list[Record]
    seed: int = 0
    lines: list[Line] = field(default_factory=list)
    felled: dict[str, set[int]] = field(default_factory=dict)

    @property
    def standing(self) -> list[int]:
        """The rows that are worth attacking; all of them where the headline metric is no share of right answers."""
        metric = self.task.metrics[0]
        return [i for i, record in enumerate(self.records) if not (metric.proportion and fallen(metric, record))]

    def attack(self, name: str, how: str, search: Search, until: float = math.inf) -> None:
        """Let `search` try the rows that stand, and keep what it found where the model does worse on it."""
        started, metric, rows = time.perf_counter(), self.task.metrics[0], self.standing
        examples = [self.examples[i] for i in rows]
        nothing = Attacked([], np.zeros(0), np.zeros(0, bool))
        found = search([e.input for e in examples], [e.target for e in examples], until) if rows else nothing
        pairs = zip(examples, found.values, strict=True)
        after = evaluate_rows(self.task, self.model, [replace(e, input=value) for e, value in pairs]) if rows else []
        merged = list(self.records)
        for i, record in zip(rows, after, strict=True):
            merged[i] = worse(metric, merged[i], record)
        if _no_better(metric, merged, self.records):
            self.records = merged
        broken = set(rows) - set(self.standing)
        self.felled[name] = self.felled.get(name, set()) | broken
        rose, seconds = float(found.rose.mean()) if rows else math.nan, time.perf_counter() - started
        line = Line(self.threat.name, name, how, len(rows), len(broken), left(self.task, self.records, self.seed),
                    rose, found.effort, found.stopped, seconds)  # fmt: skip
        self._write(line)

    def _write(self, line: Line) -> None:
        """Add a line, or add to the last one where it is of the same attack (another target)."""
        if self.lines and self.lines[-1].attack == line.attack:
            last = self.lines.pop()
            sums = {name: getattr(last, name) + getattr(line, name) for name in ("broken", "effort", "seconds")}
            line = replace(line, tried=last.tried, stopped=last.stopped or line.stopped, **sums)
        self.lines.append(line)

    # ---- what may be tried

    def by_gradient(self, arms: Arms, clean: Sequence[Record], until: float) -> None:
        """PGD, APGD-CE, and APGD-T against the runner-up answers where answers are a finite list."""
        task, model, threat = self.task, self.model, self.threat
        call = partial(_call, task, model, threat, self.seed)
        self.attack("PGD", f"{arms.pgd} steps", call(pgd, steps=arms.pgd))
        ranked = (rivals(task, clean) if task.metrics[0].proportion else None) or []
        targets = min(arms.targets, len(ranked[0]) if ranked else 0)
        if arms.apgd:
            self.attack("APGD-CE", f"{arms.apgd} steps", call(apgd, steps=arms.apgd), _share(until, 1 + targets))
        for k in range(targets):
            others = [ranked[i][k] for i in self.standing]
            how = f"{arms.targeted} steps, {targets} runner-up answer{'s' if targets > 1 else ''}"
            search = call(apgd, steps=arms.targeted, targets=others)
            self.attack("APGD-T", how, search, _share(until, targets - k))

    def again(self, arms: Arms, until: float) -> None:
        """APGD-CE from another start with twice the steps."""
        search = _call(self.task, self.model, self.threat, self.seed + 1, apgd, steps=2 * arms.apgd)
        self.attack("APGD-CE again", f"{2 * arms.apgd} steps, another start", search, until)

    def by_answers(self, arms: Arms, until: float) -> None:
        """Square Attack."""
        search = _call(self.task, self.model, self.threat, self.seed, square, queries=arms.queries)
        self.attack("Square", f"{arms.queries:,} queries", search, until)


def besiege(
    task: Task,
    model: nn.Module,
    examples: Sequence[Example],
    clean: Sequence[Record],
    threats: Sequence[Threat],
    arms: Arms,
    seed: int = 0,
) -> list[Siege]:
    """A finished siege for each threat, mildest first; `clean` are the records of the untouched rows."""
    now = time.perf_counter()
    sieges: list[Siege] = []
    for k, threat in enumerate(threats):
        before = next((s.records for s in reversed(sieges) if s.threat.norm == threat.norm), clean)
        siege = Siege(task, model, examples, threat, list(before), seed)
        if threat.norm == EDITS.norm:
            how = "2 edits, each the most harmful of 10 neighbours"
            siege.attack("greedy", how, lambda values, truths, _: greedy(task, model, values, truths, seed=seed))
        else:
            siege.by_gradient(arms, clean, _share(now + BY_GRADIENT * arms.seconds, len(threats) - k))
        sieges.append(siege)
    largest = {s.threat.norm: s for s in sieges if s.threat.norm != EDITS.norm and s.threat.name != ALL_OF_IT}
    if task.metrics[0].proportion:
        for k, siege in enumerate(largest.values()):
            if arms.apgd:
                siege.again(arms, _share(now + AGAIN * arms.seconds, len(largest) - k))
        for k, siege in enumerate(largest.values()):
            if arms.queries:
                siege.by_answers(arms, _share(now + arms.seconds, len(largest) - k))
    return sieges


def fallen(metric: Metric, record: Record) -> bool:
    """Whether a record is judged wrong, by a metric that is a share."""
    return (float(metric.judge(record)) < 0.5) == metric.higher_is_better


def worse(metric: Metric, a: Record, b: Record) -> Record:
    """The record on which the model does worse: by the judgement where that is right or wrong, else by the loss."""
    if metric.proportion and fallen(metric, a) != fallen(metric, b):
        return a if fallen(metric, a) else b
    return b if b.loss > a.loss else a


def _no_better(metric: Metric, after: Sequence[Record], before: Sequence[Record]) -> bool:
    """Whether the metric says so too: a higher loss is mostly, and not always, a worse answer."""
    if metric.proportion:
        return True
    change = metric.value(after) - metric.value(before)
    return not (change > 0 if metric.higher_is_better else change < 0)


def left(task: Task, records: Sequence[Record], seed: int) -> Estimate:
    """The headline metric over records of attacked rows."""
    return estimate(task.metrics[0], records, [record.group for record in records], seed, resamples=500)


def _call(
    task: Task, model: nn.Module, threat: Threat, seed: int, attack: Callable[..., Attacked], **settings: Any
) -> Search:
    def search(values: list[Any], truths: list[Any], until: float) -> Attacked:
        limit = {} if attack is pgd else {"until": until}
        return attack(task, model, values, truths, threat, seed=seed, **settings, **limit)

    return search


def _share(until: float, parts: int) -> float:
    """When the first of `parts` that are still to come should end, so that all end at `until`."""
    now = time.perf_counter()
    return now + (until - now) / max(1, parts)
