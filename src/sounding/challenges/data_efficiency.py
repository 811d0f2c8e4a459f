"""What fewer labels would have given, and what more might: the label-efficiency curve.

New models are trained on nested parts of the training rows, all with the same number of steps, so that what differs is
the labels and not the training. Each draw is another order of the rows with another seed; the spread over draws is the
spread of the whole procedure.

Legend of shapes: S sizes, D draws.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sounding.challenges.curves import Censored, area, at, labels_to, nested_order, sizes
from sounding.engine import plots
from sounding.engine.data import Examples
from sounding.engine.evaluation import trials
from sounding.engine.evidence import Estimate, Figure, Kind, Number, Section, not_applicable, skipped, timed
from sounding.engine.intervals import mean_t
from sounding.engine.records import Example
from sounding.engine.subject import Subject
from sounding.engine.task import Task
from sounding.engine.training import Budget, fit

ID, TITLE = "data_efficiency", "Data efficiency"
FEWEST = 40
ENOUGH = 0.9
"""The share of the full score that `n90` asks for."""
WORTHWHILE = 1 / 8
"""A curve of trainings shorter than this share of the run's own would not speak of it."""


@dataclass(frozen=True)
class Plan:
    """How much is trained: shares of the rows, draws, the seconds that it may take, and test rows that judge."""

    shares: tuple[float, ...]
    draws: int
    seconds: float
    test: int


PLANS: Mapping[str, Plan] = {
    "quick": Plan((0.10, 0.30, 1.0), 3, 24.0, 500),
    "standard": Plan((0.05, 0.10, 0.20, 0.50, 1.0), 3, 120.0, 1000),
    "full": Plan((0.02, 0.05, 0.10, 0.20, 0.50, 1.0), 5, math.inf, 5000),
}


@dataclass(frozen=True)
class Curve:
    """The headline metric `scores` [D, S] of models trained on `sizes` [S] rows for `steps` steps each."""

    sizes: list[int]
    scores: np.ndarray
    steps: int


def measure(subject: Subject) -> Section:
    """The curve and what it says: its area, the labels to 90 % of the full score, the gain of the last doubling."""
    started = time.perf_counter()
    task, plan = subject.task, PLANS[subject.profile]
    if type(task).gather is not Task.gather:
        return not_applicable(
            ID, TITLE, "this task makes its own examples while it trains, so there are no labels to save"
        )
    if len(subject.train) < FEWEST or not len(subject.test):
        reason = (
            f"{len(subject.train)} training and {len(subject.test)} test rows are too few for a curve ({FEWEST} and 1)"
        )
        return not_applicable(ID, TITLE, reason)
    targets = _targets(subject)
    grid = sizes(len(subject.train), plan.shares, 2 * len(set(targets)) if targets else 10)
    steps = _affordable(subject.training, plan, len(grid))
    if len(grid) < 3:
        return not_applicable(
            ID, TITLE, f"{len(subject.train)} rows of {len(set(targets))} classes leave no room for a curve"
        )
    if steps is None:
        return skipped(ID, TITLE, _refusal(subject.training, plan, len(grid)))
    curve = trace(subject, grid, plan, steps, targets)
    section = _findings(subject, curve, time.perf_counter() - started)
    return timed(section, time.perf_counter() - started)


def trace(subject: Subject, grid: Sequence[int], plan: Plan, steps: int, targets: list[Any]) -> Curve:
    """Train a new model for every draw and size, and score it on the same test rows."""
    judges = subject.sample(plan.test, "data efficiency")
    scores = np.empty((plan.draws, len(grid)))
    for draw in range(plan.draws):
        order = nested_order(targets or len(subject.train), subject.rng(f"draw {draw}"))
        for i, n in enumerate(grid):
            scores[draw, i] = _score(subject, _rows(subject.train, order[:n]), judges, steps, draw)
    return Curve(list(grid), scores, steps)


def _score(subject: Subject, rows: Sequence[Example], judges: Sequence[Example], steps: int, draw: int) -> float:
    task = type(subject.task).restored(subject.task.state())
    # The last weights are scored: with few labels there would be no validation rows to choose others by.
    task.recipe = replace(task.recipe, validations=1, patience=0)
    fitted = fit(task, rows, (), budget=Budget(steps=steps), seed=subject.seed * 1000 + draw)
    return task.metrics[0].value(trials(task, fitted.model, judges))


def _targets(subject: Subject) -> list[Any]:
    """The training rows' answers where they are one of a finite list, else nothing."""
    if subject.task.target.options is None:
        return []
    if isinstance(subject.train, Examples):
        return list(subject.train.targets)
    return [e.target for e in subject.train]


def _rows(rows: Sequence[Example], order: np.ndarray) -> Sequence[Example]:
    return rows[order] if isinstance(rows, Examples) else [rows[int(i)] for i in order]


# ---- what it costs


