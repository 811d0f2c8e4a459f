"""The pictures of a card, as SVG text: the one place that draws with matplotlib.

    curve               numbers with intervals over a scale (labels used, severity, radius)
    bars                one number with its interval for each name
    confusion_matrix    truth against answer; the most confused pairs where there are many classes
    precision_recall    precision against recall of each class, and their mean
    reliability         said confidence against measured accuracy
    training_curves     losses and metrics over the steps of a training
    figure_svg          anything else: give it a function that draws on a matplotlib Figure

They take numbers, never tasks; the style is figure_svg.py's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sounding.contract.evidence import Estimate
from sounding.drawing.colours import BLUE, INK, LINES, MUTED, VERMILION
from sounding.evaluation.figure_svg import figure_svg
from sounding.wording import percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

MARKERS = "os^Dvp"
DASHES = ((0, (5, 3)), (0, (1, 2)), (0, (5, 2, 1, 2)), "solid")
LARGEST_MATRIX = 20
MOST_PAIRS = 15
MOST_CURVES = 12
RECALLS = np.linspace(0, 1, 101)


def curve(
    xs: Sequence[float],
    series: Mapping[str, Sequence[Estimate]],
    x_label: str = "",
    y_label: str = "",
    log_x: bool = False,
    reference: Mapping[str, float] | None = None,
) -> str:
    """A line with an interval band for each of `series`, each as long as `xs`; `reference` adds dashed levels."""

    def draw(figure: Canvas) -> None:
        axes = figure.subplots()
        for i, (name, estimates) in enumerate(series.items()):
            colour = LINES[i % len(LINES)]
            axes.plot(xs, [e.value for e in estimates], color=colour, marker=MARKERS[i % len(MARKERS)], label=name)
            low, high = _ends(estimates)
            axes.fill_between(xs, low, high, color=colour, alpha=0.16, linewidth=0)
        for (name, level), dash in zip((reference or {}).items(), DASHES, strict=False):
            axes.axhline(level, color=MUTED, linestyle=dash, linewidth=1.2, label=name)
        axes.set(xlabel=x_label, ylabel=y_label)
        _scale(axes, xs, log_x)
        if len(series) + len(reference or {}) > 1:
            _legend(figure, axes)

    return figure_svg(draw)


def bars(
    names: Sequence[str],
    estimates: Sequence[Estimate],
    x_label: str = "",
    reference: Mapping[str, float] | None = None,
) -> str:
    """A horizontal bar with its interval for each name, from the top down; `reference` adds dashed lines."""

    def draw(figure: Canvas) -> None:
        axes = figure.subplots()
        places = np.arange(len(names))
        values = [e.value for e in estimates]
        axes.barh(places, values, height=0.62, color=BLUE, alpha=0.75)
        low, high = _ends(estimates)
        axes.hlines(places, low, high, color=INK, linewidth=1.4)
        for (name, level), dash in zip((reference or {}).items(), DASHES, strict=False):
            axes.axvline(level, color=VERMILION, linestyle=dash, linewidth=1.2, label=name)
        for place, estimate in enumerate(estimates):
            beside: dict[str, Any] = {
                "xycoords": ("axes fraction", "data"),
                "xytext": (6, 0),
                "textcoords": "offset points",
            }
            axes.annotate(_value(estimate.value), (1, place), va="center", **beside)
        axes.set_yticks(places, [_short(name, 28) for name in names])
        axes.set(xlabel=x_label, ylim=(len(names) - 0.4, -0.6))
        axes.tick_params(axis="y", length=0)
        axes.grid(False, axis="y")
        axes.axvline(0, color=MUTED, linewidth=0.8)
        if reference:
            _legend(figure, axes)

    return figure_svg(draw, height=1.0 + 0.27 * len(names) + (0.25 if reference else 0))


def confusion_matrix(matrix: np.ndarray, options: Sequence[str], shares: bool = False) -> str:
    """Counts [K, K] of truth (rows) against answer (columns); shade is the share of the row's truth.

    With `shares` the cells hold these, in percent, in place of counts that are too long to be read. With more than 20
    classes: the pairs that are most often confused.
    """
    matrix = np.asarray(matrix)
    if len(options) > LARGEST_MATRIX:
        return _confused_pairs(matrix, options)
    k = len(options)
    share = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
    names = [_short(str(option), 16) for option in options]
    longest = max(map(len, names))
    size, long = 9 if k <= 6 else 7.5 if k <= 12 else 6, k > 4 and longest > 3

    def draw(figure: Canvas) -> None:
        axes = figure.subplots()
        image = axes.imshow(share, cmap="Blues", vmin=0, vmax=1, aspect="equal")
        for i, j in zip(*np.nonzero(matrix), strict=True):
            colour = "white" if share[i, j] > 0.55 else INK
            words = f"{100 * share[i, j]:.0f}" if shares else f"{matrix[i, j]}"
            if shares and words == "0":
                continue
            axes.text(j, i, words, ha="center", va="center", color=colour, fontsize=size)
        turned: dict[str, Any] = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"} if long else {}
        axes.set_xticks(range(k), names, **turned)
        axes.set_yticks(range(k), names)
        axes.set(xlabel="answered", ylabel="truth")
        _cells(axes, k)
        bar = figure.colorbar(image, shrink=0.7, aspect=18, ticks=[0, 0.5, 1], label="share of the true class")
        bar.outline.set_visible(False)

    side = min(7.2, 2.4 + 0.38 * k)
    return figure_svg(draw, width=side + 1.3 + 0.06 * longest, height=side)


@dataclass(frozen=True)
class PrecisionRecall:
    """A curve: `precision` [101] at the levels of recall 0, 0.01, …, 1, and the (recall, precision) of the answers.

    As average precision has it, precision never rises with recall, and is 0 at a recall that is never reached.
    """

    precision: np.ndarray
    answered: tuple[float, float] = (math.nan, math.nan)

    @classmethod
    def of(cls, hits: np.ndarray, said: np.ndarray, truths: int, answered: tuple[float, float]) -> PrecisionRecall:
        """From how many are right (`hits` [N]) of how many that are said (`said` [N]) as a threshold falls."""
        precision = np.divide(hits, said, out=np.zeros(len(said)), where=said > 0)
        falling = np.maximum.accumulate(precision[::-1])[::-1]
        reached = np.searchsorted(hits / max(1, truths), RECALLS, side="left")
        return cls(np.append(falling, 0.0)[np.minimum(reached, len(falling))], answered)


def precision_recall(curves: Mapping[str, PrecisionRecall]) -> str:
    """Precision against recall of each of `curves`, with a dot where it is answered, and their mean.

    More than 12 curves are grey, so that the mean stands out.
    """
    many = len(curves) > MOST_CURVES

    def draw(figure: Canvas) -> None:
        axes = figure.subplots()
        for i, (name, each) in enumerate(curves.items()):
            colour = MUTED if many else LINES[i % len(LINES)]
            dash = DASHES[0] if i >= len(LINES) and not many else "solid"
            label, width = (None, 0.7) if many else (_short(name, 20), 1.4)
            axes.plot(RECALLS, each.precision, color=colour, linestyle=dash, linewidth=width, label=label)
            axes.plot(*each.answered, color=colour, marker="o", markersize=3 if many else 5, linestyle="none")
        if len(curves) > 1:
            mean = np.mean([each.precision for each in curves.values()], axis=0)
            axes.plot(RECALLS, mean, color=INK, linewidth=2.4, label=f"mean of {len(curves)} classes")
        axes.set(xlabel="recall", ylabel="precision", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
        _legend(figure, axes)

    return figure_svg(draw, width=5.6, height=4.6)


def reliability(series: Mapping[str, Sequence[tuple[float, Estimate]]]) -> str:
    """Accuracy against confidence: for each of `series`, bins of (mean confidence, estimate of the accuracy).

    `Estimate.n` is the number of answers in the bin; the panel below shows where the answers lie.
    """

    def draw(figure: Canvas) -> None:
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
        above.plot([0, 1], [0, 1], color=MUTED, linestyle=DASHES[0], linewidth=1.2, label="perfectly calibrated")
        for i, (name, bins) in enumerate(series.items()):
            colour, kept = LINES[i % len(LINES)], [(c, e) for c, e in bins if e.n]
            confidences, estimates = [c for c, _ in kept], [e for _, e in kept]
            values = [e.value for e in estimates]
            above.plot(confidences, values, color=colour, marker=MARKERS[i % len(MARKERS)], label=name)
            above.vlines(confidences, *_ends(estimates), color=colour, linewidth=1.4, alpha=0.6)
            counts = np.array([e.n for e in estimates]) / max(1, sum(e.n for e in estimates))
            below.vlines(np.array(confidences) + 0.006 * i, 0, counts, color=colour, linewidth=4)
        above.set(ylabel="share that is right", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
        below.set(xlabel="confidence", ylabel="answers", ylim=(0, None))
        below.yaxis.set_major_formatter(lambda share, _: percent(share))
        _legend(figure, above)

    return figure_svg(draw, width=5.2, height=4.8)


def training_curves(rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows of metrics.csv over their steps: losses on the left, the other metrics on the right."""
    skipped = {"step", "epoch", "seconds", "examples", "learning_rate", "lr"}
    columns = [c for c in (rows[0] if rows else {}) if c not in skipped and any(_number(r.get(c)) for r in rows)]
    losses = [c for c in columns if "loss" in c or c == "nll"]
    panels = [panel for panel in (losses, [c for c in columns if c not in losses]) if panel]
    steps = [row.get("step", i) for i, row in enumerate(rows, 1)]

    def draw(figure: Canvas) -> None:
        colour = 0
        for axes, names in zip(np.atleast_1d(figure.subplots(1, max(1, len(panels)))), panels, strict=False):
            for name in names:
                values = [row[name] if _number(row.get(name)) else math.nan for row in rows]
                marker = "o" if len(rows) < 3 else None
                axes.plot(steps, values, color=LINES[colour % len(LINES)], marker=marker, label=_words(name))
                colour += 1
            only = _words(names[0]) if len(names) == 1 else ""
            axes.set(xlabel="step", ylabel="loss" if names is losses else only)
            if len(names) > 1:
                axes.legend()
        if not panels:
            _say(figure, "nothing was recorded")

    return figure_svg(draw, width=7.2 if len(panels) > 1 else 4.8, height=2.9)


