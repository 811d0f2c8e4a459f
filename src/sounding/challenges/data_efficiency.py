"""What fewer labels would have given, and what more might: the label-efficiency curve.

New models are trained on nested parts of the training rows, all with the same number of steps, so that what differs is
the labels and not the training. Each draw is another order of the rows with another seed; the spread over draws is the
spread of the whole procedure. All draws are judged on the same test rows, whose own spread is not in the intervals.

Legend of shapes: S sizes, D draws.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from sounding.challenges.labels.curves import Censored, Curve, area, at, labels_to, nested_order, sizes
from sounding.challenges.labels.helping import help_of
from sounding.challenges.labels.retraining import Round, Say, affordable, price, retrained
from sounding.contract.evidence import Estimate, Figure, Kind, Number, Section, not_applicable, skipped, timed
from sounding.contract.records import Example
from sounding.contract.task import targets
from sounding.data import picked
from sounding.errors import TrainingError
from sounding.evaluation import plots
from sounding.evaluation.context import EvaluationContext
from sounding.evaluation.evaluation import evaluate_rows
from sounding.evaluation.intervals import mean_t

__all__ = ["PLANS", "Curve", "Plan", "labels_needed", "measure", "trace"]

ID, TITLE = "data_efficiency", "Data efficiency"
FEWEST = 40
ENOUGH = 0.9
"""The share of the full score that `n90` asks for."""


@dataclass(frozen=True)
class Plan:
    """How much is trained: shares of the rows, draws, the seconds that it may take, test rows that judge, and numbers
    of labels for each class that are tried beside the shares, as semi-supervised learning prints them.
    """

    shares: tuple[float, ...]
    draws: int
    seconds: float
    test: int
    per_class: tuple[int, ...] = ()


PLANS: Mapping[str, Plan] = {
    "quick": Plan((0.10, 0.30, 1.0), 3, 24.0, 500),
    "standard": Plan((0.05, 0.10, 0.20, 0.50, 1.0), 3, 120.0, 1000),
    "full": Plan((0.02, 0.05, 0.10, 0.20, 0.50, 1.0), 5, math.inf, 5000, (4, 25, 400)),
}


@dataclass(frozen=True)
class Grid:
    """What is tried: `sizes` rows in the proportions of the classes, and `per_class` rows of each class."""

    sizes: list[int]
    per_class: list[int] = field(default_factory=list)

    @property
    def points(self) -> int:
        """Trainings of one draw."""
        return len(self.sizes) + len(self.per_class)


def measure(
    context: EvaluationContext, *, kept: MutableMapping[str, float] | None = None, progress: Say | None = None
) -> Section:
    """The curve and what it says: its area, the labels to 90 % of the full score, the gain of the last doubling.

    Where something stood in for labels and a control was trained, what that was worth comes first. `kept` takes in the
    score of each training as it ends, and a measurement that is started again with it takes the scores from there.
    `progress` hears which training it is and how long the others may take.
    """
    started = time.perf_counter()
    section, help = _curve(context, kept, progress), help_of(context)
    return timed(help.added(section) if help else section, time.perf_counter() - started)


def _curve(context: EvaluationContext, kept: MutableMapping[str, float] | None, progress: Say | None) -> Section:
    started = time.perf_counter()
    plan = PLANS[context.profile]
    if reason := _impossible(context, plan):
        return not_applicable(ID, TITLE, reason)
    answers = _answers(context)
    grid = _grid(plan, len(context.train), answers)
    steps = affordable(context.training, plan.seconds, grid.points * plan.draws)
    if steps is None:
        full = _grid(PLANS["full"], len(context.train), answers).points * PLANS["full"].draws
        way = "; run sounding card RUN --full" if context.training.get("seconds") else ""
        return skipped(ID, TITLE, f"a label-efficiency curve {price(context.training, full)}{way}")
    try:
        curve, by_class = trace(context, grid, plan, steps, Round(grid.points * plan.draws, progress, kept))
    except TrainingError as error:
        return skipped(ID, TITLE, f"a training on part of the rows failed: {error.what}")
    if not np.isfinite([*curve.scores.ravel(), *np.ravel(list(by_class.values()))]).all():
        return skipped(ID, TITLE, f"a training on part of the rows gave no {context.task.metrics[0].name}")
    return _findings(context, curve, by_class, time.perf_counter() - started)


def trace(
    context: EvaluationContext, grid: Grid, plan: Plan, steps: int, work: Round
) -> tuple[Curve, dict[int, list[float]]]:
    """Train a new model for every draw and size, and score it on the same test rows.

    Gives the curve, and for each number of labels per class the score of each draw.
    """
    judges, answers = context.sample(plan.test, "data efficiency"), _answers(context)
    scores = np.empty((plan.draws, len(grid.sizes)))
    by_class: dict[int, list[float]] = {count: [] for count in grid.per_class}

    def score(draw: int, name: str, indices: np.ndarray) -> float:
        label = (
            f"{ID} seed {context.seed} draw {draw}: {name} of {len(context.train)}, {steps} steps, {len(judges)} judges"
        )
        return work.score(label, lambda: _score(context, picked(context.train, indices), judges, steps, draw))

    for draw in range(plan.draws):
        order = nested_order(answers or len(context.train), context.rng(f"draw {draw}"))
        for i, n in enumerate(grid.sizes):
            scores[draw, i] = score(draw, f"{n} rows", order[:n])
        if grid.per_class:  # so many of each class come first, in turn
            order = nested_order(answers, context.rng(f"draw {draw} by class"), max(grid.per_class))
        for count in grid.per_class:
            by_class[count].append(score(draw, f"{count} per class", order[: count * len(set(answers))]))
    return Curve(grid.sizes, scores, steps), by_class


def _score(
    context: EvaluationContext, rows: Sequence[Example], judges: Sequence[Example], steps: int, draw: int
) -> float:
    model = retrained(context.task, rows, steps, context.seed * 1000 + draw)
    return context.task.metrics[0].value(evaluate_rows(context.task, model, judges))


def _impossible(context: EvaluationContext, plan: Plan) -> str:
    """Why there can be no curve, or nothing."""
    n, judges = len(context.train), len(context.test)
    if context.task.collects:
        return "this task makes its own examples while it trains, so there are no labels to save"
    if n < FEWEST or not judges:
        return f"{n} training and {judges} test rows are too few for a curve ({FEWEST} and 1)"
    answers = _answers(context)
    if len(_grid(plan, n, answers).sizes) < 3:
        return f"{n} rows of {len(set(answers))} classes leave no room for a curve"
    return ""


def _grid(plan: Plan, rows: int, answers: Sequence[object]) -> Grid:
    """The sizes to try; numbers per class only as far as every class has so many rows."""
    times = Counter(answers)
    whole = sizes(rows, plan.shares, 2 * len(times) if times else 10)
    fewest = min(times.values(), default=0)
    return Grid(whole, [count for count in plan.per_class if count <= fewest and count * len(times) < rows])


def _answers(context: EvaluationContext) -> list[str]:
    """The training rows' answers where they are one of a finite list, else nothing."""
    return [] if context.task.target.classes is None else list(targets(context.train))


