"""The picture of a Reading: a map for each head of each layer of attention, and a curve for each recurrent layer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sounding.drawing.colours import BLUE, GREEN, ORANGE, PURPLE, VERMILION
from sounding.errors import UsageError
from sounding.inspection.reading import AttentionMap, Reach, Reading
from sounding.inspection.verdicts import ten_to

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

WIDTH, MAP, CURVE = 8.6, 2.3, 2.6
"""Inches: the picture, the height of a row of maps, and of the curves."""
LABELLED, SHOWN = 40, 80
"""Positions up to which each is named, and those that are shown at most."""
LEAST = 1e-6
"""The smallest share of the gradient that is drawn; a curve ends where it falls below."""


def along(reading: Reading) -> tuple[Any, float]:
    """How to draw a reading, and how high the picture is in inches. Raises UsageError where nothing can be drawn."""
    if not (reading.attention or reading.recurrence):
        raise UsageError("this reading has no attention and no recurrence", fix="Read along another model")
    height = MAP * len(reading.attention) + (CURVE if reading.recurrence else 0)

    def draw(figure: Canvas) -> None:
        heights = [MAP] * len(reading.attention) + [CURVE] * bool(reading.recurrence)
        parts = figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0]
        for part, each in zip(parts, reading.attention, strict=False):
            _maps(part, each, reading.tokens)
        if reading.recurrence:
            _curves(parts[-1].subplots(), reading.recurrence)

    return draw, height


def _maps(figure: Any, each: AttentionMap, tokens: Sequence[str]) -> None:
    """A row of maps, a head each: the rows of a map look at its columns; black is all, white nothing."""
    weights = each.weights[:, :SHOWN, :SHOWN]
    panels = np.atleast_1d(figure.subplots(1, len(weights), sharex=True, sharey=True))
    figure.suptitle(each.name, x=0.01, ha="left", fontsize=9)
    for head, (axes, map) in enumerate(zip(panels, weights, strict=True)):
        axes.imshow(map, cmap="Greys", vmin=0, vmax=1, interpolation="nearest", aspect="auto")
        axes.grid(False)
        axes.set_title(f"head {head + 1}", fontsize=8)
        axes.tick_params(length=0, labelsize=_size(max(map.shape)))
        axes.set_xticks(*_labels(tokens, map.shape[1]), rotation=90)
        axes.set_yticks(*_labels(tokens, map.shape[0]))


def _labels(tokens: Sequence[str], n: int) -> tuple[list[int], list[str]]:
    if n > LABELLED:
        return [], []
    return list(range(n)), [tokens[k].replace("\n", "⏎").replace(" ", "␣") if k < len(tokens) else "" for k in range(n)]


def _size(n: int) -> float:
    return 7.0 if n <= 12 else 6.0 if n <= 20 else 4.5


def _curves(axes: Axes, reaches: Sequence[Reach]) -> None:
    """The gradient against the steps back, on a logarithmic scale."""
    colours = (BLUE, VERMILION, GREEN, PURPLE, ORANGE)
    for k, reached in enumerate(reaches):
        shares = np.where(reached.gradient >= LEAST, reached.gradient, np.nan)[::-1]
        axes.plot(
            np.arange(len(shares)), shares, color=colours[k % len(colours)], label=f"{reached.name}: {reached.kind}"
        )
    axes.set(yscale="log", xlabel="steps back", ylabel="gradient, share of the largest")
    axes.set_ylim(bottom=LEAST)
    powers(axes.yaxis, 7)
    axes.legend(loc="best", fontsize=8)


def powers(axis: Any, most: int) -> None:
    """At most so many ticks on a logarithmic axis, each a power of ten."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    axis.set_major_locator(LogLocator(numticks=most))
    axis.set_major_formatter(FuncFormatter(lambda value, _: ten_to(round(math.log10(value))) if value > 0 else ""))
    axis.set_minor_locator(NullLocator())
