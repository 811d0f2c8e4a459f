"""How well an explanation foretells what the model does when parts of the input are gone.

Parts are ranked by an explanation, and by coins. The parts ranked first are taken away (deletion: the answer should
lose its likelihood) or kept alone (insertion: it should keep it). A score is what the explanation achieves beyond the
coins, so 0 is what an explanation reaches that knows nothing.

Legend of shapes: n items, A baselines, O orders (of the methods, then random ones), P parts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from sounding.challenges.explanations.explanation import random_order
from sounding.challenges.passes import log_likelihoods
from sounding.contract.inputs import Explainable
from sounding.contract.task import Task
from sounding.randomness import entropy

SHARES = (0.01, 0.05, 0.10, 0.20, 0.50)
RANDOM_ORDERS = 3


@dataclass(frozen=True)
class Faithfulness:
    """Share of the answer's likelihood, in [-1, 1] and beyond random orders: for each method [n, A].

    `deletion` is what is lost without the first parts, `insertion` what is left with only those. Higher is better.
    """

    deletion: Mapping[str, np.ndarray]
    insertion: Mapping[str, np.ndarray]


def faithfulness(
    task: Task,
    model: nn.Module,
    values: Sequence[Any],
    answers: Sequence[Any],
    maps: Mapping[str, Sequence[np.ndarray]],
    rng: np.random.Generator,
) -> Faithfulness:
    """Scores of `maps` (method → for each value a weight [P] of each part), mean over the shares of parts.

    After ERASER's comprehensiveness and sufficiency (DeYoung et al. 2020), with 1 − exp(min(0, change in
    log-likelihood)) for the loss of likelihood, so that answers of any kind (a class, a sentence, boxes) can be scored.
    """
    input = Explainable.of(task.input)
    weights = [*maps.values(), *(random_order(task, model, values, answers, rng) for _ in range(RANDOM_ORDERS))]
    orders = [ranked([w[i] for w in weights], rng) for i in range(len(values))]

    def pairs() -> Iterator[tuple[Any, Any]]:
        for value, answer, order in zip(values, answers, orders, strict=True):
            yield value, answer
            for baseline in input.baselines:
                yield from ((v, answer) for v in input.mask_many(value, masks_of(order), baseline))

    scores, start, kept = log_likelihoods(task, model, pairs()), 0, []
    for order in orders:
        counts, share = counts_of(order.shape[1])
        size = len(input.baselines) * 2 * len(order) * len(counts)
        after = scores[start + 1 : start + 1 + size].reshape(-1, 2, len(order), len(counts))
        change = np.nan_to_num(after - scores[start], nan=-np.inf)  # an answer without a likelihood is lost
        kept.append(np.exp(np.minimum(0.0, change))[..., share].mean(-1))
        start += 1 + size
    table = np.stack(kept).transpose(2, 3, 0, 1)  # [2, O, n, A]
    beyond = table[:, : len(maps)] - table[:, len(maps) :].mean(1, keepdims=True)
    return Faithfulness(dict(zip(maps, -beyond[0], strict=True)), dict(zip(maps, beyond[1], strict=True)))


def passes_of_orders(parts: int, ways: int, methods: int) -> int:
    """Forward passes that judging so many methods on one row of P parts takes, with A ways of taking them away."""
    return 1 + ways * 2 * (methods + RANDOM_ORDERS) * len(counts_of(parts)[0])


def ranked(weights: Sequence[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """[O, P]: the parts of one item by falling weight [P]; equal ones at random, since their place would be a clue."""
    luck = rng.permutation(len(weights[0]))
    return np.stack([np.lexsort((luck, -w)) for w in weights])


def counts_of(parts: int) -> tuple[np.ndarray, np.ndarray]:
    """How many parts the shares are (at least one, never all), each count once, and which of them each share has."""
    wanted = np.clip(np.round(np.array(SHARES) * parts).astype(int), 1, parts - 1)
    return np.unique(wanted, return_inverse=True)


def masks_of(orders: np.ndarray) -> np.ndarray:
    """[2 × O × counts, P] for orders [O, P]: without the first parts of each order, then with only those."""
    counts = counts_of(orders.shape[1])[0]
    first = np.argsort(orders, axis=1)[:, None, :] < counts[:, None]  # the inverse of an order is each part's place
    return np.stack([~first, first]).reshape(-1, orders.shape[1])


# ---- sanity


def untrained(task: Task, seed: int) -> nn.Module:
    """A model of the same shape that has learnt nothing; the global random state is left as it was.

    Matrices that begin at zero, as the last ones of residual branches do, are drawn as well: a model whose output is
    the same for all inputs has no explanation that another could be like.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(entropy("untrained", seed))
        model = task.build().eval()
        for parameter in model.parameters():
            if parameter.ndim > 1 and not parameter.any():
                nn.init.normal_(parameter, std=parameter[0].numel() ** -0.5)
        return model


def rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Spearman's correlation, ties sharing their mean rank; 0 where one side is constant and so orders nothing."""
    x, y = _ranks(a), _ranks(b)
    spread = np.sqrt((x**2).sum() * (y**2).sum())
    return float((x * y).sum() / spread) if spread else 0.0


def _ranks(values: np.ndarray) -> np.ndarray:
    _, where, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[where]
    return ranks - ranks.mean()
