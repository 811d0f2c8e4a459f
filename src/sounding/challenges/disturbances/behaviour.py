"""Whether answers behave as they should when inputs are changed with a known effect (CheckList: Ribeiro et al. 2020,
arXiv 2005.04118). A part of the section `robustness`.

    invariance (INV)     the change leaves the right answer what it is: a row fails when the answer changes
    equivariance         what was changed should be changed in the answer, too, and nothing else: a number, a name
    directional (DIR)    a training input of a class is added: a row fails when the probability of that class falls by
                         more than `TOLERANCE`

The first two are the task's to say (`Task.behaviours`: by default what the kind of input knows, `Perturbable`). The
inputs that are added are training rows whose answer the model is surest of and right in, so that no list of words is
needed; rows on which the probability is too small to fall so far are not counted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from sounding.contract.behaviour import EQUIVARIANCE, INVARIANCE, Behaviour
from sounding.contract.evidence import Estimate, Figure, Number
from sounding.contract.inputs import Perturbable
from sounding.contract.records import Example, Record
from sounding.contract.task import Task
from sounding.errors import SoundingError
from sounding.evaluation import plots
from sounding.evaluation.challenge import Findings
from sounding.evaluation.context import EvaluationContext
from sounding.evaluation.evaluation import evaluate_rows
from sounding.evaluation.intervals import proportion
from sounding.randomness import stream
from sounding.wording import counted

CHECKS = 11
"""About how many checks there are, to foretell how long they take."""
TOLERANCE = 0.1
"""How far a probability may fall where it should not (as in CheckList)."""
FELL = (
    f"in which the probability of the class fell by more than {TOLERANCE:g}; rows in which it could; what is added is "
    "a training row of that class which the model is sure of and right in"
)
LEARNT_FROM = 1000
"""Training rows, at most, from which a task learns what tells nothing, and which names there are."""
ADDED, ADDED_FROM = 10, 200
"""Inputs of each class that are added, and of how many training rows they are the ones that the model is surest of."""
WORST = 3
"""Failures of each check that are shown."""
DIR = "directional"
KINDS = (
    (INVARIANCE, "that should not change the answer", "it changes"),
    (EQUIVARIANCE, "that the answer should follow", "it does not"),
    (DIR, "that should not speak against a class", "its probability falls"),
)
"""Each kind of check: what its changes are, and what a failure is, in words."""


Fault = Callable[[Record, Record], str]
"""What is wrong with the record after a change, beside that before; nothing where it is as it should be."""


@dataclass(frozen=True)
class Case:
    """One row that was changed: its number, its input, what that became, the class that it is about, and its fault."""

    row: int
    input: Any
    changed: Any
    about: Any
    fault: Fault


@dataclass(frozen=True)
class Check:
    """What one check found: the cases with their records before and after, and what is wrong with each [n].

    `fails` says in words when a row fails.
    """

    name: str
    kind: str
    fails: str
    cases: Sequence[Case]
    before: Sequence[Record]
    after: Sequence[Record]
    faults: Sequence[str]

    @property
    def failed(self) -> np.ndarray:
        """Which of the cases failed [n]."""
        return np.array([bool(fault) for fault in self.faults])

    def rate(self, seed: int) -> Estimate:
        """The share of rows that failed."""
        return proportion(self.failed, [record.group for record in self.before], seed)

    def worst(self, task: Task) -> Iterator[dict[str, Any]]:
        """The failures in which the probability of the answer before (or of the class added) fell most."""
        falls = [_share(task, b, c.about) - _share(task, a, c.about) for c, b, a in self._trials()]
        order = sorted(np.flatnonzero(self.failed).tolist(), key=lambda k: -falls[k])
        for k in order[:WORST]:
            case, before, after = self.cases[k], self.before[k], self.after[k]
            found = {
                "check": self.name,
                "change": Perturbable.of(task.input).difference(case.input, case.changed),
                "answer before": task.target.describe(before.value),
                "answer after": task.target.describe(after.value),
            }
            if task.target.classes is None:
                yield found | {"what is wrong": self.faults[k]}
                continue
            yield found | {
                "probability of": task.target.describe(case.about),
                "before": _share(task, before, case.about),
                "after": _share(task, after, case.about),
            }

    def _trials(self) -> Iterator[tuple[Case, Record, Record]]:
        return zip(self.cases, self.before, self.after, strict=True)


def under_change(context: EvaluationContext, rows: int) -> Findings:
    """The part of the section that behaviour checks fill; without numbers where there are none, and why."""
    task = context.task
    if not isinstance(task.input, Perturbable):
        return Findings("")
    if not len(context.train):
        return Findings("No behaviour was checked: there are no training rows from which to learn what tells nothing.")
    try:
        known = task.behaviours(_some(context.train, LEARNT_FROM, context, "behaviour: training rows"))
        if not known or len(context.row_records) != len(context.test):
            why = "another answer to a changed input need not be wrong in this task"
            return Findings(f"No behaviour was checked: {why}.")
        checks = [*expected(context, known, rows), *directional(context, rows)]
    except SoundingError as error:
        return Findings(f"No behaviour was checked: {error.what}.")
    return _findings(context, checks) if checks else Findings("No behaviour was checked: nothing could be changed.")


# ---- the checks


def expected(context: EvaluationContext, known: Mapping[str, Behaviour], rows: int) -> Iterator[Check]:
    """Every change of known effect for which there are rows, on at most so many."""
    for name, behaviour in known.items():
        cases = _changed(context, name, behaviour, rows)
        yield from _checked(context, name, behaviour.kind, behaviour.fails, cases)


def directional(context: EvaluationContext, rows: int) -> Iterator[Check]:
    """Whether a training input of a class, added, speaks against that class; where answers are one of a list."""
    task = context.task
    some = context.row_records
    if task.target.classes is None or some[0].scores is None:
        return
    known = surest(context)
    if len(known) < 2:
        return

    order = context.rng("behaviour: directional").permutation(len(some)).tolist()
    for name, other in (("text of the answer's class added", False), ("text of another class added", True)):
        cases = []
        for row in order:
            rng = stream("behaviour", context.seed, name, row)
            case = _extended(context, row, known, other, rng)
            if case is not None and _share(task, some[row], case.about) > TOLERANCE:
                cases.append(case)
            if len(cases) == rows:
                break
        yield from _checked(context, name, DIR, FELL, cases)


def surest(context: EvaluationContext) -> dict[Any, list[Any]]:
    """Of each class the short training inputs that the model is surest of, and right in."""
    task = context.task
    train = _some(context.train, 2 * ADDED_FROM, context, "behaviour: added")
    short = sorted(train, key=lambda example: task.input.length(example.input))[:ADDED_FROM]
    found: dict[Any, list[tuple[float, Any]]] = {}
    for example, record in zip(short, evaluate_rows(task, context.model, short), strict=True):
        if task.agree(record.value, example.target):
            found.setdefault(example.target, []).append((_share(task, record, example.target), example.input))
    return {
        answer: [value for _, value in sorted(those, key=lambda pair: -pair[0])[:ADDED]]
        for answer, those in found.items()
    }


def _extended(
    context: EvaluationContext, row: int, known: dict[Any, list[Any]], other: bool, rng: np.random.Generator
) -> Case | None:
    """A row to which an input was added: of the class of its answer, or of the likeliest other one."""
    record, value = context.row_records[row], context.test[row].input
    ranked = sorted(known, key=lambda option: -_share(context.task, record, option))
    about = next((option for option in ranked if (option != record.value) == other), None)
    if about is None:
        return None
    added = known[about][int(rng.integers(len(known[about])))]

    def fault(before: Record, after: Record) -> str:
        fell = _share(context.task, before, about) - _share(context.task, after, about) > TOLERANCE
        return "the probability fell" if fell else ""

    return Case(row, value, Perturbable.of(context.task.input).extended(value, added), about, fault)


def _changed(context: EvaluationContext, name: str, behaviour: Behaviour, rows: int) -> list[Case]:
    """The first rows, in an order of chance, in which there is something to change."""
    cases = []
    for row in context.rng(f"behaviour: {name}").permutation(len(context.test)).tolist():
        example = context.test[row]
        changed = behaviour.change(example, stream("behaviour", context.seed, name, row))
        if changed is not None:
            about = context.row_records[row].value
            cases.append(Case(row, example.input, changed.value, about, _of_answers(changed.fault)))
        if len(cases) == rows:
            break
    return cases


def _of_answers(fault: Callable[[Any, Any], str]) -> Fault:
    """The fault of records by that of their answers."""
    return lambda before, after: fault(before.value, after.value)


def _checked(context: EvaluationContext, name: str, kind: str, fails: str, cases: Sequence[Case]) -> Iterator[Check]:
    """The check of some cases; none where there are none."""
    if not cases:
        return
    before = [context.row_records[case.row] for case in cases]
    examples = [replace(context.test[case.row], input=case.changed) for case in cases]
    after = evaluate_rows(context.task, context.model, examples)
    faults = [case.fault(b, a) for case, b, a in zip(cases, before, after, strict=True)]
    yield Check(name, kind, fails, cases, before, after, faults)


def _some(examples: Sequence[Example], n: int, context: EvaluationContext, purpose: str) -> list[Example]:
    order = context.rng(purpose).permutation(len(examples))[:n]
    return [examples[int(row)] for row in order]


def _share(task: Task, record: Record, answer: Any) -> float:
    """The probability of an answer; the confidence in the answer given, where there are no others."""
    options = task.target.classes
    if record.scores is not None and options is not None and answer in options:
        return float(np.asarray(record.scores)[list(options).index(answer)])
    return float("nan") if record.confidence is None else record.confidence


# ---- the section's part


def _findings(context: EvaluationContext, checks: Sequence[Check]) -> Findings:
    rates = {check.name: check.rate(context.seed) for check in checks}
    table = [
        {
            "check": check.name,
            "kind": check.kind,
            "rows": len(check.cases),
            "failures": int(check.failed.sum()),
            "failure rate": asdict(rates[check.name]),
            **_by_fault(check),
        }
        for check in checks
    ]
    worst = [example for check in checks for example in check.worst(context.task)]
    figure = Figure(
        "robustness_behaviour",
        "Failure rate of each behaviour check, of the rows in which there was something to change. The intervals are "
        "95 % each, not jointly.",
        plots.bars(list(rates), list(rates.values()), "failure rate"),
    )
    numbers = tuple(_number(context, check, rates[check.name]) for check in checks)
    details = {"behaviour_checks": table, "failures_of_behaviour_checks": worst}
    return Findings(_sentence(checks, rates), numbers, (figure,), details)


def _by_fault(check: Check) -> dict[str, str]:
    """How often what was wrong, where that is not the same in all failures."""
    found = Counter(fault for fault in check.faults if fault)
    return {"of these": ", ".join(f"{fault}: {n:,}" for fault, n in found.most_common())} if len(found) > 1 else {}


def _number(context: EvaluationContext, check: Check, rate: Estimate) -> Number:
    definition = f"share of rows {check.fails}"
    id = "behaviour_" + re.sub(r"\W+", "_", check.name.lower().replace("'", "")).strip("_")
    name = f"failure rate, {check.name}"
    return Number(id, name, rate, f"{definition}; {check.kind} test (CheckList)", seed=context.seed)


def _sentence(checks: Sequence[Check], rates: dict[str, Estimate]) -> str:
    said = []
    for kind, of, happens in KINDS:
        those = [check for check in checks if check.kind == kind]
        if not those:
            continue
        worst = max(those, key=lambda check: (rates[check.name].low or 0.0, rates[check.name].value))
        found = f"{happens} most surely with “{worst.name}”: {rates[worst.name]} of {counted(len(worst.cases), 'row')}"
        if not any(check.failed.any() for check in those):
            found = f"{happens} with none, in {counted(sum(len(check.cases) for check in those), 'trial')}"
        said.append(f"Of {counted(len(those), 'change')} {of} ({kind} tests), {found}.")
    return " ".join(said)
