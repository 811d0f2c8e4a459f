"""What fewer labels would have given, and what more might: the label-efficiency curve.

New models are trained on nested parts of the training rows, all with the same number of steps, so that what differs is
the labels and not the training. Each draw is another order of the rows with another seed; the spread over draws is the
spread of the whole procedure. All draws are judged on the same test rows, whose own spread is not in the intervals.

Legend of shapes: S sizes, D draws.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from sounding.challenges.labels.curves import Censored, Curve, area, at, labels_to, nested_order, sizes
from sounding.challenges.labels.helping import has_control, help_of
from sounding.challenges.labels.retraining import Retrainings, price, retrained, steps_within
from sounding.contract.evidence import Bound, Estimate, Figure, Kind, Number
from sounding.contract.records import Example
from sounding.contract.task import Learning, targets
from sounding.data import picked
from sounding.errors import TrainingError
from sounding.evaluation import plots
from sounding.evaluation.bounded import of_change
from sounding.evaluation.challenge import Challenge, Findings, NotMeasured, Unasked, require_headline
from sounding.evaluation.context import EvaluationContext, Profile
from sounding.evaluation.evaluation import evaluate_rows
from sounding.evaluation.intervals import mean_t

ID = "data_efficiency"
FEWEST = 40
ENOUGH = 0.9
"""The share of the full score that `n90` asks for."""
_BOUNDS = {"": Bound.NONE, "at most": Bound.UPPER, "more than": Bound.LOWER}


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


PLANS: Mapping[Profile, Plan | None] = {
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


class DataEfficiency(Challenge[Plan]):
    """The curve and what it says: its area, the labels to 90 % of the full score, the gain of the last doubling.

    Where something stood in for labels and a control was trained, what that was worth comes first. `context.scores`
    takes in the score of each training as it ends, and a measurement that is started again takes it from there.
    """

    id, title, order = ID, "Data efficiency", 50
    rows = False  # too few of them is said in its own words
    plans = PLANS

    def needs(self, context: EvaluationContext) -> str:
        """Rows and time for trainings, or a control that was trained already."""
        return "" if has_control(context) else self._reason(context)

    def seconds(self, context: EvaluationContext) -> float:
        """The trainings of the grid, and judging each."""
        plan = self.plan(context)
        if self._reason(context):
            return 0.0
        trainings = _grid(plan, len(context.train), _answers(context)).points * plan.draws
        training = min(plan.seconds, trainings * float(context.training.get("seconds") or 0.0))
        return training + trainings * min(plan.test, len(context.test)) * 2 * context.row_seconds

    def measure(self, context: EvaluationContext) -> Findings:
        """What the help was worth, and the curve; either may be missing."""
        help = help_of(context)
        try:
            found = self._curve(context)
        except NotMeasured as nothing:
            if help is None:
                raise
            found = Findings(nothing.reason)
        return help.added(found) if help else found

    def _reason(self, context: EvaluationContext) -> str:
        """Why there can be no curve, or nothing."""
        plan = self.plan(context)
        if reason := _impossible(context, plan):
            return reason
        answers, n = _answers(context), len(context.train)
        if steps_within(context.training, plan.seconds, _grid(plan, n, answers).points * plan.draws) is not None:
            return ""
        full = PLANS["full"]
        assert full is not None
        way = "; run sounding card RUN --full" if context.training.get("seconds") else ""
        trainings = _grid(full, n, answers).points * full.draws
        return Unasked(f"a label-efficiency curve {price(context.training, trainings)}{way}")

    def _curve(self, context: EvaluationContext) -> Findings:
        if reason := self._reason(context):
            raise NotMeasured(reason)
        require_headline(context)
        plan = self.plan(context)
        grid = _grid(plan, len(context.train), _answers(context))
        trainings = grid.points * plan.draws
        steps = steps_within(context.training, plan.seconds, trainings) or 1
        try:
            curve, by_class = trace(context, grid, plan, steps, Retrainings(trainings, context.say, context.scores))
        except TrainingError as error:
            raise NotMeasured(Unasked(f"a training on part of the rows failed: {error.what}")) from None
        if not np.isfinite([*curve.scores.ravel(), *np.ravel(list(by_class.values()))]).all():
            what = f"a training on part of the rows gave no {context.task.row_metrics[0].name}"
            raise NotMeasured(Unasked(what))
        return _findings(context, curve, by_class)


def trace(
    context: EvaluationContext, grid: Grid, plan: Plan, steps: int, work: Retrainings
) -> tuple[Curve, dict[int, list[float]]]:
    """Train a new model for every draw and size, and score it on the same test rows.

    Gives the curve, and for each number of labels per class the score of each draw.
    """
    judges, answers = context.sample(plan.test, "data efficiency"), _answers(context)
    scores = np.empty((plan.draws, len(grid.sizes)))
    by_class: dict[int, list[float]] = {count: [] for count in grid.per_class}

    def scored(draw: int, rows: Sequence[Example]) -> float:
        model = retrained(context.task, rows, steps, context.seed * 1000 + draw, work.reporter)
        return context.task.row_metrics[0].value(evaluate_rows(context.task, model, judges))

    def score(draw: int, name: str, indices: np.ndarray) -> float:
        label = (
            f"{ID} seed {context.seed} draw {draw}: {name} of {len(context.train)}, {steps} steps, {len(judges)} judges"
        )
        return work.score(label, lambda: scored(draw, picked(context.train, indices)))

    for draw in range(plan.draws):
        own = context.task.nested(context.train)
        order = nested_order(answers or len(context.train), context.rng(f"draw {draw}")) if own is None else own
        for i, n in enumerate(grid.sizes):
            scores[draw, i] = score(draw, f"{n} rows", order[:n])
        if grid.per_class:  # so many of each class come first, in turn
            order = nested_order(answers, context.rng(f"draw {draw} by class"), max(grid.per_class))
        for count in grid.per_class:
            by_class[count].append(score(draw, f"{count} per class", order[: count * len(set(answers))]))
    return Curve(grid.sizes, scores, steps), by_class


def _impossible(context: EvaluationContext, plan: Plan) -> str:
    """Why there can be no curve, or nothing."""
    n, judges = len(context.train), len(context.test)
    if context.plays or context.task.collects:
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


def _findings(context: EvaluationContext, curve: Curve, by_class: Mapping[int, Sequence[float]]) -> Findings:
    metric, n = context.task.row_metrics[0], curve.sizes[-1]
    trained = f"{len(curve.scores)} draws of rows and seeds (on the same test rows), {curve.steps} steps at every size"

    def number(id: str, name: str, found: Estimate, definition: str, unit: str, bound: Bound = Bound.NONE) -> Number:
        kind: Kind = "bound" if bound else "measured"
        return Number(id, name, found, f"{definition}; {trained}", unit, kind, context.seed, bound=bound)

    aulc = mean_t([area(curve.sizes, scores) for scores in curve.scores], "draws", bounds=metric.bounds)
    doubled = [scores[-1] - at(max(n / 2, curve.sizes[0]), curve.sizes, scores) for scores in curve.scores]
    gain = mean_t(doubled, "draws", bounds=of_change(metric.bounds))
    needed, censored = labels_needed(curve, metric.higher_is_better)
    numbers = (
        number(
            "aulc",
            "area under the label-efficiency curve",
            aulc,
            f"mean {metric.name} over log2 of the rows, from {curve.sizes[0]} to {n}",
            metric.unit,
        ),
        number(
            "n90",
            "labels to 90 % of the full score",
            needed,
            f"rows{' (' + censored + ')' if censored else ''} at which {metric.name} reaches 90 % of that with all "
            f"{n}, by interpolation in log n",
            "rows",
            _BOUNDS[censored],
        ),
        number(
            "last_doubling",
            "gain from the last doubling of labels",
            gain,
            f"{metric.name} with all {n} rows minus that with half of them",
            metric.unit,
        ),
        *(
            number(
                f"per_class_{count}",
                f"{metric.name} with {count} labels per class",
                mean_t(scores, "draws", bounds=metric.bounds),
                f"{metric.name} of models trained on {count} rows of each class",
                metric.unit,
            )
            for count, scores in by_class.items()
        ),
    )
    points = [mean_t(curve.scores[:, i], "draws", bounds=metric.bounds) for i in range(len(curve.sizes))]
    figure = Figure(
        "data_efficiency_curve",
        f"{metric.name} of models trained on parts of the rows; the band is a 95 % interval over draws.",
        plots.curve(curve.sizes, {metric.name: points}, "training rows", metric.name, log_x=True),
    )
    details = {"sizes": curve.sizes, "scores": curve.scores.round(5).tolist(), "steps": curve.steps}
    if by_class:
        details["per_class"] = {str(count): [round(score, 5) for score in scores] for count, scores in by_class.items()}
    what = "windows" if context.task.learns is Learning.DOCUMENTS else "labels"
    sentence = _sentence(metric.name, metric.higher_is_better, curve, gain, needed, censored, what)
    return Findings(sentence, numbers, (figure,), details)


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
    name: str,
    higher_is_better: bool,
    curve: Curve,
    gain: Estimate,
    needed: Estimate,
    censored: Censored,
    what: str = "labels",
) -> str:
    n = curve.sizes[-1]
    bound = f"{censored} " if censored else ""
    sentence = f"{bound}{needed.value:.0f} of the {n} training rows give 90 % of what all of them give".capitalize()
    if needed.low is not None and needed.high is not None:
        sentence += f" [{needed.low:.0f}, {needed.high:.0f}]"
    sentence += f" ({curve.steps} steps each). The last doubling of the {what} changed {name} by {gain}"
    if gain.low is None or gain.high is None:
        return sentence + "."
    better, worse = (gain.low > 0, gain.high < 0) if higher_is_better else (gain.high < 0, gain.low > 0)
    if better:
        return sentence + f": more {what} would likely help."
    return sentence + (f": more {what} did not help." if worse else ", which is not distinguishable from zero.")
