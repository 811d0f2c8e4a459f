"""Two estimates that were had independently of each other, set against each other."""

from __future__ import annotations

import math

from sounding.contract.evidence import Estimate


def difference(second: Estimate, first: Estimate) -> Estimate:
    """second − first from independent rows, by combining the two intervals.

    Each end takes the square root of the sum of the squared distances from value to end (Newcombe 1998, method 10, for
    proportions; Zou and Donner 2008 for any two). So it respects groups and few rows as far as the two do.
    """
    value, n = second.value - first.value, second.n + first.n
    if second.low is None or second.high is None or first.low is None or first.high is None:
        return Estimate(value, n=n, level=second.level)
    below = math.hypot(second.value - second.low, first.high - first.value)
    above = math.hypot(second.high - second.value, first.value - first.low)
    names = " and ".join(dict.fromkeys((second.interval, first.interval)))
    return Estimate(value, value - below, value + above, n, second.level, f"{names}, combined")
