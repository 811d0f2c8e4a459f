"""Which rows are explained, whether their answers are worth it, and how explanations are drawn side by side.

Legend of shapes: P parts.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import nn

from sounding.challenges.explanations.explanation import named
from sounding.challenges.passes import log_likelihoods
from sounding.contract.evidence import Figure
from sounding.contract.inputs import Explainable
from sounding.contract.records import Example, Record
from sounding.contract.task import Task, chunks, targets
from sounding.drawing.svg import svg
from sounding.drawing.table import Line, side_by_side
from sounding.evaluation.context import EvaluationContext
from sounding.evaluation.evaluation import baseline
from sounding.evaluation.intervals import paired_difference
from sounding.machine.setting import inference
from sounding.wording import percent

FEW = 10
"""Below so many independent rows the numbers are printed, and nothing is concluded from them."""


@dataclass(frozen=True)
class Item:
    """A test row with the answer that is explained; `right` is None where answers are not right or wrong."""

    value: Any
    answer: Any
    confidence: float | None
    right: bool | None
    group: str = ""


# ---- which rows


def candidates(context: EvaluationContext, most: int) -> list[Example]:
    """At most `most` test rows of two parts or more."""
    input = Explainable.of(context.task.input)
    return [e for e in context.sample(most, "interpretability") if input.segments(e.input) > 1]


def choose(context: EvaluationContext, rows: Sequence[Example], most: int) -> tuple[list[Item], int]:
    """At most `most` of the rows, half of them answered wrongly where there are enough; and how many were rejected.

    Rejected are rows whose answer has no finite log-likelihood: there is no likelihood to lose.
    """
    task = context.task
    answered = [item for batch in chunks(rows, task.recipe.batch) for item in _answered(task, context.model, batch)]
    finite = np.isfinite(log_likelihoods(task, context.model, ((i.value, i.answer) for i in answered)))
    items = [item for item, sound in zip(answered, finite, strict=True) if sound]
    wrong = [i for i in items if i.right is False]
    other = [i for i in items if i.right is not False]
    few = min(len(wrong), max(most // 2, most - len(other)))
    return other[: most - few] + wrong[:few], len(answered) - len(items)


def _answered(task: Task, model: nn.Module, examples: Sequence[Example]) -> list[Item]:
    with inference():
        predictions = task.predict(model, [e.input for e in examples])
    items = []
    for e, p in zip(examples, predictions, strict=True):
        right = _is_right(task, Record(p.value, e.target, p.confidence, 0.0, e.group, p.scores))
        items.append(Item(e.input, p.value, p.confidence, right, e.group))
    return items


def _is_right(task: Task, record: Record) -> bool | None:
    """Whether all that was decided is right; None where nothing is right or wrong."""
    hit = task.row_metrics[0].hit
    hits = [] if hit is None else hit(record)
    return all(right for _, right in hits) if len(hits) else None


# ---- whether its answers are worth explaining


def no_better_than_constant(context: EvaluationContext) -> str:
    """A caution where the answers are not shown to beat the typical one: faithful to the model is not true then.

    Raises TrainingError when the model's outputs are not finite.
    """
    records, metric = context.row_records, context.task.row_metrics[0]
    if not len(records) or not len(context.train):
        return ""
    typical = baseline(context.task, targets(context.train), records)
    sides = [metric.statistics(some) for some in (records, typical)]
    groups = [record.group for record in records]
    a, b = sides if metric.higher_is_better else sides[::-1]
    gain = paired_difference(a, b, metric.reduce, groups, context.seed, resamples=500, bounds=metric.bounds)
    if gain.n < FEW or not math.isfinite(gain.value) or (gain.low is not None and gain.low > 0):
        return ""
    return (
        f" Caution: the answers themselves are not shown to be better than a constant answer to every row "
        f"(gain in {metric.name} {gain}), so an explanation tells what this model looks at, and not what is true."
    )


# ---- pictures


def examples(
    task: Task,
    items: Sequence[Item],
    maps: Mapping[str, Sequence[np.ndarray]],
    plain: Sequence[str] = (),
    doubted: Sequence[str] = (),
    of: str = "",
) -> Figure:
    """A row for each of a right, a wrong and the least sure answer; a column for the input and for each method.

    `maps`: method → weights [P] of each item. Of the methods in `plain` only the signs are drawn; those in `doubted`
    are said to be like random. `of` names the estimate that they explain, where it is not the answer.
    """
    chosen = _telling(items)
    heads = ["input", *(_headed(m, m in plain, m in doubted) for m in maps)]
    shown = [[_signs(w) if m in plain else w for w in weights] for m, weights in maps.items()]
    table = []
    for title, i in chosen.items():
        drawn = [task.input.render(items[i].value, weights) for weights in (None, *(column[i] for column in shown))]
        table.append(Line(title, _said(task, items[i], 70), tuple(drawn)))
    id = "interpretability_examples" + (f"_{of.replace(' ', '_')}" if of else "")
    return Figure(id, _caption(chosen, plain, of), svg(side_by_side(heads, table)))


def _caption(rows: Mapping[str, int], plain: Sequence[str], of: str) -> str:
    caption = f"Evidence for the answer (red) and against it (blue), by method: {', '.join(rows)}."
    if of:
        caption = f"What raises the {of} (red) and lowers it (blue), by method: {', '.join(rows)}."
    if plain:
        caption += (
            f" Of {', '.join(map(named, plain))} the sign alone is drawn, where a weight is a tenth of the largest or "
            "more: its size tells of the input rather than of what was learnt."
        )
    return caption


def _signs(weights: np.ndarray) -> np.ndarray:
    """1 and −1 for weights [P] that are not small beside the largest, else 0."""
    sizes = np.abs(weights)
    return np.sign(weights) * (sizes >= 0.1 * sizes.max(initial=0.0))


def _telling(items: Sequence[Item]) -> dict[str, int]:
    """A row that was answered rightly, one wrongly (both as sure as any), and the one that was least sure."""
    chosen: dict[str, int] = {}
    for title, kept, sign in (("right", True, -1), ("wrong", False, -1), ("least sure", None, 1)):
        places = [i for i, item in enumerate(items) if kept in (None, item.right) and i not in chosen.values()]
        if places:
            chosen[title] = min(places, key=lambda i: sign * (items[i].confidence or 0.0))
    return chosen


def _said(task: Task, item: Item, longest: int) -> str:
    said = task.target.describe(item.answer)
    sure = "" if item.confidence is None else f", {percent(item.confidence)}\N{NO-BREAK SPACE}sure"
    return textwrap.shorten(said, max(longest - len(sure), 8), placeholder="…") + sure


def _headed(method: str, plain: bool, doubted: bool) -> str:
    """The name of a method with what has to be said of it, a line each."""
    words = [named(method)]
    if plain:
        words.append("sign only")
    if doubted:
        words.append("like random")
    return "\n".join(words)
