"""The section on quality: every metric of the task on the test rows, beside a model that looks at nothing.

The first number is the task's headline metric. The trivial baseline is the answer that is typical of the training rows,
given to every row; the gain over it is paired, on the same rows, so that what is hard for both cancels out.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from sounding.contract.evidence import Estimate, Figure, Number
from sounding.contract.metrics import Metric, mean_loss
from sounding.contract.records import Record
from sounding.contract.task import targets
from sounding.evaluation import evaluation, plots
from sounding.evaluation.challenge import Challenge, Findings, NotMeasured, Unasked
from sounding.evaluation.context import EvaluationContext
from sounding.evaluation.estimates_in_words import sample, signed
from sounding.evaluation.intervals import paired_difference
from sounding.evaluation.shown_rows import shown_rows
from sounding.wording import capital, counted, shortened

GIVE_ROWS = "there are no test rows; give some, or more rows to take them from"
_CONFUSED = 10  # pairs of classes that are listed as taken for each other
_LONG = 60  # characters of a typical answer that a sentence can hold


@dataclass(frozen=True)
class Judged:
    """Records that some metrics judge, the first of them the headline, beside the trivial baseline's on the same rows.

    `what` a record is of. Without a baseline `baseline` is empty.
    """

    context: EvaluationContext
    metrics: Sequence[Metric]
    records: Sequence[Record]
    baseline: Sequence[Record]
    what: str = "test row"

    @property
    def groups(self) -> list[str] | None:
        """What ties records together."""
        return evaluation.groups_of(self.records)

    @property
    def counted(self) -> int:
        """How many records the headline speaks of: of matches those against one of several opponents."""
        if self.what != "match":
            return len(self.records)
        return int(np.isfinite(self.metrics[0].statistics(self.records)).sum())

    @cached_property
    def _judgements(self) -> list[tuple[Sequence[Record], evaluation.Judgements]]:
        return [(some, evaluation.Judgements(some)) for some in (self.records, self.baseline)]

    def number(self, id: str, name: str, records: Sequence[Record], metric: Metric, definition: str = "") -> Number:
        """A metric over records as a number of the card."""
        known = next(known for some, known in self._judgements if some is records)
        found = evaluation.estimate(metric, records, self.groups, self.context.seed, known=known)
        return Number(id, name, found, definition or metric.definition, metric.unit, seed=self.context.seed)


class Quality(Challenge[None]):
    """Every metric of the task, the trivial baseline, and the mean loss; by class and group; with pictures.

    A task that plays is judged by its matches; what it makes of single rows comes after that.
    """

    id, title, order = "quality", "Quality", 30
    rows = False
    judges_model = True

    def needs(self, context: EvaluationContext) -> str:
        """Rows, or matches."""
        return "" if len(context.test) or context.plays else Unasked(GIVE_ROWS)

    def seconds(self, context: EvaluationContext) -> float:
        """An answer and a loss for each row."""
        return 2 * len(context.test) * context.row_seconds

    def measure(self, context: EvaluationContext) -> Findings:
        """The metrics."""
        records = context.records
        if not records:
            raise NotMeasured(Unasked(GIVE_ROWS))
        if not context.plays:
            rows = Judged(context, context.task.metrics, records, _baseline(context, records))
            said, numbers = _judged(rows)
            beside, simple = _simple_models(rows)
            also, more = _of_set(context)
            figures = tuple(_figures(context, records))
            details = _details(rows, _left_out(rows.metrics, numbers))
            return Findings(said + beside + also, (*numbers, *simple, *_loss(rows), *more), figures, details)
        matches = Judged(context, context.task.metrics, records, (), "match")
        said, numbers = _judged(matches)
        if not len(context.test):
            return Findings(said, tuple(numbers), tuple(_history(context)), _noted(_left_out(matches.metrics, numbers)))
        records = context.row_records
        rows = Judged(context, context.task.row_metrics, records, _baseline(context, records))
        also, more = _judged(rows, "rows_")
        figures = tuple(_figures(context, records))
        details = _details(rows, _left_out([*matches.metrics, *rows.metrics], [*numbers, *more]))
        return Findings(f"{said} {also}", (*numbers, *more, *_loss(rows)), figures, details)


def _judged(some: Judged, prefix: str = "") -> tuple[str, list[Number]]:
    """The sentence on the headline, and the numbers: every metric, then the baseline and the gain over it."""
    metrics = list(_metrics(some, prefix))
    compared = list(_compared(some, prefix)) if some.baseline else []
    leading = {metric.name for metric in some.metrics if metric.leads}
    led = [f"{number.name} is {number.estimate}" for number in metrics if number.name in leading]
    first = f"{', '.join(led)}. " if led else ""
    numbers = sorted(metrics, key=lambda number: number.name not in leading)  # of a card the first is the headline
    return first + _sentence(some, metrics[0], compared), [*numbers, *compared]


def _metrics(some: Judged, prefix: str) -> Iterator[Number]:
    for place, metric in enumerate(some.metrics):
        found = some.number(prefix + _slug(metric.name), metric.name, some.records, metric)
        if not place or math.isfinite(found.estimate.value):  # of others these rows may say nothing: `_left_out`
            yield found


def _left_out(metrics: Sequence[Metric], numbers: Sequence[Number]) -> list[str]:
    """Metrics that the records say nothing of, as notes that say why."""
    without = evaluation.left_out(metrics, {number.name: number.estimate for number in numbers})
    return [f"{name} is left out: {why}." for name, why in without.items()]


def _noted(notes: Sequence[str]) -> dict[str, Any]:
    return {"notes": list(notes)} if notes else {}


def _of_set(context: EvaluationContext) -> tuple[str, list[Number]]:
    """What the task measures on the rows besides the answer to each, and the sentence on the first number of it."""
    records = evaluation.measure_set(context.task, context.model, context.test)
    if not records:
        return "", []
    numbers = list(_metrics(Judged(context, context.task.set_metrics, records, ()), ""))
    first = numbers[0]
    return f" {capital(first.name)} is {first.estimate} ({sample(first.estimate)}): {first.definition}.", numbers


# ---- beside a model that looks at nothing


def _baseline(context: EvaluationContext, records: Sequence[Record]) -> list[Record]:
    """The records of the trivial baseline; none without training rows."""
    if not len(context.train):
        return []
    return evaluation.baseline(context.task, targets(context.train), records)


def _compared(some: Judged, prefix: str) -> Iterator[Number]:
    """The baseline's headline and the gain over it; nothing where the metric is not known for a constant answer."""
    metric = some.metrics[0]
    meaning = f"the most common (or mean) answer of the training rows, given to every row; {metric.definition}"
    found = some.number(f"{prefix}baseline", f"{metric.name} of {_always(some)}", some.baseline, metric, meaning)
    if not math.isfinite(found.estimate.value):
        return
    yield found
    meaning = "how much better than the constant baseline, on the same rows; above 0 is better"
    name = f"gain in {metric.name} over the baseline"
    yield Number(f"{prefix}gain", name, _gain(some, some.baseline), meaning, metric.unit, seed=some.context.seed)


