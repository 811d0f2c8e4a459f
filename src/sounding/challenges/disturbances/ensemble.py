"""Several attacks on the same rows, one after the other: rows on which none succeeds are robust, as far as is known.

Each attack tries only the rows that are still answered rightly, which saves most of the work; a metric that is no share
of right answers has no such rows, and there every row is attacked again and the worst record by loss is kept, unless
that makes the metric better. What a ball holds, a larger one of the same norm holds too.

Order: in every ball PGD, APGD-CE and APGD-T; then, in the largest ball of each norm, APGD-CE once more with twice the
steps, and Square. The last two are also what `masking` looks at: neither should find much.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from functools import partial
from typing import Any

import numpy as np
from torch import nn

from sounding.challenges.disturbances.attacks import Attacked, apgd, greedy, pgd, square
from sounding.challenges.disturbances.goals import runners_up
from sounding.contract.evidence import Estimate
from sounding.contract.inputs import Threat
from sounding.contract.metrics import Metric
from sounding.contract.records import Example, Record
from sounding.contract.task import Task
from sounding.evaluation.evaluation import estimate, evaluate_rows
from sounding.wording import counted

EDITS = Threat("two small edits", "edits", 2)
ALL_OF_IT = "everything"
BY_GRADIENT, AGAIN = 0.6, 0.7
"""Shares of the time after which attacks by gradient, and their repetition, stop; Square has the rest."""

Search = Callable[[list[Any], list[Any], float], Attacked]
"""`search(values, truths, until)`"""


class Attack(StrEnum):
    """What is tried, by the field's name for it."""

    PGD = "PGD"
    APGD_CE = "APGD-CE"
    APGD_T = "APGD-T"
    APGD_AGAIN = "APGD-CE again"
    SQUARE = "Square"
    GREEDY = "greedy"


@dataclass(frozen=True)
class Attacks:
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
class Attempt:
    """One attack on one threat model: rows `tried`, `successes` among them, what is `left` after it and all before."""

    threat: str
    attack: Attack
    how: str
    tried: int
    successes: int
    left: Estimate
    rose: float
    effort: int
    stopped: bool
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """The attempt as a row of a table."""
        return {
            "threat model": self.threat,
            "attack": self.attack.value,
            "settings": self.how,
            "rows tried": self.tried,
            "attack successes": self.successes,
            "bound after this attack": asdict(self.left),
            "seconds": round(self.seconds, 3),
            "stopped by the time limit": self.stopped,
        }


@dataclass
class AttackReport:
    """What was found for one threat model: the worst `records`, every attempt, and the rows on which each succeeded."""

    task: Task
    model: nn.Module
    examples: Sequence[Example]
    threat: Threat
    records: list[Record]
    seed: int = 0
    attempts: list[Attempt] = field(default_factory=list)
    successes: dict[Attack, set[int]] = field(default_factory=dict)

    @property
    def robust(self) -> list[int]:
        """The rows that are worth attacking; all of them where the headline metric is no share of right answers."""
        metric = self.task.row_metrics[0]
        return [i for i, record in enumerate(self.records) if not (metric.proportion and is_wrong(metric, record))]

    def attack(self, name: Attack, how: str, search: Search, until: float = math.inf) -> None:
        """Let `search` try the robust rows, and keep what it found where the model does worse on it."""
        started, metric, rows = time.perf_counter(), self.task.row_metrics[0], self.robust
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
        won = set(rows) - set(self.robust)
        self.successes[name] = self.successes.get(name, set()) | won
        rose, seconds = float(found.rose.mean()) if rows else math.nan, time.perf_counter() - started
        remaining = left(self.task, self.records, self.seed)
        effort = (rose, found.effort, found.stopped, seconds)
        self._add(Attempt(self.threat.name, name, how, len(rows), len(won), remaining, *effort))

    def _add(self, attempt: Attempt) -> None:
        """Add an attempt, or add to the last one where it is of the same attack (another target)."""
        if self.attempts and self.attempts[-1].attack == attempt.attack:
            last = self.attempts.pop()
            sums = {name: getattr(last, name) + getattr(attempt, name) for name in ("successes", "effort", "seconds")}
            attempt = replace(attempt, tried=last.tried, stopped=last.stopped or attempt.stopped, **sums)
        self.attempts.append(attempt)

    # ---- what may be tried

    def by_gradient(self, attacks: Attacks, clean: Sequence[Record], until: float) -> None:
        """PGD, APGD-CE, and APGD-T against the runner-up answers where answers are a finite list."""
        task, model, threat = self.task, self.model, self.threat
        call = partial(_call, task, model, threat, self.seed)
        self.attack(Attack.PGD, f"{attacks.pgd} steps", call(pgd, steps=attacks.pgd))
        ranked = (runners_up(task, clean) if task.row_metrics[0].proportion else None) or []
        targets = min(attacks.targets, len(ranked[0]) if ranked else 0)
        if attacks.apgd:
            self.attack(
                Attack.APGD_CE, f"{attacks.apgd} steps", call(apgd, steps=attacks.apgd), _share(until, 1 + targets)
            )
        for k in range(targets):
            others = [ranked[i][k] for i in self.robust]
            how = f"{attacks.targeted} steps, {counted(targets, 'runner-up answer')}"
            search = call(apgd, steps=attacks.targeted, targets=others)
            self.attack(Attack.APGD_T, how, search, _share(until, targets - k))

    def again(self, attacks: Attacks, until: float) -> None:
        """APGD-CE from another start with twice the steps."""
        search = _call(self.task, self.model, self.threat, self.seed + 1, apgd, steps=2 * attacks.apgd)
        self.attack(Attack.APGD_AGAIN, f"{2 * attacks.apgd} steps, another start", search, until)

    def by_answers(self, attacks: Attacks, until: float) -> None:
        """Square Attack."""
        search = _call(self.task, self.model, self.threat, self.seed, square, queries=attacks.queries)
        self.attack(Attack.SQUARE, f"{attacks.queries:,} queries", search, until)


