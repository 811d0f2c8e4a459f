"""How the card says a number, an interval and a table; the page and the Markdown share these words.

printed(number)     value and interval with the same sensible digits: 2.1 mJ [1.9, 2.3], at most 0.412, 0.873
definitions(numbers)  what they mean, each thing said once
tables(details)     the JSON in a section's details as tables of words
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sounding.contract.evidence import COUNTED, SIDES, Estimate, Number, Section, Status

KINDS = {
    "measured": "counted or computed from what the model did",
    "estimated": "computed from a model of the machine, not from a meter",
    "bound": "the truth may lie on one side of this value",
}
"""Kind of a number → what it means."""

NOT_JOINTLY = (
    "Intervals are 95 % each, not jointly: many of them together do not all hold the truth with that probability."
)

STATUS = {
    Status.OK: "",
    Status.NOT_APPLICABLE: "not applicable",
    Status.SKIPPED: "not measured",
    Status.FAILED: "not measured",
    Status.INTERRUPTED: "not measured",
}
"""What became of a section, in words."""

_SCALED = {"J", "Wh", "W", "FLOP", "FLOPs", "FLOP/s", "B", "g", "s"}  # units that take a prefix
_PREFIXES = {1e15: "P", 1e12: "T", 1e9: "G", 1e6: "M", 1e3: "k", 1.0: "", 1e-3: "m", 1e-6: "µ", 1e-9: "n"}
_MISSING = "—"
_LONGEST = 500  # rows of a table that are printed; the rest is in card.json


@dataclass(frozen=True)
class Printed:
    """A number in words. `value` has no unit; `interval` is "" where there is none; `how` names its method.

    `side` is "at most" or "at least" for a bound, else "".
    """

    value: str
    unit: str
    interval: str
    how: str
    side: str = ""

    @property
    def amount(self) -> str:
        """What it comes to: "at most 0.120", "7.91 kJ"."""
        return " ".join(part for part in (self.side, self.value, self.unit) if part)

    def __str__(self) -> str:
        return f"{self.amount} {self.interval}".strip()


@dataclass(frozen=True)
class Definition:
    """What one number means, or several of them; `common` where it is said beside what each of them means."""

    numbers: tuple[Number, ...]
    text: str
    common: bool = False

    @property
    def names(self) -> str:
        """The names of the numbers together: "deletion beyond random (occlusion, gradient)"."""
        return _together(self.numbers)


@dataclass(frozen=True)
class Table:
    """Rows of words under a title; `omitted` counts the rows that were too many to print."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    omitted: int = 0


def printed(number: Number) -> Printed:
    """The number as the card prints it. Value and interval share the unit's prefix and the decimals."""
    e = number.estimate
    if not math.isfinite(e.value):
        return Printed("no value", "", "", e.interval)
    scale, unit = _scaled(e.value, number.unit)
    value, low, high = (None if x is None or not math.isfinite(x) else x / scale for x in (e.value, e.low, e.high))
    ends = [x for x in (low, high) if x is not None]
    decimals = 0 if e.interval == COUNTED else _decimals(e.value / scale, unit, ends)
    return Printed(_plain(value, decimals), unit, _interval(low, high, decimals), _method(e), SIDES[number.bound])


def definitions(numbers: Sequence[Number]) -> list[Definition]:
    """What the numbers mean, each thing said once.

    Numbers of one definition share it. Clauses ("; …") that stand in several definitions are taken out of them, and
    said at the end, of all numbers that they belong to.
    """
    split = [(number, number.definition.split("; ")) for number in numbers]
    heads: dict[str, set[str]] = {}
    for _, (head, *clauses) in split:
        for clause in clauses:
            heads.setdefault(clause, set()).add(head)
    own: dict[str, list[Number]] = {}
    common: dict[str, list[Number]] = {}
    for number, (head, *clauses) in split:
        own.setdefault("; ".join([head, *(c for c in clauses if len(heads[c]) == 1)]), []).append(number)
        for clause in clauses:
            if len(heads[clause]) > 1:
                common.setdefault(clause, []).append(number)
    shared: dict[tuple[str, ...], tuple[list[Number], list[str]]] = {}
    for clause, those in common.items():
        shared.setdefault(tuple(number.id for number in those), (those, []))[1].append(clause)
    alone = [Definition(tuple(those), text) for text, those in own.items()]
    return alone + [Definition(tuple(those), "; ".join(said), common=True) for those, said in shared.values()]


def _together(numbers: Sequence[Number]) -> str:
    """The names of numbers, those that begin alike taken together."""
    stems: dict[str, list[str]] = {}
    for number in numbers:
        stem, _, variant = number.name.partition(", ")
        stems.setdefault(stem, []).append(variant)
    said = []
    for stem, variants in stems.items():
        if len(variants) == 1:
            said.append(f"{stem}, {variants[0]}" if variants[0] else stem)
        else:
            said.append(f"{stem} ({', '.join(filter(None, variants))})")
    return "; ".join(said)


