"""One forward and one backward pass on real rows, looked at layer by layer, on a copy of the model.

The copy is what keeps the promise that nothing changes: parameters, statistics of normalisations, gradients, modes and
hooks of the model stay as they were, and torch's global random numbers go on where they were.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from sounding.contract.records import Example
from sounding.contract.task import Task
from sounding.errors import DataError
from sounding.inspection import update_ratios
from sounding.inspection.hooks import Tally, layers, own, watched, weights
from sounding.inspection.layer_statistics import LayerStatistics
from sounding.inspection.report import Inspection
from sounding.inspection.verdicts import judge
from sounding.machine.setting import Setting
from sounding.randomness import entropy, stream
from sounding.training.optimization import effective_optimizers

ROWS = 128
"""Rows that are looked at unless somebody says otherwise: enough that a unit which none of them moves is suspect."""


def sample(examples: Sequence[Example], n: int = ROWS, seed: int = 0) -> list[Example]:
    """At most `n` examples drawn without replacement, the same for the same seed: files are often sorted by class."""
    order = stream("inspect", seed).permutation(len(examples))[:n]
    return [examples[int(i)] for i in sorted(order)]


def inspect(
    task: Task,
    model: nn.Module,
    rows: Sequence[Example],
    *,
    seed: int = 0,
    rate: float | None = None,
    setting: Setting | None = None,
    moved: dict[str, float] | None = None,
) -> Inspection:
    """What one training step on `rows` does in each layer of `model`, which is left exactly as it was.

    The model is in training mode, as in the loop, with dropout drawn from `seed`; rows are not augmented. `rate` is the
    learning rate of the step, the recipe's peak by default. `moved` gives steps over weights by layer where they are
    known from a real step; else the step is tried on the copy (see `update_ratios.trial`). Where no parameter asks
    for a gradient, as in a loaded model, all are asked. Raises DataError without rows.
    """
    if not len(rows):
        raise DataError("there are no rows to inspect the model on", fix="Name data with at least one usable row")
    rate = task.recipe.lr if rate is None else rate
    with _apart(_device(model), seed):
        twin = _twin(model)
        optimizers = effective_optimizers(twin, task.recipe)
        with watched(twin) as tallies:
            loss, spread = _pass(task, twin, rows, setting, tallies)
        listed = enumerate(_with_uncalled(twin, tallies), 1)
        measured = [_layer(tally, place, len(rows), optimizers) for place, tally in listed]
        taken = update_ratios.trial(twin, task.recipe, rate) if moved is None else moved
    found = tuple(replace(layer, update=taken.get(layer.name)) for layer in measured)
    unused = tuple(name for name in layers(twin) if name not in {layer.name for layer in found})
    real = moved is not None
    findings = judge(found, loss=loss, rate=rate, spread=spread, real=real)
    return Inspection(found, findings, loss, len(rows), seed, rate, unused, real)


def _twin(model: nn.Module) -> nn.Module:
    """A copy in training mode, without gradients; asked for them where any parameter of the model is, or none."""
    twin = copy.deepcopy(model).train()
    twin.zero_grad(set_to_none=True)
    if not any(p.requires_grad for p in twin.parameters()):
        for p in twin.parameters():
            p.requires_grad_(p.is_floating_point())
    return twin


def _pass(
    task: Task, model: nn.Module, rows: Sequence[Example], setting: Setting | None, tallies: list[Tally]
) -> tuple[float, float]:
    """Forward and back; the mean loss and the standard deviation of the input. A loss that fails on NaN is NaN."""
    x = task.encoded(model, [row.input for row in rows])
    x = setting.place(x) if setting else x
    spread = float(x.float().std()) if isinstance(x, Tensor) and x.is_floating_point() and x.numel() > 1 else 1.0
    try:
        with (setting or Setting(device=_device(model).type)).autocast():
            losses = task.loss(model, x, task.encoded_targets(model, [row.target for row in rows]))
        loss = losses.float().mean()
        if loss.requires_grad:
            loss.backward()
    except (ValueError, RuntimeError, ArithmeticError):
        if not any(tally.not_finite for tally in tallies):
            raise
        return math.nan, spread
    return float(loss.detach()), spread


def _layer(tally: Tally, index: int, rows: int, optimizers: Mapping[nn.Parameter, str]) -> LayerStatistics:
    parameters = list(own(tally.module).values())
    gradients = [p.grad for p in weights(tally.module) if p.grad is not None]
    mean = tally.total / tally.count if tally.count else None
    size = update_ratios.rms([p.detach() for p in weights(tally.module)]) if parameters else None
    came = tally.gradient_count > 0
    return LayerStatistics(
        index=index,
        name=tally.name,
        kind=type(tally.module).__name__,
        shape=tally.shape,
        parameters=sum(p.numel() for p in parameters),
        mean=mean,
        std=None if mean is None else math.sqrt(max(tally.squares / tally.count - mean**2, 0.0)),
        zeros=tally.zeros / tally.count if tally.count else None,
        units=None if tally.lowest is None else len(tally.lowest),
        dead=tally.dead(),
        saturated=tally.ends / tally.count if tally.bounded and tally.count else None,
        # The loss is a mean over rows; times their number, the gradient is that of a row's own loss.
        gradient=rows * math.sqrt(tally.gradient_squares / tally.gradient_count) if came else None,
        gradient_norm=math.sqrt(rows * tally.gradient_squares) if came else None,
        weight=size,
        weight_gradient=update_ratios.rms(gradients) if gradients else None,
        optimizer=next((optimizers[p] for p in weights(tally.module) if p in optimizers), ""),
        not_finite=_where_not_finite(tally, parameters),
    )


def _where_not_finite(tally: Tally, parameters: Sequence[Tensor]) -> str:
    if not all(bool(p.isfinite().all()) for p in parameters):
        return "weights"
    wrong = any(p.grad is not None and not bool(p.grad.isfinite().all()) for p in parameters)
    return "outputs" if tally.not_finite else "gradient" if tally.gradient_not_finite or wrong else ""


def _with_uncalled(model: nn.Module, tallies: Sequence[Tally]) -> list[Tally]:
    """The tallies, and behind each those of modules in it whose weights are used without a call (attention does)."""
    called = {tally.name for tally in tallies}
    used = [
        Tally(name, module)
        for name, module in layers(model).items()
        if name not in called and any(p.grad is not None for p in own(module).values())
    ]
    inside = {t.name: [u for u in used if u.name.startswith(f"{t.name}.")] for t in tallies}
    listed = [each for tally in tallies for each in (tally, *inside[tally.name])]
    return list({each.name: each for each in [*listed, *used]}.values())


@contextmanager
def _apart(device: torch.device, seed: int) -> Iterator[None]:
    """Gradients on, and random numbers of its own: the global ones are put back."""
    devices: list[Any] = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices), torch.inference_mode(False), torch.enable_grad():
        torch.default_generator.manual_seed(entropy("inspect", seed))
        if devices:
            torch.cuda.manual_seed(entropy("inspect", seed))
        yield


def _device(model: nn.Module) -> torch.device:
    return next((p.device for p in model.parameters()), torch.device("cpu"))
