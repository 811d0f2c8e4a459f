"""The notes on method at the end of a card: how every number was had, what was not measured, and what measuring cost.

They are made from the other sections. The cost of measuring is read by the same meter as that of the training, summed
over all sessions, and is not part of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce
from operator import add
from typing import Any

from sounding.card.contents import Contents, Header
from sounding.card.parts import Part
from sounding.card.printing import KINDS, NOT_JOINTLY, STATUS, printed
from sounding.contract.evidence import Estimate, Number, Section
from sounding.machine.metering.meter import Cost
from sounding.wording import capital, duration

ID, TITLE = "method", "Method notes"
_APART = "all sections, all sessions; not part of the training's cost"


def section(header: Header, parts: Sequence[Part]) -> Section:
    """The notes on the sections of `parts`, in their order."""
    sections = [part.section for part in parts]
    costs = [part.cost for part in parts if part.cost is not None]
    cost = reduce(add, costs) if costs else None
    seconds = sum(s.seconds for s in sections)
    own = tuple(_numbers(sum(s.status == "ok" for s in sections), seconds, cost))
    numbers = [(s.id, number) for s in sections for number in s.numbers] + [(ID, number) for number in own]
    return Section(
        ID,
        TITLE,
        sentence=_sentence(sections, seconds, cost),
        numbers=own,
        details={
            "not_measured": [_missing(s) for s in sections if s.status != "ok"],
            "cost_of_measuring": [_cost(part) for part in parts],
            "versions": {**header.versions, "profile": header.profile, "seed": _known(header.seed)},
            "every_number": [_row(id, number) for id, number in numbers],
            "notes": [*(f"{capital(kind)}: {meaning}." for kind, meaning in KINDS.items()), NOT_JOINTLY],
        },
    )


def complete(card: Contents) -> tuple[Section, ...]:
    """The sections of a card with the notes at their end, also where it was saved before cards had them."""
    has = card.get(ID) is not None
    return card.sections if has else (*card, section(card.header, [Part(s) for s in card]))


def _sentence(sections: Sequence[Section], seconds: float, cost: Cost | None) -> str:
    ok = sum(s.status == "ok" for s in sections)
    said = f"{ok} of {len(sections)} sections were measured, in {duration(seconds)}"
    if cost is not None:
        spent = printed(Number("", "", Estimate(cost.joules.value), "", "J")).amount
        said += f" and for {'a measured' if cost.kind == 'measured' else 'an estimated'} {spent}"
    said += ", which are not part of the training's cost."
    broken = [s.title for s in sections if s.failed]
    if broken:
        said += f" {', '.join(broken)} could not be measured: an error stopped {'it' if len(broken) == 1 else 'them'}."
    return f"{said} {NOT_JOINTLY}"


def _numbers(measured: int, seconds: float, cost: Cost | None) -> Iterator[Number]:
    wall = Estimate(seconds, n=measured)
    yield Number("measuring_seconds", "time of measuring", wall, f"wall time of measuring, {_APART}", "s")
    if cost is None:
        return
    cpu = Estimate(cost.cpu_seconds, n=measured)
    meaning = f"user and system time of all threads while measuring, {_APART}"
    yield Number("measuring_cpu_seconds", "CPU time of measuring", cpu, meaning, "s")
    meaning = f"energy of measuring, {_APART}; {cost.source}"
    yield Number("measuring_joules", "energy of measuring", cost.joules, meaning, "J", cost.kind)


def _missing(section: Section) -> dict[str, str]:
    return {"section": section.title, "": STATUS[section.status], "reason": section.reason}


def _cost(part: Part) -> dict[str, Any]:
    joules = None if part.cost is None else round(part.cost.joules.value, 3)
    return {"section": part.section.title, "seconds": round(part.section.seconds, 3), "joules": joules}


def _row(section: str, number: Number) -> dict[str, Any]:
    e = number.estimate
    level = f"{e.level * 100:g} %" if printed(number).interval else ""
    return {
        "number": f"{section}.{number.id}",
        "kind": number.kind,
        "interval": e.interval,
        "level": level,
        "n": e.n,
        "seed": number.seed,
        "seconds": round(number.seconds, 3) or None,
    }


def _known(value: int | None) -> str:
    return "—" if value is None else str(value)
