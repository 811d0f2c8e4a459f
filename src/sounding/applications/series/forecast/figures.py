"""Plots of the card: forecasts with their bands beside what came; coverage and error by step of the horizon."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from sounding.applications.series.forecast.judging import errors_by_step, held_by_step
from sounding.contract.evidence import Figure
from sounding.contract.records import Record
from sounding.drawing.colours import BLUE, GREEN, INK, MUTED, VERMILION
from sounding.drawing.svg import svg
from sounding.evaluation.figure_svg import figure_svg
from sounding.modalities.series.drawing import forecast_drawn
from sounding.modalities.series.series import Series
from sounding.modalities.series.values import LEVELS, Forecast

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas


def figures(series: Series, records: Sequence[Record]) -> Iterator[Figure]:
    """All of them; nothing where the records are of something without intervals."""
    drawn = [record for record in records if isinstance(record.value, Forecast)]
    if not drawn:
        return
    for place, record in {"first": drawn[0], "last": drawn[-1]}.items():
        sheet = forecast_drawn(record.value, record.truth).sheet
        caption = (
            f"The {place} forecast of the test part, from {record.truth.time(0)} on: the median and its intervals "
            "beside what came."
        )
        yield Figure(f"forecast_{place}", caption, svg(sheet))
    yield Figure("forecast_coverage", _COVERAGE, _coverage(held_by_step(drawn)))
    yield Figure("forecast_error_by_step", _ERROR, _errors(errors_by_step(series, drawn)))


_COVERAGE = (
    "Share of the true values that lie within each interval, by steps ahead; dashed: the share that the interval is to "
    "hold. Below its line an interval is too narrow."
)
_ERROR = "Mean squared error in standard deviations, by steps ahead."


def _coverage(held: np.ndarray) -> str:
    steps = np.arange(1, held.shape[1] + 1)

    def draw(figure: Canvas) -> None:
        axes = figure.subplots()
        for k, colour in zip(range(len(LEVELS)), (GREEN, VERMILION, BLUE), strict=True):
            axes.plot(steps, held[k], color=colour, label=f"{100 * LEVELS[k]:.0f} %")
            axes.axhline(LEVELS[k], color=colour, linestyle=(0, (5, 3)), linewidth=1.0)
        axes.set(xlabel="steps ahead", ylabel="share within", ylim=(0, 1.02))
        axes.legend(loc="lower left", ncols=len(LEVELS), labelcolor=INK)

    return figure_svg(draw)


def _errors(errors: np.ndarray) -> str:
    def draw(figure: Canvas) -> None:
        axes = figure.subplots()
        axes.plot(np.arange(1, len(errors) + 1), errors, color=BLUE)
        axes.set(xlabel="steps ahead", ylabel="MSE", ylim=(0, None))
        axes.tick_params(colors=MUTED)

    return figure_svg(draw, height=2.6)