# ---- what it says


def _findings(
    context: EvaluationContext, curve: Curve, by_class: Mapping[int, Sequence[float]], seconds: float
) -> Section:
    metric, n = context.task.metrics[0], curve.sizes[-1]
    trained = f"{len(curve.scores)} draws of rows and seeds (on the same test rows), {curve.steps} steps at every size"

    def number(id: str, name: str, found: Estimate, definition: str, unit: str, kind: Kind = "measured") -> Number:
        return Number(id, name, found, f"{definition}; {trained}", unit, kind, context.seed, seconds)

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
        *(number(f"per_class_{count}", f"{metric.name} with {count} labels per class", mean_t(scores, of="draws"),
                 f"{metric.name} of models trained on {count} rows of each class", metric.unit)
          for count, scores in by_class.items()),
    )  # fmt: skip
    points = [mean_t(curve.scores[:, i], of="draws") for i in range(len(curve.sizes))]
    figure = Figure(
        "data_efficiency_curve",
        f"{metric.name} of models trained on parts of the rows; the band is a 95 % interval over draws.",
        plots.curve(curve.sizes, {metric.name: points}, "training rows", metric.name, log_x=True),
    )
    details = {"sizes": curve.sizes, "scores": curve.scores.round(5).tolist(), "steps": curve.steps}
    if by_class:
        details["per_class"] = {str(count): [round(score, 5) for score in scores] for count, scores in by_class.items()}
    sentence = _sentence(metric.name, metric.higher_is_better, curve, gain, needed, censored)
    return Section(ID, TITLE, sentence, numbers, (figure,), details=details)


def labels_needed(curve: Curve, higher_is_better: bool = True) -> tuple[Estimate, Censored]:
    """The rows to 90 % of each draw's full score: geometric mean with Student's t in log n, within the sizes tried.

    Where a score is better when lower, 90 % is taken of its inverse. A bound for any draw is a bound for all, and has
    no interval.
    """
    found = []
    for scores in curve.scores:
        level = scores[-1] * ENOUGH if higher_is_better else scores[-1] / ENOUGH
        found.append(labels_to(level, curve.sizes, scores, higher_is_better))
    censored: Censored = next((side for _, side in found if side), "")
    e = mean_t([math.log2(n) for n, _ in found], of="draws in log n")
    known = () if censored or e.low is None or e.high is None else (e.low, e.high)
    value, *ends = (float(np.clip(2**n, curve.sizes[0], curve.sizes[-1])) for n in (e.value, *known))
    return replace(e, value=value, low=ends[0], high=ends[1]) if ends else Estimate(value, n=e.n), censored


def _sentence(
    name: str, higher_is_better: bool, curve: Curve, gain: Estimate, needed: Estimate, censored: Censored
) -> str:
    n = curve.sizes[-1]
    bound = f"{censored} " if censored else ""
    sentence = f"{bound}{needed.value:.0f} of the {n} training rows give 90 % of what all of them give".capitalize()
    if needed.low is not None and needed.high is not None:
        sentence += f" [{needed.low:.0f}, {needed.high:.0f}]"
    sentence += f" ({curve.steps} steps each). The last doubling of the labels changed {name} by {gain}"
    if gain.low is None or gain.high is None:
        return sentence + "."
    better, worse = (gain.low > 0, gain.high < 0) if higher_is_better else (gain.high < 0, gain.low > 0)
    if better:
        return sentence + ": more labels would likely help."
    return sentence + (": more labels did not help." if worse else ", which is not told apart from none.")
