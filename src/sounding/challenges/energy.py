"""What the model costs, to train and for one prediction: joules, operations, seconds, bytes.

Energy is read from the processor's counter where there is one. Elsewhere it is CPU-seconds times watts, perhaps off
by a factor of three, so its interval is wide and is called model uncertainty. Comparing two models on one machine is
far safer than either number alone. Predictions are timed end to end (encode, model, decode the answer) on rows that are
already in memory, at batch 1 and 32, in many short windows: the spread between windows gives the interval.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import cycle, islice
from typing import Any

import numpy as np
from torch import nn

from sounding.engine.evidence import Estimate, Kind, Number, Section, timed
from sounding.engine.flops import count
from sounding.engine.intervals import bootstrap
from sounding.engine.machine import inference
from sounding.engine.meter import Cost, Meter, memory_mb
from sounding.engine.records import Example
from sounding.engine.subject import Subject

WINDOWS = 12
WINDOW_SECONDS = {"quick": 0.1, "standard": 1.0, "full": 10.0}
BATCH = 32
COUNTED = 8  # rows whose operations are counted, as time allows
BACKWARD = (
    3  # a training step is its forward pass about three times over: forward, and two products for each in backward
)
PER_PREDICTION = "including encoding the input and decoding the answer"


@dataclass(frozen=True)
class Window:
    """A stretch of predicting: how many answers, at what cost, and the seconds of each call."""

    predictions: int
    cost: Cost
    calls: np.ndarray


def measure(subject: Subject) -> Section:
    """The energy section of the card. The quick profile takes about three seconds unless one call takes longer."""
    start = time.perf_counter()
    rows = subject.sample(BATCH, "energy") or list(islice(iter(subject.train), BATCH))
    if not rows:
        return Section("energy", "Energy and cost", status="not_applicable", reason="there is no row to predict")
    with _evaluating(subject.model), inference():
        one = _windows(subject, _batches(rows, 1))
        many = _windows(subject, _batches(rows, BATCH))
        predicting, why_not = _operations(rows, lambda e: subject.task.predict(subject.model, [e.input]))
        learning, why_not_training = _operations(rows, lambda e: _loss(subject, e))
    cost = _training_cost(subject)
    numbers = (
        *_training(subject, cost, learning),
        *_prediction(subject, one, many, predicting),
        *_size(subject.model),
    )
    details: dict[str, Any] = {
        "windows": {"batch 1": len(one), f"batch {BATCH}": len(many), "seconds each": WINDOW_SECONDS[subject.profile]}
    }
    if cost is None:
        details["training cost"] = "unknown: the training was not metered"
    for name, reason in {"operations of a prediction": why_not, "operations of training": why_not_training}.items():
        if reason:
            details[name] = f"not counted: {reason}"
    if one[0].cost.note:
        details["energy source"] = one[0].cost.note
    section = Section("energy", "Energy and cost", _sentence(cost, one, numbers), numbers, details=details)
    return timed(section, time.perf_counter() - start)


# ---- measuring


def _windows(subject: Subject, batches: Iterator[list[Any]]) -> list[Window]:
    """Up to WINDOWS windows of predictions; fewer when single calls take so long that the time is used up."""
    length = WINDOW_SECONDS[subject.profile]
    first = _window(subject, batches, 0.0)  # one call, to warm up; a call that fills a window needs none, and counts
    windows = [first] if first.cost.seconds > length else []
    end = time.perf_counter() + 1.5 * WINDOWS * length - (first.cost.seconds if windows else 0.0)
    while not windows or (len(windows) < WINDOWS and time.perf_counter() < end):
        windows.append(_window(subject, batches, length))
    return windows


def _window(subject: Subject, batches: Iterator[list[Any]], seconds: float) -> Window:
    calls: list[float] = []
    predictions = 0
    with Meter() as meter:
        end = time.perf_counter() + seconds
        now = 0.0
        while not calls or now < end:
            inputs = next(batches)
            start = time.perf_counter()
            subject.task.predict(subject.model, inputs)
            now = time.perf_counter()
            calls.append(now - start)
            predictions += len(inputs)
    return Window(predictions, meter.cost, np.array(calls))


def _batches(rows: Sequence[Example], size: int) -> Iterator[list[Any]]:
    values = cycle([e.input for e in rows])
    while True:
        yield list(islice(values, size))


def _operations(rows: Sequence[Example], work: Callable[[Example], Any]) -> tuple[Estimate | None, str]:
    """Mean operations of `work` over the first rows, or None and why they cannot be counted."""
    counts: list[int] = []
    end = time.perf_counter() + 0.5
    try:
        while not counts or (len(counts) < min(COUNTED, len(rows)) and time.perf_counter() < end):
            row = rows[len(counts)]
            counts.append(count(lambda row=row: work(row)))  # type: ignore[misc]
    except (RuntimeError, NotImplementedError) as error:  # Uncountable, or code that cannot run while it is watched
        return None, str(error).splitlines()[0]
    if not any(counts):
        return None, "no matrix product or convolution was seen"
    return _mean(np.array(counts, float)), ""


def _loss(subject: Subject, example: Example) -> Any:
    return subject.task.loss(subject.model, subject.task.encoded(subject.model, [example.input]), [example.target])


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


# ---- numbers


def _training_cost(subject: Subject) -> Cost | None:
    try:
        return Cost.from_json(subject.training)
    except (KeyError, TypeError):
        return None


def _training(subject: Subject, cost: Cost | None, forward: Estimate | None) -> Iterator[Number]:
    if cost is None:
        return
    yield Number("training_joules", "energy of training", cost.joules, _source(cost), "J", cost.kind)
    memory = f"energy of memory during training, not in the number above; {cost.memory_source}"
    kind: Kind = "measured" if cost.memory_source == "rapl" else "estimated"
    yield Number("training_memory_joules", "energy of memory in training", cost.memory_joules, memory, "J", kind)
    for id, name, value, unit, definition in (
        ("training_seconds", "time of training", cost.seconds, "s", "wall time, all sittings"),
        (
            "training_cpu_seconds",
            "CPU time of training",
            cost.cpu_seconds,
            "s",
            "user and system, all threads",
        ),
        ("training_peak_memory", "memory of training", cost.peak_rss_mb * 1e6, "B", "peak resident set of the process"),
        ("training_steps", "steps", subject.training.get("steps"), "", "optimizer steps"),
        (
            "training_examples",
            "examples seen",
            subject.training.get("examples"),
            "",
            "rows, as often as each was seen",
        ),
    ):
        if value is not None:
            yield Number(id, name, Estimate(float(value), n=1), definition, unit)
    seen = subject.training.get("examples")
    if forward is not None and seen is not None:
        total = _scaled(forward, BACKWARD * float(seen))
        definition = f"{BACKWARD} times the loss's forward pass on one example (mean over rows), times examples seen"
        yield Number("training_flops", "operations of training", total, definition, "FLOPs", "estimated")


def _prediction(
    subject: Subject, one: list[Window], many: list[Window], operations: Estimate | None
) -> Iterator[Number]:
    seed = subject.seed
    if operations is not None:
        definition = "floating-point operations of one prediction at batch 1, mean over rows; not element-wise work"
        yield Number("flops_per_prediction", "operations of a prediction", operations, definition, "FLOPs")
    for size, windows in ((1, one), (BATCH, many)):
        joules = _joules(windows, seed)
        definition = f"energy of one prediction at batch {size}, {PER_PREDICTION}; {_source(windows[0].cost)}"
        name = f"energy of a prediction, batch {size}"
        yield Number(f"joules_per_prediction_{size}", name, joules, definition, "J", windows[0].cost.kind, seed)
    for percent in (50, 95):
        spread = _mean(np.array([np.percentile(w.calls, percent) for w in one]), seed)
        definition = f"{percent} % of predictions at batch 1 take no longer, {PER_PREDICTION}; mean over windows"
        yield Number(f"latency_p{percent}", f"time of a prediction, {percent} %", spread, definition, "s", seed=seed)
    rates = np.array([(w.predictions, w.cost.seconds) for w in many])
    definition = f"predictions a second at batch {BATCH}, {PER_PREDICTION}"
    speed = _positive(bootstrap(rates, _ratio, seed=seed))
    yield Number(f"throughput_{BATCH}", f"predictions a second, batch {BATCH}", speed, definition, "1/s", seed=seed)


def _size(model: nn.Module) -> Iterator[Number]:
    tensors = [*model.parameters(), *model.buffers()]
    parameters = float(sum(p.numel() for p in model.parameters()))
    size = float(sum(t.numel() * t.element_size() for t in tensors))
    peak = memory_mb()[1] * 1e6
    yield Number("parameters", "parameters", Estimate(parameters, n=1), "numbers that training may change")
    yield Number("model_bytes", "size of the model", Estimate(size, n=1), "bytes of parameters and buffers", "B")
    yield Number("peak_memory", "memory", Estimate(peak, n=1), "peak resident set of the process until now", "B")


def _joules(windows: list[Window], seed: int) -> Estimate:
    """Joules of one prediction: spread over windows, and over the watts where these are a guess."""
    spent = np.array([(w.cost.joules.value, w.predictions) for w in windows])
    found = _positive(bootstrap(spent, _ratio, seed=seed))
    whole = windows[0].cost.joules
    if whole.low is None or whole.high is None or whole.value <= 0:
        return found
    low, high = (found.value if end is None else end for end in (found.low, found.high))
    low, high = low * whole.low / whole.value, high * whole.high / whole.value
    return replace(found, low=low, high=high, interval="model uncertainty")


def _mean(values: np.ndarray, seed: int = 0) -> Estimate:
    return _positive(bootstrap(values, lambda x: float(x.mean()), seed=seed))


def _ratio(pairs: np.ndarray) -> float:
    return float(pairs[:, 0].sum() / pairs[:, 1].sum())


def _positive(estimate: Estimate) -> Estimate:
    """None of these can be negative, though an interval around few windows may reach there."""
    return estimate if estimate.low is None else replace(estimate, low=max(0.0, estimate.low))


def _scaled(estimate: Estimate, by: float) -> Estimate:
    low, high = (None if end is None else end * by for end in (estimate.low, estimate.high))
    return replace(estimate, value=estimate.value * by, low=low, high=high)


# ---- words


def _source(cost: Cost) -> str:
    if cost.kind == "measured":
        return f"measured by {cost.source}, the whole machine's processors (other programs' share included)"
    return f"{cost.source}; the interval is the model's uncertainty, no confidence interval"


def _sentence(cost: Cost | None, windows: list[Window], numbers: Sequence[Number]) -> str:
    value = {number.id: number.estimate.value for number in numbers}
    one = f"One prediction takes {_short(value['latency_p50'], 's')} and {_said(windows[0].cost)}"
    one += f" {_short(value['joules_per_prediction_1'], 'J')}."
    if cost is None:
        return f"{one} What training cost is unknown."
    words = f"Training took {_short(cost.seconds, 's')} and {_said(cost)} {_short(cost.joules.value, 'J')}"
    return f"{words} ({cost.source}). {one}"


def _said(cost: Cost) -> str:
    return "a measured" if cost.kind == "measured" else "an estimated"


def _short(value: float, unit: str) -> str:
    """Three digits and a prefix: 0.00213 s → 2.13 ms."""
    for scale, prefix in ((1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "µ")):
        if abs(value) >= scale and not (unit == "s" and scale > 1):
            digits = f"{value / scale:.0f}" if value / scale >= 100 else f"{value / scale:.3g}"
            return f"{digits} {prefix}{unit}"
    return f"{value:.3g} {unit}"
