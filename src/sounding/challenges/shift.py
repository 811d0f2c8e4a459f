"""What is left of the quality on rows from elsewhere: a second set of the same task, which the user gives.

Test rows that were set aside from the training data share its camera, its speakers, its year. A second set does not, so
the gap between the two is nearer to what a model meets in use. The two sets are independent samples: their intervals
are combined, not paired.

    known        the rows of a second set, if the model knows all of its answers

A game for two needs none: it is played after longer openings and by other rules (`contests/conditions.py`).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from sounding.challenges.confidences.confidence import Decisions, calibration_error, decisions, null_of
from sounding.challenges.contests.conditions import elsewhere
from sounding.challenges.disturbances.copies import copies
from sounding.challenges.disturbances.counterparts import both_right
from sounding.contract.contest import contest_of
from sounding.contract.evidence import COUNTED, Estimate, Figure, Number
from sounding.contract.metrics import Metric
from sounding.contract.records import Example, Record
from sounding.contract.task import Task, targets
from sounding.data import picked
from sounding.data.duplicates import Duplicates
from sounding.errors import DataError, SoundingError
from sounding.evaluation import plots
from sounding.evaluation.challenge import Challenge, Findings, NotMeasured, Unasked
from sounding.evaluation.context import EvaluationContext, Profile
from sounding.evaluation.estimates_in_words import signed
from sounding.evaluation.evaluation import estimate, evaluate_rows, groups_of, same, slices
from sounding.evaluation.independent import difference
from sounding.wording import counted, listed

GIVE_ONE = "no second set was given; give one: sounding card RUN --shift DATA"
NOT_PLAYED = "the quick profile plays under the conditions of the training alone; run sounding card RUN --standard"
SPREAD = ("value", "low", "high", "n", "level", "interval")
FEWEST = 30
"""With fewer rows on either side there are numbers but no verdict; with fewer decisions, no calibration error."""
CLASSES = 10
"""Classes that fell furthest which are listed."""
_NAMED = 5  # unknown classes and copied rows that are named


@dataclass(frozen=True)
class Plan:
    """How much is measured: rows of the second set, and training rows among which copies are looked for; of a game,
    openings for each condition and about how many seconds (0: it is not played).
    """

    rows: int
    train: int
    pairs: int = 0
    seconds: float = 0.0


PLANS: Mapping[Profile, Plan | None] = {
    "quick": Plan(1_000, 5_000),
    "standard": Plan(10_000, 50_000, 20, 240.0),
    "full": Plan(10**9, 10**9, 100, 3600.0),
}


class Shift(Challenge[Plan]):
    """The headline metric of rows on the second set beside the test rows, the gap, calibration there, the classes."""

    id, title, order = "shift", "Shift", 90
    plans = PLANS

    def needs(self, context: EvaluationContext) -> str:
        """A second set, and test rows to set it beside."""
        if not len(context.second):
            contest = contest_of(context.task, context.model)
            if contest is None or not contest.opponents:
                return Unasked(GIVE_ONE)
            return "" if self.plan(context).pairs else Unasked(NOT_PLAYED)
        return "" if len(context.test) else "there are no test rows to set the second set beside"

    def seconds(self, context: EvaluationContext) -> float:
        """An answer and a loss for each row of the second set; or games under other conditions."""
        if not len(context.second):
            return self.plan(context).seconds
        return 2 * min(self.plan(context).rows, len(context.second)) * context.row_seconds

    def measure(self, context: EvaluationContext) -> Findings:
        """Both sides, and what of the second set is a copy of a training row; without one, games elsewhere."""
        plan = self.plan(context)
        if not len(context.second):
            contest = contest_of(context.task, context.model)
            assert contest is not None
            return elsewhere(context, contest, plan.pairs, plan.seconds)
        try:
            rows = _some(context, known(context.task, context.second, _name(context)), plan.rows, "second")
            there, here = evaluate_rows(context.task, context.model, rows), context.row_records
            train = _some(context, context.train, plan.train, "train")
            return _findings(context, here, there, copies(context.task, train, rows), len(train))
        except SoundingError as error:  # rows that cannot be read or answered: a section that says why, not a lost card
            raise NotMeasured(str(error)) from None


def known(task: Task, examples: Sequence[Example], where: str = "") -> Sequence[Example]:
    """The examples, if every truth is one of the task's options (or the options are open).

    Raises DataError that names the classes the model does not know and how many rows have them: on such rows every
    answer is wrong, and to leave them out unsaid would be a lie.
    """
    options = task.target.classes
    if options is None:
        return examples
    unknown = _unknown(targets(examples), options)
    if not unknown:
        return examples
    described = [(task.target.describe(truth), n) for truth, n in unknown]
    said = [f"{name!r} ({counted(n, 'row')})" for name, n in described[:_NAMED]]
    more = f" and {len(unknown) - _NAMED:,} more" if len(unknown) > _NAMED else ""
    total = sum(n for _, n in unknown)
    classes = counted(len(unknown), "class")
    what = f"{total:,} of {len(examples):,} rows of the second set have {classes} unknown to the model: "
    some = listed([task.target.describe(option) for option in options], CLASSES)
    fix = f"Rename the classes to ones that it knows ({some}), or drop their rows"
    raise DataError(what + ", ".join(said) + more, where=where, fix=fix)


def _unknown(truths: Iterable[Any], options: Sequence[Any]) -> list[tuple[Any, int]]:
    """The truths that are no option, with how often each occurs, the most frequent first."""
    try:
        names = set(options)
        return Counter(truth for truth in truths if truth not in names).most_common()
    except TypeError:  # answers that cannot be hashed, such as arrays
        found = [truth for truth in truths if not any(same(truth, option) for option in options)]
        return [(truth, 1) for truth in found]


def _some(context: EvaluationContext, rows: Sequence[Example], most: int, purpose: str) -> Sequence[Example]:
    """At most `most` of the rows, drawn without replacement, in their order."""
    if len(rows) <= most:
        return rows
    drawn = np.sort(context.rng(f"shift {purpose}").permutation(len(rows))[:most])
    return picked(rows, drawn)


# ---- the section


def _findings(
    context: EvaluationContext, here: Sequence[Record], there: Sequence[Record], found: Duplicates, searched: int
) -> Findings:
    metric, seed = context.task.row_metrics[0], context.seed
    second, first = (estimate(metric, records, groups_of(records), seed) for records in (there, here))
    gap, sure = difference(second, first), [decisions(context.task, records) for records in (there, here)]
    found_numbers = [
        *_quality(metric, second, first, gap),
        *([both] if (both := both_right(metric, here, there)) else []),
        *_calibration(sure[0], sure[1], seed),
        *_copied(found, len(there), searched),
    ]
    numbers = (replace(n, seed=seed) for n in found_numbers if math.isfinite(n.estimate.value))
    classes = _classes(context.task, here, there)
    figures = []
    if classes:
        caption = "Change of accuracy within each class, from the test rows to the second set; 95 % each, not jointly."
        worst = classes[:CLASSES]
        drawn = plots.bars([row["class"] for row in worst], [Estimate(**row["change"]) for row in worst], "change")
        figures.append(Figure("shift_classes", caption, drawn))
    details = {
        "second_set": _name(context),
        "warnings": _warnings(found),
        "notes": _notes(context, there, searched),
        "classes_that_fell_furthest": classes[:CLASSES],
    }
    sentence = _sentence(context, second, first, gap, sure[0])
    if both:
        sentence += f" Of {both.estimate.n:,} pairs of a row of each, both are right in {both.estimate}."
    return Findings(sentence, tuple(numbers), tuple(figures), details)


def _quality(metric: Metric, second: Estimate, first: Estimate, gap: Estimate) -> list[Number]:
    side = "below" if metric.higher_is_better else "above"
    meaning = (
        f"{metric.name} on the second set minus that on the test rows, which are independent samples; "
        f"{side} 0 the second set is harder"
    )
    return [
        Number("second", f"{metric.name} on the second set", second, metric.definition, metric.unit),
        Number("test", f"{metric.name} on the test rows", first, metric.definition, metric.unit),
        Number("gap", f"gap in {metric.name}", gap, meaning, metric.unit),
    ]


def _copied(found: Duplicates, n: int, searched: int) -> list[Number]:
    """Counts of everything there is: no sample, so no spread."""
    equal = f"rows of the second set whose input equals that of one of {searched:,} training rows"
    alike = f"rows of the second set that look like one of {searched:,} training rows without being equal to it"
    counts = [Estimate(float(pairs.count), n=n, interval=COUNTED) for pairs in (found.across, found.near)]
    return [
        Number("copies", "copies of training rows", counts[0], equal, "rows"),
        Number("near_copies", "near copies of training rows", counts[1], alike, "rows"),
    ]


def _sentence(context: EvaluationContext, second: Estimate, first: Estimate, gap: Estimate, sure: Decisions) -> str:
    metric, name = context.task.row_metrics[0], _name(context)
    rows, few = len(context.test), min(len(context.second), len(context.test)) < FEWEST
    said = f"On {name} {metric.name} is {second}, on the {rows:,} test rows {first}: a gap of {signed(gap)}."
    if few:
        said += f" Fewer than {FEWEST} rows on one side are too few for a verdict."
    elif gap.low is None or gap.high is None:
        said += " Without an interval on both sides there is no verdict."
    elif gap.low <= 0 <= gap.high:
        said += " No loss by the shift is shown: the interval holds 0."
    else:
        worse = (gap.value < 0) == metric.higher_is_better
        said += f" The model does {'worse' if worse else 'better'} there."
    if len(sure) >= FEWEST:
        said += (
            f" There it says {sure.confidences.mean():.3f} on average and is right {sure.hits.mean():.3f} of the time."
        )
    return said


def _calibration(there: Decisions, here: Decisions, seed: int) -> list[Number]:
    """Calibration errors on both sides, and how large that on the second set could be by chance."""
    if min(len(there), len(here)) < FEWEST:
        return []
    limit = Estimate(float(np.quantile(null_of(there, seed=seed), 0.95)), n=len(there))
    what = "expected calibration error: mean |accuracy − confidence| over bins of equal mass"
    chance = "95th percentile of that error if each answer there were right as often as the model says"
    second, first = (calibration_error(d, seed=seed) for d in (there, here))
    return [
        Number("ece_second", "calibration error on the second set", second, what),
        Number("ece_test", "calibration error on the test rows", first, what),
        Number("ece_null_95", "largest plausible error of a model calibrated there", limit, chance, kind="estimated"),
    ]


def _classes(task: Task, here: Sequence[Record], there: Sequence[Record]) -> list[dict[str, Any]]:
    """Each class with its share of right answers on both sides and the change, the greatest fall first."""
    found = []
    test, second = ({row["name"]: row for row in slices(task, side) if row["by"] == "class"} for side in (here, there))
    for name in (name for name in second if name in test):
        a, b = (Estimate(**{key: row[key] for key in SPREAD}) for row in (test[name], second[name]))
        few = "few rows" if min(a.n, b.n) < FEWEST else ""
        sides = {"rows": b.n, "on_the_second_set": asdict(b), "on_the_test_rows": asdict(a)}
        found.append({"class": name, **sides, "change": asdict(difference(b, a)), "note": few})
    return sorted(found, key=lambda row: row["change"]["value"])


def _warnings(found: Duplicates) -> list[str]:
    said = []
    for pairs, how in ((found.across, "also a training row"), (found.near, "like a training row")):
        if pairs.count:
            named = listed([f"{a} and {b}" for a, b in pairs.places], _NAMED, "; ")
            each = "is" if pairs.count == 1 else "are each"
            rows = f"{counted(pairs.count, 'row')} of the second set {each}"
            said.append(f"{rows} {how}, which makes it too easy: {named}.")
    return said


def _notes(context: EvaluationContext, there: Sequence[Record], searched: int) -> list[str]:
    """What was cut, and which classes the second set does not have."""
    notes = []
    if len(there) < len(context.second):
        notes.append(f"{len(there):,} of {len(context.second):,} rows of the second set were drawn for this profile.")
    if searched < len(context.train):
        notes.append(f"Copies were looked for among {searched:,} of {len(context.train):,} training rows.")
    target = context.task.target
    if target.classes is not None:
        present = {target.describe(record.truth) for record in there}
        absent = [name for name in map(target.describe, target.classes) if name not in present]
        if absent:
            some = listed(absent, CLASSES)
            notes.append(
                f"The second set has no row of {len(absent):,} of the {len(target.classes):,} classes: {some}."
            )
    return notes


def _name(context: EvaluationContext) -> str:
    return context.second_name or "the second set"
