"""Which explanations are measured, and on how many rows: what each costs is counted before any is made.

Costs are in forward passes, a pass that also takes gradients being three. Where the rows that a verdict needs would
take longer than there is time, the dearest methods are left out, and the section says which and why.

Legend of shapes: A baselines, P parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sounding.challenges.explanations.estimates import EXPLAINED_BY
from sounding.challenges.explanations.explained_rows import FEW
from sounding.challenges.explanations.explanation import METHODS, UNFIT, Explain, methods, named
from sounding.challenges.explanations.faithfulness import passes_of_orders
from sounding.challenges.explanations.gradients import STEPS
from sounding.challenges.explanations.shapley import exact, passes_of_a_pair, shapley
from sounding.contract.inputs import Explainable
from sounding.evaluation.context import EvaluationContext

SLOPE = 3
"""Forward passes that a pass with gradients takes about as long as."""
CHEAPEST = 2
"""So many methods are measured however slow the model is."""


@dataclass(frozen=True)
class Plan:
    """How much is measured, where the model is fast enough.

    Rows, rows of the randomisation test, about how many seconds all of it may take, and the passes for the Shapley
    values of one row (0: none are made).
    """

    rows: int
    untrained: int
    seconds: float
    shapley: int = 0


@dataclass(frozen=True)
class Chosen:
    """The methods by name, on how many rows, of which so many are explained with an untrained model as well.

    `passes` are the forward passes of all that, and `notes` say why other methods are not measured.
    """

    methods: dict[str, Explain]
    rows: int
    untrained: int
    passes: float
    notes: list[str]


def fit_to_time(context: EvaluationContext, plan: Plan, values: Sequence[Any]) -> Chosen:
    """What the time of the plan pays for; `values` are inputs like those that will be explained, one or more.

    `FEW` rows, which a verdict needs, are taken at any price. The randomisation test has its share of the rows, or
    half of those few.
    """
    input = Explainable.of(context.task.input)
    parts, ways = max(map(input.segments, values)), len(input.baselines)
    used, notes = _fit(context, plan, values[0], parts, ways)
    each = {method: _passes(method, parts, ways, plan.shapley) for method in used}
    paid, again = plan.seconds / max(1e-9, context.pass_seconds), plan.untrained / plan.rows

    def row() -> float:
        beside = [each[method] for method in EXPLAINED_BY if method in each]
        further = sum(beside) + passes_of_orders(parts, ways, len(beside)) / 2
        answers = (1 + again) * sum(each.values()) + passes_of_orders(parts, ways, len(each))
        return answers + len(context.task.estimates) * further

    while FEW * row() > paid and len(each) > CHEAPEST:
        dearest = max(each, key=lambda method: each[method])
        cost = f"{each.pop(dearest):,} forward passes a row take too long with a model as slow as this one"
        notes.append(_left_out(dearest, context, cost))
    rows = max(FEW, min(plan.rows, int(paid / row())))
    there = min(rows, len(context.test))
    return Chosen({m: used[m] for m in each}, rows, max(FEW // 2, round(rows * again)), there * row(), notes)


def _fit(
    context: EvaluationContext, plan: Plan, value: Any, parts: int, ways: int
) -> tuple[dict[str, Explain], list[str]]:
    """The methods that this kind of model and the plan allow, and why others are not among them."""
    used = dict(methods(context.task, context.model, value))
    notes = [f"{named(m)}: not for this model; {UNFIT[m]}." for m in METHODS if m in UNFIT and m not in used]
    if "shapley" in used:
        least = passes_of_a_pair(parts, ways)
        if exact(parts, ways, plan.shapley) or least <= plan.shapley:
            used["shapley"] = partial(shapley, passes=plan.shapley)
        else:
            del used["shapley"]
            cost = f"{parts} parts need {least:,} forward passes a row, or more"
            notes.append(_left_out("shapley", context, cost))
    return used, notes


def _left_out(method: str, context: EvaluationContext, why: str) -> str:
    name = named(method)
    return f"{name[0].upper()}{name[1:]}: not in the {context.profile} profile, since {why}."


def _passes(method: str, parts: int, ways: int, most: int) -> int:
    """Forward passes that one explanation takes; `most` is the budget of Shapley values."""
    return {
        "occlusion": 1 + ways * parts,
        "gradient": SLOPE + ways,
        "integrated_gradients": SLOPE * STEPS + ways,
        "grad_cam": SLOPE,
        "shapley": ways * 2**parts if exact(parts, ways, most) else most,
    }[method]
