"""What is left of the quality when inputs are disturbed: by chance (`corruption`) and on purpose (`ensemble`).

Under corruptions the number is measured. Under attack it is a bound: a search finds what it finds, and no search proves
that there is nothing worse, so what is left is printed as "at most", with the upper end of its interval. Whether the
attacks could see at all is checked as well (`masking`): where gradients are masked, the bound says little.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from sounding.challenges.disturbances import masking
from sounding.challenges.disturbances.corruption import ID, TITLE, under_corruption
from sounding.challenges.disturbances.ensemble import ALL_OF_IT, EDITS, Arms, Siege, besiege, left
from sounding.contract.evidence import Estimate, Number, Section, not_applicable, timed
from sounding.contract.inputs import Continuous, Corruptible, Discrete, Threat
from sounding.contract.metrics import Metric
from sounding.contract.records import Example
from sounding.contract.task import Task
from sounding.errors import SoundingError
from sounding.evaluation.context import EvaluationContext
from sounding.evaluation.evaluation import evaluate_rows


@dataclass(frozen=True)
class Plan:
    """How much is measured: rows and severities of corruptions; rows under attack, how hard, `unbounded` ones too.

    `seconds` is about what the corruptions may take, and the steps of PGD as well; a slow model is measured on fewer
    rows, and at least `LEAST`.
    """

    seconds: float
    rows: int
    severities: tuple[int, ...]
    attacked: int
    arms: Arms
    unbounded: bool


LEAST = 16
"""Rows that are measured however slow the model is."""
STEP = 3
"""A step of an attack takes a pass and a gradient, which is two more."""

PLANS: Mapping[str, Plan] = {
    "quick": Plan(40.0, 200, (3,), 100, Arms(pgd=10), unbounded=False),
    "standard": Plan(
        180.0, 500, (1, 2, 3, 4, 5), 200,
        Arms(pgd=20, apgd=30, targets=2, targeted=20, queries=300, seconds=120.0), unbounded=True,
    ),
    "full": Plan(
        3600.0, 1000, (1, 2, 3, 4, 5), 1000,
        Arms(pgd=40, apgd=100, targets=9, targeted=100, queries=5000, seconds=1800.0), unbounded=True,
    ),
}  # fmt: skip


def measure(context: EvaluationContext) -> Section:
    """Quality under corruptions of the input and under attacks, beside that on the same rows untouched."""
    started = time.perf_counter()
    if not len(context.test):
        return not_applicable(ID, TITLE, "there are no test rows")
    task, plan = context.task, PLANS[context.profile]
    rows = context.within(plan.seconds, _corruptions(task) * len(plan.severities), plan.rows, LEAST)
    parts = [under_corruption(context, rows, plan.severities), under_attack(context, plan)]
    if not any(part.numbers for part in parts):
        return not_applicable(ID, TITLE, " ".join(part.sentence for part in parts))
    section = Section(
        ID,
        TITLE,
        sentence=" ".join(part.sentence for part in parts),
        numbers=tuple(number for part in parts for number in part.numbers),
        figures=tuple(figure for part in parts for figure in part.figures),
        details={key: value for part in parts for key, value in part.details.items()},
    )
    return timed(section, time.perf_counter() - started)


def _corruptions(task: Task) -> int:
    return len(task.input.corruptions) if isinstance(task.input, Corruptible) else 0


def under_attack(context: EvaluationContext, plan: Plan) -> Section:
    """The part of the section that attacks fill; without numbers when none can be tried, and why."""
    task, model = context.task, context.model
    passes = (
        STEP
        * plan.arms.pgd
        * max(1, len(task.input.threats if isinstance(task.input, Continuous) else ()) + plan.unbounded)
    )
    examples = context.sample(context.within(plan.seconds, passes, plan.attacked, LEAST), "attack")
    threats = _threats(context, plan, examples)
    if not threats:
        return Section(ID, TITLE, "No attack was tried: this input has neither a range for gradients nor small edits.")
    try:
        clean = evaluate_rows(task, model, examples)
        if len(clean) != len(examples):
            return Section(ID, TITLE, "No attack was tried: the trials of this task are not tied to rows.")
        sieges = besiege(task, model, examples, clean, threats, plan.arms, context.seed)
    except SoundingError as error:
        return Section(ID, TITLE, f"No attack was measured: {error.what}.")
    checks = masking.checks(task.metrics[0], clean, sieges)
    numbers = [_number(context, siege) for siege in sieges]
    numbers += [check.number(context.seed) for check in checks if check.id != "unbounded"]  # that one is there already
    details = {
        "clean_on_attacked_rows": asdict(left(task, clean, context.seed)),
        "attacks": [line.to_json() for siege in sieges for line in siege.lines],
        "masked_gradients": [check.to_json() for check in checks],
        "loss_rose_on": _rose(sieges),
    }
    sentence = f"{_left(context, sieges, left(task, clean, context.seed))} {_masked(checks, masking.withheld(clean))}"
    kept = tuple(number for number in numbers if np.isfinite(number.estimate.value))
    return Section(ID, TITLE, sentence.strip(), kept, details=details)


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


def _number(context: EvaluationContext, siege: Siege) -> Number:
    metric, threat = context.task.metrics[0], siege.threat
    attacks = " then ".join(f"{line.attack} ({line.how})" for line in siege.lines)
    if threat.norm == EDITS.norm:
        ball = "two edits"
    else:
        size = f"{threat.radius:.4g}" + (" of the input's own root mean square" if threat.relative else "")
        ball = f"{threat.norm} ball of {size}"
    side = "an upper" if metric.higher_is_better else "a lower"
    return Number(
        "attack_" + re.sub(r"\W+", "_", threat.name.replace("∞", "inf")).strip("_").lower(),
        f"{metric.name} under attack ({threat.name})",
        siege.lines[-1].left,
        f"{metric.name} on the worst input found; {side} bound on what the worst attack leaves; {ball}; {attacks}",
        metric.unit,
        kind="bound",
        seed=context.seed,
        seconds=sum(line.seconds for line in siege.lines),
    )


# ---- words


def _left(context: EvaluationContext, sieges: Sequence[Siege], clean: Estimate) -> str:
    metric = context.task.metrics[0]
    bounds = "; ".join(f"{siege.threat.name}: {_bound(metric, siege.lines[-1].left)}" for siege in sieges)
    names = dict.fromkeys(line.attack for siege in sieges for line in siege.lines if "again" not in line.attack)
    listed = ", ".join(names)
    sentence = f"Under attack ({listed}), {metric.name} ({clean} on the same {len(sieges[0].records)} rows untouched)"
    stopped = " An attack was stopped by the time limit." if any(x.stopped for s in sieges for x in s.lines) else ""
    return f"{sentence} is {bounds}.{stopped}"


def _bound(metric: Metric, e: Estimate) -> str:
    side, end, limit = ("at most", "upper", e.high) if metric.higher_is_better else ("at least", "lower", e.low)
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
    said = f"{passed} check{'s' if passed > 1 else ''}{few}"
    return (
        f"No sign of masked gradients: passed {said}."
        if passed
        else "Too few rows stood, or there was too little time, to look for masked gradients."
    )


def _rose(sieges: Sequence[Siege]) -> dict[str, float]:
    """The share of attacked rows on which PGD raised the loss, by ball."""
    lines = [line for siege in sieges for line in siege.lines]
    return {line.threat: line.rose for line in lines if line.attack in ("PGD", "greedy") and np.isfinite(line.rose)}
