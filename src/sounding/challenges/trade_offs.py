"""Trade-offs of one model: what it gives up, and saves, when it computes or is stored in fewer bits.

    bf16            layers compute in bfloat16 (autocast), where a timing of this processor says that this is faster
    int8 weights    every weight matrix rounded to 8 bits for each output channel, and computed in fp32: what a file of
                    a quarter of the size would cost in quality. It saves no energy here, and none is claimed

torch's own dynamic int8 quantisation is left out: it is deprecated, knows linear and recurrent layers alone, and so
would speak of the one model and not of the other.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import torch
from torch import nn

from sounding.challenges.costs.comparison import ROUNDS, Entry, Plan, Row, comparison
from sounding.challenges.passes import device
from sounding.contract.evidence import Estimate, Number
from sounding.errors import TrainingError
from sounding.evaluation.challenge import Challenge, Findings, NotMeasured, require_headline
from sounding.evaluation.context import EvaluationContext, Profile
from sounding.evaluation.evaluation import evaluate_rows
from sounding.machine.setting import Setting, choose

NO_INT8 = (
    "int8 arithmetic is not measured: torch's dynamic quantisation is deprecated and knows no convolutions, and what "
    "int8 saves in time and energy depends on the program that runs it."
)
_FIRST = "fp32"
_SHOWN = ("headline", "loss", "ece", "energy", "bytes")


PLANS: Mapping[Profile, Plan | None] = {
    "quick": None,
    "standard": Plan(0, (), 0.5),  # corruptions are not measured again here
    "full": Plan(0, (), 3.0, 2000),
}


class TradeOffs(Challenge[Plan]):
    """Quality, calibration, energy and size in fp32, bf16 and with weights of 8 bits, paired on the test rows."""

    id, title, order = "trade_offs", "Trade-offs", 140
    plans = PLANS
    unplanned = "the quick profile measures one precision; run sounding card RUN --standard"

    def seconds(self, context: EvaluationContext) -> float:
        """An answer and a loss for each row in each precision, and the windows of energy."""
        return 3 * (2 * len(context.test) * context.row_seconds + ROUNDS * self.plan(context).seconds)

    def measure(self, context: EvaluationContext) -> Findings:
        """What bf16 and weights of 8 bits change against fp32."""
        require_headline(context)
        entries, notes = _entries(context)
        if len(entries) < 2:
            raise NotMeasured(" ".join(notes))
        rows = [row for row in comparison(entries, self.plan(context), context.seed) if row.id in _SHOWN]
        numbers = tuple(_numbers(entries, rows, context.seed))
        details = {"side_by_side": [_printed(entries, row) for row in rows], "notes": notes}
        return Findings(_sentence(entries, rows), numbers, details=details)


def _entries(context: EvaluationContext) -> tuple[list[Entry], list[str]]:
    """The model in each precision that it can be measured in, and why not in others."""
    setting, why_not = bf16(context)
    if setting is not None and (broken := _stumbles(context, setting)):
        setting, why_not = None, f"bf16: this model's answers cannot be computed in it ({broken})."
    entries = [Entry(_FIRST, context)]
    if setting is not None:
        entries.append(Entry("bf16", context, setting))
    rounded, size = int8_weights(context.model)
    if size:
        entries.append(Entry("int8 weights", replace(context, model=rounded), bytes=size, metered=False))
    return entries, [*([why_not] if why_not else []), NO_INT8]


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


def _numbers(entries: Sequence[Entry], rows: Sequence[Row], seed: int) -> Iterator[Number]:
    """For every entry but the first: what changed in each row."""
    for k, entry in enumerate(entries[1:], 1):
        for row in rows:
            change = row.changes[k]
            if change is None:
                continue
            sign = "/" if row.relative else "−"
            meaning = f"{row.name}: {entry.name} {sign} {_FIRST}, on the same rows; {row.definition}"
            id = f"{entry.name.split()[0]}_{row.id}"
            unit = "" if row.relative else row.unit
            name = f"{row.name}, {entry.name} {'over' if row.relative else 'against'} {_FIRST}"
            yield Number(id, name, change, meaning, unit, seed=seed)


def _printed(entries: Sequence[Entry], row: Row) -> dict[str, Any]:
    values: dict[str, Any] = {"": f"{row.name}{f' [{row.unit}]' if row.unit else ''}"}
    for k, (entry, value) in enumerate(zip(entries, row.values, strict=True)):
        values[entry.name] = None if value is None else asdict(value)
        if k and (verdict := row.verdict(k)):
            values[f"{entry.name}: change"] = verdict
    return values


def _sentence(entries: Sequence[Entry], rows: Sequence[Row]) -> str:
    headline = next(row for row in rows if row.id == "headline")
    size = next(row for row in rows if row.id == "bytes")
    energy = next((row for row in rows if row.id == "energy"), None)
    said = []
    for k, entry in enumerate(entries[1:], 1):
        change, shrunk = headline.changes[k], size.changes[k]
        words = f"with {entry.name} it changes by {change}{_verdict(headline, k)}"
        if entry.bytes and shrunk is not None:
            words += f", at {shrunk.value:.2f} of the size"
        elif energy is not None and energy.changes[k] is not None:
            words += f", at {energy.changes[k]} of the processor's time"
        said.append(words)
    value: Estimate | None = headline.values[0]
    return f"In {_FIRST}, {headline.name} is {value}; {'; '.join(said)}."


def _verdict(row: Row, entry: int) -> str:
    return f", which is {found}" if (found := row.verdict(entry)) else ", which is not distinguishable from zero"
