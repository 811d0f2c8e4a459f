"""Several models side by side: the same rows, the same draws, and turns at the processor.

    Entry       one model: what it is called, its task and rows, and how it computes
    Row         one measure of every entry, and how each differs from the first
    comparison  every row that can be had: quality, loss, calibration, corruptions, energy, time, size

Differences are paired: what makes a row hard for two models cancels out. Energy is compared by turns, window by window,
as CPU-seconds of one over those of the other, because a ratio on one machine in one minute is far surer than joules.

Legend of shapes: n rows, C corruptions, S severities, R rounds, K entries.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from time import perf_counter
from typing import Any

import numpy as np

from sounding.challenges.confidences.confidence import (
    Decisions,
    calibration_error,
    decisions,
    expected_calibration_error,
)
from sounding.challenges.costs.windows import Window, evaluating, joules_each, latency
from sounding.challenges.disturbances.under_corruption import average, difference, judged
from sounding.challenges.passes import device
from sounding.contract.evidence import Estimate, Kind
from sounding.contract.metrics import POSITIVE, SHARE, Bounds, mean_loss
from sounding.contract.records import Record
from sounding.errors import UsageError
from sounding.evaluation.bounded import unseen_change
from sounding.evaluation.context import EvaluationContext
from sounding.evaluation.evaluation import estimate, evaluate_rows, groups_of
from sounding.evaluation.intervals import bootstrap, paired_difference
from sounding.machine.metering.cost import Cost, exactly
from sounding.machine.metering.meter import Meter
from sounding.machine.setting import Setting, inference
from sounding.randomness import stream

BATCH = 32
ROUNDS = 12


@dataclass(frozen=True)
class Plan:
    """How much is measured: rows and severities of corruptions (none: not measured), seconds of each energy window, and
    of each window of single predictions (0: not timed).
    """

    rows: int
    severities: tuple[int, ...]
    seconds: float
    resamples: int = 1000
    single: float = 0.0


@dataclass(frozen=True)
class Entry:
    """One model of a comparison.

    `bytes` is what its weights take where that is not what they take in memory. It is not `metered` where it is stored
    in fewer bits than it computes in, because its energy would be that of the other precision.
    """

    name: str
    context: EvaluationContext
    setting: Setting | None = None
    bytes: int | None = None
    metered: bool = True

    @property
    def records(self) -> list[Record]:
        """The records of the test rows, in this entry's precision."""
        here = self.context
        if self.setting is None:
            return here.row_records
        return evaluate_rows(here.task, here.model, here.test, self.setting)


@dataclass(frozen=True)
class Row:
    """One measure: a value for each entry [K] and its change against the first [K], None where it is not known.

    A change is a difference, or where `relative` a ratio: nothing changed at 0, or at 1. `better` is "higher", "lower"
    or "" (neither is a merit).
    """

    id: str
    name: str
    definition: str
    values: tuple[Estimate | None, ...]
    changes: tuple[Estimate | None, ...]
    unit: str = ""
    better: str = ""
    relative: bool = False
    kind: Kind = "measured"

    def verdict(self, entry: int) -> str:
        """ "better", "worse" or "different" where the interval of the change is clear of no change, else ""."""
        change, same = self.changes[entry], 1.0 if self.relative else 0.0
        if change is None or change.low is None or change.high is None or change.low <= same <= change.high:
            return ""
        if not self.better:
            return "different"
        return "better" if (change.low > same) == (self.better == "higher") else "worse"


def comparison(entries: Sequence[Entry], plan: Plan, seed: int = 0) -> tuple[Row, ...]:
    """Every row that can be had of these entries; they are of one task and have the same test rows."""
    quality = (_quality(entries, plan, seed), _corrupted(entries, plan, seed))
    measured = (*quality, _energy(entries, plan, seed), _latency(entries, plan, seed))
    return (*(row for rows in measured for row in rows), *_size(entries))


# ---- quality, on the same rows


def _quality(entries: Sequence[Entry], plan: Plan, seed: int) -> Iterator[Row]:
    """The headline metric, the mean loss and the calibration error of every entry."""
    records = [entry.records for entry in entries]
    groups = groups_of(records[0])
    metric = entries[0].context.task.row_metrics[0]
    losses = all(np.isfinite([r.loss for r in some]).all() for some in records)
    for m in (metric, mean_loss()) if losses and metric.name != mean_loss().name else (metric,):
        stats = [m.statistics(some) for some in records]
        values = tuple(estimate(m, some, groups, seed, plan.resamples) for some in records)
        changes = _paired(stats, m.reduce, groups, seed, plan.resamples, m.bounds, m is metric)
        name, id = ("mean loss", "loss") if m is not metric else (m.name, "headline")
        yield Row(id, name, m.definition, values, changes, m.unit, "higher" if m.higher_is_better else "lower")
    yield from _calibration(entries, records, plan, seed)


