"""Rows to look at: the worst, some typical and the best answers of a model, with the truth beside each.

What is good and bad a task says (`Task.ranking`); how a row looks, its modalities do. An answer that has a place in its
input is drawn there, beside the same with the truth; any other is told in words under the input. What can be listened
to, a person can play.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import PurePath
from typing import Any

import numpy as np

from sounding.contract.answers import Overlaid
from sounding.contract.evidence import Clip, Figure
from sounding.contract.inputs import Audible
from sounding.contract.metrics import Metric
from sounding.contract.records import Example, Record
from sounding.contract.task import Task
from sounding.drawing.gallery import Exhibit, View, gallery
from sounding.drawing.svg import svg
from sounding.evaluation.evaluation import same

DRAWN, TOLD = {"worst": 4, "typical": 2, "best": 2}, {"worst": 12, "typical": 4, "best": 4}
"""How many rows are shown of answers that are drawn over their input, and of others, which take less room."""
WORDS = {"worst": "The worst answers", "typical": "Answers around the median", "best": "The best answers"}


def shown_rows(task: Task, rows: Sequence[Example], records: Sequence[Record]) -> Iterator[Figure]:
    """A figure each of the worst, typical and best of `records`, which are those of `rows` in their order.

    Nothing where records are of something else than rows (matches).
    """
    if len(rows) != len(records):
        return
    metric, drawn = task.ranking, isinstance(task.target, Overlaid)
    values = ranked_values(metric, records)
    for name, places in chosen(values, records, DRAWN if drawn else TOLD, metric.higher_is_better).items():
        if any(not same(rows[i].target, records[i].truth) for i in places):
            return
        exhibits: list[Exhibit] = []
        legend: dict[str, str] = {}
        for i in places:
            exhibit, colours = _exhibit(task, rows, i, records[i], f"{metric.name} {values[i]:.3g}")
            exhibits.append(exhibit)
            legend |= colours
        how = "the truth on the left, the answer on the right" if drawn else "the truth and the answer under each"
        caption = f"{WORDS[name]} of {len(rows):,} by {metric.name} ({metric.definition}); {how}."
        clips = tuple(_clips(task, rows, places))
        yield Figure(f"quality_{name}", caption, svg(gallery(exhibits, tuple(legend.items()))), clips)


def _clips(task: Task, rows: Sequence[Example], places: Sequence[int]) -> Iterator[Clip]:
    """What can be heard of these rows."""
    if isinstance(task.input, Audible):
        for i in places:
            yield task.input.clip(rows[i].input, _place(rows, i))


def ranked_values(metric: Metric, records: Sequence[Record]) -> np.ndarray:
    """The metric of each record by itself [n]; NaN where it says nothing of one."""
    statistics = metric.statistics(records)
    return np.array([metric.reduce(statistics[i : i + 1]) for i in range(len(records))], float)


def chosen(
    values: np.ndarray, records: Sequence[Record], most: dict[str, int], higher_is_better: bool = True
) -> dict[str, list[int]]:
    """Places of the worst, of the typical (nearest to the median) and of the best, none twice; the loss breaks ties."""
    sign = 1 if higher_is_better else -1

    def goodness(i: int) -> tuple[float, float]:
        loss = records[i].loss
        return sign * float(values[i]), 0.0 if math.isnan(loss) else -loss

    order = sorted(np.flatnonzero(~np.isnan(values)).tolist(), key=goodness)
    worst = order[: min(most["worst"], math.ceil(len(order) / 2))]
    best = order[len(worst) :][::-1][: most["best"]]
    between = order[len(worst) : len(order) - len(best)]
    first = max(0, min(len(order) // 2 - len(worst) - most["typical"] // 2, len(between) - most["typical"]))
    typical = between[first : first + most["typical"]]
    found = {"worst": worst, "typical": typical, "best": best}
    return {name: places for name, places in found.items() if places}


def _exhibit(task: Task, rows: Sequence[Example], i: int, record: Record, said: str) -> tuple[Exhibit, dict[str, str]]:
    """One row with its truth and its answer, and the (colour, name) pairs that its drawings use."""
    input, target = task.input, task.target
    original, title = getattr(rows, "original", None), f"{_place(rows, i)}   {said}"
    value = rows[i].input if original is None else original(i)
    truth = f"truth: {target.describe(record.truth)}"
    sure = "" if record.confidence is None else f" ({record.confidence:.2f} sure)"
    answer = f"answer: {target.describe(record.value)}{sure}"
    if not isinstance(target, Overlaid):
        return Exhibit(title, (View((truth, answer), input.render(value)),)), {}
    two = [target.marks(record.truth), target.marks(record.value)]
    views = (
        View((words,), input.render(value, answer=marks)) for words, marks in zip((truth, answer), two, strict=True)
    )
    return Exhibit(title, tuple(views)), {colour: name for marks in two for colour, name in marks.legend}


def _place(rows: Sequence[Any], i: int) -> str:
    """The row by the end of its file's path, or by its number: cards are published, and folders are private."""
    where = getattr(rows, "where", None)
    return f"row {i + 1}" if where is None else "/".join(PurePath(where(i)).parts[-2:])
