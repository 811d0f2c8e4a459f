"""What is left of the quality under ordinary mishaps: noise, blur, typing errors. Half of the section `robustness`.

Rows are resampled and corruptions are fixed: the interval speaks of other rows like these, not of other corruptions.
Clean and corrupted scores come from the same rows and the same draws, so their ratio is surer than either. Two models
judged with the same rows and seed saw the same disturbances: their difference is paired (`difference`).

Legend of shapes: n rows, C corruptions, S severities.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
from torch import nn

from sounding.contract.evidence import Estimate, Figure, Number
from sounding.contract.inputs import Corruptible
from sounding.contract.metrics import POSITIVE, Metric
from sounding.contract.records import Example
from sounding.contract.task import Task
from sounding.errors import SoundingError, UsageError
from sounding.evaluation import plots
from sounding.evaluation.challenge import Findings
from sounding.evaluation.context import EvaluationContext
from sounding.evaluation.evaluation import evaluate_rows
from sounding.evaluation.intervals import bootstrap, paired_difference, proportion
from sounding.randomness import stream

OURS = "corruptions regenerated here, not the official files"


@dataclass(frozen=True)
class Judged:
    """Statistics of every row, clean [n, …] and under each corruption [n, S, …], with the rows' groups [n]."""

    clean: np.ndarray
    corrupted: Mapping[str, np.ndarray]
    groups: list[str]

    @property
    def columns(self) -> np.ndarray:
        """[n, C × S, …]: all corruptions and severities side by side."""
        return np.concatenate(list(self.corrupted.values()), axis=1)

    def at(self, severity: int) -> np.ndarray:
        """[n, C, …]: all corruptions at the severity of this place (0 is the first that was judged)."""
        return np.stack([columns[:, severity] for columns in self.corrupted.values()], axis=1)


def judged(
    task: Task, model: nn.Module, examples: Sequence[Example], severities: Sequence[int], seed: int = 0
) -> Judged:
    """The headline metric's statistics of every row, clean and under every corruption of the input.

    Each row draws from a stream of its own, so that it does not depend on the others, nor on the model. Raises
    UsageError where the input knows no corruptions or the records of the task are not tied to rows.
    """
    metric, clean = task.row_metrics[0], evaluate_rows(task, model, examples)
    if not isinstance(task.input, Corruptible):
        raise UsageError("no corruptions are known for this kind of input", fix="Give the input some corruptions")
    corrupted = {}
    for name in task.input.corruptions:
        found = [
            evaluate_rows(task, model, _corrupted(task, examples, name, severity, seed)) for severity in severities
        ]
        if any(len(records) != len(examples) for records in (clean, *found)):
            raise UsageError("the records of this task are not tied to rows", fix="Measure a task that predicts rows")
        corrupted[name] = np.stack([metric.statistics(records) for records in found], axis=1)
    return Judged(metric.statistics(clean), corrupted, [record.group for record in clean])


def average(some: Judged, metric: Metric, seed: int = 0, resamples: int = 2000) -> Estimate:
    """The mean over corruptions and severities."""
    columns = _lean(metric, some.columns)
    return bootstrap(columns, _average(metric), some.groups, seed, resamples, bounds=metric.bounds)


def difference(a: Judged, b: Judged, metric: Metric, seed: int = 0, resamples: int = 2000) -> Estimate:
    """The mean over corruptions and severities of a less that of b, paired.

    Both must have been judged on the same rows with the same severities and seed.
    """
    columns = (_lean(metric, a.columns), _lean(metric, b.columns))
    return paired_difference(*columns, _average(metric), a.groups, seed, resamples, bounds=metric.bounds)


def under_corruption(context: EvaluationContext, rows: int, severities: Sequence[int]) -> Findings:
    """The part of the section that corruptions fill; without numbers when there is nothing to measure, and why."""
    task = context.task
    if not isinstance(task.input, Corruptible):
        return Findings("No corruptions are known for this kind of input.")
    try:
        found = judged(task, context.model, context.sample(rows, "corruptions"), severities, context.seed)
    except SoundingError as error:
        return Findings(f"Corruptions were not measured: {error.what}.")
    return _findings(context, found, severities)


def _corrupted(task: Task, examples: Sequence[Example], name: str, severity: int, seed: int) -> list[Example]:
    corrupt = Corruptible.of(task.input).corruptions[name]
    rngs = (stream("corruption", seed, name, severity, i) for i in range(len(examples)))
    return [replace(e, input=corrupt(e.input, severity, rng)) for e, rng in zip(examples, rngs, strict=True)]


# ---- means with intervals


def _lean(metric: Metric, columns: np.ndarray) -> np.ndarray:
    """[n, 1] instead of [n, S] where the mean over rows and columns may be taken in any order; resamples faster."""
    return columns.mean(axis=1, keepdims=True) if metric.proportion else columns


