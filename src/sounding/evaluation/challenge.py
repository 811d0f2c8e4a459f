"""What measures one section of a card: the protocol of a challenge, and the runner that does what all have in common.

    Challenge   needs → why it cannot be measured, seconds → forecast, measure → Findings
    Findings    a sentence, numbers, figures, details
    reason      why a challenge has nothing to measure here, told before any of it is measured
    measured    the section of a challenge: gates, plan, timing, status

A challenge knows a task by its contract alone. It is one file of `challenges/`, and nothing lists it.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Any, ClassVar, Generic, TypeVar

from sounding.contract.evidence import Figure, Number, Section, not_applicable, skipped
from sounding.errors import NotFiniteError, SoundingError
from sounding.evaluation.context import EvaluationContext, Profile
from sounding.evaluation.evaluation import undefined

NO_ROWS = "there are no test rows"

Plan = TypeVar("Plan")


class Unasked(str):
    """A reason that somebody can mend (a longer profile, another set of rows): not measured, this time."""

    __slots__ = ()


class NotMeasured(Exception):
    """Raised by `measure` where only measuring shows that there is nothing to find; `reason` is as that of `needs`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Findings:
    """What a challenge found: `sentence` is the finding in plain words, `details` tables and lists, as JSON."""

    sentence: str
    numbers: tuple[Number, ...] = ()
    figures: tuple[Figure, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)


class Challenge(ABC, Generic[Plan]):
    """One section of the card. A subclass names it, says what it needs and measures it."""

    id: ClassVar[str]
    title: ClassVar[str]
    order: ClassVar[float]
    """Its place on the card: smaller numbers come first."""
    rows: ClassVar[bool] = True
    """Whether it measures test rows, and so has nothing to measure without any."""
    judges_model: ClassVar[bool] = False
    """Whether outputs that are not finite are its finding (an error); for the others they are a reason."""
    plans: Mapping[Profile, Plan | None] = {}
    """How much is measured in each profile; None where it is not measured at all."""
    unplanned: ClassVar[str] = ""
    """What is said of a profile that has no plan: what it takes, and which command measures it."""

    def needs(self, context: EvaluationContext) -> str:
        """Why this model, task or data leave nothing to measure ("" if they do), told without measuring.

        A plain text is a reason that nobody can mend (not applicable), an `Unasked` one that somebody can (skipped).
        """
        return ""

    def seconds(self, context: EvaluationContext) -> float:
        """About how long measuring takes; asked only where `reason` is empty."""
        return 0.0

    @abstractmethod
    def measure(self, context: EvaluationContext) -> Findings:
        """The findings. Raises NotMeasured where there are none after all."""

    def plan(self, context: EvaluationContext) -> Plan:
        """How much is measured in the profile of the context."""
        found = self.plans[context.profile]
        if found is None:
            raise NotMeasured(Unasked(self.unplanned))
        return found


def require_headline(context: EvaluationContext) -> None:
    """Raises NotMeasured where the test rows say nothing of the headline metric, such as pictures without a true box.

    For what measures how that metric changes; asked while measuring, since it answers every test row.
    """
    metric = context.task.row_metrics[0]
    try:
        known = math.isfinite(metric.value(context.row_records))
    except SoundingError:  # a broken model: the section says it in its own words
        return
    if not known:
        raise NotMeasured(f"{metric.name} has no value on the test rows: {undefined(metric)}")


def reason(challenge: Challenge[Any], context: EvaluationContext) -> str:
    """Why there is nothing to measure, or nothing."""
    if needed := challenge.needs(context):
        return needed
    if challenge.rows and not len(context.test):
        return NO_ROWS
    if challenge.plans and challenge.plans[context.profile] is None:
        return Unasked(challenge.unplanned)
    return ""


def foretold(challenge: Challenge[Any], context: EvaluationContext) -> float:
    """About how many seconds the section takes; 0 where it will only say why it is not measured."""
    return 0.0 if reason(challenge, context) else challenge.seconds(context)


def measured(challenge: Challenge[Any], context: EvaluationContext) -> Section:
    """The section of a challenge, timed. Whatever breaks in it is raised."""
    started = perf_counter()
    section = _section(challenge, context)
    seconds = round(perf_counter() - started, 6)
    numbers = tuple(number if number.seconds else replace(number, seconds=seconds) for number in section.numbers)
    return replace(section, numbers=numbers, seconds=seconds)


def _section(challenge: Challenge[Any], context: EvaluationContext) -> Section:
    id, title = challenge.id, challenge.title
    try:
        if why := reason(challenge, context):
            raise NotMeasured(why)
        found = challenge.measure(context)
    except NotMeasured as nothing:
        without = skipped if isinstance(nothing.reason, Unasked) else not_applicable
        return without(id, title, str(nothing.reason))
    except NotFiniteError as error:
        if challenge.judges_model:
            raise
        return not_applicable(id, title, error.what)
    return Section(id, title, found.sentence, found.numbers, found.figures, details=found.details)
