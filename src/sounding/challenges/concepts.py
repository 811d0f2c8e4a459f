"""Whether the layers of a network tell what people see in an input: linear probes on frozen activations.

    control       the same probe for labels drawn at random, one for each kind of site; what it reaches is what a probe
                  can learn by heart, and the difference is called selectivity (Hewitt and Liang 2019, arXiv 1909.03368)
    untrained     the same probe on a network of the same shape that has learnt nothing

Probes are fitted to validation rows and judged on test rows, so that none sees a row, or a game, twice. The layer that
is named for a concept is the one at which the probe fits its own rows best: test rows choose nothing.

Legend of shapes: N values, S sites, n chosen sites, D numbers of a layer, K classes, G groups of rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sounding.challenges.explanations.faithfulness import untrained
from sounding.challenges.explanations.probes import answers, balanced, balanced_accuracy, tallied
from sounding.challenges.explanations.site_layers import INPUT, at_sites
from sounding.challenges.passes import device
from sounding.contract.concepts import NOT_ASKED, Concept
from sounding.contract.evidence import Estimate, Figure, Number
from sounding.contract.metrics import CORRELATION, SHARE
from sounding.contract.records import Example
from sounding.evaluation import plots
from sounding.evaluation.challenge import Challenge, Findings, NotMeasured
from sounding.evaluation.context import EvaluationContext, Profile
from sounding.evaluation.intervals import bootstrap
from sounding.wording import listed

FEWEST = 20
"""Sites of a class below which nothing is asked of it."""
DRAWN = 6
"""Concepts that one figure can tell apart."""
DRAWS = 300
"""Resamples of the numbers of each layer; those of the card have more."""


@dataclass(frozen=True)
class Plan:
    """How much is measured: rows of each side, sites of each class, layers besides the input."""

    rows: int
    sites: int
    layers: int


PLANS: Mapping[Profile, Plan | None] = {
    "quick": Plan(100, 150, 3),
    "standard": Plan(500, 1000, 6),
    "full": Plan(2000, 4000, 12),
}


class Concepts(Challenge[Plan]):
    """What each layer tells of each concept, beyond a control task and beyond an untrained network."""

    id, title, order = "concepts", "Concepts", 65
    plans = PLANS

    def needs(self, context: EvaluationContext) -> str:
        """Concepts, and rows to fit probes to."""
        if not context.task.concepts:
            return "nobody has said what people see in this kind of input"
        return "" if len(context.validation) else "probes are fitted to validation rows, and there are none"

    def seconds(self, context: EvaluationContext) -> float:
        """Three passes over the rows, and three probes for each layer and concept."""
        rows = min(self.plan(context).rows, len(context.validation)) + min(self.plan(context).rows, len(context.test))
        return 3 * rows * context.row_seconds + 0.05 * len(context.task.concepts) * (self.plan(context).layers + 1) * 3

    def measure(self, context: EvaluationContext) -> Findings:
        """Probe each layer for each concept."""
        plan, notes = self.plan(context), list[str]()
        bench = _Bench.of(context, plan)
        if not bench.layers:
            raise NotMeasured("no layer of this network gives something for each site of its input")
        found = [one for concept in context.task.concepts if (one := bench.probed(concept, notes))]
        if not found:
            raise NotMeasured(" ".join(notes) or "no concept is seen in these rows")
        numbers = tuple(number for one in found for number in one.numbers(context.seed))
        details: dict[str, Any] = {"by_layer": [row for one in found for row in one.table(context.seed)]}
        return Findings(
            _sentence(found, numbers), numbers, tuple(_figures(found, context.seed)), details | {"notes": notes}
        )


@dataclass(frozen=True)
class _Layer:
    """What probes at one layer said of the chosen test sites: tallies [G, K, 2] of each task."""

    name: str
    fit: float  # balanced accuracy on the sites that it was fitted to
    concept: np.ndarray
    control: np.ndarray
    untrained: np.ndarray


@dataclass(frozen=True)
class _Probed:
    """A concept at all layers."""

    concept: Concept
    classes: Sequence[str]
    layers: Sequence[_Layer]

    @property
    def best(self) -> _Layer:
        """The layer that is named: not the input, unless there is nothing else."""
        learnt = [layer for layer in self.layers if layer.name != INPUT]
        return max(learnt or self.layers, key=lambda layer: layer.fit)

    def accuracy(self, stats: np.ndarray, seed: int, draws: int = 2000) -> Estimate:
        return bootstrap(stats, balanced_accuracy, None, seed, draws, bounds=SHARE)

    def beyond(self, one: np.ndarray, other: np.ndarray, seed: int, draws: int = 2000) -> Estimate:
        """The difference of two probes that were judged at the same sites."""
        return bootstrap(np.concatenate([one, other], axis=2), _difference, None, seed, draws, bounds=CORRELATION)

    def numbers(self, seed: int) -> Iterator[Number]:
        concept, best = self.concept, self.best
        what = f"{concept.definition}; one of: {', '.join(self.classes)}"
        where = f"balanced accuracy of a linear probe at the layer {best.name} (chance {1 / len(self.classes):.2f})"
        yield Number(
            f"probe_{concept.id}", f"probe: {concept.name}", self.accuracy(best.concept, seed), f"{where}; {what}"
        )
        definition = "the same minus that of a control task: a label drawn for each kind of site, whatever the concept"
        yield Number(
            f"selectivity_{concept.id}",
            f"selectivity: {concept.name}",
            self.beyond(best.concept, best.control, seed),
            definition,
        )
        definition = "the same minus that of a probe at this layer of an untrained network"
        yield Number(
            f"learnt_{concept.id}",
            f"beyond an untrained network: {concept.name}",
            self.beyond(best.concept, best.untrained, seed),
            definition,
        )

    def table(self, seed: int) -> Iterator[dict[str, Any]]:
        for layer in self.layers:
            sides = {"accuracy": layer.concept, "control task": layer.control, "untrained": layer.untrained}
            found = {name: self.accuracy(stats, seed, DRAWS) for name, stats in sides.items()}
            cells = {name: e.cell for name, e in found.items()}
            yield {"concept": self.concept.name, "layer": layer.name, **cells}


@dataclass(frozen=True)
class _Bench:
    """The rows of both sides, and what the layers of both networks give at their sites."""

    fit: Sequence[Example]
    test: Sequence[Example]
    most: int  # sites of each class
    layers: Mapping[str, np.ndarray]  # of fit and test rows, [N, S, D]
    fresh: Mapping[str, np.ndarray]  # of an untrained network
    context: EvaluationContext

    @classmethod
    def of(cls, context: EvaluationContext, plan: Plan) -> _Bench:
        task, test = context.task, context.sample(plan.rows, "concepts")
        drawn = context.rng("concepts of validation rows").permutation(len(context.validation))[: plan.rows]
        fit = [context.validation[int(i)] for i in sorted(drawn)]
        values = [row.input for row in (*fit, *test)]
        sites = task.concepts[0].labels(values[:1]).shape[1]
        layers = at_sites(task, context.model, values, sites, plan.layers)
        nothing = untrained(task, context.seed).to(device(context.model))
        return cls(fit, test, plan.sites, layers, at_sites(task, nothing, values, sites, plan.layers), context)

    def probed(self, concept: Concept, notes: list[str]) -> _Probed | None:
        """The concept at all layers; None, with a note, where fewer than two of its classes are seen often enough."""
        values = [row.input for row in (*self.fit, *self.test)]
        labels, first = concept.labels(values), len(self.fit)
        common = [
            k
            for k in range(len(concept.classes))
            if min((s == k).sum() for s in (labels[:first], labels[first:])) >= FEWEST
        ]
        if len(common) < 2:
            notes.append(f"{concept.name}: too rarely seen in these rows, and not asked.")
            return None
        renamed = np.full(len(concept.classes) + 1, NOT_ASKED)
        renamed[common] = range(len(common))
        labels = renamed[labels]
        rng = self.context.rng(f"concept {concept.id}")
        kinds = np.unique(concept.kinds(values), return_inverse=True)[1].reshape(labels.shape)
        control = rng.integers(len(common), size=kinds.max() + 1)[kinds]
        sites = labels.shape[1]
        fit = balanced(labels[:first].ravel(), self.most, rng)
        test = first * sites + balanced(labels[first:].ravel(), self.most, rng)
        rows = test // sites - first
        names = [row.group or str(number) for number, row in enumerate(self.test)]
        clusters = np.unique([names[row] for row in rows], return_inverse=True)[1]
        chosen = _Sites(fit, test, clusters, len(common))
        layers = [
            self._layer(name, chosen, labels.ravel(), control.ravel()) for name in self.layers if name in self.fresh
        ]
        return _Probed(concept, [concept.classes[k] for k in common], layers)

    def _layer(self, name: str, sites: _Sites, labels: np.ndarray, control: np.ndarray) -> _Layer:
        concept, fitted = sites.judged(self.layers[name], labels)
        drawn, _ = sites.judged(self.layers[name], control)
        fresh, _ = sites.judged(self.fresh[name], labels)
        return _Layer(name, fitted, concept, drawn, fresh)


@dataclass(frozen=True)
class _Sites:
    """Places among all sites that a probe is fitted to, and on which it is judged, with the `clusters` of these."""

    fit: np.ndarray
    test: np.ndarray
    clusters: np.ndarray
    k: int

    def judged(self, layer: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, float]:
        """The tallies of the test sites, and the balanced accuracy on those that the probe was fitted to."""
        flat, both = layer.reshape(-1, layer.shape[2]), np.concatenate([self.fit, self.test])
        said = answers(flat[self.fit], truth[self.fit], flat[both], self.k)
        n = len(self.fit)
        fitted = tallied(truth[self.fit], said[:n], np.zeros(n, np.int64), self.k)
        return tallied(truth[self.test], said[n:], self.clusters, self.k), balanced_accuracy(fitted)


def _difference(tallies: np.ndarray) -> float:
    return balanced_accuracy(tallies[..., :2]) - balanced_accuracy(tallies[..., 2:])


# ---- words and figures


def _sentence(found: Sequence[_Probed], numbers: Sequence[Number]) -> str:
    known = {number.id: number.estimate for number in numbers}

    def told(one: _Probed) -> bool:
        beyond = known[f"selectivity_{one.concept.id}"], known[f"learnt_{one.concept.id}"]
        return all(e.low is not None and e.low > 0 for e in beyond)

    def said(one: _Probed) -> str:
        accuracy = known[f"probe_{one.concept.id}"]
        remark = "; it is written in the input" if one.concept.given else ""
        remark += "; trivial" if one.concept.trivial else ""
        return f"{one.concept.name} {accuracy} at {one.best.name}{remark}"

    yes, no = [said(one) for one in found if told(one)], [said(one) for one in found if not told(one)]
    parts = []
    if yes:
        parts.append(f"Layers tell, beyond a control task and an untrained network: {listed(yes, len(yes), ' · ')}.")
    if no:
        parts.append(f"Not shown to be told beyond these: {listed(no, len(no), ' · ')}.")
    return " ".join([*parts, "Numbers are balanced accuracies of linear probes."])


def _figures(found: Sequence[_Probed], seed: int) -> Iterator[Figure]:
    """The selectivity of each concept by layer: in several figures, alike full, where there are many concepts."""
    count = -(-len(found) // DRAWN)
    for number, places in enumerate(np.array_split(np.arange(len(found)), count), 1):
        some = [found[place] for place in places]
        yield _figure(some, "concepts_selectivity" if number == 1 else f"concepts_selectivity_{number}", seed)


def _figure(found: Sequence[_Probed], id: str, seed: int) -> Figure:
    names = [layer.name for layer in found[0].layers]
    series = {
        one.concept.name: [one.beyond(layer.concept, layer.control, seed, DRAWS) for layer in one.layers]
        for one in found
    }
    caption = (
        "Selectivity by layer: balanced accuracy of a linear probe minus that of a control task, on test rows. "
        f"Layers in the order in which they answer: {', '.join(f'{i} {name}' for i, name in enumerate(names))}."
    )
    drawn = plots.curve(range(len(names)), series, "layer", "selectivity")
    return Figure(id, caption, drawn)
