"""What is left of the quality under ordinary mishaps: noise, blur, typing errors. Half of the section `robustness`.

Rows are resampled and corruptions are fixed: the interval speaks of other rows like these, not of other corruptions.
Clean and corrupted scores come from the same rows and the same draws, so their ratio is surer than either.

Legend of shapes: n rows, C corruptions, S severities.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from sounding.engine import plots
from sounding.engine.evaluation import trials
from sounding.engine.evidence import Estimate, Figure, Number, Section
from sounding.engine.intervals import bootstrap, proportion
from sounding.engine.records import Example
from sounding.engine.subject import Subject
from sounding.randomness import stream

ID, TITLE = "robustness", "Robustness"


@dataclass(frozen=True)
class Judged:
    """Statistics of every row, untouched [n, …] and under each corruption [n, S, …], with the rows' groups [n]."""

    clean: np.ndarray
    corrupted: Mapping[str, np.ndarray]
    groups: list[str]


def under_corruption(subject: Subject, rows: int, severities: Sequence[int]) -> Section:
    """The part of the section that corruptions fill; without numbers when there is nothing to measure, and why."""
    started = time.perf_counter()
    if not subject.task.input.corruptions:
        return Section(ID, TITLE, "No corruptions are known for this kind of input.")
    judged = _judge_all(subject, subject.sample(rows, "corruptions"), severities)
    if judged is None:
        return Section(ID, TITLE, "Corruptions were not measured: the trials of this task are not tied to rows.")
    return _findings(subject, judged, severities, started)


def _judge_all(subject: Subject, examples: Sequence[Example], severities: Sequence[int]) -> Judged | None:
    task, model = subject.task, subject.model
    metric = task.metrics[0]
    clean = trials(task, model, examples)
    corrupted = {}
    for name in task.input.corruptions:
        columns = [trials(task, model, _corrupted(subject, examples, name, s)) for s in severities]
        if any(len(column) != len(clean) for column in columns):
            return None
        corrupted[name] = np.stack([metric.statistics(column) for column in columns], axis=1)
    return Judged(metric.statistics(clean), corrupted, [record.group for record in clean])


def _corrupted(subject: Subject, examples: Sequence[Example], name: str, severity: int) -> list[Example]:
    """The examples disturbed; each draws from a stream of its own, so that it does not depend on the others."""
    corrupt = subject.task.input.corruptions[name]
    rngs = (stream("corruption", subject.seed, name, severity, i) for i in range(len(examples)))
    return [replace(e, input=corrupt(e.input, severity, rng)) for e, rng in zip(examples, rngs, strict=True)]


def _findings(subject: Subject, judged: Judged, severities: Sequence[int], started: float) -> Section:
    metric, names = subject.task.metrics[0], list(judged.corrupted)
    stats = np.concatenate([judged.clean[:, None], *judged.corrupted.values()], axis=1)  # [n, 1 + C × S, …]
    resamples = 2000 if metric.proportion else 200  # a reduce that is not a mean may take milliseconds

    def interval(reduce: Callable[[np.ndarray], float], columns: np.ndarray) -> Estimate:
        return bootstrap(columns, reduce, judged.groups, subject.seed, resamples)

    def average(some: np.ndarray) -> float:
        return float(np.mean([metric.reduce(some[:, j]) for j in range(some.shape[1])]))

    def kept(some: np.ndarray) -> float:
        clean = metric.reduce(some[:, 0])
        return average(some[:, 1:]) / clean if clean else float("nan")

    def score(columns: np.ndarray) -> Estimate:  # [n, S, …]
        if metric.proportion and columns.shape[1] == 1:
            return proportion(columns[:, 0], judged.groups, subject.seed)
        return interval(average, columns)

    clean = score(judged.clean[:, None])
    mean, retention = interval(average, stats[:, 1:]), interval(kept, stats)
    each = {name: score(columns) for name, columns in judged.corrupted.items()}
    worst = (min if metric.higher_is_better else max)(names, key=lambda name: each[name].value)
    level = f"severity {severities[0]}" if len(severities) == 1 else f"severities {severities[0]} to {severities[-1]}"
    numbers = _numbers(subject, mean, retention, worst, each[worst], level, time.perf_counter() - started)
    sentence = (
        f"Under {len(names)} corruptions at {level}, {metric.name} is {mean} on average; untouched, the same "
        f"{len(stats)} rows give {clean}. The worst is {worst}: {each[worst]}."
    )
    ordered = sorted(names, key=lambda name: each[name].value)
    figure = Figure(
        "robustness_corruptions",
        f"{metric.name} under each corruption at {level}; dashed: untouched. The intervals are 95 % each, not jointly.",
        plots.bars(ordered, [each[name] for name in ordered], metric.name, {"untouched": clean.value}),
    )
    details = {"clean_on_corrupted_rows": asdict(clean), "corruptions": {n: asdict(e) for n, e in each.items()}}
    return Section(ID, TITLE, sentence, numbers, (figure,), details=details)


def _numbers(
    subject: Subject, mean: Estimate, retention: Estimate, worst: str, at_worst: Estimate, level: str, seconds: float
) -> tuple[Number, ...]:
    metric, count = subject.task.metrics[0], len(subject.task.input.corruptions)
    better = "" if metric.higher_is_better else "; above 1 is worse"

    def number(id: str, name: str, found: Estimate, definition: str, unit: str = metric.unit) -> Number:
        whole = f"{definition}; rows drawn again together, corruptions fixed"
        return Number(id, name, found, whole, unit, seed=subject.seed, seconds=seconds)

    under = f"{metric.name} under corruptions"
    numbers = (
        number("corrupted", under, mean, f"{metric.name}, mean over {count} corruptions at {level}"),
        number(
            "retention", "retention under corruptions", retention, f"{under} / of the same rows untouched{better}", ""
        ),
        number(
            "worst_corruption", f"{metric.name} under {worst}", at_worst, f"the worst of the corruptions, at {level}"
        ),
    )
    return tuple(number for number in numbers if np.isfinite(number.estimate.value))
