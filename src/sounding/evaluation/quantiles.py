"""Quantiles of the beta and t distributions, which intervals need and the standard library lacks."""

from __future__ import annotations

import math
from functools import lru_cache


@lru_cache(maxsize=4096)
def t_quantile(level: float, freedom: int) -> float:
    """Student's t that holds the middle `level` of its mass: 2.571 for 0.95 and 5 degrees of freedom."""
    y = beta_quantile(level, 0.5, freedom / 2)  # t² / (freedom + t²) is Beta(1/2, freedom/2)
    return math.sqrt(freedom * y / (1 - y))


def beta_quantile(mass: float, a: float, b: float) -> float:
    """The x at which Beta(a, b) has `mass` below it, by bisection."""
    low, high = 0.0, 1.0
    while high - low > 1e-15 * high:
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if beta_cdf(middle, a, b) < mass else (low, middle)
    return (low + high) / 2


def beta_cdf(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function I_x(a, b), by its continued fraction (DLMF 8.17.22).

    The fraction converges in about sqrt(max(a, b)) terms on its side of the mean; the other side is the mirror image.
    """
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - beta_cdf(1 - x, b, a)
    front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return min(1.0, math.exp(front) / a * _beta_fraction(x, a, b))


def _beta_fraction(x: float, a: float, b: float) -> float:
    """1 / (1 + d1 / (1 + d2 / (1 + …))) by the modified Lentz method (Thompson and Barnett 1986)."""
    value = c = 1.0
    d = 0.0
    for i in range(1, 100_000):
        m = i // 2
        if i % 2:
            term = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            term = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d = 1 / ((1 + term * d) or 1e-300)
        c = (1 + term / c) or 1e-300
        value *= c * d
        if abs(1 - c * d) < 1e-14:
            break
    return 1 / value