def _gain(some: Judged, others: Sequence[Record]) -> Estimate:
    """How much better the headline is than that of other records of the same rows, paired."""
    metric = some.metrics[0]
    ordered = (some.records, others) if metric.higher_is_better else (others, some.records)
    a, b = (metric.statistics(records) for records in ordered)
    return paired_difference(a, b, metric.reduce, some.groups, some.context.seed, bounds=metric.bounds)


def _simple_models(some: Judged) -> tuple[str, list[Number]]:
    """The headline of each simple model that the task names, the gain over it, and the sentence on both."""
    metric, seed = some.metrics[0], some.context.seed
    said, numbers = "", []
    for name, records in some.context.baselines.items():
        found = evaluation.estimate(metric, records, some.groups, seed)
        gain = _gain(some, records)
        of = f"{metric.name} of {name}"
        numbers.append(Number(f"baseline_{_slug(name)}", of, found, metric.definition, metric.unit, seed=seed))
        meaning = f"how much better than {name}, fitted to the same rows; above 0 is better"
        over = f"gain in {metric.name} over {name}"
        numbers.append(Number(f"gain_over_{_slug(name)}", over, gain, meaning, metric.unit, seed=seed))
        clear = gain.low is None or gain.low > 0
        verdict = (
            ""
            if clear
            else ", which is not clearly better"
            if gain.high is None or gain.high > 0
            else ", which is worse"
        )
        said += f" {capital(name)} gives {found.value:.3f}: the model gains {signed(gain)}{verdict}."
    return said, numbers


def _always(some: Judged) -> str:
    answer = some.context.task.target.describe(some.baseline[0].value)
    return f"always answering ‘{shortened(answer, _LONG)}’"


def _loss(some: Judged) -> list[Number]:
    """The mean loss, unless it is one of the metrics, or not known for some row."""
    metric = mean_loss()
    if any(other.name == metric.name for other in some.metrics) or any(math.isnan(r.loss) for r in some.records):
        return []
    return [some.number("loss", "mean loss", some.records, metric, "mean of the loss over the test rows")]


def _sentence(some: Judged, headline: Number, compared: Sequence[Number]) -> str:
    """ "Such as: Accuracy is 0.873 [0.852, 0.891] on 963 test rows; always answering ‘positive’ would give 0.514."""
    said_already = headline.unit and headline.name.startswith(headline.unit)  # bits per byte
    unit = f" {headline.unit}" if headline.unit and not said_already else ""
    of = counted(some.counted, some.what)
    if not math.isfinite(headline.estimate.value):
        return f"{capital(headline.name)} has no value on {of}: {evaluation.undefined(some.metrics[0])}."
    said = f"{capital(headline.name)} is {headline.estimate}{unit} on {of}"
    if not compared:
        return f"{said}."
    said += f"; {_always(some)} would give {compared[0].estimate.value:.3f}{unit}."
    low = compared[1].estimate.low
    return said if low is None or low > 0 else f"{said} The model is not clearly better than that."


# ---- by class and group, and pictures


def _details(some: Judged, notes: Sequence[str]) -> dict[str, Any]:
    """The tables by class and group and the task's own; its notes, and these behind them."""
    rows = evaluation.slices(some.context.task, some.records)
    found: dict[str, Any] = {}
    for by in ("class", "group"):
        table = [_slice(row) for row in rows if row["by"] == by]
        if table:
            found[f"by_{by}"] = table
    pairs = _confused(some.context, some.records)
    found |= {"most_often_confused": pairs} if pairs else {}
    own = dict(some.context.task.details(some.records))
    return found | own | _noted([*own.get("notes", ()), *notes])


def _slice(row: dict[str, Any]) -> dict[str, Any]:
    """One class or group as a row of the printed table."""
    estimate = Estimate(row["value"], row["low"], row["high"], row["n"], row["level"], row["interval"])
    note = "few rows" if row["few"] else ""
    return {row["by"]: row["name"], "n": row["n"], row["metric"]: asdict(estimate), "note": note}


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
    yield from context.task.figures(records)
    yield from shown_rows(context.task, context.test, records)
    yield from _history(context)


def _history(context: EvaluationContext) -> Iterator[Figure]:
    history = list(context.training.get("history") or ())
    if len(history) > 1:
        caption = "Training curves: losses and metrics at each validation."
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
