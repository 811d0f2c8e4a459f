"""Intervals of forecasts: quantiles that a network learns, and how validation rows set their widths.

Quantiles minimise the pinball loss (Koenker and Bassett 1978). A network's are right on what it learnt from at best: so
each interval is widened, or narrowed, until it holds its share of the validation rows (conformalised quantile
regression, Romano et al., arXiv 1905.03222), for each step of the horizon and each column. That promises the share
where later rows are like those, in any order. Of a series they are not quite: its errors change with time. So only the
newer half of the validation rows sets the widths, where that is enough (after Barber et al., arXiv 2202.13415, who
weigh the newest most), and coverage is measured.

Legend of shapes: B batch, Q 1 + 2 L outputs, L levels, H horizon, C columns.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from sounding.modalities.series.values import LEVELS

QUANTILES = (*((1 - level) / 2 for level in LEVELS), *((1 + level) / 2 for level in LEVELS))
"""Those of the ends of the intervals, in the order of a network's outputs after the median."""

ENOUGH = 50
"""Rows that the newer half of the validation rows must have to set the widths alone."""
SHARPEST = 1e-3
"""Standard deviations below which no scale of a distribution is taken to be."""


def absolute_error(found: Tensor, y: Tensor) -> Tensor:
    """Mean absolute error of the medians [B], over what is known of the truth `y` [B, H, C]."""
    return _mean((found[:, 0] - y.nan_to_num()).abs(), ~y.isnan())


def log_density(found: Tensor, y: Tensor) -> Tensor:
    """Mean log-density [B] of the truths under Cauchy distributions around the medians.

    The quartiles of a Cauchy distribution lie its scale away from its median: so the 50 % interval is the scale.
    """
    levels = len(LEVELS)
    scale = ((found[:, 1 + levels] - found[:, 1]) / 2).clamp(min=SHARPEST)
    off = y.nan_to_num() - found[:, 0]
    return _mean(-torch.log(torch.pi * (scale + off**2 / scale)), ~y.isnan())


def pinball(found: Tensor, y: Tensor) -> Tensor:
    """Mean pinball loss of the ends of the intervals [B], twice, so that it is an absolute error for a median."""
    known = ~y.isnan()
    quantiles = torch.tensor(QUANTILES, device=y.device).view(1, -1, 1, 1)
    off = y.nan_to_num()[:, None] - found[:, 1:]
    loss = 2 * torch.maximum(quantiles * off, (quantiles - 1) * off).mean(dim=1)
    return _mean(loss, known)


def _mean(values: Tensor, known: Tensor) -> Tensor:
    return (values * known).flatten(1).sum(dim=1) / known.flatten(1).sum(dim=1).clamp(min=1)


def newest(times: np.ndarray) -> np.ndarray:
    """Which rows, whose truths begin at these times [n], set the widths: the newer half, or all where that is few."""
    half = times >= np.median(times)
    return half if half.sum() >= ENOUGH else np.ones(len(times), bool)


def margins(found: np.ndarray, y: np.ndarray) -> np.ndarray:
    """By how much each interval is to be widened [L, H, C] to hold its share: `found` [B, Q, H, C], `y` [B, H, C].

    The ⌈(n + 1) · level⌉-th smallest of how far the truths lie outside (below 0: inside), or the largest where there
    are too few; 0 where no truth is known.
    """
    levels = len(LEVELS)
    outside = np.maximum(found[:, 1 : 1 + levels] - y[:, None], y[:, None] - found[:, 1 + levels :])
    ordered = np.sort(outside, axis=0)  # what is not known comes last
    known = (~np.isnan(y)).sum(axis=0)  # [H, C]
    result = np.zeros(outside.shape[1:])
    for k, level in enumerate(LEVELS):
        place = np.minimum(np.ceil((known + 1) * level).astype(int), known) - 1
        taken = np.take_along_axis(ordered[:, k], np.maximum(place, 0)[None], axis=0)[0]
        result[k] = np.where(known > 0, taken, 0.0)
    return result
