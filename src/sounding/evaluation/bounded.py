"""Intervals of what has bounds: a share is never below 0 or above 1, a mean loss never below 0.

    limited         an interval of a value cut to the values that there can be
    limited_change  the same for a difference of two such values on the same rows

An end that lies beyond a bound says nothing that the bound does not say, and cutting it costs no coverage: the truth is
never out there. Where no draw differs (every row right, every row alike) resampling sees no spread and gives a width of
0, which is no evidence of certainty: of n rows that are alike, others may be rare. There the ends are those of
Wilson's interval for as many rows, which among values in the same bounds with the same mean is that of the widest
spread. Of 300 rows without an error the share of errors is at most 1.3 % (the "rule of three", Hanley and
Lippman-Hand 1983, says 1.0 % for one side).
"""

from __future__ import annotations

import math
from dataclasses import replace
from statistics import NormalDist

from sounding.contract.evidence import Estimate
from sounding.contract.metrics import Bounds
from sounding.wording import counted

ALIKE = 1e-12
"""Ends nearer to each other than this, as a share of the bounds' distance, are one."""
ALL_ALIKE = "wilson, no draw differs"
"""The method of an interval of rows of which no draw differs from another."""


def limited(found: Estimate, bounds: Bounds) -> Estimate:
    """The estimate with its interval within `bounds`; Wilson's interval where that has no width."""
    least, most = bounds
    if found.low is None or found.high is None or not least - ALIKE <= found.value <= most + ALIKE:
        return found  # no interval, or a loss of a kind that the bounds were not made for
    if _alike(found, bounds):
        ends = score_interval((found.value - least) / (most - least), found.n, found.level)
        low, high = (least + end * (most - least) for end in ends)
        return replace(found, low=low, high=high, interval=_all_alike(found))
    return replace(found, low=min(max(least, found.low), most), high=max(min(most, found.high), least))


def limited_change(found: Estimate, bounds: Bounds) -> Estimate:
    """The difference of two values within `bounds`, with its interval within what such a difference can be.

    A model that differs from another in no row keeps an interval of width 0: it may be the same model.
    """
    least, most = of_change(bounds)
    if found.low is None or found.high is None:
        return found
    return replace(found, low=max(least, found.low), high=min(most, found.high))


def unseen_change(found: Estimate, bounds: Bounds) -> Estimate:
    """The same where two models that are not one differ in no row: of other rows, Wilson's share of none in n might."""
    most = score_interval(0.0, found.n, found.level)[1] * of_change(bounds)[1]
    return replace(found, low=-most, high=most, interval="wilson, no row differs")


def of_change(bounds: Bounds) -> Bounds:
    """The bounds of a difference of two values within `bounds`."""
    return bounds[0] - bounds[1], bounds[1] - bounds[0]


def score_interval(share: float, n: int, level: float = 0.95) -> tuple[float, float]:
    """The ends of the score interval (Wilson 1927) of a `share` of n: within [0, 1], and never of width 0."""
    z = NormalDist().inv_cdf(0.5 + level / 2)
    scale = 1 + z * z / n
    centre = (share + z * z / (2 * n)) / scale
    half = z / scale * math.sqrt(max(0.0, share * (1 - share)) / n + z * z / (4 * n * n))
    low, high = max(0.0, centre - half), min(1.0, centre + half)
    return (0.0 if share <= 0 else low), (1.0 if share >= 1 else high)


def _all_alike(found: Estimate) -> str:
    """The method, which says whether it counts rows or clusters."""
    return f"wilson over {counted(found.n, 'cluster')}, no draw differs" if "cluster" in found.interval else ALL_ALIKE


def _alike(found: Estimate, bounds: Bounds) -> bool:
    """Whether the interval has no width, and the bounds say how wide it could be."""
    width = bounds[1] - bounds[0]
    if found.low is None or found.high is None or not math.isfinite(width):
        return False
    return found.high - found.low <= ALIKE * width