def _calibration(entries: Sequence[Entry], records: Sequence[Sequence[Record]], plan: Plan, seed: int) -> Iterator[Row]:
    """The calibration error, where there are confidences; its change where each row is one decision of every entry."""
    decided = [decisions(entry.context.task, some) for entry, some in zip(entries, records, strict=True)]
    if not all(map(len, decided)):
        return
    values = tuple(calibration_error(d, seed=seed, resamples=plan.resamples) for d in decided)
    changes: tuple[Estimate | None, ...] = (None,) * len(entries)
    if all(len(d) == len(some) for d, some in zip(decided, records, strict=True)):
        stats = [np.stack([d.confidences, d.hits], axis=1) for d in decided]
        changes = _paired(stats, _error, _groups(decided[0]), seed, plan.resamples, SHARE)
    meaning = "mean |accuracy − confidence| over 15 bins of equal mass"
    yield Row("ece", "calibration error", meaning, values, changes, better="lower")


def _error(pairs: np.ndarray) -> float:
    return expected_calibration_error(pairs[:, 0], pairs[:, 1])


def _groups(decided: Decisions) -> list[str] | None:
    return decided.groups if len(set(decided.groups)) < len(decided) else None


def _paired(
    stats: Sequence[np.ndarray],
    reduce: Callable[[np.ndarray], float],
    groups: Sequence[str] | None,
    seed: int,
    resamples: int,
    bounds: Bounds,
    unseen: bool = False,
) -> tuple[Estimate | None, ...]:
    """How each entry differs from the first: nothing for the first itself.

    With `unseen`, a change that no row shows has the interval of what as many rows may not show.
    """
    first, rest = stats[0], stats[1:]
    found = [paired_difference(some, first, reduce, groups, seed, resamples, bounds=bounds) for some in rest]
    if unseen and math.isfinite(bounds[1] - bounds[0]):
        alike = [e.low is not None and e.low == e.value == e.high == 0 for e in found]
        found = [unseen_change(e, bounds) if same else e for e, same in zip(found, alike, strict=True)]
    return None, *found


def _corrupted(entries: Sequence[Entry], plan: Plan, seed: int) -> Iterator[Row]:
    """The headline metric under corruptions: the same rows and draws for every entry."""
    if not plan.severities:
        return
    order = np.sort(stream("contest", seed).permutation(len(entries[0].context.test))[: plan.rows])
    try:
        found = [
            judged(s.task, s.model, [s.test[int(i)] for i in order], plan.severities, seed)
            for s in (entry.context for entry in entries)
        ]
    except UsageError:  # no corruptions for this input, or records that are not tied to rows
        return
    metric = entries[0].context.task.row_metrics[0]
    resamples = plan.resamples if metric.proportion else min(plan.resamples, 200)
    values = tuple(average(each, metric, seed, resamples) for each in found)
    changes = (None, *(difference(j, found[0], metric, seed, resamples) for j in found[1:]))
    level = ", ".join(map(str, plan.severities))
    meaning = f"mean of {metric.name} over {len(found[0].corrupted)} corruptions at severity {level}, {len(order)} rows"
    better = "higher" if metric.higher_is_better else "lower"
    yield Row("corrupted", f"{metric.name} under corruptions", meaning, values, changes, metric.unit, better)


# ---- cost


def _energy(entries: Sequence[Entry], plan: Plan, seed: int) -> Iterator[Row]:
    """Joules of one prediction, and by turns the CPU-seconds of each entry over those of the first."""
    metered = [k for k, entry in enumerate(entries) if entry.metered]
    if len(metered) < 2:
        return
    rounds = _turns([entries[k] for k in metered], plan.seconds)
    work = np.array([[_work(entries[k], w) for k, w in zip(metered, row, strict=True)] for row in rounds])
    joules: list[Estimate | None] = [None] * len(entries)
    ratios: list[Estimate | None] = [None] * len(entries)
    for place, k in enumerate(metered):
        joules[k] = joules_each([row[place] for row in rounds], seed)
        ratios[k] = bootstrap(work[:, [place, 0]], _ratio, seed=seed, bounds=POSITIVE) if place else None
    cost = rounds[0][0].cost
    meaning = (
        f"energy of one prediction at batch {BATCH}, {ROUNDS} windows by turns; the change is CPU-seconds over "
        f"CPU-seconds; {cost.source}"
    )
    name = "energy of a prediction"
    yield Row("energy", name, meaning, tuple(joules), tuple(ratios), "J", "lower", relative=True, kind=cost.kind)