def _affordable(training: Mapping[str, Any], plan: Plan, points: int) -> int | None:
    """The steps of each training: the run's own, or fewer to keep the time, or None when that would be too few."""
    own = int(training.get("steps") or 0)
    if not own or not training.get("seconds"):
        return None
    fit_in = plan.seconds / (points * plan.draws) / (training["seconds"] / own)
    steps = own if fit_in >= own else int(fit_in)
    return steps if steps >= max(1, own * WORTHWHILE) else None


def _refusal(training: Mapping[str, Any], plan: Plan, points: int) -> str:
    runs = points * plan.draws
    if not training.get("seconds"):
        return f"a label-efficiency curve retrains the model {runs} times, and what a training costs was not recorded"
    full = PLANS["full"]
    runs = len(full.shares) * full.draws
    minutes = max(1, round(training["seconds"] * runs / 60))
    return (
        f"a label-efficiency curve retrains the model {runs} times, about {minutes} minute{'s'[: minutes != 1]}; "
        "run sounding card RUN --full"
    )


# ---- what it says


def _findings(subject: Subject, curve: Curve, seconds: float) -> Section:
    metric, n = subject.task.metrics[0], curve.sizes[-1]
    trained = f"{len(curve.scores)} draws of rows and seeds, {curve.steps} steps at every size"

    def number(id: str, name: str, found: Estimate, definition: str, unit: str, kind: Kind = "measured") -> Number:
        return Number(id, name, found, f"{definition}; {trained}", unit, kind, subject.seed, seconds)

    aulc = mean_t([area(curve.sizes, scores) for scores in curve.scores], of="draws")
    gain = mean_t(
        [scores[-1] - at(max(n / 2, curve.sizes[0]), curve.sizes, scores) for scores in curve.scores], of="draws"
    )
    needed, censored = labels_needed(curve, metric.higher_is_better)
    numbers = (
        number("aulc", "area under the label-efficiency curve", aulc,
               f"mean {metric.name} over log2 of the rows, from {curve.sizes[0]} to {n}", metric.unit),
        number("n90", "labels to 90 % of the full score", needed,
               f"rows{' (' + censored + ')' if censored else ''} at which {metric.name} reaches 90 % of that with all "
               f"{n}, by interpolation in log n", "rows", "bound" if censored else "measured"),
        number("last_doubling", "gain from the last doubling of labels", gain,
               f"{metric.name} with all {n} rows minus that with half of them", metric.unit),
    )  # fmt: skip
    points = [mean_t(curve.scores[:, i], of="draws") for i in range(len(curve.sizes))]
    figure = Figure(
        "data_efficiency_curve",
        f"{metric.name} of models trained on parts of the rows; the band is a 95 % interval over draws.",
        plots.curve(curve.sizes, {metric.name: points}, "training rows", metric.name, log_x=True),
    )
    details = {"sizes": curve.sizes, "scores": curve.scores.round(5).tolist(), "steps": curve.steps}
    sentence = _sentence(metric.name, metric.higher_is_better, curve, gain, needed, censored)
    return Section(ID, TITLE, sentence, numbers, (figure,), details=details)


def labels_needed(curve: Curve, higher_is_better: bool = True) -> tuple[Estimate, Censored]:
    """The rows to 90 % of each draw's full score: geometric mean with Student's t in log n, within the sizes tried.

    Where a score is better when lower, 90 % is taken of its inverse. A bound for any draw is a bound for all.
    """
    found = []
    for scores in curve.scores:
        level = scores[-1] * ENOUGH if higher_is_better else scores[-1] / ENOUGH
        found.append(labels_to(level, curve.sizes, scores, higher_is_better))
    censored: Censored = next((side for _, side in found if side), "")
    e = mean_t([math.log2(n) for n, _ in found], of="draws in log n")
    if e.low is None or e.high is None:
        return replace(e, value=2**e.value), censored
    value, low, high = (float(np.clip(2**n, curve.sizes[0], curve.sizes[-1])) for n in (e.value, e.low, e.high))
    return replace(e, value=value, low=low, high=high), censored


def _sentence(
    name: str, higher_is_better: bool, curve: Curve, gain: Estimate, needed: Estimate, censored: Censored
) -> str:
    n = curve.sizes[-1]
    bound = f"{censored} " if censored else ""
    sentence = f"{bound}{needed.value:.0f} of the {n} training rows give 90 % of what all of them give".capitalize()
    if needed.low is not None and needed.high is not None and not censored:
        sentence += f" [{needed.low:.0f}, {needed.high:.0f}]"
    sentence += f" ({curve.steps} steps each). The last doubling of the labels changed {name} by {gain}"
    if gain.low is None or gain.high is None:
        return sentence + "."
    better, worse = (gain.low > 0, gain.high < 0) if higher_is_better else (gain.high < 0, gain.low > 0)
    if better:
        return sentence + ": more labels would likely help."
    return sentence + (": more labels did not help." if worse else ", which is not told apart from none.")
