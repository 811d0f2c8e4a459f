"""What goes wrong with measured series: severity 1 to 5, the last step's place and the columns stay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from sounding.contract.inputs import Corruption
from sounding.modalities.series.values import Stretch


def missing_stretch(value: Stretch, severity: int, rng: np.random.Generator) -> Stretch:
    """A stretch of 8 % of the steps for each level is missing, at the same time in all columns."""
    length = max(1, round(0.08 * severity * len(value)))
    first = int(rng.random() * (len(value) - length))
    values = np.array(value.values)
    values[first : first + length] = np.nan
    return replace(value, values=values)


def spikes(value: Stretch, severity: int, rng: np.random.Generator) -> Stretch:
    """2 % of the steps of each column are off by as many standard deviations of the column as the severity says."""
    hit = rng.random(value.values.shape) < 0.02
    hit[int(rng.integers(len(value)))] = True
    signs = rng.choice((-1.0, 1.0), value.values.shape)
    return replace(value, values=value.values + hit * signs * severity * _spread(value))


def drift(value: Stretch, severity: int, rng: np.random.Generator) -> Stretch:
    """The measuring device drifts: an error grows evenly to 0.2 standard deviations for each level at the last step."""
    signs = rng.choice((-1.0, 1.0), value.values.shape[1])
    ramp = np.linspace(0, 1, len(value))[:, None]
    return replace(value, values=value.values + 0.2 * severity * signs * ramp * _spread(value))


def noise(value: Stretch, severity: int, rng: np.random.Generator) -> Stretch:
    """White noise of 0.1 standard deviations of the column for each level."""
    return replace(
        value, values=value.values + 0.1 * severity * _spread(value) * rng.standard_normal(value.values.shape)
    )


CORRUPTIONS: Mapping[str, Corruption] = {
    "missing stretch": missing_stretch,
    "spikes": spikes,
    "drift": drift,
    "noise": noise,
}


def _spread(value: Stretch) -> np.ndarray:
    """The standard deviation of each column [C]; 1 for one that is constant."""
    known = np.where(np.isfinite(value.values), value.values, np.nan)
    with np.errstate(invalid="ignore"):
        found = np.nanstd(known, axis=0) if len(value) else np.ones(known.shape[1])
    return np.where(np.nan_to_num(found) > 0, np.nan_to_num(found), 1.0)