def _latency(entries: Sequence[Entry], plan: Plan, seed: int) -> Iterator[Row]:
    """The median time of a single prediction, and by turns that of each entry over that of the first."""
    if not plan.single or not all(entry.metered for entry in entries):
        return
    rounds = _turns(entries, plan.single, 1)
    medians = np.array([[np.median(window.calls) for window in windows] for windows in rounds])
    values = tuple(latency([row[k] for row in rounds], 50, seed) for k in range(len(entries)))
    rest = range(1, len(entries))
    ratios = (None, *(bootstrap(medians[:, [k, 0]], _usual_ratio, seed=seed, bounds=POSITIVE) for k in rest))
    meaning = (
        f"half of the predictions at batch 1 take no longer, {ROUNDS} windows by turns; with encoding the input and "
        "decoding the answer; the change is the median over rounds of one median over the other"
    )
    yield Row("latency", "time of a prediction", meaning, values, ratios, "s", "lower", relative=True)


def _turns(entries: Sequence[Entry], seconds: float, size: int = BATCH) -> list[list[Window]]:
    """[R][K]: in every round each entry has a window at batch `size`; who begins moves on, so that none profits."""
    tests = [entry.context.test for entry in entries]
    batches = [cycle([test[i].input for i in range(min(BATCH, len(test)))]) for test in tests]
    for entry, batch in zip(entries, batches, strict=True):
        _window(entry, batch, 0.0, size)  # warm
    rounds = []
    for turn in range(ROUNDS):
        order = [(k + turn) % len(entries) for k in range(len(entries))]
        found = {k: _window(entries[k], batches[k], seconds, size) for k in order}
        rounds.append([found[k] for k in range(len(entries))])
    return rounds


def _window(entry: Entry, values: Iterator[Any], seconds: float, size: int) -> Window:
    task, model = entry.context.task, entry.context.model
    calls: list[float] = []
    with evaluating(model), inference(entry.setting), Meter() as meter:
        end = perf_counter() + seconds
        while not calls or perf_counter() < end:
            inputs, start = list(islice(values, size)), perf_counter()
            task.predict(model, inputs)
            calls.append(perf_counter() - start)
    return Window(size * len(calls), meter.cost, np.array(calls))


def _work(entry: Entry, window: Window) -> float:
    """What is compared for one prediction: the processor's time; joules where another device computes."""
    on_processor = device(entry.context.model).type == "cpu"
    return (window.cost.cpu_seconds if on_processor else window.cost.joules.value) / window.predictions


def _ratio(pairs: np.ndarray) -> float:
    below = float(pairs[:, 1].sum())
    return float(pairs[:, 0].sum()) / below if below else float("nan")


def _usual_ratio(pairs: np.ndarray) -> float:
    """The median of the ratios: a round in which the machine was busy with something else does not decide."""
    return float(np.median(pairs[:, 0] / pairs[:, 1]))


def _size(entries: Sequence[Entry]) -> Iterator[Row]:
    """What is counted and not measured: joules of training, parameters, bytes."""
    trained = [_trained(entry.context) for entry in entries]
    if any(trained):
        kinds = {cost.kind for cost in trained if cost}
        joules = tuple(None if cost is None else cost.joules for cost in trained)
        kind: Kind = "measured" if kinds == {"measured"} else "estimated"
        meaning = "energy of training, all sessions"
        yield Row("training", "energy of training", meaning, joules, _over(joules), "J", "lower", True, kind)
    models = [entry.context.model for entry in entries]
    parameters = tuple(exactly(float(sum(p.numel() for p in m.parameters()))) for m in models)
    yield Row(
        "parameters",
        "parameters",
        "numbers that training may change",
        parameters,
        _over(parameters),
        better="lower",
        relative=True,
    )
    sizes = tuple(exactly(float(entry.bytes or _bytes(entry.context))) for entry in entries)
    meaning = "bytes of parameters and buffers"
    yield Row("bytes", "model size", meaning, sizes, _over(sizes), "B", "lower", True)


def _over(values: Sequence[Estimate | None]) -> tuple[Estimate | None, ...]:
    """Each over the first, without an interval: counts have none, and an unknown error of the watts is in both."""
    first = values[0]
    if first is None or not first.value:
        return (None,) * len(values)
    return None, *(e and Estimate(e.value / first.value, n=e.n) for e in values[1:])


def _trained(context: EvaluationContext) -> Cost | None:
    try:
        return Cost.from_json(context.training)
    except (KeyError, TypeError):
        return None


def _bytes(context: EvaluationContext) -> int:
    return sum(t.numel() * t.element_size() for t in (*context.model.parameters(), *context.model.buffers()))
