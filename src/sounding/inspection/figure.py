"""Pictures of an inspection: a net layer by layer, from the input at the top to the loss at the bottom, and over time.

Legend of shapes: L layers, J inspections of a journal.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from sounding.drawing.colours import BLUE, GREEN, INK, LINE, ORANGE, PURPLE, VERMILION
from sounding.errors import RunError, UsageError
from sounding.evaluation.figure_svg import figure_bytes, figure_svg
from sounding.files import write, write_json
from sounding.inspection.reading import Reading
from sounding.inspection.reading_figure import along, powers
from sounding.inspection.report import Inspection, shortened
from sounding.inspection.verdicts import EXPLODED_REAL_STEP, EXPLODED_STEP, HEALTHY

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

COLOURS: Mapping[str, str] = MappingProxyType(
    {
        HEALTHY: BLUE,
        "vanishing": PURPLE,
        "exploding": VERMILION,
        "dead": INK,
        "saturated": ORANGE,
        "not finite": VERMILION,
    }
)
USUAL = (1e-4, 1e-2)
"""Where the ratio of step to weights usually lies; drawn as a band."""
WIDTH, ROW, HEAD = 8.6, 0.17, 1.35  # inches: the picture, one layer, everything above and below them
MOST_HEIGHT, TIME_HEIGHT = 11.0, 5.6
MOST_DOTS = 1200  # in the picture over time; above, lines alone keep it small
WRAP = 118  # characters of the verdict in a line

Draw = Callable[["Canvas"], None]


def picture(inspection: Inspection) -> str:
    """One <svg>: spread of activations, gradient, share of dead and saturated units and step, by layer."""
    draw, height = _by_layer(inspection)
    return figure_svg(draw, WIDTH, height)


def history(lines: Sequence[Mapping[str, Any]]) -> str:
    """One <svg>: gradient and step over weights of each layer against the steps of a training, from a journal.

    Raises RunError when the journal is empty.
    """
    return figure_svg(_over_time(lines), WIDTH, TIME_HEIGHT)


def save(shown: Inspection | Reading | Sequence[Mapping[str, Any]], path: Path) -> None:
    """Write a reading, an inspection or a journal's lines as .svg, .png, .pdf or .json; else UsageError."""
    kind = path.suffix.lower()
    if kind == ".json":
        write_json(path, shown.to_json() if isinstance(shown, Inspection | Reading) else list(shown))
        return
    if kind not in (".svg", ".png", ".pdf"):
        found, fix = kind or "a file without an ending", "Name a .svg, .png, .pdf or .json"
        raise UsageError(f"cannot write {found}", where=str(path), fix=fix)
    draw, height = _drawn(shown)
    write(path, figure_svg(draw, WIDTH, height) if kind == ".svg" else figure_bytes(draw, WIDTH, height, kind[1:]))


def _drawn(shown: Inspection | Reading | Sequence[Mapping[str, Any]]) -> tuple[Draw, float]:
    """How to draw it, and how high the picture is in inches."""
    if isinstance(shown, Inspection):
        return _by_layer(shown)
    return along(shown) if isinstance(shown, Reading) else (_over_time(shown), TIME_HEIGHT)


# ---- by layer


def _by_layer(inspection: Inspection) -> tuple[Draw, float]:
    layers = inspection.layers
    row = min(ROW, MOST_HEIGHT / max(1, len(layers)))
    marks = [inspection.ailment(layer.name) for layer in layers]
    lines = textwrap.wrap(inspection.sentence, WRAP)

    def draw(figure: Canvas) -> None:
        figure.suptitle("\n".join(lines), x=0.01, ha="left", fontsize=9)
        spread, gradient, shares, step = figure.subplots(1, 4, sharey=True)
        _dots(spread, [layer.std for layer in layers], marks, "spread of outputs")
        _dots(gradient, [layer.gradient for layer in layers], marks, "gradient (RMS)")
        _bars(shares, inspection)
        label = "step over weights" if inspection.real else "first step over weights"
        _dots(step, [layer.update for layer in layers], marks, label, USUAL if inspection.real else None)
        limit = EXPLODED_REAL_STEP if inspection.real else EXPLODED_STEP
        step.axvline(limit, color=VERMILION, linewidth=1, linestyle=(0, (4, 3)))  # may lie out of sight
        every = math.ceil(0.15 / row)
        names = [shortened(layer.name, 26) for layer in layers]
        places = range(0, len(layers), every)
        spread.set_yticks(list(places), [names[i] for i in places], fontsize=7.5)
        spread.set_ylim(len(layers) - 0.4, -0.6)
        for axes in (spread, gradient, shares, step):
            axes.grid(False, axis="y")
            axes.tick_params(axis="y", length=0)
            for place, mark in enumerate(marks):
                if mark != HEALTHY:
                    axes.axhspan(place - 0.5, place + 0.5, color=COLOURS[mark], alpha=0.10, linewidth=0)

    return draw, HEAD + 0.16 * len(lines) + row * len(layers)