# ---- parts


def _cells(axes: Axes, k: int) -> None:
    """White lines between the cells instead of ticks, a grid and a frame."""
    axes.grid(False)
    axes.spines[:].set_visible(False)
    axes.set_xticks(np.arange(k - 1) + 0.5, minor=True)
    axes.set_yticks(np.arange(k - 1) + 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=1)
    axes.tick_params(which="both", length=0)


def _confused_pairs(matrix: np.ndarray, options: Sequence[str]) -> str:
    wrong = matrix - np.diag(np.diag(matrix))
    order = [i for i in np.argsort(-wrong, axis=None, kind="stable")[:MOST_PAIRS] if wrong.flat[i]]
    pairs = [divmod(int(i), len(options)) for i in order]

    def draw(figure: Canvas) -> None:
        if not pairs:
            return _say(figure, "no row was taken for another class")
        axes = figure.subplots()
        for place, (i, j) in enumerate(pairs):
            axes.barh(place, wrong[i, j], height=0.62, color=BLUE, alpha=0.75)
            note, beside = f"{wrong[i, j]} of {matrix[i].sum()}", (wrong[i, j], place)
            axes.annotate(note, beside, xytext=(4, 0), textcoords="offset points", va="center")
        names = [f"{_short(str(options[i]), 18)} → {_short(str(options[j]), 18)}" for i, j in pairs]
        axes.set_yticks(range(len(pairs)), names)
        axes.set(xlabel="truth → answer, number of rows", ylim=(len(pairs) - 0.4, -0.6))
        axes.margins(x=0.15)
        axes.grid(False, axis="y")
        axes.tick_params(axis="y", length=0)

    return figure_svg(draw, height=1.0 + 0.27 * max(1, len(pairs)))


