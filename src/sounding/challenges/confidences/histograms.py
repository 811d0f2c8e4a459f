"""Histograms of scores of two groups, side by side for several scores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from sounding.drawing.colours import BLUE, VERMILION
from sounding.evaluation.figure_svg import figure_svg
from sounding.wording import percent

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

BINS = 30


def histograms(panels: Mapping[str, tuple[np.ndarray, np.ndarray]], names: tuple[str, str]) -> str:
    """A panel for each score, with the shares of two groups over it; what is not finite is left out."""

    def draw(figure: Canvas) -> None:
        for axes, (score, groups) in zip(np.atleast_1d(figure.subplots(1, len(panels))), panels.items(), strict=True):
            finite = [group[np.isfinite(group)] for group in groups]
            edges = _edges(np.concatenate(finite))
            for group, colour, name, style in zip(finite, (BLUE, VERMILION), names, ("solid", "dashed"), strict=True):
                weights = np.full(len(group), 1 / max(1, len(group)))
                axes.hist(group, edges, weights=weights, color=colour, alpha=0.25)
                axes.hist(
                    group,
                    edges,
                    weights=weights,
                    histtype="step",
                    color=colour,
                    label=name,
                    linestyle=style,
                    linewidth=1.6,
                )
            axes.set(xlabel=score, ylabel="share of inputs")
            axes.yaxis.set_major_formatter(lambda share, _: percent(share))
        figure.legend(*axes.get_legend_handles_labels(), loc="outside upper left", ncols=2)

    return figure_svg(draw, width=3.6 * len(panels) + 0.6, height=3.2)


def _edges(values: np.ndarray) -> np.ndarray:
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
    if high - low < 1e-9:
        low, high = low - 0.5, high + 0.5
    return np.linspace(low, high, BINS + 1)
