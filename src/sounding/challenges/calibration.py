"""Whether the model is right as often as it says: confidence against measured accuracy.

The expected calibration error (ECE) of even a perfectly calibrated model is above 0 on a finite test set, so it stands
beside its *null*: what it would be if answers were right exactly as often as the model says (those of a group perhaps
together). Only an ECE outside its null is called miscalibration. The temperature that would mend it is fitted on the
validation rows alone, and every error and score is given before and after it (`temperature` applies it to predictions).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from sounding.challenges.confidences.confidence import (
    BINS,
    REDRAWS,
    Decisions,
    at_temperature,
    bin_of,
    brier,
    calibration_error,
    decisions,
    fit_temperature,
    log_loss,
    null_of,
)
from sounding.contract.evidence import Estimate, Figure, Kind, Number
from sounding.contract.metrics import POSITIVE, SHARE, Bounds, mean
from sounding.evaluation import plots
from sounding.evaluation.challenge import Challenge, Findings, NotMeasured
from sounding.evaluation.context import EvaluationContext
from sounding.evaluation.intervals import bootstrap, wilson

NO_CONFIDENCE = "the answers of this task carry no confidence that could be right or wrong"
MIXED = "miscalibrated, too sure of some answers and not sure enough of others"
FEWEST = 30
"""Decisions below which nothing is compared and no temperature is fitted."""
FEWEST_GROUPS = 10
"""Groups below which, where decisions come in groups, nothing is called miscalibrated."""
MOST_FITTED, CELLS_FITTED = 2000, 40_000
"""Validation decisions, and probabilities of theirs, that the interval of the temperature is resampled from at most."""


class Calibration(Challenge[None]):
    """Calibration error beside its null, before and after a temperature; Brier score and log loss."""

    id, title, order = "calibration", "Calibration", 100

    def needs(self, context: EvaluationContext) -> str:
        """Decisions with a confidence."""
        return NO_CONFIDENCE if context.task.row_metrics[0].hit is None else ""

    def seconds(self, context: EvaluationContext) -> float:
        """An answer and a loss for each validation row, and the resampling."""
        return 1.0 + 2 * len(context.validation) * context.row_seconds

    def measure(self, context: EvaluationContext) -> Findings:
        """The errors and scores."""
        decided = decisions(context.task, context.row_records)
        if not len(decided):
            raise NotMeasured(NO_CONFIDENCE)
        if len(decided) < FEWEST:
            few = f"the test rows hold {len(decided)} decisions, and at least {FEWEST} are needed to compare shares"
            raise NotMeasured(few)
        learnt = decisions(context.task, context.validation_records) if len(context.validation) else None
        temperature = fit_temperature(learnt) if learnt is not None and len(learnt) >= FEWEST else None
        tempered = None if temperature is None else at_temperature(decided, temperature)
        null = null_of(decided, seed=context.seed)
        numbers = [*_errors(context, decided, null), *_after(context, learnt, tempered, temperature)]
        return Findings(
            _sentence(decided, numbers, null),
            tuple(numbers),
            (_figure(decided, tempered),),
            {} if temperature is None else {"before_and_after_the_temperature": _table(numbers)},
        )


# ---- numbers


def _errors(context: EvaluationContext, d: Decisions, null: np.ndarray) -> list[Number]:
    listed = d.scores is not None
    over = "over all options" if listed else "of right against wrong"
    return [
        _number(context, "ece", "calibration error", calibration_error(d, seed=context.seed),
                f"expected calibration error: mean |accuracy − confidence| over {BINS} bins of equal mass"),
        _number(context, "ece_null", "calibration error of a calibrated model", _null(null),
                "mean and middle 95 % of that error if each answer were right as often as the model says", "estimated"),
        _number(context, "ece_null_95", "largest plausible error of a calibrated model",
                Estimate(float(np.quantile(null, 0.95)), n=len(d)),
                f"95th percentile of that error over {REDRAWS} redraws: only an error above it shows miscalibration",
                "estimated"),
        _number(context, "ece_equal_width", "calibration error, bins of equal width",
                calibration_error(d, "equal width", context.seed),
                f"expected calibration error over {BINS} bins of equal width, as most papers print it"),
        _number(context, "brier", "Brier score", _mean(context, d, brier(d), _brier_bounds(d)),
                f"mean squared distance of the probabilities from the truth, {over}; lower is better"),
        _number(context, "nll", "log loss", _mean(context, d, log_loss(d), POSITIVE),
                f"minus mean log-probability of what turned out true, {over}; lower is better", unit="nats"),
    ]  # fmt: skip


def _after(
    context: EvaluationContext, learnt: Decisions | None, tempered: Decisions | None, temperature: float | None
) -> list[Number]:
    """What a temperature would change, where enough validation rows were there to fit one."""
    if learnt is None or tempered is None or temperature is None:
        return []
    null = null_of(tempered, seed=context.seed)
    return [
        _number(context, "ece_tempered", "calibration error after temperature",
                calibration_error(tempered, seed=context.seed),
                "the same error on the test rows with the temperature fitted on the validation rows"),
        _number(context, "ece_null_95_tempered", "largest plausible error after temperature",
                Estimate(float(np.quantile(null, 0.95)), n=len(tempered)),
                "95th percentile of that error, with that temperature, if each answer were right as often as it then "
                "says", "estimated"),
        _number(context, "brier_tempered", "Brier score after temperature",
                _mean(context, tempered, brier(tempered), _brier_bounds(tempered)),
                "the Brier score of the test rows with that temperature"),
        _number(context, "nll_tempered", "log loss after temperature",
                _mean(context, tempered, log_loss(tempered), POSITIVE),
                "the log loss of the test rows with that temperature", unit="nats"),
        _number(context, "temperature", "temperature", _spread_of_temperature(context, learnt, temperature),
                "the T of least log loss on the validation rows when all log-probabilities are divided by T, one more "
                "in n + 2 taken to be wrong (Platt); above 1 the model is too sure"),
    ]  # fmt: skip


def _table(numbers: list[Number]) -> list[dict[str, Any]]:
    """Each error and score before the temperature, and after it."""
    found = {number.id: number for number in numbers}
    rows = []
    for id in ("ece", "ece_null_95", "brier", "nll"):
        pair = {"before": found[id].estimate, "after": found[f"{id}_tempered"].estimate}
        cells = {when: {"value": e.value, "low": e.low, "high": e.high} for when, e in pair.items()}
        rows.append({"number": found[id].name, **cells})
    return rows


def _number(
    context: EvaluationContext,
    id: str,
    name: str,
    found: Estimate,
    definition: str,
    kind: Kind = "measured",
    unit: str = "",
) -> Number:
    return Number(id, name, found, definition, unit, kind, seed=context.seed)


def _mean(context: EvaluationContext, d: Decisions, values: np.ndarray, bounds: Bounds) -> Estimate:
    return bootstrap(values, mean, d.groups, context.seed, bounds=bounds)


def _brier_bounds(d: Decisions) -> Bounds:
    """Summed over options a squared distance may reach 2; of right against wrong it is at most 1."""
    return SHARE if d.scores is None else (0.0, 2.0)


def _null(null: np.ndarray) -> Estimate:
    mean = float(null.mean())
    low, high = np.quantile(null, [0.025, 0.975])  # a null that is nearly always 0 has its mean above both
    return Estimate(mean, min(float(low), mean), max(float(high), mean), len(null), interval="consistency resampling")


def _spread_of_temperature(context: EvaluationContext, learnt: Decisions, temperature: float) -> Estimate:
    wide = 1 if learnt.scores is None else learnt.scores.shape[1]
    most = min(MOST_FITTED, max(200, CELLS_FITTED // wide))
    few = learnt  # or some drawn at random: the first ones may all be of one class
    if len(learnt) > most:
        few = learnt.take(np.sort(context.rng("rows for the temperature").permutation(len(learnt))[:most]))
    rows = np.arange(len(few))
    found = bootstrap(
        rows, lambda some: fit_temperature(few.take(some)), few.groups, context.seed, resamples=200, bounds=POSITIVE
    )
    if found.low is None or found.high is None:
        return replace(found, value=temperature)
    ratio = temperature / found.value  # what is drawn has its own best temperature; the interval goes with that of all
    return replace(found, value=temperature, low=found.low * ratio, high=found.high * ratio)


# ---- words and picture


def _sentence(d: Decisions, numbers: list[Number], null: np.ndarray) -> str:
    found = {number.id: number.estimate for number in numbers}
    said, right, limit = float(d.confidences.mean()), float(d.hits.mean()), float(np.quantile(null, 0.95))
    both = f"it says {said:.3f} on average and is right {right:.3f} of the time"
    groups = len(set(d.groups))
    if d.tied and groups < FEWEST_GROUPS:
        sentence = (
            f"The {len(d)} decisions come in {groups} groups, too few to say whether the model is calibrated: {both}; "
            f"the calibration error is {found['ece']}."
        )
    elif found["ece"].value <= limit:
        sentence = (
            f"No evidence of miscalibration at this n: {both}; the calibration error is {found['ece']}, and a "
            f"perfectly calibrated model would show up to {limit:.3f} on {len(d)} decisions."
        )
    else:
        gap, half = said - right, found["ece"].value / 2
        verdict = MIXED
        if abs(gap) > half:
            verdict = "overconfident" if gap > 0 else "underconfident"
        sentence = (
            f"The model is {verdict}: {both}; the calibration error is {found['ece']}, above the {limit:.3f} that a "
            f"perfectly calibrated model could show on {len(d)} decisions."
        )
        if "ece_tempered" in found:
            t = found["temperature"]
            after, most = found["ece_tempered"], found["ece_null_95_tempered"].value
            sentence += f" A temperature of {t.value:.2f}, fitted on validation, makes it {after}, "
            sentence += "which a calibrated model could show." if after.value <= most else f"still above {most:.3f}."
    if "ece_tempered" not in found:
        sentence += f" No temperature was fitted: fewer than {FEWEST} validation decisions."
    return sentence


def _figure(d: Decisions, tempered: Decisions | None) -> Figure:
    series = {"as the model says": _points(d)}
    if tempered is not None:
        series["after temperature"] = _points(tempered)
    caption = (
        f"Share that is right against confidence, in {BINS} bins of equal width (those of equal mass crowd where the "
        "model is sure); lines are 95 % intervals of each bin. Points below the diagonal are too sure."
    )
    return Figure("calibration_reliability", caption, plots.reliability(series))


def _points(d: Decisions) -> list[tuple[float, Estimate]]:
    places = bin_of(d.confidences, mass="equal width")
    bins = [places == b for b in np.unique(places)]
    return [(float(d.confidences[b].mean()), wilson(float(d.hits[b].sum()), int(b.sum()))) for b in bins]
