"""Measuring a card: the sections one after the other, each metered, saved at once, and none able to lose the others.

An error in a section becomes the reason why that section is missing. What a person can mend before anything is measured
(the region, the watts) is checked first and raised.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any

from sounding.card import method
from sounding.card.card import Card, Header
from sounding.card.forecast import Course, forecast
from sounding.card.parts import Part, Parts
from sounding.card.sections import MEASURED, Known, measurement
from sounding.contract.evidence import failed, interrupted, timed
from sounding.evaluation.context import EvaluationContext
from sounding.machine.metering.carbon import checked_pue, intensity
from sounding.machine.metering.meter import Meter, given_watts
from sounding.training.loop import Interrupted

Say = Callable[[str], None]


def measure(
    context: EvaluationContext,
    report: Mapping[str, Any],
    header: Header,
    *,
    siblings: Mapping[int, float] | None = None,
    parts: Parts | None = None,
    progress: Say | None = None,
) -> Card:
    """Measure every section on `context`; `report` is what `data.Report.to_json()` gives.

    `siblings` are the headlines of runs that differ by seed alone. `parts` are the sections of an earlier, unfinished
    measuring, which are taken as they are; new ones are added to them. `progress` hears how long it will take, and of
    each section before it starts. An interruption (Ctrl-C) ends the measuring: the sections measured so far are in the
    card, and the others say that they were interrupted. Raises SoundingErrors only for what is wrong before the first
    section.
    """
    check(context)
    if parts:
        parts.open()
    known = Known(report, header.use, siblings or {}, parts.scores() if parts else None, progress)
    done: list[Part] = []
    try:
        kept = {id: part for id in MEASURED if parts and (part := parts.get(id))}
        course = Course(forecast(context), kept.keys(), progress)
        course.announce(context.profile)
        for id, title in MEASURED.items():
            course.begins(id, title)
            done.append(kept.get(id) or _measured(context, known, id, title, parts))
            course.ended(id, done[-1].section.seconds)
    except (KeyboardInterrupt, Interrupted):
        done += [Part(interrupted(id, title)) for id, title in list(MEASURED.items())[len(done) :]]
    header = header.about(context)
    return Card(header, (*(part.section for part in done), method.section(header, done)))


def check(context: EvaluationContext) -> None:
    """Raises UsageError or DataError for what can be seen to be wrong before anything is measured."""
    from sounding.challenges import shift

    given_watts()
    checked_pue(context.config.get("pue") or 1.0)
    if context.region:
        intensity(context.region)
    if len(context.second):
        shift.known(context.task, context.second, context.second_name)


def _measured(context: EvaluationContext, known: Known, id: str, title: str, parts: Parts | None) -> Part:
    """One section, or why there is none, with what that cost; kept unless it failed."""
    started, error = perf_counter(), None
    with Meter() as meter:
        try:
            section = measurement(id, context, known)
        except Interrupted:
            raise
        except Exception as broken:  # a bug in one measurement must not cost the hours of the others
            section, error = failed(id, title, broken), broken
    part = Part(timed(section, perf_counter() - started), meter.cost)
    if parts and error is None:
        parts.keep(part)
    if parts and error is not None:
        parts.explain(id, error)
    return part