def _dots(
    axes: Axes,
    values: Sequence[float | None],
    marks: Sequence[str],
    label: str,
    usual: tuple[float, float] | None = None,
) -> None:
    """Values on a logarithmic scale, one a layer; a hollow dot at the left edge is exactly 0."""
    known = [(v, place) for place, v in enumerate(values) if v is not None and math.isfinite(v) and v > 0]
    nothing = [place for place, v in enumerate(values) if v == 0]
    low, high = (min(known)[0], max(known)[0]) if known else (0.1, 1.0)
    if usual:
        axes.axvspan(*usual, color=GREEN, alpha=0.12, linewidth=0)
        low, high = min(low, usual[0]), max(high, usual[1])
    first = math.floor(math.log10(low) - 0.1) - bool(nothing)
    last = max(math.ceil(math.log10(high) + 0.1), first + 2)
    axes.set(xscale="log", xlim=(10.0**first, 10.0**last))
    axes.plot(*zip(*known, strict=True), color=LINE, linewidth=1.2, zorder=1) if known else None
    axes.scatter(*_split(known), c=[COLOURS[marks[place]] for _, place in known], s=16, zorder=2)
    axes.scatter([10 ** (first + 0.3)] * len(nothing), nothing, s=16, facecolors="white",
                 edgecolors=[COLOURS[marks[place]] for place in nothing], zorder=2)  # fmt: skip
    axes.set_xlabel(label)
    powers(axes.xaxis, 4)


def _split(pairs: Sequence[tuple[float, int]]) -> tuple[list[float], list[int]]:
    return [value for value, _ in pairs], [place for _, place in pairs]


def _bars(axes: Axes, inspection: Inspection) -> None:
    places = np.arange(len(inspection.layers))
    dead = [100 * layer.dead_share for layer in inspection.layers]
    ends = [100 * (layer.saturated or 0.0) for layer in inspection.layers]
    axes.barh(places, dead, height=0.7, color=INK, label="dead")
    axes.barh(places, ends, left=dead, height=0.7, color=ORANGE, label="at an end")
    axes.set(xlabel="% dead (black), at an end", xlim=(0, 100), xticks=[0, 50, 100])


# ---- over time


def _over_time(lines: Sequence[Mapping[str, Any]]) -> Draw:
    if not lines:
        raise RunError("the journal holds no inspection yet", fix="Train some more steps")
    learnt = [name for i, name in enumerate(lines[-1]["names"]) if lines[-1]["weight"][i] is not None]
    few = len(learnt) * len(lines) <= MOST_DOTS

    def draw(figure: Canvas) -> None:
        strip, *panels = figure.subplots(3, 1, sharex=True, height_ratios=[0.06, 1, 1])
        shades = _shades(len(learnt))
        for panel, key in zip(panels, ("gradient", "update"), strict=True):
            for i, name in enumerate(learnt):
                look = {"color": shades.to_rgba(np.array([i + 1]))[0], "marker": "o" if few else None}
                for steps, values in _stretches(lines, name, key):
                    panel.plot(steps, values, linewidth=1.2, markersize=2.2, **look)
            panel.set(yscale="log", ylabel="gradient (RMS)" if key == "gradient" else "step over weights")
            powers(panel.yaxis, 7)
        panels[1].axhspan(*USUAL, color=GREEN, alpha=0.12, linewidth=0)
        panels[1].set_xlabel("step")
        _strip(strip, lines)
        bar = figure.colorbar(shades, ax=panels, aspect=40, pad=0.01)
        ticks = sorted({1, max(1, len(learnt) // 2), max(1, len(learnt))}) if learnt else []
        bar.set_ticks(ticks, labels=[shortened(learnt[tick - 1], 18) for tick in ticks])
        figure.legend(*strip.get_legend_handles_labels(), loc="outside upper left", ncols=5, handletextpad=0.1)

    return draw


def _shades(layers: int) -> Any:
    """A colour for each of so many layers, dark at the input and bright at the loss."""
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    return ScalarMappable(Normalize(1, max(2, layers)), colormaps["viridis"])


def _strip(axes: Axes, lines: Sequence[Mapping[str, Any]]) -> None:
    """The verdict of each inspection as a mark above its step; inspections before a rollback stand a row higher."""
    for verdict in dict.fromkeys(line["verdict"] for line in lines):
        given = [line for line in lines if line["verdict"] == verdict]
        steps, rows = [line["step"] for line in given], [line["rollbacks"] for line in given]
        label = f"{verdict} ({len(given)})"
        axes.scatter(steps, rows, s=14, marker="s", color=COLOURS[verdict], linewidths=0, label=label)
    axes.set(yticks=[], ylim=(max(line["rollbacks"] for line in lines) + 0.6, -0.6))
    axes.set_ylabel("verdict", rotation=0, ha="right", va="center")
    axes.grid(False)
    axes.spines[:].set_visible(False)
    axes.tick_params(axis="x", length=0)


def _stretches(lines: Sequence[Mapping[str, Any]], name: str, key: str) -> list[tuple[list[int], list[float]]]:
    """(steps, values) of one layer, cut where the training went back; a gap where a log scale cannot show the value."""
    found: dict[int, tuple[list[int], list[float]]] = {}
    for line in lines:
        value = line[key][line["names"].index(name)] if name in line["names"] else None
        steps, values = found.setdefault(line["rollbacks"], ([], []))
        steps.append(line["step"])
        values.append(value or math.nan)
    return list(found.values())
