"""The numbers of the energy section: what a training took, what one prediction takes, and how large the model is."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from sounding.challenges.costs.windows import Window, joules_each, joules_each_word, latency, scaled, throughput
from sounding.contract.evidence import COUNTED, Bound, Estimate, Kind, Number
from sounding.evaluation.context import EvaluationContext
from sounding.machine.metering.carbon import JOULES, Intensity
from sounding.machine.metering.cost import METER, Cost
from sounding.machine.metering.meter import memory_mb
from sounding.wording import percent

BATCH = 32
BACKWARD = 3  # a training step is its forward pass about three times over: backward takes two products for each of its
PER_PREDICTION = "including encoding the input and decoding the answer"
PER_WH = 3600.0
NET = "beyond what the counters of the idle machine show in that time"


@dataclass(frozen=True)
class Grid:
    """Where the electricity comes from, and the power usage effectiveness of the place."""

    intensity: Intensity
    pue: float = 1.0

    def number(self, id: str, name: str, joules: Estimate, what: str) -> Number:
        """Grams of CO2e; never measured, whatever the joules are."""
        effectiveness = f", times a power usage effectiveness of {self.pue:g}" if self.pue > 1 else ""
        definition = f"{what}, times {self.intensity}{effectiveness}; as sure as the joules, with a yearly mean"
        return Number(id, name, self.intensity.grams(joules, self.pue), definition, "g", "estimated")


# ---- training


def training(context: EvaluationContext, cost: Cost, forward: Estimate | None, grid: Grid | None) -> Iterator[Number]:
    """What the training took: joules, seconds, steps, operations, CO2e."""
    yield Number("training_joules", "energy of training", cost.joules, source(cost), "J", cost.kind)
    definition = "the energy of training in watt-hours (1 Wh is 3,600 J)"
    yield Number(
        "training_wh", "energy of training in Wh", scaled(cost.joules, 1 / PER_WH), definition, "Wh", cost.kind
    )
    memory = f"energy of memory during training, not in the number above; {cost.memory_source}"
    if cost.source == METER:
        memory += "; a meter at the plug has seen the memory, too"
    kind: Kind = "measured" if cost.memory_source == "rapl" else "estimated"
    yield Number("training_memory_joules", "energy of memory in training", cost.memory_joules, memory, "J", kind)
    yield from _plain(context.training, cost)
    if forward is not None and (passed := examples_passed(context.training)) is not None:
        found = scaled(forward, BACKWARD * passed[0])
        definition = f"{BACKWARD} times the loss's forward pass on one example (mean over rows), times examples seen"
        definition += passed[1]
        yield Number("training_flops", "training FLOPs", found, definition, "FLOPs", "estimated")
    if grid is not None:
        yield grid.number("training_co2e", "CO2e of training", cost.joules, "energy of training")
    yield from target(context, cost)


def accomplished(context: EvaluationContext, cost: Cost) -> Iterator[Number]:
    """The joules for each unit of what the task says the training brought about."""
    units = context.task.accomplished(context.records) if context.plays else {}
    for unit, amount in units.items():
        definition = f"energy of training, of which there is {amount:.4g} times a {unit}"
        id = "_".join(("joules_per", *unit.split()))
        yield Number(id, f"energy per {unit}", scaled(cost.joules, 1 / amount), definition, "J", cost.kind)


def examples_passed(training: Mapping[str, Any]) -> tuple[float, str] | None:
    """How often an example was passed forward and back, and what is to be said of it; None where it is not known.

    A hardened training passes each example several times. What was learnt before it (without answers, or by a teacher)
    counts as well.
    """
    seen, each = training.get("examples"), float(training.get("passes") or 1.0)
    if seen is None:
        return None
    before = training.get("pretraining") or {}
    earlier = float(before.get("examples") or 0.0) * float(before.get("passes") or 1.0)
    said = f", times {each:g} passes for each" if each != 1 else ""
    return each * float(seen) + earlier, said + (", and the same for the training before it" if earlier else "")


def _plain(training: Mapping[str, Any], cost: Cost) -> Iterator[Number]:
    """Readings of clocks and counters, which have no interval."""
    for id, name, value, unit, definition in (
        ("training_seconds", "time of training", cost.seconds, "s", "wall time, all sessions"),
        ("training_cpu_seconds", "CPU time of training", cost.cpu_seconds, "s", "user and system, all threads"),
        ("training_peak_memory", "peak memory of training", cost.peak_rss_mb * 1e6, "B", "peak resident set"),
        ("training_steps", "steps", training.get("steps"), "", "optimizer steps"),
        ("training_examples", "examples seen", training.get("examples"), "", "rows, as often as each was seen"),
    ):
        if value is not None:
            yield Number(id, name, Estimate(float(value), n=1), definition, unit)


def target(context: EvaluationContext, cost: Cost) -> Iterator[Number]:
    """The joules that a wanted quality took, where the training had one; a lower bound where it was not reached."""
    wanted = wanted_quality(context)
    if wanted is None:
        return
    goal, reached, seconds = wanted
    name = context.task.metrics[0].name
    what = f"{name} {goal:g} on the validation rows"
    if not reached:
        definition = f"lower bound: {what} was not reached with the energy of the whole training"
        name = "energy to the target"
        yield Number("joules_to_target", name, cost.joules, definition, "J", "bound", bound=Bound.LOWER)
        return
    share = min(1.0, seconds / cost.seconds) if cost.seconds > 0 else 1.0
    whole = share > 0.99
    part = "" if whole else f", as the {percent(share)} of the training's time until then"
    definition = f"energy of the training until {what} was reached{part}; {cost.source}"
    kind: Kind = cost.kind if whole else "estimated"
    joules = cost.joules if whole else scaled(cost.joules, share)
    yield Number("joules_to_target", "energy to the target", joules, definition, "J", kind)


def wanted_quality(context: EvaluationContext) -> tuple[float, bool, float] | None:
    """The wanted value of the headline metric, whether it was reached, and after how many seconds; None without one."""
    until = context.training.get("until")
    try:
        goal, reached = float(until["target"]), bool(until["reached"])  # type: ignore[index]
        seconds = float(until["seconds"]) if reached else math.inf  # type: ignore[index]
    except (KeyError, TypeError, ValueError):
        return None
    return (goal, reached, seconds) if math.isfinite(goal) else None


# ---- prediction


def prediction(
    context: EvaluationContext, found: Mapping[int, list[Window]], operations: Estimate | None, idle: float | None
) -> Iterator[Number]:
    """What one prediction takes, alone and in a batch of BATCH: joules, watt-hours, seconds, operations."""
    seed = context.seed
    if operations is not None:
        definition = "floating-point operations of one prediction at batch 1, mean over rows; not element-wise work"
        yield Number("flops_per_prediction", "FLOPs of a prediction", operations, definition, "FLOPs")
    for size in found:
        yield from _joules(found[size], size, seed, idle)
    for share in (50, 95):
        definition = (
            f"{share} % of predictions at batch 1 take no longer; {PER_PREDICTION}; all calls, spread over windows"
        )
        spread = latency(found[1], share, seed)
        yield Number(f"latency_p{share}", f"latency, {share}th percentile", spread, definition, "s", seed=seed)
    definition = f"predictions a second at batch {BATCH}; {PER_PREDICTION}"
    speed = throughput(found[BATCH], seed)
    yield Number(f"throughput_{BATCH}", f"throughput, batch {BATCH}", speed, definition, "1/s", seed=seed)


def by_the_minute(found: Mapping[int, list[Window]], seconds: float, seed: int) -> Iterator[Number]:
    """What a minute of inputs that last costs, where a prediction is for `seconds` of them on average."""
    cost, each = found[1][0].cost, scaled(joules_each(found[1], seed), 60 / seconds)
    definition = f"energy of a prediction at batch 1 for each minute that its input lasts; {source(cost)}"
    yield Number("joules_per_minute", "energy of a minute of input", each, definition, "J", cost.kind, seed)
    for size, name in ((1, "speed over real time"), (BATCH, f"speed over real time, batch {BATCH}")):
        fast = scaled(throughput(found[size], seed), seconds)
        definition = f"seconds of input that are answered for in a second, at batch {size}; {PER_PREDICTION}"
        yield Number(f"times_real_time_{size}", name, fast, definition, "×", seed=seed)


def _joules(windows: Sequence[Window], size: int, seed: int, idle: float | None) -> Iterator[Number]:
    cost, each = windows[0].cost, joules_each(windows, seed)
    definition = f"energy of one prediction; {PER_PREDICTION}; {source(cost)}"
    name = f"energy of a prediction, batch {size}"
    yield Number(f"joules_per_prediction_{size}", name, each, definition, "J", cost.kind, seed)
    if idle is not None:
        net, definition = joules_each(windows, seed, idle), f"the energy of a prediction {NET}"
        yield Number(f"joules_per_prediction_{size}_net", f"{name}, net", net, definition, "J", cost.kind, seed)
    yield from _joules_of_words(windows, size, seed)
    name, definition = f"energy of 1,000 predictions, batch {size}", "1,000 times that of one prediction, in Wh"
    thousand = scaled(each, 1000 / PER_WH)
    yield Number(f"wh_per_1000_predictions_{size}", name, thousand, definition, "Wh", cost.kind, seed)


def _joules_of_words(windows: Sequence[Window], size: int, seed: int) -> Iterator[Number]:
    """What 1,000 words take that are written, by a task that writes texts."""
    if not all(window.words for window in windows):
        return
    written = sum(window.words for window in windows) / sum(window.predictions for window in windows)
    definition = f"energy of predictions for each 1,000 words of the answers, which have {written:.3g} words on average"
    thousand, cost = scaled(joules_each_word(windows, seed), 1000), windows[0].cost
    name = f"energy of 1,000 words, batch {size}"
    yield Number(f"joules_per_1000_words_{size}", name, thousand, f"{definition}; {source(cost)}", "J", cost.kind, seed)


def emissions(windows: Sequence[Window], grid: Grid, seed: int) -> Number:
    """CO2e of 1,000 single predictions."""
    what = f"1,000 times the energy of a prediction at batch 1 ({1000 / JOULES:.2g} kWh for each J)"
    thousand = scaled(joules_each(windows, seed), 1000)
    return grid.number("co2e_per_1000_predictions", "CO2e of 1,000 predictions", thousand, what)


# ---- the model


def size(model: nn.Module) -> Iterator[Number]:
    """Parameters, bytes, threads."""
    tensors = [*model.parameters(), *model.buffers()]
    parameters = float(sum(p.numel() for p in model.parameters()))
    held = float(sum(t.numel() * t.element_size() for t in tensors))
    peak, threads = memory_mb()[1] * 1e6, float(torch.get_num_threads())
    yield Number(
        "parameters", "parameters", Estimate(parameters, n=1, interval=COUNTED), "numbers that training may change"
    )
    yield Number("model_bytes", "model size", Estimate(held, n=1), "bytes of parameters and buffers", "B")
    yield Number("peak_memory", "peak memory", Estimate(peak, n=1), "peak resident set of the process until now", "B")
    yield Number(
        "threads", "threads", Estimate(threads, n=1, interval=COUNTED), "threads that a layer may use while predicting"
    )


def source(cost: Cost) -> str:
    """Where joules are from, in a definition."""
    if METER in cost.source:
        return "as the user read it from a meter; what else that meter saw is in it"
    if cost.kind == "measured":
        return f"measured by {cost.source}, the whole machine's processors (other programs' share included)"
    return f"{cost.source}; the interval is the model's uncertainty, no confidence interval"
