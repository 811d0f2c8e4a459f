"""Seed spread: how much the headline would differ had the training drawn other random numbers.

Every other interval of a card speaks of one trained model and other rows. This one speaks of other trainings on the
same rows. It takes several of them: runs that differ in nothing but the seed (`context.siblings`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from sounding.contract.evidence import Estimate, Number
from sounding.contract.metrics import Metric
from sounding.errors import SoundingError
from sounding.evaluation.challenge import NO_ROWS, Challenge, Findings, NotMeasured, Unasked
from sounding.evaluation.context import EvaluationContext
from sounding.evaluation.intervals import mean_t
from sounding.wording import capital

ONE_RUN = "one run: training variance is unknown; train with other seeds and make the card again"
FEWEST = 3
"""Runs below which the spread of their mean is not printed: it is not known well enough."""


class Seeds(Challenge[None]):
    """Mean, range and t interval of the headline over this run and its siblings.

    The value of the context's own seed is measured, whatever the siblings say of it.
    """

    id, title, order = "seeds", "Seed spread", 40
    rows = False  # a player has matches without any

    def needs(self, context: EvaluationContext) -> str:
        """Another run, and something to measure this one on."""
        if not _others(context):
            return Unasked(ONE_RUN)
        return "" if len(context.test) or context.plays else NO_ROWS

    def measure(self, context: EvaluationContext) -> Findings:
        """The headline of every run."""
        metric = context.task.metrics[0]
        try:
            own = metric.value(context.records)
        except SoundingError as error:  # a broken model is the finding of another section
            raise NotMeasured(str(error)) from None
        if not math.isfinite(own):
            raise NotMeasured(f"{metric.name} of this run is not finite")
        values = dict(sorted({**_others(context), context.seed: own}.items()))
        mean = _mean(metric, values)
        rows = [{"seed": seed, metric.name: value} for seed, value in values.items()]
        numbers = tuple(_numbers(metric, values, mean))
        return Findings(_sentence(context, values, mean, own), numbers, details={"runs": rows})


def _others(context: EvaluationContext) -> dict[int, float]:
    return {seed: value for seed, value in context.siblings.items() if seed != context.seed and math.isfinite(value)}


def _mean(metric: Metric, values: Mapping[int, float]) -> Estimate:
    """The mean with its t interval."""
    return mean_t(list(values.values()), "seeds", bounds=metric.bounds)


def _numbers(metric: Metric, values: Mapping[int, float], found: Estimate) -> Iterator[Number]:
    k, name, unit = len(values), metric.name, metric.unit
    same = f"{k} runs that differ only by seed, on the same test rows"
    mean = f"mean of {name} over {same}; the interval is of other seeds, not of other rows"
    yield Number("mean", f"mean {name} over {k} seeds", found, mean, unit)
    for id, end, value in (("lowest", "smallest", min(values.values())), ("highest", "largest", max(values.values()))):
        meaning = f"the {end} {name} of {same}"
        yield Number(id, f"{id} {name} over {k} seeds", Estimate(value, n=k), meaning, unit)


def _sentence(context: EvaluationContext, values: Mapping[int, float], mean: Estimate, own: float) -> str:
    name, unit = context.task.metrics[0].name, context.task.metrics[0].unit
    unit = f" {unit}" if unit else ""
    ends = f"from {min(values.values()):.3f} to {max(values.values()):.3f}"
    this = f"this run (seed {context.seed}) has {own:.3f}"
    said = f"{capital(name)} is {mean}{unit} on average over {len(values)} seeds, {ends}; {this}."
    if len(values) < FEWEST:
        said += f" {len(values)} runs are too few for an interval: train with {FEWEST} seeds or more."
    return said
