"""What a label-efficiency curve says: metric against number of training rows, once for each draw of the rows.

    nested_order     an order of the rows in which every beginning is a fair small training set
    area             one number for the whole curve
    labels_to        how many rows reach a level
    at               the curve between its points

A curve is its sizes [S] (rising) and its scores [S]; between points it is straight in log n, since each doubling of the
labels tends to bring about the same.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

Censored = Literal["", "at most", "more than"]


@dataclass(frozen=True)
class Curve:
    """The headline metric `scores` [D, S] of models trained on `sizes` [S] rows for `steps` steps each."""

    sizes: list[int]
    scores: np.ndarray
    steps: int


def nested_order(targets: Sequence[Hashable] | int, rng: np.random.Generator, least: int = 2) -> np.ndarray:
    """An order [n] of rows whose every beginning holds the classes in their proportions. A number: rows of no class.

    The first `least` rows of every class come before all others, so that no class is missing from a small beginning.
    """
    if isinstance(targets, int):
        return rng.permutation(targets)
    places: dict[Hashable, list[int]] = {}
    for i in rng.permutation(len(targets)):
        places.setdefault(targets[int(i)], []).append(int(i))
    keys = np.empty(len(targets))
    for rows in places.values():
        ranks = np.arange(len(rows))
        keys[rows] = np.where(ranks < least, ranks - least, (ranks + rng.random()) / len(rows))
    return np.lexsort((rng.random(len(keys)), keys))


def sizes(rows: int, shares: Sequence[float], least: int) -> list[int]:
    """The numbers of rows to train on: `shares` of all, none below `least`, each once, rising to all."""
    wanted = {min(rows, max(least, round(share * rows))) for share in shares}
    return sorted(wanted | {rows})


def at(n: float, sizes: Sequence[int], scores: Sequence[float]) -> float:
    """The score at `n` rows."""
    return float(np.interp(np.log2(n), np.log2(sizes), scores))


def area(sizes: Sequence[int], scores: Sequence[float]) -> float:
    """The area under the scores against log2 n, divided by the span: the mean score over the doublings."""
    x, y = np.log2(sizes), np.asarray(scores, float)
    return float((np.diff(x) * (y[1:] + y[:-1]) / 2).sum() / (x[-1] - x[0]))


def labels_to(
    level: float, sizes: Sequence[int], scores: Sequence[float], higher_is_better: bool = True
) -> tuple[float, Censored]:
    """The least n whose score reaches `level`, on the curve made monotone; and on which side it is only a bound.

    "at most": the smallest size is good enough already. "more than": even the largest is not.
    """
    sign = 1 if higher_is_better else -1
    best = np.maximum.accumulate(sign * np.asarray(scores, float))
    level = sign * level
    if best[0] >= level:
        return float(sizes[0]), "at most"
    if best[-1] < level:
        return float(sizes[-1]), "more than"
    i = int(np.argmax(best >= level))
    x = np.log2(np.asarray(sizes, float))
    share = (level - best[i - 1]) / (best[i] - best[i - 1])
    return float(2 ** (x[i - 1] + share * (x[i] - x[i - 1]))), ""