def attack_reports(
    task: Task,
    model: nn.Module,
    examples: Sequence[Example],
    clean: Sequence[Record],
    threats: Sequence[Threat],
    attacks: Attacks,
    seed: int = 0,
) -> list[AttackReport]:
    """A finished report for each threat, mildest first; `clean` are the records of the clean rows."""
    now = time.perf_counter()
    reports: list[AttackReport] = []
    for k, threat in enumerate(threats):
        before = next((s.records for s in reversed(reports) if s.threat.norm == threat.norm), clean)
        report = AttackReport(task, model, examples, threat, list(before), seed)
        if threat.norm == EDITS.norm:
            how = "each edit the most harmful of 10 that are tried"
            report.attack(Attack.GREEDY, how, lambda values, truths, _: greedy(task, model, values, truths, seed=seed))
        else:
            report.by_gradient(attacks, clean, _share(now + BY_GRADIENT * attacks.seconds, len(threats) - k))
        reports.append(report)
    largest = {s.threat.norm: s for s in reports if s.threat.norm != EDITS.norm and s.threat.name != ALL_OF_IT}
    if task.row_metrics[0].proportion:
        for k, report in enumerate(largest.values()):
            if attacks.apgd:
                report.again(attacks, _share(now + AGAIN * attacks.seconds, len(largest) - k))
        for k, report in enumerate(largest.values()):
            if attacks.queries:
                report.by_answers(attacks, _share(now + attacks.seconds, len(largest) - k))
    return reports


def is_wrong(metric: Metric, record: Record) -> bool:
    """Whether a record is judged wrong, by a metric that is a share."""
    return (float(metric.judge(record)) < 0.5) == metric.higher_is_better


def worse(metric: Metric, a: Record, b: Record) -> Record:
    """The record on which the model does worse: by the judgement where that is right or wrong, else by the loss."""
    if metric.proportion and is_wrong(metric, a) != is_wrong(metric, b):
        return a if is_wrong(metric, a) else b
    return b if b.loss > a.loss else a


def _no_better(metric: Metric, after: Sequence[Record], before: Sequence[Record]) -> bool:
    """Whether the metric says so too: a higher loss is mostly, and not always, a worse answer."""
    if metric.proportion:
        return True
    change = metric.value(after) - metric.value(before)
    return not (change > 0 if metric.higher_is_better else change < 0)


def left(task: Task, records: Sequence[Record], seed: int) -> Estimate:
    """The headline metric over records of attacked rows."""
    return estimate(task.row_metrics[0], records, [record.group for record in records], seed, resamples=500)


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
