"""Whether explanations of the model's answers can be believed: measured, not looked at.

    deletion        take the parts away that are said to matter: how much of the answer's likelihood is lost, beyond
                    what is lost when random parts go (comprehensiveness, DeYoung et al. 2020; Samek et al. 2017)
    insertion       keep only those parts: how much is left, beyond what random parts leave (sufficiency)
    randomisation   rank correlation with the explanation of an untrained model: near 0 when the explanation tells of
                    what was learnt (Adebayo et al. 2018)

A way of taking away that suits the explainer flatters it, so each score is the worst over the ablations of the input.
An explanation whose interval holds 0, which is what random orders reach, is not said to be better than random.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import nn

from sounding.challenges.explanation import completeness_gap, methods
from sounding.challenges.faithfulness import Faithfulness, faithfulness, rank_correlation, untrained
from sounding.challenges.passes import device
from sounding.engine.evidence import Figure, Number, Section, not_applicable, timed
from sounding.engine.intervals import Reduce, bootstrap
from sounding.engine.machine import inference
from sounding.engine.metrics import mean
from sounding.engine.records import Example, Record
from sounding.engine.subject import Subject
from sounding.engine.svg import figure_svg
from sounding.engine.task import Task, chunks

ID, TITLE = "interpretability", "Interpretability"
FEWEST = 4
ALIKE = 0.5
"""Explanations of the trained and of an untrained model that are more alike than this are cautioned against."""


@dataclass(frozen=True)
class Plan:
    """How much is measured: items, items of the randomisation test, and the most forward passes for occlusion."""

    items: int
    untrained: int
    passes: int


PLANS: Mapping[str, Plan] = {
    "quick": Plan(64, 16, 12_000),
    "standard": Plan(128, 32, 100_000),
    "full": Plan(256, 64, 400_000),
}


@dataclass(frozen=True)
class Item:
    """A test row with the answer that is explained; `right` is None where answers are not right or wrong."""

    value: Any
    answer: Any
    confidence: float | None
    right: bool | None
    group: str = ""


def measure(subject: Subject) -> Section:
    """How faithful the explanations are that this input allows, by each method, with three examples."""
    started = time.perf_counter()
    task, model = subject.task, subject.model
    if len(task.input.ablations) < 2:
        return not_applicable(ID, TITLE, "this kind of input declares fewer than two ways of taking parts away")
    items = choose(subject, PLANS[subject.profile])
    if len(items) < FEWEST:
        reason = f"{len(items)} of the test rows looked at fall into two or more parts, and {FEWEST} are needed"
        return not_applicable(ID, TITLE, reason)
    values, answers = [i.value for i in items], [i.answer for i in items]
    rng = subject.rng("explanations")
    maps = {name: explain(task, model, values, answers, rng) for name, explain in methods(task, model).items()}
    found = faithfulness(task, model, values, answers, maps, rng)
    seconds = time.perf_counter() - started
    numbers = [*_beyond_random(subject, items, found, seconds), *_sanity(subject, items, maps, rng)]
    section = Section(
        ID,
        TITLE,
        sentence=_sentence(numbers, list(maps), items),
        numbers=tuple(numbers),
        figures=(_figure(task, items, maps["occlusion"]),),
        details={"by_ablation": _by_ablation(task, found), "wrong": sum(i.right is False for i in items)},
    )
    return timed(section, time.perf_counter() - started)


# ---- which rows


def choose(subject: Subject, plan: Plan) -> list[Item]:
    """Test rows of two parts or more, half of them answered wrongly where there are enough of those."""
    task = subject.task
    pool = [e for e in subject.sample(2 * plan.items, "interpretability") if task.input.parts(e.input) > 1]
    items = [item for batch in chunks(pool, task.recipe.batch) for item in _answered(task, subject.model, batch)]
    if not items:
        return []
    passes = len(task.input.ablations) * float(np.mean([task.input.parts(i.value) for i in items]))
    wanted = min(plan.items, max(16, int(plan.passes / passes)))  # inputs of very many parts: fewer items
    wrong = [i for i in items if i.right is False]
    other = [i for i in items if i.right is not False]
    few = min(len(wrong), max(wanted // 2, wanted - len(other)))
    return other[: wanted - few] + wrong[:few]


def _answered(task: Task, model: nn.Module, examples: Sequence[Example]) -> list[Item]:
    with inference():
        predictions = task.predict(model, [e.input for e in examples])
    items = []
    for e, p in zip(examples, predictions, strict=True):
        hits = task.metrics[0].hit(Record(p.value, e.target, p.confidence, 0.0, e.group, p.scores))
        right = all(hit for _, hit in hits) if len(hits) else None
        items.append(Item(e.input, p.value, p.confidence, right, e.group))
    return items


# ---- numbers


def _beyond_random(subject: Subject, items: Sequence[Item], found: Faithfulness, seconds: float) -> list[Number]:
    groups = [i.group for i in items]
    ways = ", ".join(subject.task.input.ablations)

    def number(kind: str, method: str, scores: np.ndarray, meaning: str) -> Number:
        worst = bootstrap(scores, lambda some: float(some.mean(0).min()), groups, subject.seed)
        name = f"{kind} beyond random, {method.replace('_', ' ')}"
        definition = (
            f"share of the answer's likelihood {meaning} minus the same for random orders; mean over 1, 5, 10, 20 and "
            f"50 % of the parts; the worst of the ablations {ways}; up to half of the rows chosen among wrong answers"
        )
        return Number(f"{kind}_{method}", name, worst, definition, seed=subject.seed, seconds=seconds)

    numbers = []
    for method in found.deletion:
        numbers.append(number("deletion", method, found.deletion[method], "lost without the parts ranked first"))
        numbers.append(number("insertion", method, found.insertion[method], "left with only the parts ranked first"))
    return numbers


def _sanity(
    subject: Subject, items: Sequence[Item], maps: Mapping[str, Sequence[np.ndarray]], rng: np.random.Generator
) -> list[Number]:
    """The randomisation test of each method, and how nearly integrated gradients add up."""
    started, task, seed = time.perf_counter(), subject.task, subject.seed
    places = range(0, len(items), max(1, len(items) // PLANS[subject.profile].untrained))
    values, answers = [items[i].value for i in places], [items[i].answer for i in places]
    groups = [items[i].group for i in places]
    model = untrained(task, seed).to(device(subject.model))
    numbers = []

    def number(id: str, name: str, scores: Sequence[float] | np.ndarray, reduce: Reduce, definition: str) -> None:
        found = bootstrap(np.asarray(scores), reduce, groups, seed)
        numbers.append(Number(id, name, found, definition, seed=seed, seconds=time.perf_counter() - started))

    for method, explain in methods(task, model).items():
        others = explain(task, model, values, answers, rng)
        for id, side, said in (("", np.asarray, "signed"), ("_absolute", np.abs, "absolute")):
            likeness = [rank_correlation(side(maps[method][i]), side(w)) for i, w in zip(places, others, strict=True)]
            definition = f"Spearman correlation of {said} weights with those for an untrained model, mean over rows"
            name = f"likeness to untrained, {method.replace('_', ' ')}, {said}"
            number(f"randomisation{id}_{method}", name, likeness, mean, definition)
    if (method := "integrated_gradients") in maps:
        gaps = completeness_gap(task, subject.model, values, answers, [maps[method][i] for i in places])
        definition = "|sum of weights − change in support from the empty input| / that change; median over rows"
        number("completeness_gap", "completeness gap, integrated gradients", gaps, _median, definition)
    return numbers


def _median(values: np.ndarray) -> float:
    return float(np.median(values))


# ---- words and pictures


def _sentence(numbers: Sequence[Number], used: Sequence[str], items: Sequence[Item]) -> str:
    estimates = {number.id: number.estimate for number in numbers}
    lost = {method: estimates[f"deletion_{method}"] for method in used}
    better = [method for method, e in lost.items() if e.low is not None and e.low > 0]
    said = "; ".join(f"{_words(method)} {e}" for method, e in lost.items())
    verdicts = {
        "Better than random": better,
        "Not shown to be better than random": [method for method in used if method not in better],
    }
    sentence = " ".join(f"{words}: {', '.join(map(_words, named))}." for words, named in verdicts.items() if named)
    sentence += (
        " Share of the answer's likelihood lost without the parts that an explanation ranks first, beyond random "
        f"parts, under the worse ablation, on {len(items)} rows: {said}."
    )
    alike = {m: estimates[f"randomisation_absolute_{m}"].value for m in used}
    if told := [f"{_words(method)} {likeness:.2f}" for method, likeness in alike.items() if likeness > ALIKE]:
        sentence += (
            " Caution: which parts get large weights is told by the input more than by what was learnt; rank "
            f"correlation with an untrained model: {', '.join(told)}."
        )
    return sentence


def _words(method: str) -> str:
    return method.replace("_", " ")


def _by_ablation(task: Task, found: Faithfulness) -> dict[str, Any]:
    """The scores before the worst is taken: score → method → ablation → mean."""
    return {
        kind: {
            method: dict(zip(task.input.ablations, (round(float(v), 4) for v in scores.mean(0)), strict=True))
            for method, scores in table.items()
        }
        for kind, table in (("deletion", found.deletion), ("insertion", found.insertion))
    }


def _figure(task: Task, items: Sequence[Item], weights: Sequence[np.ndarray]) -> Figure:
    """A row that was answered rightly, one wrongly, and the one that the model was least sure of."""
    chosen: dict[str, int] = {}
    for title, kept, sign in (("right", True, -1), ("wrong", False, -1), ("least sure", None, 1)):
        places = [i for i, item in enumerate(items) if kept in (None, item.right) and i not in chosen.values()]
        if places:
            chosen[title] = min(places, key=lambda i: sign * (items[i].confidence or 0.0))

    def draw(figure: Any) -> None:
        for axes, (title, i) in zip(figure.subplots(1, len(chosen), squeeze=False)[0], chosen.items(), strict=True):
            task.input.draw(axes, items[i].value, weights[i])
            sure = "" if items[i].confidence is None else f", {items[i].confidence:.0%} sure"
            axes.set_title(f"{title}: {task.target.describe(items[i].answer)}{sure}"[:48])

    caption = "Which parts carry the answer, by occlusion: " + ", ".join(chosen) + "."
    return Figure("interpretability_examples", caption, figure_svg(draw, width=7.2, height=2.8))
