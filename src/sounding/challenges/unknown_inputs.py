"""Whether the model can tell what it does not know: known rows against inputs that no training row resembles.

*Far* inputs are made from the test rows themselves (`far_ood`), so they exist for every kind of input. *Near* ones,
a class that training never saw, cannot be made after training: they are the rows of a second set whose answer is none
of the options (`ood_sets`). Every score that the task allows (`ood_scores`) is tried, and the one that is best on
validation rows against their own far inputs is the headline: the test rows choose nothing. What `predict` says, the
confidence, always stands beside it.

Legend of shapes: n rows, S sets of out-of-distribution inputs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sounding.challenges.confidences.detection import Separation, auroc, fpr95, separation
from sounding.challenges.confidences.far_ood import blank_sets
from sounding.challenges.confidences.histograms import histograms
from sounding.challenges.confidences.ood_scores import observe
from sounding.challenges.confidences.ood_sets import Seen, choose, collect, draw, near_inputs
from sounding.contract.evidence import Estimate, Figure, Number
from sounding.contract.metrics import SHARE, mean
from sounding.evaluation.challenge import Challenge, Findings, NotMeasured
from sounding.evaluation.context import EvaluationContext, Profile
from sounding.evaluation.evaluation import FEW
from sounding.evaluation.intervals import bootstrap
from sounding.wording import counted, percent

ID = "unknown_inputs"


@dataclass(frozen=True)
class Plan:
    """How much is measured: rows of test and of validation, training rows that distances are to, and resamples.

    `seconds` is about what predicting may take; a slow model is measured on fewer rows, and at least 32.
    """

    rows: int
    training: int
    resamples: int
    seconds: float


PLANS: Mapping[Profile, Plan | None] = {
    "quick": Plan(200, 1000, 500, 15.0),
    "standard": Plan(500, 5000, 1000, 60.0),
    "full": Plan(2000, 20_000, 2000, 600.0),
}


class UnknownInputs(Challenge[Plan]):
    """AUROC and false positive rate of telling far (and near) out-of-distribution inputs from test rows."""

    id, title, order = ID, "Unknown inputs", 120
    plans = PLANS

    def seconds(self, context: EvaluationContext) -> float:
        """Predicting rows and what is made of them, and the resampling."""
        plan = self.plan(context)
        passes = 2 * (3 + blank_sets(context.task.input)) * min(plan.rows, len(context.test))
        predicting = (passes + min(plan.training, len(context.train))) * context.row_seconds
        return min(plan.seconds, predicting) + plan.resamples / 500

    def measure(self, context: EvaluationContext) -> Findings:
        """Every score that the model offers, against every set that can be made."""
        plan = _within_time(context, self.plan(context))
        training = _training_features(context, plan)
        test = collect(context, context.sample(plan.rows, ID), training, "test")
        if why := _nothing(test):
            raise NotMeasured(why)
        score, why = choose(context, plan.rows, training, list(test.tables))
        near, no_near = near_inputs(context, plan.rows, test, training)
        numbers = _numbers(context, plan, test, score, near)
        return Findings(
            sentence=_sentence(numbers, test, score, no_near),
            numbers=tuple(replace(n, seed=context.seed) for n in numbers),
            figures=(_figure(test, score),),
            details={
                "auroc": _by_set(context, test, near),
                "headline_score": f"{score}: {why}",
                "not_measured": no_near,
                "answers_that_are_not_finite": sum(one.not_finite for one in test.unknown.values()) or None,
            },
        )


def _nothing(test: Seen) -> str:
    """Why there is nothing to tell apart, or nothing to tell it by."""
    if test.known.not_finite:
        return f"the model's outputs are not finite for {test.known.not_finite} of {len(test.rows)} test rows"
    if not test.unknown:
        return "this kind of input declares no way to make an input that is unknown"
    if not test.tables and test.known.confidences is not None and test.known.empty.all():
        return "every test row is answered with nothing, so there is no confidence in a find to tell inputs apart by"
    if not test.tables:
        return "the model gives neither confidences nor features to separate inputs by"
    return ""


# ---- what is looked at


def _within_time(context: EvaluationContext, plan: Plan) -> Plan:
    """The plan, with fewer rows for a model that predicts slowly; a look takes the features too, a second pass."""
    looks = 2 * (3 + blank_sets(context.task.input)) + plan.training / plan.rows
    rows = context.within(plan.seconds, 2 * looks, plan.rows, 32)
    return replace(plan, rows=rows, training=max(100, plan.training * rows // plan.rows))


def _training_features(context: EvaluationContext, plan: Plan) -> np.ndarray | None:
    rows = draw(context.train, plan.training, context.rng(f"{ID} training"))
    return observe(context.task, context.model, [row.input for row in rows]).features if rows else None


# ---- numbers


def _numbers(
    context: EvaluationContext, plan: Plan, test: Seen, chosen: str, near: Mapping[str, np.ndarray]
) -> list[Number]:
    """The headline score and the confidence: against all far sets, and against near inputs where there are some."""
    groups = [row.group for row in test.rows]
    sets = ", ".join(test.tables[chosen])
    numbers: list[Number] = []
    for score in dict.fromkeys([chosen, *(["confidence"] if "confidence" in test.tables else [])]):
        end = "" if score == chosen else "_confidence"
        far, by = test.table(score), f"by {score}"
        numbers += _pair(f"far{end}", f"far inputs {by}", far, groups, context, plan.resamples, f"mean over {sets}")
        if score in near:
            others = [*groups, *[""] * (len(near[score]) - len(groups))]
            what = f"rows of {context.second_name or 'the second set'} whose answer is none of the options"
            numbers += _pair(f"near{end}", f"near inputs {by}", near[score], others, context, plan.resamples, what)
    return [*numbers, *_how_sure(context, plan, test)]


def _pair(
    end: str, name: str, table: np.ndarray, groups: Sequence[str], context: EvaluationContext, resamples: int, what: str
) -> list[Number]:
    """AUROC and false positive rate of one table."""
    of = f"out-of-distribution inputs: {what}"
    chance = f"chance that a test row scores higher than an out-of-distribution input, 0.5 is guessing; {of}"
    passing = f"share of out-of-distribution inputs above the score of 95 % of test rows, lower is better; {of}"
    measures: tuple[tuple[str, str, Separation, str], ...] = (
        ("auroc", "AUROC", auroc, chance),
        ("fpr95", "FPR at 95 % TPR", fpr95, passing),
    )
    return [
        Number(f"{id}_{end}", f"{label}, {name}", separation(table, measure, groups, context.seed, resamples), words)
        for id, label, measure, words in measures
    ]


def _how_sure(context: EvaluationContext, plan: Plan, test: Seen) -> list[Number]:
    """The mean confidence in the answers, to test rows and to each set of out-of-distribution inputs."""
    tables = test.tables.get("confidence", {})
    columns = {"test rows": test.table("confidence")[:, 0]} if tables else {}
    columns |= {f"out-of-distribution inputs: {name}": table[:, 1] for name, table in tables.items()}
    numbers = []
    for name, column in columns.items():
        here = np.isfinite(column)
        if here.any():
            id = "known" if name == "test rows" else re.sub(r"\W+", "_", name.partition(": ")[2]).strip("_").lower()
            groups = [row.group for row, kept in zip(test.rows, here, strict=True) if kept]
            found = bootstrap(column[here], mean, groups, context.seed, plan.resamples, bounds=SHARE)
            definition = "mean confidence of the answers"
            if not here.all():
                definition += f", of the {int(here.sum())} that are not that there is nothing"
            if np.ptp(column[here]) < 1e-4:  # blank inputs may be one and the same, and have no spread to speak of
                found, definition = Estimate(found.value, n=found.n), f"{definition}; all are the same"
            numbers.append(Number(f"confidence_{id}", f"mean confidence, {name}", found, definition))
    return numbers


def _by_set(context: EvaluationContext, test: Seen, near: Mapping[str, np.ndarray]) -> list[dict[str, Any]]:
    """AUROC with its interval for each set of out-of-distribution inputs (rows) by each score (columns)."""
    groups = [row.group for row in test.rows]
    sets = list(next(iter(test.tables.values())))
    rows = []
    for name in [*sets, *(["near"] if near else [])]:
        row: dict[str, Any] = {"unknown_inputs": name}
        for score in test.tables:
            table = near[score] if name == "near" else test.tables[score][name]
            tied = groups if name != "near" else [*groups, *[""] * (len(table) - len(groups))]
            found = separation(table, auroc, tied, context.seed, 200)
            row[score] = found.cell
        rows.append(row)
    return rows


# ---- words and picture


def _sentence(numbers: Sequence[Number], test: Seen, chosen: str, no_near: str | None) -> str:
    found = {number.id: number.estimate for number in numbers}
    end = "_confidence" if "auroc_far_confidence" in found else ""
    first = chosen if not end else "confidence"
    area, passing = found[f"auroc_far{end}"], found[f"fpr95_far{end}"]
    told = f"AUROC {area}; where 95 % of the test rows pass, {passing} of the out-of-distribution inputs pass too"
    context = "The model's confidence" if first == "confidence" else f"The {first} of the features"
    if len(test.rows) < FEW:
        sentence = f"{len(test.rows)} test rows are too few for a verdict on out-of-distribution inputs ({told})."
    elif area.low is not None and area.low > 0.95 and passing.value < 0.1:
        sentence = f"{context} separates far out-of-distribution inputs from test rows: {told}."
    elif area.low is not None and area.low > 0.5:
        sentence = f"{context} separates far out-of-distribution inputs from test rows in part: {told}."
    elif area.high is not None and area.high < 0.5:
        sentence = f"{context} is higher on far out-of-distribution inputs than on test rows: {told}."
    else:
        sentence = f"{context} is not seen to separate far out-of-distribution inputs from test rows: {told}."
    sentence += _most_confident(test) + _empty(test)
    if end:
        other = found["auroc_far"]
        verb = "reaches" if other.value > area.value else "is no better here:"
        sentence += f" Another score, {chosen}, chosen on the validation rows, {verb} {other}."
    if "auroc_near" in found:
        return f"{sentence} On near inputs, of classes that training never saw, it is {found['auroc_near']}."
    return f"{sentence} Not measured: {no_near}." if no_near else sentence


def _most_confident(test: Seen) -> str:
    """On which out-of-distribution inputs the model is most confident."""
    if test.known.confidences is None:
        return ""
    table = test.tables.get("confidence", {})
    sure = {
        name: float(column[:, 1][np.isfinite(column[:, 1])].mean())
        for name, column in table.items()
        if np.isfinite(column[:, 1]).any()
    }
    if not sure:
        return ""
    name = max(sure, key=lambda label: sure[label])
    known = test.table("confidence")[:, 0]
    usual = float(known[np.isfinite(known)].mean())
    return f" It is most confident on {name}: {sure[name]:.3f} on average, against {usual:.3f} on test rows."


def _empty(test: Seen) -> str:
    """How many answers to out-of-distribution inputs are that there is nothing, which of these is right."""
    empty, n = (
        sum(int(one.empty.sum()) for one in test.unknown.values()),
        sum(len(one) for one in test.unknown.values()),
    )
    if not empty:
        return ""
    said = f" {percent(empty / max(1, n))} of the out-of-distribution inputs are answered with nothing, which is right"
    known = int(test.known.empty.sum())
    rows = f"; {counted(known, 'test row')} answered so {'is' if known == 1 else 'are'} left out" if known else ""
    return f"{said} and counts as told apart{rows}."


def _figure(test: Seen, chosen: str) -> Figure:
    scores = list(dict.fromkeys([*(["confidence"] if "confidence" in test.tables else []), chosen]))
    panels = {score: (test.table(score)[:, 0], test.table(score)[:, 1:].ravel()) for score in scores}
    caption = (
        "How the test rows and the far out-of-distribution inputs score. The less they overlap, the better they are "
        "told apart."
    )
    return Figure("unknown_inputs", caption, histograms(panels, ("test rows", "out-of-distribution inputs")))
