"""Known rows beside out-of-distribution inputs, as a model scores them, and which score to go by.

Legend of shapes: n rows, S sets of out-of-distribution inputs, R training rows, D features.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sounding.challenges.confidences.detection import auroc, side_by_side
from sounding.challenges.confidences.far_ood import far_ood
from sounding.challenges.confidences.ood_scores import Observed, observe, ood_scores
from sounding.contract.records import Example
from sounding.contract.task import targets
from sounding.evaluation.context import EvaluationContext
from sounding.evaluation.evaluation import FEW

NEAR = "near inputs (of a class that training never saw)"


@dataclass(frozen=True)
class Seen:
    """Rows and what is unknown beside them: `tables` holds, by score and set, columns known and unknown [n, 2]."""

    rows: Sequence[Example]
    known: Observed
    unknown: Mapping[str, Observed]
    tables: Mapping[str, Mapping[str, np.ndarray]]

    def table(self, score: str) -> np.ndarray:
        """[n, 1 + S]: the known rows' scores, then those of each set."""
        columns = list(self.tables[score].values())
        return np.column_stack([columns[0][:, 0], *(table[:, 1] for table in columns)])


def draw(examples: Sequence[Example], n: int, rng: np.random.Generator) -> list[Example]:
    """At most `n` of the examples, drawn without replacement, in their order."""
    return [examples[int(i)] for i in sorted(rng.permutation(len(examples))[:n])]


def collect(context: EvaluationContext, rows: Sequence[Example], training: np.ndarray | None, name: str) -> Seen:
    """The rows, and far inputs made from them, as the model sees them."""
    task, model = context.task, context.model
    values = [row.input for row in rows]
    known = observe(task, model, values)
    far = far_ood(task.input, values, context.rng(f"unknown {name}"))
    places = {label: np.flatnonzero([v is not None for v in some]) for label, some in far.items()}
    unknown = {label: observe(task, model, [some[i] for i in places[label]]) for label, some in far.items()}
    known_scores = ood_scores(known, training, known=True)
    unknown_scores = {label: ood_scores(one, training) for label, one in unknown.items()}
    tables: dict[str, dict[str, np.ndarray]] = {}
    for score in known_scores if unknown else ():
        if all(score in found for found in unknown_scores.values()):
            tables[score] = {
                label: _table(known_scores[score], found[score], places[label])
                for label, found in unknown_scores.items()
            }
    return Seen(rows, known, unknown, tables)


def _table(known: np.ndarray, unknown: np.ndarray, places: np.ndarray) -> np.ndarray:
    table = np.column_stack([known, np.full(len(known), np.nan)])
    table[places, 1] = unknown
    return table


def choose(
    context: EvaluationContext, most: int, training: np.ndarray | None, scores: Sequence[str]
) -> tuple[str, str]:
    """The score that tells validation rows from their far inputs best, and why; the simplest of equals."""
    if len(scores) == 1:
        return scores[0], "the only score that this model offers"
    rows = draw(context.validation, most, context.rng("unknown validation rows"))
    if len(rows) < FEW:
        return scores[0], f"not chosen, because {len(rows)} validation rows are too few"
    looked = collect(context, rows, training, "validation")
    found = {s: _mean_auroc(looked.table(s)) for s in scores if s in looked.tables}
    if not found:
        return scores[0], "not chosen, because no far inputs could be made of the validation rows"
    best = max(found, key=lambda score: round(found[score], 3))
    return best, f"best on {len(rows)} validation rows against their own far inputs (AUROC {found[best]:.3f})"


def _mean_auroc(table: np.ndarray) -> float:
    known, *others = (column[~np.isnan(column)] for column in table.T)
    return float(np.mean([auroc(known, column) for column in others]))


def near_inputs(
    context: EvaluationContext, most: int, test: Seen, training: np.ndarray | None
) -> tuple[dict[str, np.ndarray], str | None]:
    """By score, a table of the test rows and the near inputs; or why there are none."""
    options = context.task.target.classes
    if options is None:
        return {}, f"{NEAR}: the answers of this task are no finite list, so none is known to be outside it"
    if not len(context.second):
        return {}, f"{NEAR}: they take a second set with rows whose answer is none of the {len(options)} options"
    answers = targets(context.second)
    unknown_classes = [i for i, answer in enumerate(answers) if answer is not None and answer not in options]
    if len(unknown_classes) < 2:
        return {}, f"{NEAR}: every answer of the second set is one of the {len(options)} options"
    rows = [context.second[i] for i in sorted(context.rng("unknown near").permutation(unknown_classes)[:most].tolist())]
    known = ood_scores(test.known, training, known=True)
    unknown = ood_scores(observe(context.task, context.model, [row.input for row in rows]), training)
    return {score: side_by_side(known[score], unknown[score]) for score in test.tables if score in unknown}, None
