"""Whether explanations of what a model tells beside its answers can be believed: of the return that an agent expects.

Such a number has no likelihood to lose: it moves, up or down. So parts are ranked by the size of their weights, taken
away, and what is measured is how far the number moves, beyond how far it moves without random parts.

Legend of shapes: n rows, A baselines, O orders (of the methods, then random ones), P parts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from torch import nn

from sounding.challenges.explanations.explained_rows import FEW, Item, examples
from sounding.challenges.explanations.explanation import METHODS, named, random_order
from sounding.challenges.explanations.faithfulness import RANDOM_ORDERS, counts_of, masks_of, ranked
from sounding.challenges.passes import log_likelihoods
from sounding.contract.estimates import Estimating
from sounding.contract.evidence import Figure, Number
from sounding.contract.inputs import Explainable
from sounding.contract.metrics import UNBOUNDED
from sounding.evaluation.context import EvaluationContext
from sounding.evaluation.intervals import bootstrap
from sounding.wording import counted

EXPLAINED_BY = ("occlusion", "gradient", "integrated_gradients")
"""The methods that explain an estimate, where they explain answers: the cheap ones, whose weights are in its unit."""


def judged(
    context: EvaluationContext, name: str, items: Sequence[Item], methods: Sequence[str], rng: np.random.Generator
) -> tuple[list[Number], Figure, str]:
    """How well those of `methods` explain the estimate called `name`: numbers, examples, and a sentence."""
    task = Estimating(context.task, name)
    values, answers, groups = [i.value for i in items], [i.answer for i in items], [i.group for i in items]
    used = [method for method in EXPLAINED_BY if method in methods]
    maps = {method: METHODS[method](task, context.model, values, answers, rng) for method in used}
    ways = ", ".join(Explainable.of(task.input).baselines)
    definition = (
        f"how far the {name} moves without the parts ranked first, by the size of their weights, minus the same for "
        f"random orders, in its standard deviations over the rows; mean over the shares of parts; the worst of the "
        f"baselines {ways}"
    )
    numbers = []
    for method, scores in movement(task, context.model, values, answers, maps, rng).items():
        found = bootstrap(scores, lambda rows: float(rows.mean(0).min()), groups, context.seed, bounds=UNBOUNDED)
        id, title = f"deletion_{_id(name)}_{method}", f"movement of the {name} beyond random, {named(method)}"
        numbers.append(Number(id, title, found, definition, seed=context.seed))
    drawn = examples(context.task, items, maps, of=name)
    return numbers, drawn, _sentence(name, numbers, used)


def _sentence(name: str, numbers: Sequence[Number], methods: Sequence[str]) -> str:
    told = "; ".join(f"{named(m)} {number.estimate}" for m, number in zip(methods, numbers, strict=True))
    verdict = _verdict(numbers, methods)
    return (
        f" Of the {name}: {verdict}. Without the parts ranked first it moves further than without random ones: {told}."
    )


def _verdict(numbers: Sequence[Number], methods: Sequence[str]) -> str:
    """Which methods are better than random, where there are rows enough to tell."""
    fewest = min((n.estimate.n for n in numbers), default=0)
    if fewest < FEW:
        return f"no verdict, since {counted(fewest, 'independent row', 'are')} too few"
    sure = [n.estimate.low is not None and n.estimate.low > 0 for n in numbers]
    better = [named(m) for m, above in zip(methods, sure, strict=True) if above]
    return f"better than random are {', '.join(better)}" if better else "none is shown to be better than random"


def _id(name: str) -> str:
    return name.replace(" ", "_")


def movement(
    task: Estimating,
    model: nn.Module,
    values: Sequence[Any],
    answers: Sequence[Any],
    maps: Mapping[str, Sequence[np.ndarray]],
    rng: np.random.Generator,
) -> Mapping[str, np.ndarray]:
    """For each of `maps` [n, A]: how much further the estimate moves without the parts ranked first than without random
    ones, in its deviations over the rows; mean over the shares of parts. Above 0 is better than random.
    """
    input = Explainable.of(task.input)
    chance = [random_order(task, model, values, answers, rng) for _ in range(RANDOM_ORDERS)]
    weights = [*([np.abs(w) for w in each] for each in maps.values()), *chance]
    orders = [ranked([w[i] for w in weights], rng) for i in range(len(values))]

    def pairs() -> Iterator[tuple[Any, Any]]:
        for value, answer, order in zip(values, answers, orders, strict=True):
            yield value, answer
            without = masks_of(order)[: len(order) * len(counts_of(order.shape[1])[0])]
            for baseline in input.baselines:
                yield from ((v, answer) for v in input.mask_many(value, without, baseline))

    scores, start, whole, moved = log_likelihoods(task, model, pairs()), 0, [], []
    for order in orders:
        counts, share = counts_of(order.shape[1])
        size = len(input.baselines) * len(order) * len(counts)
        after = scores[start + 1 : start + 1 + size].reshape(-1, len(order), len(counts))
        whole.append(scores[start])
        moved.append(np.abs(after - scores[start])[..., share].mean(-1))
        start += 1 + size
    table = np.stack(moved).transpose(2, 0, 1) / max(float(np.std(whole)), 1e-9)  # [O, n, A]
    beyond = table[: len(maps)] - table[len(maps) :].mean(0)
    return dict(zip(maps, beyond, strict=True))
