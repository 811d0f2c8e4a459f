"""From numbers to words: whether a net is healthy, and if not, what ails which layer and what to change.

The thresholds are set so that what people train with success passes and what cannot learn does not. They are orders of
magnitude, not laws: between them lie nets that learn slowly.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sounding.inspection.layer_statistics import LayerStatistics
from sounding.wording import percent

Ailment = Literal["not finite", "exploding", "dead", "saturated", "vanishing"]
HEALTHY = "healthy"

VANISHED = 1e5
"""By what the gradient may shrink on its way back. Sigmoid nets on the digits learn slowly from 1e3 on, and nothing in
300 steps at 1e5; rectified, normalised and residual nets stay below 1e2 (docs/inspect.md has the numbers)."""
EXPLODED_GRADIENT = 1e5
"""By what the gradient may grow on its way back, for the same reason."""
EXPLODED_ACTIVATION = 1e3
"""Largest spread of activations, in spreads of the input (at least 1). With standardised inputs and weights that keep
the signal level it is near 1; a thousand saturates any softmax, and 16-bit floats end at 65,504."""
EXPLODED_STEP, EXPLODED_REAL_STEP = 1.0, 0.25
"""Largest median over layers of step over weights: for the first step of a new optimizer, which with AdamW is its
longest, and for a step of a training. At 1 a single step replaces the weights. Healthy nets stay below 0.3 and 0.1."""
GOOD_STEP, GOOD_REAL_STEP = 1e-2, 1e-3
"""What a suggested learning rate aims at; 1e-3 is the rule of thumb (see update_ratios.py)."""
DEAD = 0.75
"""Share of a layer's units that may be dead. Small ReLU nets that learn well reach a half; with three quarters gone,
the layer is another than was asked for."""
SATURATED = 0.5
"""Share of a bounded activation's outputs that may lie within 1 % of an end, where hardly any gradient passes."""
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
MOST_NAMED = 3
"""Layers that a sentence names; the others are counted."""


@dataclass(frozen=True)
class Finding:
    """One ailment: the `layers` that have it, what was `found`, and the `fix`."""

    ailment: Ailment
    layers: tuple[str, ...]
    found: str
    fix: str


def judge(
    layers: Sequence[LayerStatistics],
    *,
    loss: float,
    rate: float,
    spread: float = 1.0,
    real: bool = False,
) -> tuple[Finding, ...]:
    """What ails a net, causes before effects; nothing when it is healthy.

    `loss` is the mean loss, `rate` the learning rate of the step that the layers' updates tell of, `real` whether it
    was taken in a training, `spread` the standard deviation of the encoded input. Where numbers are not
    finite, no other finding means anything.
    """
    if found := _not_finite(layers, loss):
        return (found,)
    checks = [_step(layers, rate, real), _activation(layers, spread), _growing(layers)]
    checks += [_dead(layers), _saturated(layers), _vanishing(layers)]
    return tuple(finding for finding in checks if finding)


def _not_finite(layers: Sequence[LayerStatistics], loss: float) -> Finding | None:
    ill = [layer for layer in layers if layer.not_finite in ("weights", "outputs")]
    back = [layer for layer in layers if layer.not_finite == "gradient"]
    if ill:
        first = ill[0]
        found = f"the {first.not_finite} of {first.title} are not finite, and so is what comes after"
    elif not math.isfinite(loss):
        found = f"the loss is {loss} though every layer's output is finite"
    elif back:
        found = f"the gradient at {back[-1].title} is not finite"  # it travels backwards, so the last layer is first
    else:
        return None
    fix = "Look for infinite or missing values in the data, then train again with a lower learning rate"
    return Finding("not finite", tuple(layer.name for layer in ill or back[::-1]), found, fix)


