"""Whether the model is right as often as it says: confidence against measured accuracy, on average and in bins.

The expected calibration error (ECE) of even a perfectly calibrated model is above 0 on a finite test set, so it stands
beside its *null*: what it would be if answers were right exactly as often as the model says (those of a group perhaps
together). The mean confidence is set against the share that is right as well (calibration in the large), which tells
of a shift of all confidences where the decisions are too few for bins. A calibrated model fails the test of bins in
5 % of samples and that of the mean in 1 %, and the sentence follows the stronger. The temperature that would mend it is
fitted on the validation rows alone, and every error and score is given before and after it (`temperature` applies it to
predictions).
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
from sounding.challenges.confidences.in_the_large import mean_gap, p_of_mean
from sounding.challenges.contests.expectations import of_results
from sounding.contract.contest import contest_of
from sounding.contract.evidence import Estimate, Figure, Kind, Number
from sounding.contract.metrics import POSITIVE, SHARE, Bounds, mean
from sounding.evaluation import plots
from sounding.evaluation.challenge import Challenge, Findings, NotMeasured
from sounding.evaluation.context import EvaluationContext
from sounding.evaluation.intervals import bootstrap, wilson
from sounding.wording import counted

NO_CONFIDENCE = "the answers of this task carry no confidence that could be right or wrong"
MIXED = "miscalibrated, overconfident in some answers and underconfident in others"
FEWEST = 30
"""Decisions below which nothing is compared and no temperature is fitted."""
FEWEST_GROUPS = 10
"""Groups below which, where decisions come in groups, nothing is called miscalibrated."""
BY_BINS, BY_THE_MEAN = 0.05, 0.01
"""How often a calibrated model may be called miscalibrated by its bins, and by its mean."""
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
        plain = [*_errors(context, decided, null), *_scores(context, decided)]
        numbers = [*plain, *_after(context, learnt, tempered, temperature)]
        contest = contest_of(context.task, context.model)
        game = Findings("") if contest is None else of_results(context, contest)
        return Findings(
            _sentence(decided, numbers, null) + game.sentence,
            (*numbers, *game.numbers),
            (_figure(decided, tempered),),
            {} if temperature is None else {"before_and_after_the_temperature": _table(numbers)},
        )


# ---- numbers


def _errors(context: EvaluationContext, d: Decisions, null: np.ndarray) -> list[Number]:
    """How far the confidence is from the share that is right, and how far it would be by chance."""
    return [
        _number(
            context,
            "ece",
            "calibration error",
            calibration_error(d, seed=context.seed),
            f"expected calibration error: mean |accuracy − confidence| over {BINS} bins of equal mass",
        ),
        _number(
            context,
            "ece_null",
            "calibration error of a calibrated model",
            _null(null),
            "mean and middle 95 % of that error if each answer were right as often as the model says",
            "estimated",
        ),
        _number(
            context,
            "ece_null_95",
            "largest plausible error of a calibrated model",
            Estimate(_limit(null), n=len(d)),
            f"95th percentile of that error over {REDRAWS} redraws: only an error above it shows miscalibration",
            "estimated",
        ),
        _number(
            context,
            "mean_gap",
            "confidence minus accuracy",
            mean_gap(d, context.seed),
            "mean confidence minus the share that is right (calibration in the large): above 0 too sure",
        ),
        _number(
            context,
            "mean_gap_p",
            "p-value of that difference",
            Estimate(p_of_mean(d, context.seed), n=len(d)),
            "how often a calibrated model shows a difference as large by chance, on either side (Poisson-binomial; "
            "where decisions come in groups, also with the groups turned round together)",
            "estimated",
        ),
        _number(
            context,
            "ece_equal_width",
            "calibration error, bins of equal width",
            calibration_error(d, "equal width", context.seed),
            f"expected calibration error over {BINS} bins of equal width, as most papers print it",
        ),
    ]


def _scores(context: EvaluationContext, d: Decisions) -> list[Number]:
    """Proper scores of the probabilities, which calibration and knowledge both make better."""
    over = "of right against wrong" if d.scores is None else "over all options"
    return [
        _number(
            context,
            "brier",
            "Brier score",
            _mean(context, d, brier(d), _brier_bounds(d)),
            f"mean squared distance of the probabilities from the truth, {over}; lower is better",
        ),
        _number(
            context,
            "nll",
            "log loss",
            _mean(context, d, log_loss(d), POSITIVE),
            f"mean negative log-probability of the truth, {over}; lower is better",
            unit="nats",
        ),
    ]


def _after(
    context: EvaluationContext, learnt: Decisions | None, tempered: Decisions | None, temperature: float | None
) -> list[Number]:
    """What a temperature would change, where enough validation rows were there to fit one."""
    if learnt is None or tempered is None or temperature is None:
        return []
    null = null_of(tempered, seed=context.seed)
    return [
        _number(
            context,
            "ece_tempered",
            "calibration error after temperature",
            calibration_error(tempered, seed=context.seed),
            "the same error on the test rows with the temperature fitted on the validation rows",
        ),
        _number(
            context,
            "ece_null_95_tempered",
            "largest plausible error after temperature",
            Estimate(_limit(null), n=len(tempered)),
            "95th percentile of that error, with that temperature, if each answer were right as often as it then says",
            "estimated",
        ),
        _number(
            context,
            "brier_tempered",
            "Brier score after temperature",
            _mean(context, tempered, brier(tempered), _brier_bounds(tempered)),
            "the Brier score of the test rows with that temperature",
        ),
        _number(
            context,
            "nll_tempered",
            "log loss after temperature",
            _mean(context, tempered, log_loss(tempered), POSITIVE),
            "the log loss of the test rows with that temperature",
            unit="nats",
        ),
        _number(
            context,
            "temperature",
            "temperature",
            _spread_of_temperature(context, learnt, temperature),
            "the T of least log loss on the validation rows when all log-probabilities are divided by T, one more "
            "in n + 2 taken to be wrong (Platt); above 1 the model is overconfident",
        ),
    ]


def _table(numbers: list[Number]) -> list[dict[str, Any]]:
    """Each error and score before the temperature, and after it."""
    found = {number.id: number for number in numbers}
    rows = []
    for id in ("ece", "ece_null_95", "brier", "nll"):
        pair = {"before": found[id].estimate, "after": found[f"{id}_tempered"].estimate}
        cells = {when: e.cell for when, e in pair.items()}
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


def _limit(null: np.ndarray) -> float:
    """The largest error that is no sign of miscalibration."""
    return float(np.quantile(null, 1 - BY_BINS))


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
    groups, few = len(set(d.groups)), ""
    if "ece_tempered" not in found:
        few = f" No temperature was fitted: fewer than {FEWEST} validation decisions."
    if d.tied and groups < FEWEST_GROUPS:
        return (
            f"The {len(d):,} decisions come in {counted(groups, 'group')}, too few to say whether the model is "
            f"calibrated: {_both(d)}; the calibration error is {found['ece']}.{few}"
        )
    of_mean, of_bins = found["mean_gap_p"].value, _p_of_bins(found["ece"].value, null)
    if of_mean > BY_THE_MEAN and of_bins > BY_BINS:
        return (
            f"No evidence of miscalibration at this n: {_both(d)}; the calibration error is {found['ece']}, and a "
            f"perfectly calibrated model would show up to {_limit(null):.3f} on {len(d):,} decisions.{few}"
        )
    told = _by_the_mean(d, found) if of_mean <= min(of_bins, BY_THE_MEAN) else _by_bins(d, found, _limit(null))
    return f"{told}{_mended(found)}{few}"


def _both(d: Decisions) -> str:
    return f"it says {d.confidences.mean():.3f} on average and is right {d.hits.mean():.3f} of the time"


def _p_of_bins(error: float, null: np.ndarray) -> float:
    """How often a calibrated model shows an error as large; 1 for one within the limit."""
    return (1 + int((null >= error).sum())) / (len(null) + 1) if error > _limit(null) else 1.0


def _by_the_mean(d: Decisions, found: dict[str, Estimate]) -> str:
    verdict, p = "overconfident" if found["mean_gap"].value > 0 else "underconfident", found["mean_gap_p"].value
    rarely = "less than once in 1,000" if p < 0.001 else f"{1000 * p:.0f} times in 1,000"
    return (
        f"The model is {verdict}: {_both(d)}, a difference of {found['mean_gap']} that a perfectly calibrated model "
        f"shows {rarely} on {len(d):,} decisions; the calibration error is {found['ece']}."
    )


def _by_bins(d: Decisions, found: dict[str, Estimate], limit: float) -> str:
    gap, verdict = found["mean_gap"].value, MIXED
    if abs(gap) > found["ece"].value / 2:
        verdict = "overconfident" if gap > 0 else "underconfident"
    return (
        f"The model is {verdict}: {_both(d)}; the calibration error is {found['ece']}, above the {limit:.3f} that a "
        f"perfectly calibrated model could show on {len(d):,} decisions."
    )


def _mended(found: dict[str, Estimate]) -> str:
    """What a temperature would change."""
    if "ece_tempered" not in found:
        return ""
    after, most = found["ece_tempered"], found["ece_null_95_tempered"].value
    verdict = "which a calibrated model could show." if after.value <= most else f"still above {most:.3f}."
    said = f"A temperature of {found['temperature'].value:.2f}, fitted on validation"
    return f" {said}, makes the calibration error {after}, {verdict}"


def _figure(d: Decisions, tempered: Decisions | None) -> Figure:
    series = {"as the model says": _points(d)}
    if tempered is not None:
        series["after temperature"] = _points(tempered)
    caption = (
        f"Share that is right against confidence, in {BINS} bins of equal width (those of equal mass crowd where the "
        "model is sure); lines are 95 % intervals of each bin. Points below the diagonal are overconfident."
    )
    return Figure("calibration_reliability", caption, plots.reliability(series))


def _points(d: Decisions) -> list[tuple[float, Estimate]]:
    places = bin_of(d.confidences, mass="equal width")
    bins = [places == b for b in np.unique(places)]
    return [(float(d.confidences[b].mean()), wilson(float(d.hits[b].sum()), int(b.sum()))) for b in bins]
