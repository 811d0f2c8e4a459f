"""The section on quality: every metric of the task on the test rows, beside a model that looks at nothing.

The first number is the task's headline metric. The trivial baseline is the answer that is typical of the training rows,
given to every row; the gain over it is paired, on the same rows, so that what is hard for both cancels out.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from sounding.card.wording import capital
from sounding.contract.evidence import Estimate, Figure, Number, Section, skipped
from sounding.contract.metrics import mean_loss
from sounding.contract.records import Record
from sounding.contract.task import targets
from sounding.evaluation import evaluation, plots
from sounding.evaluation.context import EvaluationContext
from sounding.evaluation.intervals import paired_difference

ID, TITLE = "quality", "Quality"

_CONFUSED = 10  # pairs of classes that are listed as taken for each other
_LONG = 60  # characters of a typical answer that a sentence can hold


def measure(context: EvaluationContext) -> Section:
    """Metrics with intervals beside the trivial baseline, and the mean loss; by class and group; with pictures."""
    records = context.records
    if not records:
        return skipped(ID, TITLE, "there are no test rows; give some, or more rows to take them from")
    numbers = list(_metrics(context, records))
    baseline = _baseline(context, records)
    compared = list(_compared(context, records, baseline)) if baseline else []
    loss = [] if any(metric.name == mean_loss().name for metric in context.task.metrics) else [_loss(context, records)]
    return Section(
        ID,
        TITLE,
        sentence=_sentence(context, numbers[0], compared, baseline),
        numbers=(*numbers, *compared, *loss),
        figures=tuple(_figures(context, records)),
        details=_details(context, records),
    )


def _metrics(context: EvaluationContext, records: Sequence[Record]) -> Iterator[Number]:
    for place, metric in enumerate(context.task.metrics):
        started = time.perf_counter()
        found = evaluation.estimate(metric, records, evaluation.groups_of(records), context.seed)
        if place and not math.isfinite(found.value):
            continue  # these rows say nothing of it
        yield _number(context, _slug(metric.name), metric.name, found, metric.definition, metric.unit, started)


def _number(
    context: EvaluationContext, id: str, name: str, found: Estimate, definition: str, unit: str, started: float
) -> Number:
    return Number(id, name, found, definition, unit, seed=context.seed, seconds=time.perf_counter() - started)


# ---- beside a model that looks at nothing


def _baseline(context: EvaluationContext, records: Sequence[Record]) -> list[Record]:
    """The records of the trivial baseline; none without training rows."""
    if not len(context.train):
        return []
    return evaluation.baseline(context.task, targets(context.train), records)


def _compared(context: EvaluationContext, records: Sequence[Record], baseline: Sequence[Record]) -> Iterator[Number]:
    """The baseline's headline and the gain over it; nothing where the metric is not known for a constant answer."""
    metric, groups, started = context.task.metrics[0], evaluation.groups_of(records), time.perf_counter()
    found = evaluation.estimate(metric, baseline, groups, context.seed)
    if not math.isfinite(found.value):
        return
    name = f"{metric.name} of {_always(context, baseline)}"
    meaning = f"the trivial baseline: the typical answer of the training rows, given to every row; {metric.definition}"
    yield _number(context, "baseline", name, found, meaning, metric.unit, started)
    started = time.perf_counter()
    sides = (records, baseline) if metric.higher_is_better else (baseline, records)
    a, b = (metric.statistics(side) for side in sides)
    gain = paired_difference(a, b, metric.reduce, groups, context.seed)
    meaning = "how much better than the trivial baseline, on the same rows; above 0 is better"
    yield _number(context, "gain", f"gain in {metric.name} over the baseline", gain, meaning, metric.unit, started)


def _always(context: EvaluationContext, baseline: Sequence[Record]) -> str:
    answer = " ".join(context.task.target.describe(baseline[0].value).split())
    return f"always answering ‘{answer if len(answer) <= _LONG else answer[: _LONG - 1] + '…'}’"


def _loss(context: EvaluationContext, records: Sequence[Record]) -> Number:
    metric, started = mean_loss(), time.perf_counter()
    found = evaluation.estimate(metric, records, evaluation.groups_of(records), context.seed)
    return _number(context, "loss", "mean loss", found, "mean of the loss over the test rows", metric.unit, started)


def _sentence(
    context: EvaluationContext, headline: Number, compared: Sequence[Number], baseline: Sequence[Record]
) -> str:
    """ "Such as: Accuracy is 0.873 [0.852, 0.891] on 963 test rows; always answering ‘positive’ would give 0.514."""
    unit = f" {headline.unit}" if headline.unit else ""
    n = len(context.records)
    said = f"{capital(headline.name)} is {headline.estimate}{unit} on {n:,} test {'row' if n == 1 else 'rows'}"
    if not compared:
        return f"{said}."
    said += f"; {_always(context, baseline)} would give {compared[0].estimate.value:.3f}{unit}."
    low = compared[1].estimate.low
    return said if low is None or low > 0 else f"{said} The model is not clearly better than that."


# ---- by class and group, and pictures


def _details(context: EvaluationContext, records: Sequence[Record]) -> dict[str, Any]:
    rows = evaluation.slices(context.task, records)
    found: dict[str, Any] = {}
    for by in ("class", "group"):
        table = [_slice(row) for row in rows if row["by"] == by]
        if table:
            found[f"by_{by}"] = table
    pairs = _confused(context, records)
    return found | ({"most_often_confused": pairs} if pairs else {})


def _slice(row: dict[str, Any]) -> dict[str, Any]:
    """One class or group as a row of the printed table."""
    estimate = Estimate(row["value"], row["low"], row["high"], row["n"], row["level"], row["interval"])
    return {row["by"]: row["name"], "n": row["n"], row["metric"]: asdict(estimate), "note": "few rows" * row["few"]}


def _figures(context: EvaluationContext, records: Sequence[Record]) -> Iterator[Figure]:
    options = _options(context, records)
    if len(options) > 1:
        names = [context.task.target.describe(option) for option in options]
        matrix = evaluation.confusion(records, options)
        few = len(options) <= plots.LARGEST_MATRIX
        caption = (
            "Confusion matrix: a row for each true class, a column for each answer."
            if few
            else "Classes that are taken for others most often."
        )
        yield Figure("quality_confusion", caption, plots.confusion_matrix(matrix, names))
    history = list(context.training.get("history") or ())
    if len(history) > 1:
        caption = "The course of the training: what was measured at each look at the validation rows."
        yield Figure("quality_training", caption, plots.training_curves(history))


def _options(context: EvaluationContext, records: Sequence[Record]) -> list[Any]:
    """The finite list of answers, and after them the truths that no training row had; empty when answers are open."""
    known = context.task.target.classes
    return [] if known is None else list(dict.fromkeys([*known, *(record.truth for record in records)]))


def _confused(context: EvaluationContext, records: Sequence[Record]) -> list[dict[str, Any]]:
    """The pairs of classes that were most often taken for each other."""
    options = _options(context, records)
    if not options:
        return []
    matrix = evaluation.confusion(records, options)
    np.fill_diagonal(matrix, 0)
    order = np.argsort(-matrix, axis=None, kind="stable")[:_CONFUSED]
    pairs = [divmod(int(place), len(options)) for place in order]
    describe = context.task.target.describe
    return [
        {"truth": describe(options[i]), "answer": describe(options[j]), "rows": int(matrix[i, j])}
        for i, j in pairs
        if matrix[i, j]
    ]


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
