"""Forecasts: a median and intervals, from standard deviations back to the units of the columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sounding.contract.modality import Modality
from sounding.contract.postprocessing import Arrays, OnePass
from sounding.contract.records import Prediction
from sounding.modalities.series.forecasts import Forecasts
from sounding.modalities.series.values import LEVELS


@dataclass(frozen=True)
class MedianAndIntervals(OnePass):
    """The forecasts that outputs [B, 1 + 2 L, T, C] are: the median, the lower and then the upper ends."""

    @property
    def steps(self) -> Sequence[str]:
        """Units."""
        shares = ", ".join(f"{level:.0%}" for level in LEVELS)
        return (
            "of the second axis the first is the median; then come the lower ends of the intervals of "
            f"{shares}, then their upper ends",
            "times the deviation, plus the mean of each column (state.json: input, statistics)",
        )

    def answers(self, outputs: Arrays, x: Arrays, values: Sequence[Any], target: Modality) -> list[Prediction]:
        """The forecast of each history; it has no confidence but its intervals."""
        assert isinstance(target, Forecasts)
        return [Prediction(target.forecast(each, row)) for each, row in zip(values, outputs[0], strict=True)]
