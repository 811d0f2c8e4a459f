"""What is left of the quality when inputs are disturbed: by chance (`corruption`) and on purpose (`attacks`).

Under corruptions the number is measured. Under attack it is a bound: a search finds what it finds, and no search proves
that there is nothing worse, so what is left is printed as "at most". Whether the search could see at all is checked as
well: where following the gradient does not raise the loss, gradients are masked, and the bound says little (Carlini et
al. 2019).
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial

from sounding.challenges.attacks import Attacked, greedy, pgd
from sounding.challenges.corruption import ID, TITLE, under_corruption
from sounding.engine.evaluation import estimate, trials
from sounding.engine.evidence import Estimate, Number, Section, not_applicable, timed
from sounding.engine.metrics import Metric
from sounding.engine.records import Example, Record
from sounding.engine.subject import Subject
from sounding.modalities.modality import Threat

BLIND = 0.9
"""An attack that raises the loss on a smaller share of rows than this is said to be blind."""
ALL_OF_IT = "everything"


@dataclass(frozen=True)
class Plan:
    """How much is measured: rows and severities of corruptions; rows and steps of attacks, `unbounded` ones too."""

    rows: int
    severities: tuple[int, ...]
    attacked: int
    steps: int
    unbounded: bool


PLANS: Mapping[str, Plan] = {
    "quick": Plan(200, (3,), 100, 10, unbounded=False),
    "standard": Plan(500, (1, 2, 3, 4, 5), 200, 20, unbounded=True),
    "full": Plan(1000, (1, 2, 3, 4, 5), 500, 40, unbounded=True),
}


def measure(subject: Subject) -> Section:
    """Quality under corruptions of the input and under attacks, beside that on the same rows untouched."""
    started = time.perf_counter()
    if not len(subject.test):
        return not_applicable(ID, TITLE, "there are no test rows")
    plan = PLANS[subject.profile]
    parts = [under_corruption(subject, plan.rows, plan.severities), under_attack(subject, plan)]
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


def under_attack(subject: Subject, plan: Plan) -> Section:
    """The part of the section that attacks fill; without numbers when none can be tried, and why."""
    task, metric = subject.task, subject.task.metrics[0]
    examples = subject.sample(plan.attacked, "attack")
    searches = _searches(subject, plan, examples)
    if not searches:
        return Section(ID, TITLE, "No attack was tried: this input has neither a range for gradients nor small edits.")
    clean = trials(task, subject.model, examples)
    if len(clean) != len(examples):
        return Section(ID, TITLE, "No attack was tried: the trials of this task are not tied to rows.")
    numbers: list[Number] = []
    so_far: dict[str, list[Record]] = {}
    rose: dict[str, float] = {}
    for threat, search in searches.items():
        started = time.perf_counter()
        found = search()
        after = trials(task, subject.model, [replace(e, input=v) for e, v in zip(examples, found.values, strict=True)])
        before = so_far.get(threat.norm, clean)  # what a smaller ball of this norm holds, a larger one holds too
        so_far[threat.norm] = [_worse(metric, a, b) for a, b in zip(before, after, strict=True)]
        left, seconds = _estimate(subject, so_far[threat.norm]), time.perf_counter() - started
        numbers.append(_number(subject, plan, threat, left, seconds))
        rose[threat.name] = float(found.rose.mean())
    return _findings(subject, numbers, _estimate(subject, clean), rose)


def _searches(subject: Subject, plan: Plan, examples: Sequence[Example]) -> dict[Threat, Callable[[], Attacked]]:
    """What to try against this kind of input, mildest first."""
    task, model, seed = subject.task, subject.model, subject.seed
    values, truths = [e.input for e in examples], [e.target for e in examples]
    if task.input.legal is not None:
        threats = task.input.threats
        if plan.unbounded and threats:
            low, high = task.input.legal
            threats = (*threats, Threat(ALL_OF_IT, "linf", high - low))
        return {t: partial(pgd, task, model, values, truths, t, steps=plan.steps, seed=seed) for t in threats}
    if next(iter(task.input.neighbours(values[0], subject.rng("neighbours"))), None) is None:
        return {}
    return {Threat("two small edits", "edits", 2): partial(greedy, task, model, values, truths, seed=seed)}


def _worse(metric: Metric, a: Record, b: Record) -> Record:
    """The record on which the model does worse: by the judgement where that is right or wrong, else by the loss."""
    if metric.proportion and metric.judge(a) != metric.judge(b):
        return min(a, b, key=metric.judge) if metric.higher_is_better else max(a, b, key=metric.judge)
    return max(a, b, key=lambda record: record.loss)


def _estimate(subject: Subject, records: Sequence[Record]) -> Estimate:
    groups = [record.group for record in records]
    return estimate(subject.task.metrics[0], records, groups, subject.seed, resamples=500)


def _number(subject: Subject, plan: Plan, threat: Threat, left: Estimate, seconds: float) -> Number:
    metric = subject.task.metrics[0]
    if threat.norm == "edits":
        how = "greedy search: 2 edits, each the most harmful of 10 neighbours"
    else:
        size = f"{threat.radius:.4g}" + (" of the input's own root mean square" if threat.relative else "")
        how = f"projected gradient ascent on the loss, {plan.steps} steps, 1 random start, {threat.norm} ball of {size}"
    side = "an upper" if metric.higher_is_better else "a lower"
    return Number(
        "attack_" + re.sub(r"\W+", "_", threat.name.replace("∞", "inf")).strip("_").lower(),
        f"{metric.name} under attack ({threat.name})",
        left,
        f"{metric.name} on the worst input found; {side} bound on what the worst attack leaves; {how}",
        metric.unit,
        kind="bound",
        seed=subject.seed,
        seconds=seconds,
    )


def _findings(subject: Subject, numbers: Sequence[Number], clean: Estimate, rose: Mapping[str, float]) -> Section:
    metric = subject.task.metrics[0]
    bound = "at most" if metric.higher_is_better else "at least"
    left = "; ".join(f"{name}: {bound} {n.estimate}" for name, n in zip(rose, numbers, strict=True))
    sentence = f"Under attack, {metric.name} ({clean} on the same {clean.n} rows untouched) is {left}."
    blind = [name for name, share in rose.items() if share < BLIND]
    if blind and subject.task.input.legal is not None:
        sentence += (
            f" Caution: following the gradient raised the loss on only {min(rose.values()):.0%} of the rows "
            f"({', '.join(blind)}); gradients are masked, and these bounds flatter the model."
        )
    if ALL_OF_IT in rose and metric.higher_is_better and numbers[-1].estimate.value > clean.value / 2:
        sentence += " Caution: even an attack without a bound leaves most of it; gradients are masked."
    details = {"clean_on_attacked_rows": asdict(clean), "loss_rose_on": dict(rose)}
    return Section(ID, TITLE, sentence, tuple(numbers), details=details)
