"""What is left of the quality when inputs are disturbed: by chance (`under_corruption`) and on purpose (`ensemble`);
and whether answers behave as they should under changes of known effect (`behaviour`).

Under corruptions the number is measured. Under attack it is a bound: a search finds what it finds, and no search proves
that there is nothing worse, so what is left is printed as "at most", with the upper end of its interval. Whether the
attacks could see at all is checked as well (`masking`): where gradients are masked, the bound says little.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from sounding.challenges.contests.rehearsals import under_rehearsals
from sounding.challenges.contests.symmetries import under_symmetries
from sounding.challenges.disturbances import behaviour, masking
from sounding.challenges.disturbances.ensemble import (
    ALL_OF_IT,
    EDITS,
    Attack,
    AttackReport,
    Attacks,
    attack_reports,
    left,
)
from sounding.challenges.disturbances.under_corruption import under_corruption
from sounding.contract.contest import contest_of
from sounding.contract.evidence import Bound, Estimate, Number
from sounding.contract.inputs import Continuous, Corruptible, Discrete, Perturbable, Threat
from sounding.contract.metrics import Metric
from sounding.contract.records import Example
from sounding.contract.task import Task
from sounding.errors import SoundingError
from sounding.evaluation.challenge import Challenge, Findings, NotMeasured, require_headline
from sounding.evaluation.context import EvaluationContext, Profile
from sounding.evaluation.evaluation import evaluate_rows
from sounding.wording import counted


@dataclass(frozen=True)
class Plan:
    """How much is measured: rows and severities of corruptions; rows under attack, how hard, `unbounded` ones too.

    `seconds` is about what the corruptions may take, and the steps of PGD as well; a slow model is measured on fewer
    rows, and at least `LEAST`. Of a game: openings that an opponent rehearses, how often at most, about how long.
    """

    seconds: float
    rows: int
    severities: tuple[int, ...]
    attacked: int
    attacks: Attacks
    unbounded: bool
    openings: int = 0
    rehearsals: int = 0
    rehearsing: float = 0.0


_NORMS = {"linf": "L∞", "l2": "L2"}
_A = {Bound.UPPER: "an upper", Bound.LOWER: "a lower"}
LEAST = 16
"""Rows that are measured however slow the model is."""
STEP = 3
"""A step of an attack takes a pass and a gradient, which is two more."""

PLANS: Mapping[Profile, Plan | None] = {
    "quick": Plan(
        seconds=40.0,
        rows=200,
        severities=(3,),
        attacked=100,
        attacks=Attacks(pgd=10),
        unbounded=False,
    ),
    "standard": Plan(
        seconds=180.0,
        rows=500,
        severities=(1, 2, 3, 4, 5),
        attacked=200,
        attacks=Attacks(pgd=20, apgd=30, targets=2, targeted=20, queries=300, seconds=120.0),
        unbounded=True,
        openings=20,
        rehearsals=16,
        rehearsing=180.0,
    ),
    "full": Plan(
        seconds=3600.0,
        rows=1000,
        severities=(1, 2, 3, 4, 5),
        attacked=1000,
        attacks=Attacks(pgd=40, apgd=100, targets=9, targeted=100, queries=5000, seconds=1800.0),
        unbounded=True,
        openings=50,
        rehearsals=64,
        rehearsing=1800.0,
    ),
}


class Robustness(Challenge[Plan]):
    """Quality under corruptions and under attacks, beside that on the same clean rows; and behaviour checks."""

    id, title, order = "robustness", "Robustness", 70
    plans = PLANS

    def seconds(self, context: EvaluationContext) -> float:
        """Passes and corruptions; passes of behaviour checks; steps and queries of attacks."""
        plan, row, attacks = self.plan(context), context.row_seconds, self.plan(context).attacks
        n, attacked = min(plan.rows, len(context.test)), min(plan.attacked, len(context.test))
        disturbed = n * _corruptions(context.task) * len(plan.severities)
        corrupted = disturbed * (row + context.pass_seconds + context.corruption_seconds)
        checked = n * behaviour.CHECKS * row if isinstance(context.task.input, Perturbable) else 0.0
        pass_over_all = _threat_models(context.task, plan) * attacked * context.pass_seconds
        gradient = pass_over_all * STEP
        more = gradient * (attacks.apgd + attacks.targets * attacks.targeted) + pass_over_all * attacks.queries
        games = 0.0 if contest_of(context.task, context.model) is None else plan.rehearsing
        by_chance = games + min(corrupted, plan.seconds) + min(checked, plan.seconds)
        return by_chance + min(gradient * attacks.pgd, plan.seconds) + min(more, attacks.seconds)

    def measure(self, context: EvaluationContext) -> Findings:
        """All parts."""
        require_headline(context)
        plan = self.plan(context)
        passes = _corruptions(context.task) * len(plan.severities)
        rows = context.within(plan.seconds, passes, plan.rows, LEAST)
        checked = context.within(plan.seconds, behaviour.CHECKS, plan.rows, LEAST)
        parts = [
            under_corruption(context, rows, plan.severities),
            under_attack(context, plan),
            behaviour.under_change(context, checked),
            *played(context, plan),
        ]
        sentence = " ".join(part.sentence for part in parts if part.sentence)
        if not any(part.numbers for part in parts):
            raise NotMeasured(sentence)
        return Findings(
            sentence=sentence,
            numbers=tuple(number for part in parts for number in part.numbers),
            figures=tuple(figure for part in parts for figure in part.figures),
            details={key: value for part in parts for key, value in part.details.items()},
        )


def played(context: EvaluationContext, plan: Plan) -> Iterator[Findings]:
    """The parts that a game for two fills."""
    contest = contest_of(context.task, context.model)
    if contest is None:
        return
    yield under_symmetries(context, contest, plan.rows)
    if plan.rehearsals:
        yield under_rehearsals(context, contest, plan.openings, plan.rehearsals, plan.rehearsing)


def _corruptions(task: Task) -> int:
    return len(task.input.corruptions) if isinstance(task.input, Corruptible) else 0


def _threat_models(task: Task, plan: Plan) -> int:
    """On how many threat models attacks by gradient search; none for an input that is not continuous."""
    if not isinstance(task.input, Continuous):
        return 0
    return len(task.input.threats) + (1 if plan.unbounded else 0)


def under_attack(context: EvaluationContext, plan: Plan) -> Findings:
    """The part of the section that attacks fill; without numbers when none can be tried, and why."""
    task, model = context.task, context.model
    passes = STEP * plan.attacks.pgd * max(1, _threat_models(task, plan))
    examples = context.sample(context.within(plan.seconds, passes, plan.attacked, LEAST), "attack")
    threats = _threats(context, plan, examples)
    if not threats:
        return Findings("No attack was tried: this input has neither a range for gradients nor small edits.")
    try:
        clean = evaluate_rows(task, model, examples)
        if len(clean) != len(examples):
            return Findings("No attack was tried: the records of this task are not tied to rows.")
        reports = attack_reports(task, model, examples, clean, threats, plan.attacks, context.seed)
    except SoundingError as error:
        return Findings(f"No attack was measured: {error.what}.")
    checks = masking.checks(task.row_metrics[0], clean, reports)
    numbers = [_number(context, report) for report in reports]
    numbers += [check.number(context.seed) for check in checks if check.id != "unbounded"]  # that one is there already
    details = {
        "clean_on_attacked_rows": asdict(left(task, clean, context.seed)),
        "attacks": [attempt.to_json() for report in reports for attempt in report.attempts],
        "masked_gradients": [check.to_json() for check in checks],
        "loss_rose_on": _rose(reports),
    }
    sentence = f"{_left(context, reports, left(task, clean, context.seed))} {_masked(checks, masking.withheld(clean))}"
    kept = tuple(number for number in numbers if np.isfinite(number.estimate.value))
    return Findings(sentence.strip(), kept, details=details)


def _threats(context: EvaluationContext, plan: Plan, examples: Sequence[Example]) -> tuple[Threat, ...]:
    """What to try against this kind of input, mildest first."""
    modality = context.task.input
    if isinstance(modality, Continuous):
        low, high = modality.value_range
        everything = (Threat(ALL_OF_IT, "linf", high - low),) if plan.unbounded and modality.threats else ()
        return (*modality.threats, *everything)
    if not isinstance(modality, Discrete):
        return ()
    near = (modality.neighbours(example.input, context.rng("neighbours")) for example in examples)
    return (EDITS,) if any(next(iter(some), None) is not None for some in near) else ()


def _number(context: EvaluationContext, report: AttackReport) -> Number:
    metric, threat = context.task.row_metrics[0], report.threat
    attacks = " then ".join(f"{attempt.attack} ({attempt.how})" for attempt in report.attempts)
    if threat.norm == EDITS.norm:
        edit = Discrete.of(context.task.input).edit
        within = "two edits" + (f", each {edit}" if edit else "")
    else:
        size = f"{threat.radius:.4g}" + (" of the input's own root mean square" if threat.relative else "")
        within = f"{_NORMS.get(threat.norm, threat.norm)} ≤ {size}"
    bound = Bound.UPPER if metric.higher_is_better else Bound.LOWER
    return Number(
        "attack_" + re.sub(r"\W+", "_", threat.name.replace("∞", "inf")).strip("_").lower(),
        f"{metric.name} under attack ({threat.name})",
        report.attempts[-1].left,
        f"{metric.name} on the worst input found; {_A[bound]} bound on the robust {metric.name}; {within}; {attacks}",
        metric.unit,
        kind="bound",
        seed=context.seed,
        seconds=sum(attempt.seconds for attempt in report.attempts),
        bound=bound,
    )


# ---- words


def _left(context: EvaluationContext, reports: Sequence[AttackReport], clean: Estimate) -> str:
    metric = context.task.row_metrics[0]
    bounds = ", ".join(f"{_bound(metric, report.attempts[-1].left)} {_within(context, report)}" for report in reports)
    attempts = [attempt for report in reports for attempt in report.attempts]
    names = dict.fromkeys(attempt.attack for attempt in attempts if attempt.attack is not Attack.APGD_AGAIN)
    rows = counted(len(reports[0].records), "row")
    stopped = " An attack was stopped by the time limit." if any(attempt.stopped for attempt in attempts) else ""
    return f"Under attack ({', '.join(names)}), {metric.name} goes from {clean} on {rows} to {bounds}.{stopped}"


def _within(context: EvaluationContext, report: AttackReport) -> str:
    """How far an attack may go: "within L∞ 2/255", "with two small edits (each a typing error in a word)"."""
    if report.threat.name == ALL_OF_IT:
        return "without a bound"
    if report.threat.norm == EDITS.norm:
        edit = Discrete.of(context.task.input).edit
        return f"with {report.threat.name}" + (f" (each {edit})" if edit else "")
    return f"within {report.threat.name}"


def _bound(metric: Metric, e: Estimate) -> str:
    side, end, limit = ("at least", "lower", e.low)
    if metric.higher_is_better:
        side, end, limit = ("at most", "upper", e.high)
    return f"{side} {e.value:.3f}" + ("" if limit is None else f" ({end} 95 % limit {limit:.3f})")


def _masked(checks: Sequence[masking.Check], unsaid: str) -> str:
    """What the checks for masked gradients say; nothing where there are none."""
    if not checks:
        return ""
    if unsaid:
        return f"{unsaid[0].upper()}{unsaid[1:]}."
    tripped = {check.id: check.words for check in checks if check.verdict == "tripped"}
    if tripped:
        why = "the search had not settled" if set(tripped) == {"more_search"} else "gradients are masked"
        return f"Caution: {'; '.join(tripped.values())}; {why}, and these bounds flatter the model."
    passed = sum(check.verdict == "passed" for check in checks)
    few = "" if passed == len(checks) else f" ({len(checks) - passed} more had too few rows or too little time)"
    if not passed:
        return "Too few rows withstood the attacks, or there was too little time, to look for masked gradients."
    return f"No sign of masked gradients: passed {counted(passed, 'check')}{few}."


def _rose(reports: Sequence[AttackReport]) -> dict[str, float]:
    """The share of attacked rows on which PGD raised the loss, by threat model."""
    first = (Attack.PGD, Attack.GREEDY)
    attempts = [attempt for report in reports for attempt in report.attempts if attempt.attack in first]
    return {attempt.threat: attempt.rose for attempt in attempts if np.isfinite(attempt.rose)}
