"""Shapley values: what each part adds to the log-likelihood, on average over all orders in which the parts could come.

The worth of a set of parts is the log-likelihood of the answer when only they are kept, mean over the baselines
(Štrumbelj and Kononenko 2014). Where all sets can be tried within the budget of forward passes, the values are exact.
Else orders of the parts are drawn in antithetic pairs, each with its reverse (Castro et al. 2009; Mitchell et al.
2022): a part that comes early in one comes late in the other, which halves the luck of the draw where parts can stand
in for each other. In every single order the additions telescope, so the values of one input always sum to
log-likelihood(input) − log-likelihood(empty).

Legend of shapes: A baselines, M sets of parts, P parts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import comb
from typing import Any

import numpy as np
from torch import nn

from sounding.challenges.passes import log_likelihoods
from sounding.contract.inputs import Explainable
from sounding.contract.task import Task

PASSES = 1000
"""Forward passes for each value unless the caller says otherwise; below one pair of orders nothing can be had."""

_AT_ONCE = 64  # changed inputs that are made together: large pictures would fill memory otherwise


def shapley(
    task: Task,
    model: nn.Module,
    values: Sequence[Any],
    answers: Sequence[Any],
    rng: np.random.Generator,
    passes: int = PASSES,
) -> list[np.ndarray]:
    """Shapley values [P] of the parts of each value, from about `passes` forward passes, and at least one pair.

    Exact where the baselines × 2^P sets fit into `passes`.
    """
    input = Explainable.of(task.input)
    ways = len(input.baselines)
    counts = [input.segments(value) for value in values]
    orders = [None if exact(p, ways, passes) else _orders(p, ways, passes, rng) for p in counts]
    masks = [_subsets(p) if o is None else _prefixes(o) for p, o in zip(counts, orders, strict=True)]

    def each() -> Iterator[tuple[Any, Any]]:
        for value, answer, kept in zip(values, answers, masks, strict=True):
            for baseline in input.baselines:
                for start in range(0, len(kept), _AT_ONCE):
                    some = kept[start : start + _AT_ONCE]
                    yield from ((v, answer) for v in input.mask_many(value, some, baseline))

    scores = np.split(log_likelihoods(task, model, each()), np.cumsum([ways * len(kept) for kept in masks])[:-1])
    worths = [s.reshape(ways, -1).mean(0) for s in scores]
    return [
        _weighed(worth, p) if o is None else _averaged(worth, o)
        for worth, p, o in zip(worths, counts, orders, strict=True)
    ]


def exact(parts: int, ways: int, passes: int) -> bool:
    """Whether all sets of parts can be tried within `passes`; a single part needs no more than the two ends."""
    return parts <= 20 and ways * 2**parts <= max(passes, 2 * ways)


def passes_of_a_pair(parts: int, ways: int) -> int:
    """Forward passes that the smallest sample takes: one order and its reverse, and the two ends."""
    return ways * (2 * (parts - 1) + 2)


# ---- all sets


def _subsets(parts: int) -> np.ndarray:
    """[2^P, P]: set number s has part i where bit i of s is one."""
    return (np.arange(2**parts)[:, None] >> np.arange(parts)) % 2 == 1


def _weighed(worth: np.ndarray, parts: int) -> np.ndarray:
    """Shapley values from the worth [2^P] of every set (Shapley 1953)."""
    sets = np.arange(2**parts)
    sizes = _subsets(parts).sum(1)
    values = np.zeros(parts)
    for i in range(parts):
        without = sets[(sets >> i) % 2 == 0]
        share = np.array([1 / (parts * comb(parts - 1, int(size))) for size in sizes[without]])
        values[i] = (share * (worth[without + 2**i] - worth[without])).sum()
    return values


# ---- drawn orders


def _orders(parts: int, ways: int, passes: int, rng: np.random.Generator) -> np.ndarray:
    """[2 × pairs, P]: orders of the parts, each followed by its reverse."""
    pairs = max(1, (passes // ways - 2) // (2 * (parts - 1)))
    return np.concatenate([[order, order[::-1]] for order in (rng.permutation(parts) for _ in range(pairs))])


def _prefixes(orders: np.ndarray) -> np.ndarray:
    """[M, P]: no parts, all parts, and the first 1 … P − 1 parts of each order."""
    parts = orders.shape[1]
    place = np.argsort(orders, axis=1)  # the inverse of an order is each part's place
    inner = (place[:, None, :] < np.arange(1, parts)[None, :, None]).reshape(-1, parts)
    return np.concatenate([np.zeros((1, parts), bool), np.ones((1, parts), bool), inner])


def _averaged(worth: np.ndarray, orders: np.ndarray) -> np.ndarray:
    """Mean over the orders of what each part added when it came, from the worth [M] of `_prefixes`."""
    count, parts = orders.shape
    inner = worth[2:].reshape(count, parts - 1)
    ends = np.repeat(worth[:2, None], count, axis=1)
    added = np.diff(np.concatenate([ends[0][:, None], inner, ends[1][:, None]], axis=1), axis=1)
    return np.take_along_axis(added, np.argsort(orders, axis=1), axis=1).mean(0)
