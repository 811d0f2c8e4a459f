"""Whether explanations of the model's answers can be believed: measured, not looked at.

    deletion        take the parts away that are said to matter: how much of the answer's likelihood is lost, beyond
                    what is lost when random parts go (comprehensiveness, DeYoung et al. 2020; Samek et al. 2017)
    insertion       keep only those parts: how much is left, beyond what random parts leave (sufficiency)
    randomisation   rank correlation with the explanation of an untrained model: near 0 when the explanation tells of
                    what was learnt (Adebayo et al. 2018)

A way of taking away that suits the explainer flatters it, so each score is the worst over the baselines of the input.
What a model tells beside its answers (`Task.estimates`: the return that an agent expects) is explained and tried too.
An explanation whose interval holds 0, which is what random orders reach, is not said to be better than random. One
whose large weights lie where an untrained model has them too is drawn by its signs alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torch import nn

from sounding.challenges.explanations.estimates import judged
from sounding.challenges.explanations.explained_rows import (
    FEW,
    Item,
    candidates,
    choose,
    examples,
    no_better_than_constant,
)
from sounding.challenges.explanations.explanation import Explain, completeness_gap, named
from sounding.challenges.explanations.faithfulness import Faithfulness, faithfulness, rank_correlation, untrained
from sounding.challenges.explanations.time_budget import Plan, fit_to_time
from sounding.challenges.passes import device
from sounding.contract.evidence import Estimate, Number
from sounding.contract.inputs import Explainable
from sounding.contract.metrics import CORRELATION, POSITIVE, Bounds, mean
from sounding.contract.task import Task
from sounding.evaluation.challenge import Challenge, Findings, NotMeasured
from sounding.evaluation.context import EvaluationContext, Profile
from sounding.evaluation.intervals import Reduce, bootstrap
from sounding.training.loop import Interrupted
from sounding.wording import capital, shortened

FEWEST = 4
ALIKE = 0.5
"""Explanations of the trained and of an untrained model that are more alike than this are cautioned against."""
BETTER, NOT_BETTER = "Better than random", "Not shown to be better than random"

Maps = Mapping[str, Sequence[np.ndarray]]


PLANS: Mapping[Profile, Plan | None] = {
    "quick": Plan(32, 10, 90.0),
    "standard": Plan(128, 32, 480.0, shapley=256),
    "full": Plan(256, 64, 3600.0, shapley=1536),
}


class Interpretability(Challenge[Plan]):
    """How faithful the explanations are that this model and its inputs allow, by each method, with three examples."""

    id, title, order = "interpretability", "Interpretability", 60
    plans = PLANS

    def needs(self, context: EvaluationContext) -> str:
        """Segments that can be masked in two ways."""
        input = context.task.input
        if not isinstance(input, Explainable):
            return "this kind of input does not fall into segments that could be masked"
        return "" if len(input.baselines) >= 2 else "this kind of input declares fewer than two ways of masking"

    def seconds(self, context: EvaluationContext) -> float:
        """The forward passes that the methods take."""
        inputs = [row.input for row in candidates(context, 8)]
        return fit_to_time(context, self.plan(context), inputs).passes * context.pass_seconds if inputs else 0.0

    def measure(self, context: EvaluationContext) -> Findings:
        """Choose rows, explain them, and judge the explanations."""
        task, plan = context.task, self.plan(context)
        pool = candidates(context, 2 * plan.rows)
        if len(pool) < FEWEST:
            raise NotMeasured(_too_few(pool))
        caution = no_better_than_constant(context)
        chosen = fit_to_time(context, plan, [row.input for row in pool])
        items, rejected = choose(context, pool[: 2 * chosen.rows], chosen.rows)
        if len(items) < FEWEST:
            raise NotMeasured(f"{_too_few(items)}; {_left_out(rejected)}")
        used, notes = chosen.methods, chosen.notes + ([f"{_left_out(rejected)}."] if rejected else [])
        values, answers = [i.value for i in items], [i.answer for i in items]
        rng = context.rng("explanations")
        explained = _explained(task, context.model, values, answers, used, rng, notes)
        if not explained:
            raise NotMeasured(" ".join(notes))
        maps = {method: _finite(method, weights, notes) for method, weights in explained.items()}
        used = {method: used[method] for method in maps}
        found = faithfulness(task, context.model, values, answers, maps, rng)
        twice = range(0, len(items), max(1, len(items) // chosen.untrained))
        numbers = [*_beyond_random(context, items, found), *_sanity(context, items, used, maps, twice, rng, notes)]
        wrong = sum(i.right is False for i in items)
        alike, verdicts = _alike(numbers, list(used)), _verdicts(numbers, list(used))
        sentence = _sentence(numbers, list(used), verdicts, items, alike)
        figures = [examples(task, items, maps, plain=list(alike), doubted=verdicts.get(NOT_BETTER, []))]
        for name in task.estimates:
            further, drawn, said = judged(context, name, items, list(used), rng)
            numbers, figures, sentence = [*numbers, *further], [*figures, drawn], sentence + said
        return Findings(
            sentence + caution,
            tuple(numbers),
            tuple(figures),
            {"by_ablation": _by_ablation(task, found), "wrong": wrong, "notes": notes},
        )


def _too_few(rows: Sequence[Any]) -> str:
    return f"{len(rows)} of the test rows looked at fall into two or more parts, and {FEWEST} are needed"


def _left_out(rejected: int) -> str:
    return f"{rejected} rows were left out, since the model's own answer to them has no finite likelihood"


def _explained(
    task: Task,
    model: nn.Module,
    values: Sequence[Any],
    answers: Sequence[Any],
    used: Mapping[str, Explain],
    rng: np.random.Generator,
    notes: list[str],
) -> dict[str, list[np.ndarray]]:
    """Method → maps of the values. A method that breaks costs itself alone, which is noted."""
    maps: dict[str, list[np.ndarray]] = {}
    for method, explain in used.items():
        try:
            maps[method] = explain(task, model, values, answers, rng)
        except Interrupted:
            raise
        except Exception as error:  # whatever it is, it says nothing of the other methods
            notes.append(f"{capital(named(method))} was not measured: {shortened(str(error), 200)}.")
    return maps


def _finite(method: str, maps: Sequence[np.ndarray], notes: list[str]) -> list[np.ndarray]:
    """The maps; one that is not finite says nothing of its row, which is noted."""
    sound = [bool(np.isfinite(w).all()) for w in maps]
    if not all(sound):
        notes.append(f"{named(method)}: not finite on {len(sound) - sum(sound)} rows, where it counts as no weights.")
    return [w if fine else np.zeros_like(w) for w, fine in zip(maps, sound, strict=True)]


# ---- numbers


def _beyond_random(context: EvaluationContext, items: Sequence[Item], found: Faithfulness) -> list[Number]:
    groups = [i.group for i in items]
    ways = ", ".join(Explainable.of(context.task.input).baselines)

    def number(kind: str, method: str, scores: np.ndarray, meaning: str) -> Number:
        worst = bootstrap(scores, _worst, groups, context.seed, bounds=CORRELATION)
        definition = (
            f"share of the answer's likelihood {meaning} minus the same for random orders; mean over 1, 5, 10, 20 and "
            f"50 % of the parts; the worst of the baselines {ways}; up to half of the rows chosen among wrong answers"
        )
        name = f"{kind} beyond random, {named(method)}"
        return Number(f"{kind}_{method}", name, worst, definition, seed=context.seed)

    numbers = []
    for method in found.deletion:
        numbers.append(number("deletion", method, found.deletion[method], "lost without the parts ranked first"))
        numbers.append(number("insertion", method, found.insertion[method], "left with only the parts ranked first"))
    return numbers


def _sanity(
    context: EvaluationContext,
    items: Sequence[Item],
    used: Mapping[str, Explain],
    maps: Maps,
    places: Sequence[int],
    rng: np.random.Generator,
    notes: list[str],
) -> list[Number]:
    """The randomisation test of each method on the items at `places`, and how nearly integrated gradients add up."""
    task, seed = context.task, context.seed
    values, answers = [items[i].value for i in places], [items[i].answer for i in places]
    groups = [items[i].group for i in places]
    model = untrained(task, seed).to(device(context.model))
    numbers = []

    def number(id: str, name: str, scores: np.ndarray, reduce: Reduce, definition: str, bounds: Bounds) -> None:
        found = bootstrap(scores, reduce, groups, seed, bounds=bounds)
        numbers.append(Number(id, name, found, definition, seed=seed))

    for method, others in _explained(task, model, values, answers, used, rng, notes).items():
        others = _finite(method, others, [])
        for id, side, said in (("", np.asarray, "signed"), ("_absolute", np.abs, "absolute")):
            correlations = [
                rank_correlation(side(maps[method][i]), side(w)) for i, w in zip(places, others, strict=True)
            ]
            definition = f"Spearman correlation of {said} weights with those for an untrained model, mean over rows"
            name = f"randomisation test ({said} weights), {named(method)}"
            number(f"randomisation{id}_{method}", name, np.asarray(correlations), mean, definition, CORRELATION)
    if (method := "integrated_gradients") in maps:
        gaps = completeness_gap(task, context.model, values, answers, [maps[method][i] for i in places])
        if np.isfinite(gaps).all():
            definition = (
                "|sum of weights − change in log-likelihood from the empty input| / that change; median over rows"
            )
            number("completeness_gap", "completeness gap, integrated gradients", gaps, _median, definition, POSITIVE)
    return numbers


def _worst(scores: np.ndarray) -> float:
    return float(scores.mean(0).min())


def _median(values: np.ndarray) -> float:
    return float(np.median(values))


def _by_ablation(task: Task, found: Faithfulness) -> dict[str, Any]:
    """The scores before the worst is taken: score → method → baseline → mean."""
    baselines = Explainable.of(task.input).baselines

    def means(scores: np.ndarray) -> dict[str, float]:
        return dict(zip(baselines, (round(float(mean), 4) for mean in scores.mean(0)), strict=True))

    tables = {"deletion": found.deletion, "insertion": found.insertion}
    return {kind: {method: means(scores) for method, scores in table.items()} for kind, table in tables.items()}


# ---- words


def _sentence(
    numbers: Sequence[Number],
    used: Sequence[str],
    verdicts: Mapping[str, Sequence[str]],
    items: Sequence[Item],
    alike: Mapping[str, float],
) -> str:
    lost = {method: _estimate(numbers, f"deletion_{method}") for method in used}
    sentence = " ".join(f"{words}: {', '.join(map(named, ms))}." for words, ms in verdicts.items() if ms)
    if not sentence:
        sentence = f"No verdict on explanations: {min(e.n for e in lost.values())} independent rows are too few."
    said = "; ".join(f"{named(method)} {e}" for method, e in lost.items())
    sentence += (
        " Share of the answer's likelihood lost without the parts that an explanation ranks first, beyond random "
        f"parts, under the worse baseline, on {len(items)} rows: {said}."
    )
    if alike:
        told = ", ".join(f"{named(method)} {value:.2f}" for method, value in alike.items())
        sentence += (
            " Caution: which parts get large weights is told by the input more than by what was learnt; rank "
            f"correlation with an untrained model: {told}."
        )
    return sentence


def _verdicts(numbers: Sequence[Number], used: Sequence[str]) -> dict[str, list[str]]:
    """The methods by whether their deletion score is above that of random orders beyond doubt; none for a few rows."""
    lost = {method: _estimate(numbers, f"deletion_{method}") for method in used}
    if min(e.n for e in lost.values()) < FEW:
        return {}
    better = [method for method, e in lost.items() if e.low is not None and e.low > 0]
    return {BETTER: better, NOT_BETTER: [method for method in used if method not in better]}


def _alike(numbers: Sequence[Number], used: Sequence[str]) -> dict[str, float]:
    """The methods whose large weights lie where an untrained model has them, and how alike they are."""
    known = {number.id: number.estimate.value for number in numbers}
    found = {method: known.get(f"randomisation_absolute_{method}", 0.0) for method in used}
    return {method: value for method, value in found.items() if value > ALIKE}


def _estimate(numbers: Sequence[Number], id: str) -> Estimate:
    return next(number.estimate for number in numbers if number.id == id)
