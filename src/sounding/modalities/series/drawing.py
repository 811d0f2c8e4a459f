"""Series drawn: a panel with a line for each column; a forecast as a line with bands behind what was given."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from sounding.drawing.colours import BLUE, INK, MUTED, VERMILION, diverging, hexadecimal, scaled
from sounding.drawing.rendering import Rendering
from sounding.drawing.shapes import Path, Rectangle, Shape, Sheet, Words
from sounding.modalities.series.values import LEVELS, Forecast, Stretch

WIDTH, HEIGHT, HEAD = 620.0, 78.0, 16.0
MOST = 7
"""Columns that are drawn; of others it is said how many there are."""
_SIGNS = "▁▂▃▄▅▆▇█"
_SIGNS_WIDE = 56
_TONE = 0.6
_BAND = (0.34, 0.2, 0.14)  # opacities of the intervals, the narrowest first


def columns_drawn(
    value: Stretch,
    edges: np.ndarray,
    weights: np.ndarray | None = None,
    name: Callable[[int], str] | None = None,
) -> Rendering:
    """A panel for each column, over the stretches between `edges` in the colours of their weights [P].

    `name` says what a weight is of; nothing for one that is of nothing.
    """
    share = None if weights is None else scaled(weights).reshape(len(edges) - 1, -1)
    shapes: list[Shape] = []
    for k in range(min(MOST, value.values.shape[1])):
        top = k * (HEIGHT + HEAD)
        if share is not None:
            shapes += _stretches(edges, diverging(_TONE * share[:, k]), len(value), top + HEAD)
        shapes += _panel(value.columns[k], value.values[:, k], top, _limits([value.values[:, k]]), 0, len(value))
    shapes += _times(value, 0, len(value), min(MOST, value.values.shape[1]))
    sheet = _sheet(shapes, value.values.shape[1])
    return Rendering(sheet, _in_signs(value, weights, edges, name), least=WIDTH)


def forecast_drawn(value: Forecast, truth: Stretch | None = None) -> Rendering:
    """A panel for each column: what was given, the median with its intervals, and the truth where it is known."""
    given, n = len(value.before), len(value)
    shapes: list[Shape] = []
    for k in range(min(MOST, value.values.shape[1])):
        top = k * (HEIGHT + HEAD)
        lines = [value.before[:, k], value.values[:, k], *value.low[-1:, :, k], *value.high[-1:, :, k]]
        lines += [] if truth is None else [truth.values[:, k]]
        limits = _limits(lines)
        for level in reversed(range(len(value.low))):
            band = _Band(value.low[level, :, k], value.high[level, :, k])
            shapes.append(band.drawn(given, given + n, top + HEAD, limits, _BAND[level]))
        shapes += _panel(value.columns[k], value.before[:, k], top, limits, 0, given + n)
        shapes.append(_line(value.values[:, k], given, given + n, top + HEAD, limits, BLUE, 1.6))
        if truth is not None:
            shapes.append(_line(truth.values[:, k], given, given + n, top + HEAD, limits, VERMILION, 1.0))
    shapes += _times(value, -given, n, min(MOST, value.values.shape[1]))
    legend = [(INK, "what was given"), (BLUE, f"median, with intervals of {_percents()}")]
    legend += [] if truth is None else [(VERMILION, "what came")]
    text = "\n".join(
        f"{name:<12.12} {signs(np.concatenate([value.before[:, k], value.values[:, k]]))}"
        for k, name in enumerate(value.columns[:MOST])
    )
    return Rendering(_sheet(shapes, value.values.shape[1]), text, least=WIDTH).explained(tuple(legend))


def signs(values: np.ndarray, wide: int = _SIGNS_WIDE) -> str:
    """A line of values in characters, from the lowest ▁ to the highest █."""
    parts = [part[~np.isnan(part)] for part in np.array_split(values, min(wide, len(values)))] if len(values) else []
    means = np.array([part.mean() if len(part) else np.nan for part in parts])
    if not np.isfinite(means).any():
        return ""
    low, high = np.nanmin(means), np.nanmax(means)
    places = np.nan_to_num((means - low) / ((high - low) or 1.0) * (len(_SIGNS) - 1)).round().astype(int)
    return "".join(" " if np.isnan(mean) else _SIGNS[place] for mean, place in zip(means, places, strict=True))


class _Band:
    """The area between two lines."""

    def __init__(self, low: np.ndarray, high: np.ndarray) -> None:
        self.low, self.high = low, high

    def drawn(self, first: int, steps: int, top: float, limits: tuple[float, float], opacity: float) -> Path:
        """As a filled path whose steps begin at number `first` of `steps`."""
        above = _points(self.high, first, steps, top, limits)
        below = _points(self.low, first, steps, top, limits)
        return Path((*above, *reversed(below)), stroke="", fill=BLUE, opacity=opacity)


def _percents() -> str:
    return ", ".join(f"{100 * level:.0f}" for level in LEVELS) + " %"


def _limits(lines: Sequence[np.ndarray]) -> tuple[float, float]:
    known = np.concatenate([line[np.isfinite(line)] for line in lines]) if lines else np.zeros(0)
    if not len(known):
        return 0.0, 1.0
    low, high = float(known.min()), float(known.max())
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _points(
    values: np.ndarray, first: int, steps: int, top: float, limits: tuple[float, float]
) -> list[tuple[float, float]]:
    low, high = limits
    xs = (np.arange(first, first + len(values)) / max(1, steps - 1)) * WIDTH
    ys = top + (HEIGHT - 4) * (1 - (values - low) / (high - low)) + 2
    return [(float(x), float(y)) for x, y in zip(xs, ys, strict=True) if np.isfinite(y)]


def _line(
    values: np.ndarray, first: int, steps: int, top: float, limits: tuple[float, float], colour: str, thick: float
) -> Path:
    return Path(tuple(_points(values, first, steps, top, limits)), stroke=colour, thickness=thick)


def _panel(
    name: str, values: np.ndarray, top: float, limits: tuple[float, float], first: int, steps: int
) -> list[Shape]:
    low, high = limits
    return [
        Words(0, top + HEAD - 4, name, 11.0, bold=True),
        Words(WIDTH, top + HEAD - 4, f"{low:.4g} to {high:.4g}", 10.0, MUTED, "end"),
        Rectangle(0, top + HEAD, WIDTH, HEIGHT, stroke=MUTED, thickness=0.5),
        _line(values, first, steps, top + HEAD, limits, INK, 1.0),
    ]


def _stretches(edges: np.ndarray, colours: np.ndarray, steps: int, top: float) -> list[Shape]:
    scale = WIDTH / max(1, steps)
    return [
        Rectangle(float(a) * scale, top, float(b - a) * scale, HEIGHT, fill=hexadecimal(colour))
        for a, b, colour in zip(edges, edges[1:], colours, strict=False)
    ]


def _times(value: Stretch, first: int, last: int, panels: int) -> list[Shape]:
    y = panels * (HEIGHT + HEAD) + 12
    return [
        Words(0, y, value.time(first), 10.0, MUTED),
        Words(WIDTH, y, value.time(last - 1), 10.0, MUTED, "end"),
    ]


def _sheet(shapes: list[Shape], columns: int) -> Sheet:
    panels = min(MOST, columns)
    height = panels * (HEIGHT + HEAD) + 18
    if columns > MOST:
        shapes.append(Words(WIDTH / 2, height - 6, f"and {columns - MOST} more columns", 10.0, MUTED, "middle"))
    return Sheet(WIDTH, height, tuple(shapes))


def _in_signs(value: Stretch, weights: np.ndarray | None, edges: np.ndarray, name: Callable[[int], str] | None) -> str:
    lines = [f"{column:<12.12} {signs(value.values[:, k])}" for k, column in enumerate(value.columns[:MOST])]
    if weights is not None and name is not None:
        first = np.argsort(-np.abs(weights), kind="stable")[:5].tolist()
        lines += [f"{weights[i]:+.3g}  {named}" for i in first if (named := name(i))]
    return "\n".join(lines)