def _average(metric: Metric) -> Callable[[np.ndarray], float]:
    return lambda some: float(np.mean([metric.reduce(some[:, j]) for j in range(some.shape[1])]))


def _score(metric: Metric, columns: np.ndarray, groups: Sequence[str], seed: int) -> Estimate:
    """The metric averaged over columns [n, S, …] of the same rows."""
    alike = metric.proportion and columns.min() == columns.max()  # a bootstrap would see no spread at all
    if metric.proportion and (columns.shape[1] == 1 or alike):
        return proportion(columns[:, 0], groups, seed)
    resamples = 2000 if metric.proportion else 200  # a reduce that is not a mean may take milliseconds
    return bootstrap(_lean(metric, columns), _average(metric), groups, seed, resamples, bounds=metric.bounds)


def _retention(metric: Metric, some: Judged, seed: int) -> Estimate:
    """The average over corruptions / the metric on the same clean rows, from the same draws."""

    def kept(columns: np.ndarray) -> float:
        clean = metric.reduce(columns[:, 0])
        return _average(metric)(columns[:, 1:]) / clean if clean else float("nan")

    stats = np.concatenate([some.clean[:, None], _lean(metric, some.columns)], axis=1)
    return bootstrap(stats, kept, some.groups, seed, 2000 if metric.proportion else 200, bounds=POSITIVE)


# ---- the section's part


def _findings(context: EvaluationContext, found: Judged, severities: Sequence[int]) -> Findings:
    metric, names, groups = context.task.row_metrics[0], list(found.corrupted), found.groups
    clean = _score(metric, found.clean[:, None], groups, context.seed)
    each = {name: _score(metric, columns, groups, context.seed) for name, columns in found.corrupted.items()}
    mean = _score(metric, found.columns, groups, context.seed)
    steps = [_score(metric, found.at(k), groups, context.seed) for k in range(len(severities))]
    worst = (min if metric.higher_is_better else max)(names, key=lambda name: each[name].value)
    level = f"severity {severities[0]}" if len(severities) == 1 else f"severities {severities[0]} to {severities[-1]}"
    kept = _retention(metric, found, context.seed)
    numbers = _numbers(context, mean, kept, worst, each[worst], level)
    sentence = (
        f"Under {len(names)} corruptions at {level}, {metric.name} is {mean} on average; on the same "
        f"{len(found.clean)} clean rows it is {clean}. The worst is {worst}: {each[worst]}."
    )
    details = {
        "clean_on_corrupted_rows": asdict(clean),
        "severities": {f"severity {s}": asdict(step) for s, step in zip(severities, steps, strict=True)},
        "corruptions": {name: asdict(e) for name, e in each.items()},
    }
    figures = _figures(metric, each, dict(zip(severities, steps, strict=True)), clean, level)
    return Findings(sentence, numbers, figures, details)


def _figures(
    metric: Metric, each: Mapping[str, Estimate], steps: Mapping[int, Estimate], clean: Estimate, level: str
) -> tuple[Figure, ...]:
    order, reference = sorted(each, key=lambda name: each[name].value), {"clean": clean.value}
    bars = Figure(
        "robustness_corruptions",
        f"{metric.name} under each corruption at {level}; dashed: clean. The intervals are 95 % each, not jointly.",
        plots.bars(order, [each[name] for name in order], metric.name, reference),
    )
    if len(steps) < 2:
        return (bars,)
    means = {f"mean over {len(each)} corruptions": list(steps.values())}
    line = Figure(
        "robustness_severities",
        f"{metric.name} by severity, mean over all corruptions; dashed: clean. The band is 95 % at each severity.",
        plots.curve(list(steps), means, "severity", metric.name, reference=reference),
    )
    return bars, line


def _numbers(
    context: EvaluationContext,
    mean: Estimate,
    retention: Estimate,
    worst: str,
    at_worst: Estimate,
    level: str,
) -> tuple[Number, ...]:
    metric, count = context.task.row_metrics[0], len(Corruptible.of(context.task.input).corruptions)
    better = "" if metric.higher_is_better else "; above 1 is worse"

    def number(id: str, name: str, found: Estimate, definition: str, unit: str = metric.unit) -> Number:
        whole = f"{definition}; rows resampled, corruptions fixed"
        return Number(id, name, found, whole, unit, seed=context.seed)

    under = f"{metric.name} under corruptions"
    numbers = (
        number("corrupted", under, mean, f"{metric.name}, mean over {count} corruptions at {level}; {OURS}"),
        number("retention", "retention under corruptions", retention, f"{under} / on the same clean rows{better}", ""),
        number(
            "worst_corruption", f"{metric.name} under {worst}", at_worst, f"the worst of the corruptions, at {level}"
        ),
    )
    return tuple(number for number in numbers if np.isfinite(number.estimate.value))
