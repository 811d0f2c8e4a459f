"""Measuring a card: the sections one after the other, each metered, saved at once, and none able to lose the others.

An error in a section becomes the reason why that section is missing. What a person can mend before anything is measured
(the region, the watts) is checked first and raised.
"""

from __future__ import annotations

from dataclasses import replace
from time import perf_counter
from typing import Any

from sounding.card import method
from sounding.card.card import Card, Header
from sounding.card.foretelling import Course, foretold
from sounding.card.parts import Part, Parts
from sounding.card.sections import found
from sounding.contract.evidence import failed, interrupted
from sounding.evaluation import challenge as challenges
from sounding.evaluation.challenge import Challenge
from sounding.evaluation.context import EvaluationContext
from sounding.machine.metering.carbon import checked_pue, intensity
from sounding.machine.metering.meter import Meter, given_watts
from sounding.training.loop import Interrupted


def measure(context: EvaluationContext, header: Header, *, parts: Parts | None = None) -> Card:
    """Measure every section on `context`.

    `parts` are the sections of an earlier, unfinished measuring, which are taken as they are; new ones are added to
    them. `context.say` hears how long it will take, and of each section before it starts. An interruption (Ctrl-C) ends
    the measuring: the sections measured so far are in the card, and the others say that they were interrupted. Raises
    SoundingErrors only for what is wrong before the first section.
    """
    check(context)
    if parts:
        parts.open()
        context.scores = parts.scores()
    context.use = header.use
    every = found()
    done: list[Part] = []
    try:
        kept = {c.id: part for c in every if parts and (part := parts.get(c.id))}
        course = Course({c.id: c.title for c in every}, foretold(every, context), kept.keys(), context.say)
        course.announce(context.profile)
        for challenge in every:
            with course.section(challenge.id, challenge.title) as context.say:
                done.append(kept.get(challenge.id) or _measured(challenge, context, parts))
            course.ended(challenge.id, done[-1].section.seconds)
    except (KeyboardInterrupt, Interrupted):
        done += [Part(interrupted(challenge.id, challenge.title)) for challenge in every[len(done) :]]
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


def _measured(challenge: Challenge[Any], context: EvaluationContext, parts: Parts | None) -> Part:
    """One section, or why there is none, with what that cost; kept unless it failed."""
    started, error = perf_counter(), None
    with Meter() as meter:
        try:
            section = challenges.measured(challenge, context)
        except Interrupted:
            raise
        except Exception as broken:  # a bug in one measurement must not cost the hours of the others
            seconds = round(perf_counter() - started, 6)
            section, error = replace(failed(challenge.id, challenge.title, broken), seconds=seconds), broken
    part = Part(section, meter.cost)
    if parts and error is None:
        parts.keep(part)
    if parts and error is not None:
        parts.explain(challenge.id, error)
    return part