def tables(section: Section) -> Iterator[Table]:
    """What the section's details hold, as tables; what fits no table comes last, as one list of facts."""
    facts: list[tuple[str, ...]] = []
    for key, value in section.details.items():
        if key in ("warnings", "notes") or value in (None, "", [], {}):
            continue
        title = _spaced(key)
        if isinstance(value, Mapping) and not _is_estimate(value):
            yield _of_mapping(title, value)
        elif isinstance(value, Sequence) and value and all(isinstance(row, Mapping) for row in value):
            yield _of_rows(title, value)
        else:
            facts.append((title, _cell(value)))
    if facts:
        yield Table("More", ("", ""), tuple(facts))


def warnings(section: Section) -> list[str]:
    """What the section warns of, sentence by sentence."""
    return [str(warning) for warning in section.details.get("warnings", ())]


def told_once(sections: Sequence[Section]) -> dict[str, list[str]]:
    """The warnings to print in each section, by its id: those that no section before it gave."""
    told: dict[str, list[str]] = {}
    for section in sections:
        before = {warning for those in told.values() for warning in those}
        told[section.id] = [warning for warning in warnings(section) if warning not in before]
    return told


def notes(section: Section) -> list[str]:
    """What else should be known, sentence by sentence."""
    return [str(note) for note in section.details.get("notes", ())]


def first_sentence(text: str) -> str:
    """What a text says first; the rest stands where the whole is printed."""
    return re.split(r"(?<=[.!?])\s+(?=[A-Z‘“])", text, maxsplit=1)[0]


# ---- numbers


def _method(e: Estimate) -> str:
    """How the interval was had; a model's uncertainty has no level."""
    method = e.interval.replace("wilson", "Wilson").replace("clopper-pearson", "Clopper-Pearson")
    if e.low is None and e.high is None:
        return "no interval" if method.startswith("none") else method
    return method if method == "model uncertainty" else f"{e.level * 100:g} %, {method}"


def _scaled(value: float, unit: str) -> tuple[float, str]:
    """What to divide by, and the unit with its prefix; only the first word of a unit takes one ("J per prediction")."""
    head, _, rest = unit.partition(" ")
    if head not in _SCALED or value == 0 or (head == "s" and abs(value) >= 1):
        return 1.0, unit
    scale, prefix = next(((s, p) for s, p in _PREFIXES.items() if abs(value) >= s), (1e-9, "n"))
    return scale, f"{prefix}{head} {rest}".strip()


def _decimals(value: float, unit: str, ends: Sequence[float]) -> int:
    """Three for shares, one for percentages, none for counts, else enough for three significant digits."""
    if value.is_integer() and abs(value) >= 2 and all(end.is_integer() for end in ends):
        return 0
    if unit in ("%", "points", "percentage points"):
        return 1
    size = max(map(abs, [value, *ends]))
    if not unit and 1e-3 <= size <= 1:
        return 3
    smallest = abs(value) or size
    return 3 if smallest == 0 else min(9, max(0, 2 - math.floor(math.log10(smallest))))


def _plain(value: float | None, decimals: int) -> str:
    if value is None:
        return _MISSING
    text = f"{value:,.{decimals}f}"
    if float(text.replace(",", "")) == 0:
        text = text.lstrip("-")
    return text.replace("-", "−")


def _interval(low: float | None, high: float | None, decimals: int) -> str:
    if low is not None and high is not None:
        return f"[{_plain(low, decimals)}, {_plain(high, decimals)}]"
    if low is not None:
        return f"from {_plain(low, decimals)} up"
    return "" if high is None else f"up to {_plain(high, decimals)}"


# ---- tables


def _of_rows(title: str, rows: Sequence[Mapping[str, Any]]) -> Table:
    keys = list(dict.fromkeys(key for row in rows for key in row))
    body = tuple(tuple(_cell(row.get(key)) for key in keys) for row in rows[:_LONGEST])
    return Table(title, tuple(_spaced(key) for key in keys), body, max(0, len(rows) - _LONGEST))


def _of_mapping(title: str, values: Mapping[str, Any]) -> Table:
    if all(isinstance(value, Mapping) and not _is_estimate(value) for value in values.values()):
        return _of_rows(title, [{"": key, **value} for key, value in values.items()])
    body = tuple((str(key), _cell(value)) for key, value in values.items())  # keys may be names that people chose
    return Table(title, ("", ""), body[:_LONGEST], max(0, len(body) - _LONGEST))


def _cell(value: Any) -> str:
    if value is None:
        return _MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}".replace("-", "−")
    if isinstance(value, float):
        return _plain(value, _decimals(value, "", [])) if math.isfinite(value) else _MISSING
    if isinstance(value, Mapping):
        return _estimate(value) if _is_estimate(value) else ", ".join(f"{k} {_cell(v)}" for k, v in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(_cell(item) for item in value)
    return str(value)


def _is_estimate(value: Mapping[str, Any]) -> bool:
    return {"value", "low", "high"} <= value.keys()


def _estimate(e: Mapping[str, Any]) -> str:
    value, low, high = e["value"], e["low"], e["high"]
    if value is None:
        return _MISSING
    decimals = _decimals(float(value), "", [float(x) for x in (low, high) if x is not None])
    return f"{_plain(value, decimals)} {_interval(low, high, decimals)}".strip()


def _spaced(key: str) -> str:
    return str(key).replace("_", " ")