def _ends(estimates: Sequence[Estimate]) -> tuple[list[float], list[float]]:
    """Lower and upper ends, NaN (not drawn) where there is no interval."""
    spread = [e if e.low is not None and e.high is not None else Estimate(0, math.nan, math.nan) for e in estimates]
    return [float(e.low or 0) for e in spread], [float(e.high or 0) for e in spread]


def _scale(axes: Axes, xs: Sequence[float], log: bool) -> None:
    """Ticks where the points are, when they are few; plain numbers on a logarithmic scale."""
    if log:
        axes.set_xscale("log")
    if len(xs) <= 10:
        axes.set_xticks(list(xs), [f"{x:,.4g}" for x in xs])
        axes.set_xticks([], minor=True)
    elif log:
        axes.xaxis.set_major_formatter(lambda x, _: f"{x:,.4g}")


def _legend(figure: Canvas, axes: Axes) -> None:
    """Above the picture, where it hides nothing."""
    handles, names = axes.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper left", ncols=min(4, len(names)), handlelength=2.2)


def _say(figure: Canvas, words: str) -> None:
    for axes in figure.axes:
        axes.set_axis_off()
    figure.text(0.5, 0.5, words, ha="center", va="center", color=MUTED)


def _short(name: str, most: int) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"


def _value(value: float) -> str:
    if abs(value) < 10:
        return f"{value:.3f}"
    return f"{value:,.1f}" if abs(value) < 1000 else f"{value:,.0f}"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)
