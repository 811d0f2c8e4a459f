"""How well a score tells two groups apart: known rows, which should score high, from unknown ones.

    auroc     the chance that a known row scores higher than an unknown one; 0.5 says nothing, 1 tells all apart
    fpr95     the share of unknown rows that pass where 95 % of the known rows pass

Plain functions; `unknown_inputs` makes the section of the card from them.

Legend of shapes: n known, m unknown, r rows of a table, S sets of out-of-distribution inputs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from sounding.contract.evidence import Estimate
from sounding.evaluation.intervals import bootstrap, wilson

Separation = Callable[[np.ndarray, np.ndarray], float]
PASSING = 0.95


def auroc(known: np.ndarray, unknown: np.ndarray) -> float:
    """The area under the ROC curve of scores `known` [n] against `unknown` [m]; equal scores count half."""
    if not len(known) or not len(unknown):
        return math.nan
    ordered = np.sort(unknown)
    below, upto = np.searchsorted(ordered, known, "left"), np.searchsorted(ordered, known, "right")
    return float((below + upto).mean() / (2 * len(unknown)))


def fpr95(known: np.ndarray, unknown: np.ndarray) -> float:
    """The share of `unknown` [m] at or above the highest threshold that 95 % of `known` [n] reach."""
    if not len(known) or not len(unknown):
        return math.nan
    passing = math.ceil(PASSING * len(known) - 1e-9)
    return float((unknown >= np.sort(known)[len(known) - passing]).mean())


def separation(
    table: np.ndarray,
    measure: Separation,
    groups: Sequence[str] | None = None,
    seed: int = 0,
    resamples: int = 500,
) -> Estimate:
    """`measure` of column 0 of `table` [r, 1 + S] (known) against each other column, averaged over those.

    A row holds a known row's score and those of the out-of-distribution inputs made from it; NaN where there is none.
    Both groups are resampled, by rows. Where no draw differs (all told apart), the interval is Wilson's for as many
    pairs as rows.
    """

    def reduce(some: np.ndarray) -> float:
        known = some[:, 0][~np.isnan(some[:, 0])]
        each = [measure(known, column[~np.isnan(column)]) for column in some[:, 1:].T]
        return float(np.mean(each))

    found = bootstrap(table, reduce, groups, seed, resamples)
    if found.low is None or found.high is None or not math.isfinite(found.value):
        return found
    if found.high - found.low < 1e-12:  # disjoint pairs are independent and give a proportion, if a rough one
        pairs = int(min((~np.isnan(table)).sum(0).min(), found.n))
        edge = wilson(found.value * pairs, pairs)
        return replace(found, low=edge.low, high=edge.high, interval="wilson")
    return replace(found, low=max(0.0, found.low), high=min(1.0, found.high))


def side_by_side(known: np.ndarray, unknown: np.ndarray) -> np.ndarray:
    """[n + m, 2]: a table for `separation` of scores that are not of the same rows."""
    table = np.full((len(known) + len(unknown), 2), np.nan)
    table[: len(known), 0], table[len(known) :, 1] = known, unknown
    return table
