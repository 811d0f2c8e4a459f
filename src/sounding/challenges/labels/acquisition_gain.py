"""Whether choosing what to label beats drawing at random: simulated on rows whose labels are known.

A pool is a part of the training rows whose labels are hidden but for a few. Each strategy asks for labels until it has
twice as many, a new model is trained, and again. All strategies begin with the same labels, seeds and number of steps,
so that differences within a pool are due to the choice. Choosing does not always help, and the section says so.

Legend of shapes: P pools, S sizes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from torch import nn

from sounding.challenges.labels.acquisition import Strategy, choose, signals
from sounding.challenges.labels.curves import area, nested_order
from sounding.challenges.labels.retraining import Retrainings, price, retrained, steps_within
from sounding.contract.evidence import Estimate, Figure, Number, Section
from sounding.contract.task import targets
from sounding.data import picked
from sounding.errors import TrainingError
from sounding.evaluation import plots
from sounding.evaluation.bounded import of_change
from sounding.evaluation.challenge import Challenge, Findings, NotMeasured, Unasked, measured
from sounding.evaluation.context import EvaluationContext, Profile
from sounding.evaluation.evaluation import evaluate_rows
from sounding.evaluation.intervals import mean_t
from sounding.wording import roughly

ID = "label_choice"
FEWEST = 80
"""Training rows below which there is nothing to choose from."""
START = 1 / 20
"""The share of a pool that is labelled at first."""
Scores = dict[str, list[list[float]]]
"""Strategy → pool → the score at each size."""


@dataclass(frozen=True)
class Plan:
    """How much is tried: pools, doublings of the labels, strategies, rows of a pool, seconds, and rows that judge."""

    pools: int
    doublings: int
    strategies: tuple[Strategy, ...]
    rows: int
    seconds: float
    test: int


PLANS: Mapping[Profile, Plan | None] = {
    "quick": Plan(3, 1, ("margin", "both"), 1000, 30.0, 500),
    "standard": Plan(3, 2, ("margin", "spread", "both"), 2000, 180.0, 1000),
    "full": Plan(5, 3, ("margin", "spread", "both"), 4000, math.inf, 5000),
}


class AcquisitionGain(Challenge[Plan]):
    """The area under the curve of each strategy minus that of random choice, in pairs, with its interval over pools.

    No section of the card: `gain` measures it when it is asked for.
    """

    id, title, order = ID, "What choosing labels gains", 0
    rows = False

    def __init__(self, plan: Plan | None = None) -> None:
        self.plans = PLANS if plan is None else dict.fromkeys(PLANS, plan)

    def needs(self, context: EvaluationContext) -> str:
        """Rows to choose among, something to choose by, and time for the trainings."""
        plan = self.plan(context)
        strategies = _able(context, plan)
        if reason := _impossible(context, plan, strategies):
            return reason
        runs = _runs(context, plan, strategies)
        if steps_within(context.training, plan.seconds, runs) is None:
            return Unasked(f"measuring what choosing labels gains {price(context.training, runs)}")
        return ""

    def measure(self, context: EvaluationContext) -> Findings:
        """The trainings of every pool and strategy."""
        plan, say = self.plan(context), context.say or (lambda _: None)
        strategies = _able(context, plan)
        runs = _runs(context, plan, strategies)
        steps = steps_within(context.training, plan.seconds, runs) or 1
        seconds = context.training["seconds"] * steps / context.training["steps"]
        say(f"measuring what choosing labels gains retrains the model {runs} times, {roughly(seconds * runs)}")
        work, sizes = Retrainings(runs, context.say, context.scores), _sizes(context, plan)
        scores: Scores = {name: [] for name in (*strategies, "random")}
        try:
            for pool in range(plan.pools):
                for name, found in _pool(context, plan, pool, sizes, strategies, steps, work).items():
                    scores[name].append(found)
        except TrainingError as error:
            raise NotMeasured(Unasked(f"a training on part of the rows failed: {error.what}")) from None
        if not np.isfinite(list(scores.values())).all():
            what = f"a training on part of the rows gave no {context.task.row_metrics[0].name}"
            raise NotMeasured(Unasked(what))
        return _findings(context, sizes, scores, steps)


def gain(context: EvaluationContext, plan: Plan | None = None) -> Section:
    """What choosing labels gains on the training rows of `context`, as a section; see AcquisitionGain.

    `context.say` hears first what it costs, then how far it has come. `context.scores` takes in the scores of each
    finished pool, so that it can go on where it was stopped.
    """
    return measured(AcquisitionGain(plan), context)


def _runs(context: EvaluationContext, plan: Plan, strategies: Sequence[Strategy]) -> int:
    """Trainings: in each pool one on the first labels, and one for each strategy and doubling."""
    return plan.pools * (1 + (len(_sizes(context, plan)) - 1) * (len(strategies) + 1))


def _pool(
    context: EvaluationContext,
    plan: Plan,
    pool: int,
    sizes: Sequence[int],
    strategies: Sequence[Strategy],
    steps: int,
    work: Retrainings,
) -> dict[str, list[float]]:
    """The scores [S] of each strategy in one pool; a pool that is kept whole is not tried again."""
    label = f"{ID} seed {context.seed} pool {pool} of {len(context.train)} rows, {steps} steps"
    names = {arm: [f"{label}: {arm} {n}" for n in sizes] for arm in (*strategies, "random")}
    kept = work.kept
    if kept is not None and all(name in kept for arm in names.values() for name in arm):
        work.done += 1 + (len(sizes) - 1) * len(names)
        return {arm: [float(kept[name]) for name in named] for arm, named in names.items()}
    found = _tried(context, plan, pool, sizes, list(names), steps, work)
    if kept is not None:
        for arm, named in names.items():
            kept.update(zip(named, found[arm], strict=True))
    return found


def _tried(
    context: EvaluationContext,
    plan: Plan,
    pool: int,
    sizes: Sequence[int],
    arms: Sequence[str],
    steps: int,
    work: Retrainings,
) -> dict[str, list[float]]:
    task, rng = context.task, context.rng(f"choosing {pool}")
    judges = context.sample(plan.test, "choosing")
    mine = picked(context.train, rng.permutation(len(context.train))[: plan.rows])
    answers = [] if task.target.classes is None else list(targets(mine))
    first = nested_order(answers or len(mine), rng)[: sizes[0]]

    def trained(rows: np.ndarray) -> nn.Module:
        return work.ran(lambda: retrained(task, picked(mine, rows), steps, context.seed * 1000 + pool, work.reporter))

    def score(model: nn.Module) -> float:
        return task.row_metrics[0].value(evaluate_rows(task, model, judges))

    start = trained(first)
    found = {arm: [score(start)] for arm in arms}
    for arm in arms:
        model, labelled = start, first
        for n in sizes[1:]:
            rest = np.setdiff1d(np.arange(len(mine)), labelled)
            own = context.rng(f"choosing {pool} {arm} {n}")
            choice = choose(task, model, picked(mine, labelled), picked(mine, rest), n - len(labelled), arm, own)
            labelled = np.concatenate([labelled, rest[choice.indices]])
            model = trained(labelled)
            found[arm].append(score(model))
    return found


def _able(context: EvaluationContext, plan: Plan) -> list[Strategy]:
    """The strategies that this model can serve."""
    said = signals(context.task, context.model, context.train[:2])
    needs = {"margin": said.certainty, "spread": said.features, "random": None}
    both = None if said.certainty is None else said.features
    return [name for name in plan.strategies if (both if name == "both" else needs[name]) is not None]


def _impossible(context: EvaluationContext, plan: Plan, strategies: Sequence[Strategy]) -> str:
    if context.plays or context.task.collects:
        return "this task makes its own examples while it trains, so there are no labels to choose"
    if len(context.train) < FEWEST or not len(context.test):
        n, judges = len(context.train), len(context.test)
        return f"{n} training and {judges} test rows are too few to choose from ({FEWEST} and 1)"
    if not strategies:
        return "the model gives neither a confidence nor features to choose by"
    if len(_sizes(context, plan)) < 2:
        return f"{len(context.train)} rows of {len(context.task.target.classes or ())} classes leave nothing to choose"
    return ""


def _sizes(context: EvaluationContext, plan: Plan) -> list[int]:
    """Labels at first and after each doubling, up to half of a pool: with all of it there is nothing to choose."""
    rows = min(plan.rows, len(context.train))
    first = max(20, 2 * len(context.task.target.classes or ()), round(START * rows))
    return [n for n in (first * 2**i for i in range(plan.doublings + 1)) if n <= rows / 2]


# ---- what it says


def _findings(context: EvaluationContext, sizes: list[int], scores: Scores, steps: int) -> Findings:
    metric = context.task.row_metrics[0]
    sign = 1 if metric.higher_is_better else -1
    areas = {name: np.array([area(sizes, found) for found in pools]) for name, pools in scores.items()}
    numbers, words = [], []
    for name in scores:
        if name == "random":
            continue
        found = mean_t(sign * (areas[name] - areas["random"]), of="pools", bounds=of_change(metric.bounds))
        definition = (
            f"mean {metric.name} over log2 of the labels, from {sizes[0]} to {sizes[-1]}, with rows chosen by {name}, "
            f"minus that with rows drawn at random ({'' if sign > 0 else 'turned round, '}above 0 is better); "
            f"{len(areas[name])} pools, {steps} steps each, on the same test rows"
        )
        title = f"gain of choosing by {name}" if name != "both" else "gain of choosing by margin, then spread"
        numbers.append(Number(f"gain_{name}", title, found, definition, metric.unit, "measured", context.seed))
        words.append(f"{name} {found} ({_verdict(found)})")
    drawn = {
        name: [mean_t([p[i] for p in pools], of="pools", bounds=metric.bounds) for i in range(len(sizes))]
        for name, pools in scores.items()
    }
    caption = f"{metric.name} of models whose labels were chosen; the band is a 95 % interval over pools."
    figure = Figure("label_choice_curve", caption, plots.curve(sizes, drawn, "labels", metric.name, log_x=True))
    sentence = (
        f"Gain in {metric.name} over drawing rows at random, from {sizes[0]} to {sizes[-1]} labels: {'; '.join(words)}."
    )
    details = {"sizes": sizes, "scores": scores, "steps": steps}
    return Findings(sentence, tuple(numbers), (figure,), details)


def _verdict(found: Estimate) -> str:
    if found.low is None or found.high is None:
        return "spread not known"
    if found.low > 0:
        return "better"
    return "worse" if found.high < 0 else "not distinguishable from zero"
