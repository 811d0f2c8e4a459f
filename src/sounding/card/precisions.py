"""The section on trade-offs of one model: what it gives up, and saves, when it computes or is stored in fewer bits.

    bf16            layers compute in bfloat16 (autocast), where a timing of this processor says that this is faster
    int8 weights    every weight matrix rounded to 8 bits for each output channel, and computed in fp32: what a file of
                    a quarter of the size would cost in quality. It saves no energy here, and none is claimed

torch's own dynamic int8 quantisation is left out: it is deprecated, knows linear and recurrent layers alone, and so
would speak of the one model and not of the other.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import torch
from torch import nn

from sounding.card.contest import Line, Plan, Side, contest
from sounding.challenges.passes import device
from sounding.contract.evidence import Estimate, Number, Section, not_applicable, skipped
from sounding.errors import TrainingError
from sounding.evaluation.context import EvaluationContext
from sounding.evaluation.evaluation import evaluate_rows
from sounding.machine.setting import Setting, choose

ID, TITLE = "trade_offs", "Trade-offs"
NO_INT8 = (
    "int8 arithmetic is not measured: torch's dynamic quantisation is deprecated and knows no convolutions, and what "
    "int8 saves in time and energy depends on the program that runs it."
)
_FIRST = "fp32"
_SHOWN = ("headline", "loss", "ece", "energy", "bytes")

PLANS: Mapping[str, Plan | None] = {"quick": None, "standard": Plan(0, (), 0.5), "full": Plan(0, (), 3.0, 2000)}
"""Corruptions are not measured again here."""


def measure(context: EvaluationContext) -> Section:
    """Quality, calibration, energy and size in fp32, bf16 and with weights of 8 bits, paired on the test rows."""
    started = time.perf_counter()
    if not len(context.test):
        return not_applicable(ID, TITLE, "there are no test rows")
    plan = PLANS[context.profile]
    if plan is None:
        reason = "the quick profile measures one precision; run sounding card RUN --standard"
        return skipped(ID, TITLE, reason)
    setting, why_not = bf16(context)
    if setting is not None and (broken := _stumbles(context, setting)):
        setting, why_not = None, f"bf16: this model's answers cannot be computed in it ({broken})."
    sides = [Side(_FIRST, context)]
    if setting is not None:
        sides.append(Side("bf16", context, setting))
    rounded, size = int8_weights(context.model)
    if size:
        sides.append(Side("int8 weights", replace(context, model=rounded), bytes=size))
    notes = [*([why_not] if why_not else []), NO_INT8]
    if len(sides) < 2:
        return not_applicable(ID, TITLE, " ".join(notes))
    try:
        lines = [line for line in contest(sides, plan, context.seed) if line.id in _SHOWN]
    except TrainingError as error:  # outputs that are not finite, in one precision or in all
        return not_applicable(ID, TITLE, error.what)
    numbers = tuple(_numbers(sides, lines, context.seed, time.perf_counter() - started))
    details = {"side_by_side": [_row(sides, line) for line in lines], "notes": notes}
    return Section(ID, TITLE, _sentence(sides, lines), numbers, details=details)


def bf16(context: EvaluationContext) -> tuple[Setting | None, str]:
    """The setting in which the model computes in bf16 where that is faster; or why it is not measured."""
    where = device(context.model).type
    if where != "cpu":
        fit = where == "cuda" and torch.cuda.is_bf16_supported()
        return (Setting(precision="bf16", device=where), "") if fit else (None, f"bf16: not usable on {where}.")
    chosen = choose()
    if chosen.precision == "bf16":
        return replace(chosen, device="cpu"), ""
    reason = chosen.probe.get("reason") or "bf16 is not faster on both layers that were timed"
    return None, f"bf16: not usable on this processor ({reason})."


def _stumbles(context: EvaluationContext, setting: Setting) -> str:
    """Why the task cannot answer in this setting (an operation that lacks it), or nothing."""
    try:
        evaluate_rows(context.task, context.model, [context.test[0]], setting)
    except (TypeError, RuntimeError, NotImplementedError) as error:
        return str(error).splitlines()[0]
    except TrainingError:  # outputs that are not finite are a finding
        return ""
    return ""


def int8_weights(model: nn.Module) -> tuple[nn.Module, int]:
    """A copy with every weight of two or more axes rounded to 8 bits, and the bytes it would take; 0 if there is none.

    Symmetric, with one scale for each output channel (the first axis), as weight-only quantisation does.
    """
    rounded = copy.deepcopy(model)
    size, changed = sum(b.numel() * b.element_size() for b in rounded.buffers()), False
    with torch.no_grad():
        for tensor in rounded.parameters():
            if tensor.ndim < 2 or not tensor.is_floating_point():
                size += tensor.numel() * tensor.element_size()
                continue
            scale = tensor.abs().amax(dim=tuple(range(1, tensor.ndim)), keepdim=True).clamp_min(1e-12) / 127
            tensor.copy_((tensor / scale).round() * scale)
            size, changed = size + tensor.numel() + scale.numel() * tensor.element_size(), True
    return rounded, size if changed else 0


# ---- what is printed


def _numbers(sides: Sequence[Side], lines: Sequence[Line], seed: int, seconds: float) -> Iterator[Number]:
    """For every side but the first: what changed in each line."""
    for k, side in enumerate(sides[1:], 1):
        for line in lines:
            change = line.changes[k]
            if change is None:
                continue
            sign = "/" if line.relative else "−"
            meaning = f"{line.name}: {side.name} {sign} {_FIRST}, on the same rows; {line.definition}"
            id = f"{side.name.split()[0]}_{line.id}"
            unit = "" if line.relative else line.unit
            name = f"{line.name}, {side.name} {'over' if line.relative else 'against'} {_FIRST}"
            yield Number(id, name, change, meaning, unit, seed=seed, seconds=seconds)


def _row(sides: Sequence[Side], line: Line) -> dict[str, Any]:
    values: dict[str, Any] = {"": f"{line.name}{f' [{line.unit}]' if line.unit else ''}"}
    for k, (side, value) in enumerate(zip(sides, line.values, strict=True)):
        values[side.name] = None if value is None else asdict(value)
        if k and (verdict := line.verdict(k)):
            values[f"{side.name}: change"] = verdict
    return values


def _sentence(sides: Sequence[Side], lines: Sequence[Line]) -> str:
    headline = next(line for line in lines if line.id == "headline")
    size = next(line for line in lines if line.id == "bytes")
    energy = next((line for line in lines if line.id == "energy"), None)
    said = []
    for k, side in enumerate(sides[1:], 1):
        change, shrunk = headline.changes[k], size.changes[k]
        words = f"with {side.name} it changes by {change}{_verdict(headline, k)}"
        if side.bytes and shrunk is not None:
            words += f", at {shrunk.value:.2f} of the size"
        elif energy is not None and energy.changes[k] is not None:
            words += f", at {energy.changes[k]} of the processor's time"
        said.append(words)
    value: Estimate | None = headline.values[0]
    return f"In {_FIRST}, {headline.name} is {value}; {'; '.join(said)}."


def _verdict(line: Line, side: int) -> str:
    return f", which is {found}" if (found := line.verdict(side)) else ", which is not told apart from none"