def _step(layers: Sequence[LayerStatistics], rate: float, real: bool) -> Finding | None:
    limit, good = (EXPLODED_REAL_STEP, GOOD_REAL_STEP) if real else (EXPLODED_STEP, GOOD_STEP)
    moved = [layer for layer in layers if layer.update is not None]
    sizes = sorted(layer.update or 0.0 for layer in moved)
    if not sizes or (median := sizes[len(sizes) // 2]) <= limit:
        return None
    ill = [layer for layer in moved if (layer.update or 0.0) > limit]
    found = f"one step is {times(median)} times as large as the weights themselves, in {named(ill)}"
    better = f", such as lr={float(f'{rate * good / median:.0e}'):g}" if rate > 0 else ""
    also = ", and muon_lr by as much" if any(layer.optimizer == "filter-muon" for layer in ill) else ""
    return Finding("exploding", names(ill), found, f"Lower the learning rate{better}{also}")


def _activation(layers: Sequence[LayerStatistics], spread: float) -> Finding | None:
    limit = EXPLODED_ACTIVATION * max(1.0, spread if math.isfinite(spread) else 1.0)
    ill = [layer for layer in layers if (layer.std or 0.0) > limit]
    if not ill:
        return None
    largest = max(layer.std or 0.0 for layer in ill)
    found = f"activations spread by up to {times(largest)} in {named(ill)}"
    fix = "Lower the learning rate, and put a normalisation (batch or layer) behind each layer of weights"
    return Finding("exploding", names(ill), found, fix)


def _dead(layers: Sequence[LayerStatistics]) -> Finding | None:
    ill = [layer for layer in layers if layer.dead_share >= DEAD and layer.saturated is None]
    if not ill:
        return None
    found = f"{percent(ill[0].dead_share)} of the units of {ill[0].title} are dead: no row moves them"
    if len(ill) > 1:
        found += f"; likewise in {named(ill[1:])}"
    fix = "Lower the learning rate, normalise ahead of it, or use leaky_relu, which is flat nowhere"
    return Finding("dead", names(ill), found, fix)


def _saturated(layers: Sequence[LayerStatistics]) -> Finding | None:
    """A bounded activation with weights after it: the last may well be sure of itself.

    Recurrent layers are left out: a trained LSTM keeps many of its cells at an end (arXiv 1506.02078).
    """
    last = max((place for place, layer in enumerate(layers) if layer.parameters), default=0)
    ill = [layer for layer in layers[:last] if not layer.parameters and (layer.saturated or 0.0) >= SATURATED]
    if not ill:
        return None
    share = percent(ill[0].saturated or 0.0)
    found = f"{share} of the outputs of {ill[0].title} lie at an end of its range, where it is flat"
    if len(ill) > 1:
        found += f"; likewise in {named(ill[1:])}"
    fix = "Scale the inputs to a spread of 1, begin with smaller weights, normalise ahead of it, or use relu or gelu"
    return Finding("saturated", names(ill), found, fix)


def _vanishing(layers: Sequence[LayerStatistics]) -> Finding | None:
    chain = _chain(layers)
    if len(chain) < 2:
        return None
    first, best = chain[0], max(chain, key=lambda layer: layer.gradient_norm or 0.0)
    least, most = first.gradient_norm or 0.0, best.gradient_norm or 0.0
    if not most or least * VANISHED > most or best is first:
        return None
    end = max(layer.index for layer in chain if (layer.gradient_norm or 0.0) * VANISHED <= most)
    ill = [layer for layer in layers[:end] if layer.gradient_norm is not None]
    fold = f"{times(most / least)}-fold" if least else "to nothing"
    found = f"gradients shrink {fold} from {best.title} back to {first.title}"
    fix = "Use relu or gelu, a normalisation in every layer or residual connections, or fewer layers"
    return Finding("vanishing", names(ill), found, fix)


def _growing(layers: Sequence[LayerStatistics]) -> Finding | None:
    chain = _chain(layers)
    if len(chain) < 2 or not (least := chain[-1].gradient_norm):
        return None
    ill = [layer for layer in chain if (layer.gradient_norm or 0.0) > EXPLODED_GRADIENT * least]
    if not ill:
        return None
    most = max(layer.gradient_norm or 0.0 for layer in ill)
    found = f"gradients grow {times(most / least)}-fold from {chain[-1].title} back to {named(ill)}"
    fix = "Begin with smaller weights, put a normalisation behind each layer of weights, and clip gradients (clip=1)"
    return Finding("exploding", names(ill), found, fix)


def _chain(layers: Sequence[LayerStatistics]) -> list[LayerStatistics]:
    """The layers with weights that a gradient came back to, in order, up to what the loss looks at.

    A layer that got none while an earlier one got some lies in a side branch that has yet to open (a residual block
    whose last gain starts at 0): it says nothing about the way back.
    """
    chain = [layer for layer in layers if layer.parameters and layer.gradient_norm is not None]
    while chain and not chain[-1].gradient_norm:
        chain.pop()
    began = next((place for place, layer in enumerate(chain) if layer.gradient_norm), 0)
    return chain[:began] + [layer for layer in chain[began:] if layer.gradient_norm]


def names(layers: Sequence[LayerStatistics]) -> tuple[str, ...]:
    """The names alone."""
    return tuple(layer.name for layer in layers)


def named(layers: Sequence[LayerStatistics]) -> str:
    """The first few layers in words, and how many more there are."""
    words = [layer.title for layer in layers[:MOST_NAMED]]
    more = len(layers) - len(words)
    if more:
        return f"{', '.join(words)} and {more} more"
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else words[0]


def times(value: float) -> str:
    """A factor in words: 3.2, 250, 4·10⁹."""
    if value < 1e4:
        return f"{value:,.2g}" if value < 10 else f"{value:,.0f}"
    digits, power = f"{value:.0e}".split("e")
    return f"{'' if digits == '1' else digits + '·'}{ten_to(int(power))}"


def ten_to(power: int) -> str:
    """A power of ten: 10⁻³."""
    return f"10{str(power).translate(SUPERSCRIPTS)}"
