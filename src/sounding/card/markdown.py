"""card.md: the card as Markdown, with a YAML head that model hubs read.

The head follows the Hugging Face model card specification (`model-index` with task, dataset and metrics, and
`co2_eq_emissions` in grams where the card has them).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePath
from typing import Any

import yaml

from sounding.card.contents import Contents, Header
from sounding.card.method import complete
from sounding.card.printing import STATUS, Table, definitions, notes, printed, tables, told_once
from sounding.contract.evidence import Number, Section
from sounding.evaluation.estimates_in_words import sample
from sounding.wording import capital, duration

_NOT_METRICS = ("baseline", "gain")
_SPECIAL = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "\\|", "*": "\\*", "`": "\\`", "\\": "\\\\"})


def markdown(card: Contents) -> str:
    """The whole text."""
    head = yaml.safe_dump(_head(card), sort_keys=False, allow_unicode=True, width=math.inf)
    lines, sections = ["---", head + "---", *_title(card)], complete(card)
    warned = told_once(sections)
    for section in sections:
        lines += ["", f"## {_text(section.title)}", "", *_section(section, warned[section.id])]
    return "\n".join(lines).rstrip() + "\n"


# ---- the head for hubs


def _head(card: Contents) -> dict[str, Any]:
    h = card.header
    known = re.fullmatch(r"[a-z0-9][a-z0-9.+-]*", h.licence.lower()) is not None
    unlisted = "other" if h.licence else "unknown"
    head: dict[str, Any] = {"license": h.licence.lower() if known else unlisted}
    if h.licence and not known:
        head["license_name"] = _printable(h.licence)
    head["library_name"] = "sounding"
    if h.pipeline:
        head["pipeline_tag"] = _printable(h.pipeline)
    head["tags"] = ["sounding", _printable(h.task)]
    if (emissions := _emissions(card)) is not None:
        head["co2_eq_emissions"] = emissions
    if metrics := _metrics(card):
        head["model-index"] = [{"name": _printable(_short(h)), "results": [_result(h, metrics)]}]
    return head


def _emissions(card: Contents) -> dict[str, Any] | None:
    """`co2_eq_emissions` of the training in grams, where the section on energy knows them; an estimate says so."""
    energy = card.get("energy")
    found = next((n for n in energy.numbers if n.id == "training_co2e"), None) if energy else None
    if found is None or not math.isfinite(found.estimate.value):
        return None
    emissions = {
        "emissions": _rounded(found.estimate.value),
        "source": _printable(f"{found.kind}; {found.definition}"),
    }
    region = card.header.region
    return {**emissions, "geographical_location": _printable(region)} if region else emissions


def _metrics(card: Contents) -> list[dict[str, Any]]:
    """The metrics of `model-index`, which is left out without one, since the hub refuses empty results."""
    quality = card.get("quality")
    measured = [n for n in quality.numbers if math.isfinite(n.estimate.value)] if quality else []
    return [
        {
            "type": _printable(number.id),
            "value": _rounded(number.estimate.value),
            "name": _printable(_metric_name(number)),
        }
        for number in measured
        if number.id not in _NOT_METRICS
    ]


def _result(h: Header, metrics: list[dict[str, Any]]) -> dict[str, Any]:
    name = PurePath(h.data).name or h.data or "unnamed"
    return {
        "task": {"type": _printable(h.pipeline or h.task)},
        "dataset": {
            "name": _printable(name),
            "type": re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "unnamed",
        },
        "metrics": metrics,
    }


def _metric_name(number: Number) -> str:
    p, e = printed(number), number.estimate
    spread = f"{e.level * 100:g} % interval {p.interval}, " if p.interval else ""
    return f"{capital(number.name)} ({spread}{sample(e)})"


def _short(header: Header) -> str:
    """The last two parts of the model's folder: what tells it from others without telling where it lies."""
    return "/".join(PurePath(header.model).parts[-2:]) or header.task


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in str(text))


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")


# ---- the text


def _title(card: Contents) -> Iterator[str]:
    h = card.header
    yield from ("", f"# {_text(capital(h.task))}: {_text(_short(h))}", "")
    if h.use:
        yield from (_text(h.use), "")
    if card.headline is not None:
        number = card.headline
        yield from (f"**{_text(capital(number.name))}: {_text(str(printed(number)))}** ({sample(number.estimate)})", "")
    facts = {
        "Data": h.data,
        "Parameters": "" if h.parameters is None else f"{h.parameters:,}",
        "Measured": h.created,
        "Profile": h.profile,
        "Licence": h.licence,
        "Region": h.region,
        "Cost of measuring": duration(card.seconds),
        "Made by": h.command,
    }
    yield from (f"- {name}: {_text(value)}" for name, value in facts.items() if value)


def _section(section: Section, warned: Sequence[str]) -> Iterator[str]:
    if section.status != "ok":
        yield from (f"*{capital(STATUS[section.status])}:* {_text(section.reason or 'no reason was given')}", "")
    if section.sentence:
        yield from (_text(section.sentence), "")
    for warning in warned:
        yield from (f"> **Warning:** {_text(warning)}", "")
    if section.numbers:
        yield from _numbers(section.numbers)
    for note in notes(section):
        yield from (_text(note), "")
    for figure in section.figures:
        yield from (f"![{_text(figure.caption)}](plots/{figure.id}.svg)", "")
    for table in tables(section):
        yield from (f"**{_text(capital(table.title))}**", "", *_table(table), "")


def _numbers(numbers: Sequence[Number]) -> Iterator[str]:
    """The numbers as a table, and below it what each of them means."""
    rows = []
    for number in numbers:
        p = printed(number)
        counts = sample(number.estimate).removeprefix("n = ")
        rows.append((capital(number.name), p.amount, p.interval or "—", p.how, counts, number.kind))
    yield from _table(Table("", ("Number", "Value", "Interval", "Level and method", "n", "Kind"), tuple(rows)))
    yield ""
    yield from (f"- *{_text(capital(one.names))}*: {_text(capital(one.text))}" for one in definitions(numbers))
    yield ""


def _table(table: Table) -> Iterator[str]:
    yield _line(table.head)
    yield _line("---" for _ in table.head)
    yield from (_line(map(_text, row)) for row in table.rows)
    if table.omitted:
        yield from ("", f"and {table.omitted:,} more rows in card.json")


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _text(text: str) -> str:
    """Plain words as Markdown shows them unchanged: no tags, no emphasis, no links, one line."""
    return " ".join(str(text).split()).translate(_SPECIAL).replace("](", "]\\(")
