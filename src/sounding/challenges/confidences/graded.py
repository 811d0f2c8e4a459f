"""Abstention where answers are more or less good, and not right or wrong: translations by chrF, summaries by ROUGE.

The risk of an answer is what it lacks to the best that there can be by the graded headline metric of rows, such as
1 − chrF/100. An order that says nothing of answers has the same risk at every coverage, the mean of all: that is the
area which stands beside the model's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from sounding.challenges.confidences.abstention import (
    estimate_aurc,
    estimate_excess,
    estimate_risk_at,
    estimate_saved,
    least_area,
    least_risk_at,
    placed,
)
from sounding.contract.evidence import Estimate, Figure, Number
from sounding.contract.metrics import SHARE, Metric, mean, shortfall
from sounding.evaluation import plots
from sounding.evaluation.challenge import Findings
from sounding.evaluation.context import EvaluationContext
from sounding.evaluation.evaluation import FEW, groups_of
from sounding.evaluation.intervals import bootstrap
from sounding.wording import percent


def abstention(context: EvaluationContext, kept: float, coverages: Sequence[float], resamples: int) -> Findings:
    """What leaving out the answers with the least confidence brings: at the coverage `kept`, and over all coverages."""
    metric = context.task.row_metrics[0]
    sure = [record for record in context.row_records if record.confidence is not None]
    if not sure:
        return Findings("Abstention was not measured: the answers carry no confidence.")
    lacking = np.array([shortfall(metric, record) for record in sure])
    stats = placed(np.array([record.confidence for record in sure]), lacking)
    more: dict[str, Any] = {"groups": groups_of(sure), "seed": context.seed, "resamples": resamples}
    area, saved = estimate_aurc(stats, **more), estimate_saved(stats, **more)
    chance = bootstrap(stats, lambda some: mean(some[:, 1]), bounds=SHARE, **more)
    at = _score(metric, estimate_risk_at(stats, kept, **more))
    risk, of = _risk(metric), f"of the {len(sure):,} answers"
    numbers = (
        Number(
            "score_at_80",
            f"{metric.name} of an answer at {percent(kept)} coverage",
            at,
            f"mean of each answer's own {metric.name} over the {percent(kept)} with the highest confidence, {of}",
            metric.unit,
        ),
        Number(
            "aurc",
            "area under the risk-coverage curve (AURC)",
            area,
            f"mean over all coverages of the mean risk ({risk}), {of} ordered by confidence; lower is better",
        ),
        Number(
            "aurc_random",
            "AURC in an order of chance",
            chance,
            f"the mean risk of all answers, which is the area that an order of chance is expected to have; {risk}",
        ),
        Number(
            "aurc_saved",
            "AURC saved by the confidence",
            saved,
            f"that area minus the AURC, on the same draws; above 0 the least sure answers are the worse ones; {of}",
        ),
        Number(
            "aurc_excess",
            "excess AURC",
            estimate_excess(stats, **more),
            "AURC minus that of a perfect order, in which a better answer always has more confidence",
        ),
    )
    sentence = _found(metric, lacking, kept, at, area, saved)
    return Findings(sentence, numbers, (_figure(metric, stats, coverages, more),))


def _risk(metric: Metric) -> str:
    """What the risk of an answer is, in words."""
    least, most = metric.bounds
    if metric.higher_is_better and not least:
        return f"1 − {metric.name}/{most:g} of an answer"
    return f"how far the {metric.name} of an answer is from the best, as a share of what is possible"


def _score(metric: Metric, risk: Estimate) -> Estimate:
    """A risk as what the metric says."""
    least, most = metric.bounds if metric.higher_is_better else metric.bounds[::-1]
    low, high = (None if end is None else most - end * (most - least) for end in (risk.low, risk.high))
    low, high = (high, low) if metric.higher_is_better else (low, high)
    return replace(risk, value=most - risk.value * (most - least), low=low, high=high)


def _found(metric: Metric, lacking: np.ndarray, kept: float, at: Estimate, area: Estimate, saved: Estimate) -> str:
    whole = _score(metric, Estimate(float(lacking.mean()))).value
    change = f"the mean {metric.name} of an answer goes from {whole:.3f} on all to {at} on the {percent(kept)} surest"
    areas = f"the area under risk and coverage is {area}, of an order of chance {float(lacking.mean()):.3f}"
    if len(lacking) < FEW:
        return (
            f"With fewer answers {change}; {len(lacking)} are too few to say whether leaving out the least sure helps."
        )
    if not lacking.any():
        return f"Leaving out answers has nothing to gain: every one of the {len(lacking):,} is as good as can be."
    if saved.low is not None and saved.low > 0:
        return f"Leaving out the least sure answers helps: {change}; {areas}."
    if saved.high is not None and saved.high < 0:
        return f"Leaving out the least sure answers harms, for these are the better ones: {change}; {areas}."
    return f"Leaving out the least sure answers is not seen to help: {change}; {areas}."


def _figure(metric: Metric, stats: np.ndarray, coverages: Sequence[float], more: dict[str, Any]) -> Figure:
    lacking, few = stats[:, 1], {**more, "resamples": 200}
    series = {
        "by confidence": [estimate_risk_at(stats, coverage, **few) for coverage in coverages],
        "best possible order": [Estimate(least_risk_at(lacking, coverage)) for coverage in coverages],
    }
    caption = (
        f"Risk ({_risk(metric)}, the mean over those that are given) against coverage, when only the most confident "
        "answers are given. An order that says nothing stays on the dashed line. "
        f"At best the area is {least_area(lacking):.4f}."
    )
    svg = plots.curve(coverages, series, "coverage", "risk", reference={"any order": float(lacking.mean())})
    return Figure("prediction_sets_risk", caption, svg)
