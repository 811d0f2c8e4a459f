"""Two ways to live with a model that errs: a set of answers that holds the truth, and no answer where it is not sure.

*Sets* are conformal (`conformal`), calibrated on one half of the validation rows and checked on the test rows; the
other half sets what `raps` has to choose. The validation rows also chose the best weights, so the coverage is not
strictly guaranteed: whether it is reached is measured. *Abstention* is risk against coverage (`abstention`); of answers
that are more or less good, such as texts that were written, it is in `graded`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sounding.challenges.confidences import graded
from sounding.challenges.confidences.abstention import (
    aurc,
    curve,
    estimate_accuracy_at,
    estimate_aurc,
    estimate_excess,
    estimate_gain_at,
    least_aurc,
    ranked,
)
from sounding.challenges.confidences.confidence import Decisions, decisions
from sounding.challenges.confidences.conformal import expected_coverage, fewest
from sounding.challenges.confidences.covering import Covered, Listed, covered, halves, listed
from sounding.contract.evidence import Estimate, Figure, Number
from sounding.evaluation import plots
from sounding.evaluation.challenge import Challenge, Findings, NotMeasured
from sounding.evaluation.context import EvaluationContext, Profile
from sounding.evaluation.evaluation import FEW
from sounding.wording import percent

ID = "prediction_sets"
KEPT = 0.8
COVERAGES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
SHARED = "calibrated on half of the validation rows, which also chose the best weights"


@dataclass(frozen=True)
class Plan:
    """How much is measured: the nominal coverages, the headline first, and resamples of each bootstrap."""

    nominal: tuple[float, ...]
    resamples: int


PLANS: Mapping[Profile, Plan | None] = {
    "quick": Plan((0.9,), 500),
    "standard": Plan((0.9, 0.95, 0.99), 2000),
    "full": Plan((0.9, 0.95, 0.99), 10_000),
}


class PredictionSets(Challenge[Plan]):
    """Coverage and size of conformal sets; accuracy when the model may abstain."""

    id, title, order = ID, "Prediction sets and abstention", 110
    plans = PLANS

    def seconds(self, context: EvaluationContext) -> float:
        """The resampling; the answers are there already."""
        return self.plan(context).resamples / 500

    def measure(self, context: EvaluationContext) -> Findings:
        """Both halves, the one with numbers first."""
        plan = self.plan(context)
        parts = [_sets(context, plan), _abstention(context, plan)]
        if not any(part.numbers for part in parts):
            raise NotMeasured(" ".join(part.sentence for part in parts))
        return Findings(
            sentence=" ".join(part.sentence for part in sorted(parts, key=lambda part: not part.numbers)),
            numbers=tuple(replace(n, seed=context.seed) for part in parts for n in part.numbers),
            figures=tuple(figure for part in parts for figure in part.figures),
            details={key: value for part in parts for key, value in part.details.items()},
        )


# ---- sets


def _sets(context: EvaluationContext, plan: Plan) -> Findings:
    task = context.task
    test = listed(task, context.row_records)
    if test is None:
        return Findings(
            "Prediction sets need a probability for each of a finite list of answers, which this task lacks."
        )
    if not len(context.validation):
        return Findings("No prediction sets: there are no validation rows to calibrate them on.")
    calibration, other = (listed(task, part) for part in halves(context.validation_records, context.rng(ID)))
    need = fewest(1 - plan.nominal[0])
    if calibration is None or other is None or len(calibration) < need:
        n = 0 if calibration is None else len(calibration)
        return Findings(
            f"No set short of every answer can have a nominal coverage of {percent(plan.nominal[0])}: that takes "
            f"{need} calibration rows, and half of the validation rows are {n}."
        )
    found = [
        covered(kind, nominal, calibration, other, test, context, plan.resamples)
        for nominal in plan.nominal
        if len(calibration) >= fewest(1 - nominal)
        for kind in (("lac", "aps", "raps") if nominal == plan.nominal[0] else ("lac",))
    ]
    expected = expected_coverage(len(calibration), len(test), 1 - plan.nominal[0])
    numbers = [n for i, one in enumerate(found) for n in _numbers(one, first=i == 0)]
    numbers.insert(1, _expected(expected, plan.nominal[0], len(test)))
    return Findings(
        _said(found[0], expected, test, task.target.describe),
        tuple(numbers),
        (_bars(found),),
        {"sets": [one.row() for one in found], "answers_in_a_set": found[0].sizes()},
    )


def _numbers(one: Covered, first: bool) -> list[Number]:
    """Coverage, size and worst class of one kind of sets; the ids of the headline have no suffix."""
    end = f"_{one.nominal * 100:.0f}" if one.kind == "lac" else f"_{one.kind}"
    if first:
        end = ""
    numbers = [
        Number(
            f"coverage{end}",
            f"coverage of {one.label}",
            one.coverage,
            f"share of test rows in whose set the truth is; {SHARED}",
        ),
        Number(f"set_size{end}", f"size of {one.label}", one.size, f"mean number of answers in a set; {SHARED}"),
    ]
    if one.worst is not None:
        numbers.append(
            Number(
                f"worst_class_coverage{end}",
                f"worst class's coverage of {one.label}",
                one.worst,
                f"least coverage among the {one.classes} classes with {FEW} test rows or more, for which no coverage "
                f"is guaranteed; {SHARED}",
            )
        )
    return numbers


def _expected(expected: Estimate, nominal: float, m: int) -> Number:
    definition = (
        f"where the coverage on {m} test rows lies in 95 % of cases for a nominal coverage of {percent(nominal)}, with "
        "as many calibration rows as here, where test and calibration rows are exchangeable"
    )
    return Number("coverage_expected", "coverage to be expected", expected, definition, kind="estimated")


def _said(one: Covered, expected: Estimate, test: Listed, describe: Any) -> str:
    size = f"with {one.size.value:.2f} of {test.scores.shape[1]} answers in a set on average"
    found = f"hold the truth for {one.coverage} of the test rows, {size}"
    span = f"{expected.low:.3f} to {expected.high:.3f}"
    if len(test) < FEW:
        sentence = f"Sets of nominal coverage {percent(one.nominal)} {found}; {len(test)} rows are too few to check it."
    elif test.grouped:
        sentence = f"Sets of nominal coverage {percent(one.nominal)} {found}; rows come in groups, so it is not exact."
    elif expected.low is not None and one.coverage.value < expected.low:
        sentence = (
            f"Coverage is below the nominal {percent(one.nominal)}: the sets {found}, and {span} was to be expected "
            f"with {expected.n} calibration rows. Test rows are not like the validation rows."
        )
    else:
        sentence = (
            f"Coverage agrees with the nominal {percent(one.nominal)}: the sets {found}; {span} was to be "
            f"expected with {expected.n} calibration rows."
        )
    empty = float((one.members.sum(1) == 0).mean())
    if empty > 0:
        right = float((test.scores.argmax(1) == test.truths).mean())
        sentence += f" {percent(empty)} of the sets are empty"
        sentence += (
            f": one answer is right for {right:.3f}, so only a higher nominal coverage is of use."
            if right > one.nominal
            else "."
        )
    if one.worst is not None and one.worst.high is not None and one.worst.high < one.nominal:
        sentence += f" Not for every class: for {describe(one.worst_class)} they hold it for {one.worst}."
    return sentence


def _bars(found: Sequence[Covered]) -> Figure:
    names, estimates = [], []
    for one in found:
        names.append(f"{one.name} {percent(one.nominal)}, all rows")
        estimates.append(one.coverage)
        if one.worst is not None:
            names.append(f"{one.name} {percent(one.nominal)}, worst class")
            estimates.append(one.worst)
    nominal = {f"nominal: {percent(one.nominal)}": one.nominal for one in found}
    caption = "Share of test rows in whose set the truth is, over all rows and for the class where it is least."
    return Figure("prediction_sets_coverage", caption, plots.bars(names, estimates, "coverage", nominal))


# ---- abstention


def _abstention(context: EvaluationContext, plan: Plan) -> Findings:
    if context.task.row_metrics[0].graded:
        return graded.abstention(context, KEPT, COVERAGES, plan.resamples)
    d = decisions(context.task, context.row_records)
    if not len(d):
        return Findings("Abstention was not measured: the answers carry no confidence that could be right or wrong.")
    if alike := _same_confidences(context):
        said = ", ".join(f"{confidence:g}" for confidence in alike)
        return Findings(
            f"Abstention was not measured: every answer comes with the same confidences ({said}), so that none is "
            "surer than another."
        )
    stats = ranked(d.confidences, d.hits)
    more: dict[str, Any] = {"groups": d.groups, "seed": context.seed, "resamples": plan.resamples}
    kept, gain = estimate_accuracy_at(stats, KEPT, **more), estimate_gain_at(stats, KEPT, **more)
    of = f"of the {len(d)} answers ordered by confidence"
    numbers = (
        Number(
            "accuracy_at_80",
            "accuracy at 80 % coverage",
            kept,
            f"share that is right among the 80 % with the highest confidence, {of}",
        ),
        Number(
            "gain_at_80", "gain by abstaining on 20 %", gain, f"that accuracy minus the accuracy of all answers; {of}"
        ),
        Number(
            "aurc",
            "area under the risk-coverage curve (AURC)",
            estimate_aurc(stats, **more),
            f"mean risk (share of wrong answers) over all coverages; {of}; lower is better",
        ),
        Number(
            "aurc_excess",
            "excess AURC",
            estimate_excess(stats, **more),
            "AURC minus that of a perfect order, in which every right answer has more confidence than any wrong one",
        ),
    )
    return Findings(_found(d, kept, gain), numbers, (_risk_figure(context, d),))


def _same_confidences(context: EvaluationContext) -> list[float]:
    """The confidences of every answer, where each has the same ones and more than one: those of intervals."""
    hit = context.task.row_metrics[0].hit
    found = {frozenset(confidence for confidence, _ in hit(record)) for record in context.row_records} if hit else set()
    kinds = [kind for kind in found if kind]
    return sorted(kinds[0]) if len(kinds) == 1 and len(kinds[0]) > 1 and None not in kinds[0] else []


def _found(d: Decisions, kept: Estimate, gain: Estimate) -> str:
    right = float(d.hits.mean())
    change = f"from {right:.3f} on all to {kept} at 80 % coverage"
    if len(d) < FEW:
        return f"Accuracy goes {change}; {len(d)} answers are too few to say whether abstaining helps."
    if d.hits.all():
        return f"Abstaining has nothing to gain: every one of the {len(d)} answers is right."
    if gain.low is not None and gain.low > 0:
        return f"Abstaining helps: accuracy rises {change}."
    return f"Abstaining is not seen to help: accuracy goes {change}, and the gain ({gain}) may be nothing."


def _risk_figure(context: EvaluationContext, d: Decisions) -> Figure:
    stats, n, wrong = ranked(d.confidences, d.hits), len(d), int((~d.hits).sum())
    best = [max(0.0, wrong - (1 - c) * n) / (c * n) for c in COVERAGES]
    series = {
        "by confidence": curve(stats, COVERAGES, d.groups, context.seed),
        "best possible order": [Estimate(value) for value in best],
    }
    caption = (
        "Risk (share of wrong answers) against coverage, when only the most confident answers are given. An order "
        "that says nothing stays on the dashed line. "
        f"Area {aurc(d.confidences, d.hits):.4f}, at best {least_aurc(wrong, n):.4f}."
    )
    svg = plots.curve(COVERAGES, series, "coverage", "risk", reference={"any order": wrong / n})
    return Figure("prediction_sets_risk", caption, svg)
