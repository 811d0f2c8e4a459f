"""From a model and rows to numbers with intervals.

evaluate    the records that a task's metrics judge; evaluate_rows those of rows
validate    those by which a training is steered
measure     every metric of the task over records, with its interval
baseline    the same records as answered by a model that looks at nothing
compare     the difference between two models on the same rows, paired
slices      the headline metric by class and by group
confusion   how often each class was taken for each other
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np
from torch import Tensor, nn

from sounding.architectures.folding import fuse_for_inference
from sounding.contract.answers import constant_baseline
from sounding.contract.evidence import Estimate
from sounding.contract.metrics import Metric, accuracy
from sounding.contract.records import Example, Record
from sounding.contract.task import Learning, Task, chunks
from sounding.errors import DataError, NotFiniteError, UsageError
from sounding.evaluation.intervals import bootstrap, paired_difference, proportion
from sounding.machine.setting import Setting, inference

FEW = 30
"""Slices of fewer rows are marked: their intervals are too long to say much."""


def evaluate(task: Task, model: nn.Module, examples: Sequence[Example], setting: Setting | None = None) -> list[Record]:
    """The records that `task.metrics` judge: of the rows, or of matches where the task plays. See `evaluate_rows`."""
    with _answering(model, setting) as answering:
        records = task.evaluate(answering, examples)
    return records if task.learns is Learning.PLAY else _checked(task, records)


def validate(task: Task, model: nn.Module, examples: Sequence[Example], setting: Setting | None = None) -> list[Record]:
    """The records by which a training is steered; `task.metrics` judge them, too."""
    with _answering(model, setting) as answering:
        records = task.validate(answering, examples)
    return records if task.learns is Learning.PLAY else _checked(task, records)


def evaluate_rows(
    task: Task, model: nn.Module, examples: Sequence[Example], setting: Setting | None = None
) -> list[Record]:
    """The records of `model` on `examples`, in evaluation mode and without gradients; the model's mode is put back.

    Without a setting they are computed as `predict` answers, with normalisations folded (`fuse_for_inference`).
    Raises NotFiniteError when outputs are not. A loss of +inf is kept: the truth was given probability 0.
    """
    with _answering(model, setting) as answering:
        return _checked(task, task.evaluate_rows(answering, examples))


def measure_set(
    task: Task, model: nn.Module, examples: Sequence[Example], setting: Setting | None = None
) -> list[Record]:
    """The records that `task.set_metrics` judge: what is measured on rows besides the answer to each."""
    if not task.set_metrics:
        return []
    with _answering(model, setting) as answering:
        return task.evaluate_set(answering, examples)


def mean_loss(task: Task, model: nn.Module, examples: Sequence[Example], setting: Setting | None = None) -> float:
    """The mean loss over examples, without asking for answers. Raises NotFiniteError when it is not finite."""
    total = 0.0
    with _answering(model, setting) as answering:
        for batch in chunks(examples, task.recipe.batch):
            x = task.encoded(answering, [e.input for e in batch])
            y = task.encoded_targets(answering, [e.target for e in batch])
            total += float(task.loss(answering, x, y).double().sum())
    if not math.isfinite(total):
        raise NotFiniteError("the loss is not finite", fix=_lower_rate(task))
    return total / len(examples)


@contextmanager
def _answering(model: nn.Module, setting: Setting | None) -> Iterator[nn.Module]:
    """The model as it answers: in evaluation mode, without gradients; its mode is put back."""
    training = model.training
    model.eval()
    try:
        with inference(setting):
            yield fuse_for_inference(model) if setting is None else model
    finally:
        model.train(training)


def _checked(task: Task, records: list[Record]) -> list[Record]:
    broken = sum(not _finite(record) for record in records)
    if broken:
        what = f"the model's outputs are not finite for {broken} of {len(records)} rows"
        raise NotFiniteError(what, fix=_lower_rate(task))
    return records


def _lower_rate(task: Task) -> str:
    return f"Train again with a lower learning rate than {task.recipe.lr:g}, such as lr={task.recipe.lr / 10:g}"


def measure(
    task: Task,
    records: Sequence[Record],
    seed: int = 0,
    resamples: int = 2000,
    metrics: Sequence[Metric] | None = None,
) -> dict[str, Estimate]:
    """The task's metrics (or other `metrics`) by name, in their order; clustered when any record has a group.

    One that these rows say nothing of (large boxes, where there is none) is left out, unless it is the headline.
    """
    groups, known = groups_of(records), Judgements(records)
    found: dict[str, Estimate] = {}
    for metric in task.metrics if metrics is None else metrics:
        value = estimate(metric, records, groups, seed, resamples, known)
        if not found or math.isfinite(value.value):
            found[metric.name] = value
    return found


class Judgements:
    """What metrics judge of some records, each judge being asked once: several metrics may read one matrix."""

    def __init__(self, records: Sequence[Record]) -> None:
        self._records = records
        self._found: dict[Callable[[Record], Any], np.ndarray] = {}

    def of(self, metric: Metric) -> np.ndarray:
        """The statistics [n, …] of a metric."""
        if metric.judge not in self._found:
            self._found[metric.judge] = metric.statistics(self._records)
        return self._found[metric.judge]


def estimate(
    metric: Metric,
    records: Sequence[Record],
    groups: Sequence[str] | None = None,
    seed: int = 0,
    resamples: int = 2000,
    known: Judgements | None = None,
) -> Estimate:
    """One metric over `records`: Wilson for a proportion, bootstrap otherwise. Raises DataError for no records.

    `known` keeps what judges say of these records, for the next metric.
    """
    if not len(records):
        raise DataError(f"there are no rows to measure {metric.name} on", fix="Give at least one row")
    stats = (known or Judgements(records)).of(metric)
    counted = np.flatnonzero(~metric.passes_over(stats))
    if len(counted):
        stats, groups = stats[counted], _at(groups, counted)
    if metric.proportion and len(counted):
        return proportion(stats, groups, seed, resamples)
    return bootstrap(stats, metric.reduce, groups, seed, resamples, bounds=metric.bounds)


def left_out(metrics: Sequence[Metric], found: Mapping[str, Estimate]) -> dict[str, str]:
    """Metric → why it is not among the `found`: the rows say nothing of it."""
    return {m.name: undefined(m) for m in metrics if m.name not in found or not math.isfinite(found[m.name].value)}


def undefined(metric: Metric) -> str:
    """Why a metric has no value on some rows, in words."""
    return f"no row has {metric.needs}" if metric.needs else "it is undefined on these rows"


def baseline(task: Task, train_targets: Sequence[Any], records: Sequence[Record]) -> list[Record]:
    """The records of a model that looks at nothing and always gives the training rows' typical answer.

    Its confidence is that answer's share of the training rows. Where answers are a finite list its scores are the
    shares of all of them, and its loss minus the log of the truth's share (with one row added to each, so that none
    is 0). Otherwise the loss is NaN: not known.
    """
    if not len(train_targets):
        raise DataError("there are no training rows to take a typical answer from", fix="Give the training targets")
    answer = constant_baseline(task.target, train_targets)
    counts = _counts(train_targets)
    if counts is None:
        return [replace(r, value=answer, confidence=None, scores=None, loss=math.nan) for r in records]
    n, options = len(train_targets), task.target.classes
    share = counts[answer] / n if _hashable(answer) else None
    scores = None if options is None else np.array([counts[option] / n for option in options])

    def loss(truth: Any) -> float:
        return math.nan if options is None else -math.log((counts[truth] + 1) / (n + len(options)))

    return [replace(r, value=answer, confidence=share, scores=scores, loss=loss(r.truth)) for r in records]


def compare(
    task: Task,
    records_a: Sequence[Record],
    records_b: Sequence[Record],
    seed: int = 0,
    resamples: int = 2000,
) -> dict[str, Estimate]:
    """Every row metric's difference a − b on the same rows, paired: above 0 means that a has more of it.

    A metric that these rows say nothing of is left out (`left_out` says why). Raises UsageError when the records are
    not of the same rows in the same order.
    """
    fix = "Compare two models on the same rows, in the same order"
    if len(records_a) != len(records_b):
        raise UsageError(f"{len(records_a)} and {len(records_b)} records are not of the same rows", fix=fix)
    for row, (record_a, record_b) in enumerate(zip(records_a, records_b, strict=True), 1):
        if not same(record_a.truth, record_b.truth):
            raise UsageError(f"the records are not of the same rows: record {row} differs in its truth", fix=fix)
    groups, found = groups_of(records_a), {}
    for metric in task.row_metrics:
        a, b = metric.statistics(records_a), metric.statistics(records_b)
        counted = np.flatnonzero(~(metric.passes_over(a) & metric.passes_over(b)))
        if not len(counted):
            continue
        tied = _at(groups, counted)
        change = paired_difference(a[counted], b[counted], metric.reduce, tied, seed, resamples, bounds=metric.bounds)
        if math.isfinite(change.value):
            found[metric.name] = change
    return found


def slices(task: Task, records: Sequence[Record], resamples: int = 500) -> list[dict[str, Any]]:
    """The headline metric of rows by true class (where answers are a finite list) and by group, as rows of a table.

    A row: `by` ("class" or "group"), `name`, `metric`, `n`, `value`, `low`, `high`, `level`, `interval`, and `few` when
    n < 30. By class it is a proportion: the headline if that is one, else accuracy, which within a class is recall.
    Each interval holds by itself, not all of them jointly.
    """
    headline = task.row_metrics[0]
    rows = []
    for by, name, part in _parts(task, records):
        metric = headline if headline.proportion or by == "group" else accuracy()
        found = estimate(metric, part, resamples=resamples)
        spread = {"low": found.low, "high": found.high, "level": found.level, "interval": found.interval}
        what = {"by": by, "name": name, "metric": metric.name, "n": len(part), "few": len(part) < FEW}
        rows.append({**what, "value": found.value, **spread})
    return rows


def confusion(records: Sequence[Record], options: Sequence[Any]) -> np.ndarray:
    """How often truth i was answered with j: integers [K, K] in the order of `options`.

    Raises UsageError for a truth or an answer that is not among the options.
    """
    place = {option: index for index, option in enumerate(options)}
    matrix = np.zeros((len(place), len(place)), dtype=np.int64)
    for record in records:
        for answer in (record.truth, record.value):
            if answer not in place:
                raise UsageError(f"{answer!r} is not among the {len(place)} options", fix="Add it to the options")
        matrix[place[record.truth], place[record.value]] += 1
    return matrix


def same(a: Any, b: Any) -> bool:
    """Whether two targets are equal, also when made of arrays, tensors, tuples or dataclasses; NaN equals NaN."""
    if a is b:
        return True
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        a, b = a.cpu().numpy(), b.cpu().numpy()
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return np.array_equal(a, b, equal_nan=a.dtype.kind in "fc" and b.dtype.kind in "fc")
    if type(a) is not type(b):
        return bool(np.isscalar(a) and np.isscalar(b) and a == b)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if is_dataclass(a):
        return all(same(getattr(a, field.name), getattr(b, field.name)) for field in fields(a))
    return bool(a == b) or bool(a != a and b != b)


def _finite(record: Record) -> bool:
    scores = () if record.scores is None else np.asarray(record.scores)
    known = math.isfinite(record.loss) or record.loss == math.inf
    return known and math.isfinite(record.confidence or 0.0) and bool(np.isfinite(scores).all())


def groups_of(records: Sequence[Record]) -> list[str] | None:
    """The group of each record, or None where none has one."""
    return [record.group for record in records] if any(record.group for record in records) else None


def _at(groups: Sequence[str] | None, rows: np.ndarray) -> list[str] | None:
    """The groups of some of the rows."""
    return [groups[int(row)] for row in rows] if groups else None


def _counts(targets: Sequence[Any]) -> Counter[Any] | None:
    """How often each target occurs, or None where they cannot be counted (arrays)."""
    try:
        return Counter(targets)
    except TypeError:
        return None


def _hashable(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


def _parts(task: Task, records: Sequence[Record]) -> Iterator[tuple[str, str, list[Record]]]:
    """Every class, then every group, that has records; classes in the order of the options, groups by name."""
    if task.target.classes is not None:
        classes: dict[Any, list[Record]] = {option: [] for option in task.target.classes}
        for record in records:
            classes.setdefault(record.truth, []).append(record)
        yield from (("class", task.target.describe(truth), part) for truth, part in classes.items() if part)
    groups: dict[str, list[Record]] = {}
    for record in records:
        if record.group:
            groups.setdefault(record.group, []).append(record)
    yield from (("group", name, groups[name]) for name in sorted(groups))
