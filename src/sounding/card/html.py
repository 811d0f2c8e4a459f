"""card.html: the card as one self-contained page, to be read with pleasure on a screen, a phone or paper.

Nothing is fetched: style, figures and sounds are inlined, and there are no scripts. Names come from people's files, so
every word passes `html.escape`; a figure that holds more than shapes and words becomes an <img>, where it can do
nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib import resources
from pathlib import PurePath

from sounding.card.contents import Contents
from sounding.card.method import complete
from sounding.card.pictures import bar, figure, strip
from sounding.card.printing import (
    KINDS,
    STATUS,
    Printed,
    Table,
    definitions,
    first_sentence,
    notes,
    printed,
    tables,
    told_once,
)
from sounding.contract.evidence import Number, Section
from sounding.evaluation.estimates_in_words import sample
from sounding.wording import capital, duration

TILES = ("data_efficiency", "interpretability", "robustness", "energy", "calibration")
"""The sections whose finding stands at the top; the fifth takes the whole width."""

_FOLDED = 12  # rows of a table beyond which it is folded
_SHOWN = 8  # numbers of a section that are shown at once


def html(card: Contents) -> str:
    """The whole page."""
    title = f"{capital(card.header.task)} · {card.header.model}"
    style = resources.files("sounding.card").joinpath("style.css").read_text(encoding="utf-8")
    sections = complete(card)
    warned = told_once(sections)
    body = [_masthead(card), _tiles(card), _contents(sections), *(_section(s, warned[s.id]) for s in sections)]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escape(title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(part for part in body if part)
        + "\n</main>\n</body>\n</html>\n"
    )


def framed(page: str) -> str:
    """A page within another one, whose style it leaves alone: a notebook's."""
    return f'<iframe srcdoc="{escape(page)}" style="width:100%;height:75vh;border:0" sandbox=""></iframe>'


def facts_table(title: str, facts: Mapping[str, str]) -> str:
    """A title and facts by name, for a notebook."""
    rows = "".join(
        f'<tr><th style="text-align:left;white-space:nowrap">{escape(name)}</th>'
        f'<td style="text-align:left">{escape(fact)}</td></tr>'
        for name, fact in facts.items()
    )
    return f"<strong>{escape(title)}</strong><table>{rows}</table>"


# ---- the top of the page


def _masthead(card: Contents) -> str:
    h = card.header
    facts = {
        "Data": h.data,
        "Parameters": "" if h.parameters is None else f"{h.parameters:,}",
        "Measured": h.created.replace("T", " ").replace("+00:00", " UTC"),
        "Profile": h.profile,
        "Licence": h.licence,
        "Region": h.region,
        "Cost of measuring": duration(card.seconds),
    }
    listed = "".join(f"<div><dt>{k}</dt><dd>{escape(v)}</dd></div>" for k, v in facts.items() if v)
    data = PurePath(h.data).name or h.data
    use = f'<p class="use">{escape(h.use)}</p>' if h.use else ""
    made = f'<pre class="command"><code>{escape(h.command)}</code></pre>' if h.command else ""
    return (
        f'<header><p class="eyebrow">Model card</p><h1>{escape(capital(h.task))} <span>{escape(data)}</span></h1>'
        f'<p class="path">{escape(h.model)}</p>{use}{_headline(card)}<dl class="facts">{listed}</dl>{made}</header>'
    )


def _headline(card: Contents) -> str:
    """The headline number, large, with its interval drawn beside the trivial baseline."""
    number = card.headline
    if number is None:
        quality = card.get("quality")
        return f'<p class="lead">{escape(quality.reason)}</p>' if quality and quality.reason else ""
    p = printed(number)
    named = f"{number.name} of "  # the baseline is told of one metric, which need not be the headline
    numbers = card["quality"].numbers
    baseline = next((n for n in numbers if n.id == "baseline" and n.name.startswith(named)), None)
    about = f"{p.interval} {p.how}, {sample(number.estimate)}" if p.interval else p.how
    return (
        f'<div class="headline"><div><p class="big">{_value(p)}</p><p class="of">{escape(capital(number.name))}</p>'
        f'<p class="fine">{escape(about.strip())}</p></div>{bar(number, baseline)}</div>'
    )


def _tiles(card: Contents) -> str:
    found = [section for id in TILES if (section := card.get(id)) is not None]
    return f'<nav class="tiles" aria-label="Findings">{"".join(map(_tile, found))}</nav>'


def _tile(section: Section) -> str:
    """One challenge in one number and one sentence; a link to its section."""
    if section.status != "ok":
        body = f'<p class="status">{STATUS[section.status]}</p><p>{escape(capital(section.reason))}</p>'
    elif section.numbers:
        first = section.numbers[0]
        body = f'<p class="figure">{_value(printed(first))}</p><p class="of">{escape(first.name)}</p>'
        body += f'<p class="finding">{escape(first_sentence(section.sentence))}</p>'
    else:
        body = f'<p class="finding">{escape(first_sentence(section.sentence))}</p>'
    kind = "tile" if section.status == "ok" else "tile quiet"
    return f'<a class="{kind}" href="#{escape(section.id)}"><h2>{escape(section.title)}</h2>{body}</a>'


def _contents(sections: Sequence[Section]) -> str:
    """Every section in one line: its title, a link, and its finding or why there is none."""
    rows = "".join(map(_entry, sections))
    inside = f"<h2>Contents</h2><ol>{rows}</ol>"
    return f'<nav class="contents" id="contents" aria-label="Contents">{inside}</nav>' if rows else ""


def _entry(section: Section) -> str:
    ok = section.status == "ok"
    said = escape(first_sentence(section.sentence) if ok else capital(section.reason))
    status = "" if ok else f'<span class="status">{STATUS[section.status]}</span> '
    kind = "" if ok else ' class="quiet"'
    return f'<li{kind}><a href="#{escape(section.id)}">{escape(section.title)}</a><p>{status}{said}</p></li>'


# ---- the sections


def _section(section: Section, warned: Sequence[str]) -> str:
    up = '<a class="up" href="#contents">Contents</a>'
    head = f'<section id="{escape(section.id)}"><h2>{escape(section.title)}</h2>{up}'
    if section.status != "ok":
        reason = escape(capital(section.reason or "no reason was given"))
        head += f'<p class="lead quiet"><span class="status">{STATUS[section.status]}</span> {reason}</p>'
    if section.sentence:
        head += f'<p class="lead">{escape(section.sentence)}</p>'
    notices = "".join(f"<li>{escape(warning)}</li>" for warning in warned)
    parts = [
        head,
        f'<ul class="warnings" aria-label="Warnings">{notices}</ul>' if notices else "",
        _numbers(section.numbers),
        "".join(f'<p class="fine">{escape(note)}</p>' for note in notes(section)),
        f'<div class="figures">{"".join(map(figure, section.figures))}</div>' if section.figures else "",
        "".join(map(_table, tables(section))),
        "</section>",
    ]
    return "\n".join(part for part in parts if part)


def _numbers(numbers: Sequence[Number]) -> str:
    """The first numbers as a table; the others, where there are many, in one that is folded.

    A definition stands at the first number that it is of; what several have in common, below the table.
    """
    said = definitions(numbers)
    at = {one.numbers[0].id: one.text for one in said if not one.common}
    below = "".join(
        f'<p class="fine">{escape(capital(one.names))}: {escape(one.text)}.</p>' for one in said if one.common
    )
    if len(numbers) <= _SHOWN + 2:
        return _number_table(numbers, at) + below
    rest = f"<summary>{len(numbers) - _SHOWN} more numbers</summary>{_number_table(numbers[_SHOWN:], at)}"
    return f"{_number_table(numbers[:_SHOWN], at)}<details>{rest}</details>{below}"


def _number_table(numbers: Iterable[Number], definitions: Mapping[str, str]) -> str:
    rows = "".join(_row(number, definitions.get(number.id, "")) for number in numbers)
    if not rows:
        return ""
    head = '<th scope="col">Number</th><th scope="col">Value</th><th scope="col">Interval</th><th scope="col">n</th>'
    return f'<table class="numbers"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'


def _row(number: Number, definition: str) -> str:
    """One number with all that it takes to understand it; without its definition where that was said before."""
    p = printed(number)
    badge = f'<span class="kind {number.kind}" title="{escape(KINDS[number.kind])}">{number.kind}</span>'
    meaning = f'<span class="fine">{escape(capital(definition))}</span>' if definition else ""
    interval = f'{escape(p.interval)}{strip(number)}<span class="fine">{escape(p.how)}</span>'
    return (
        f'<tr><th scope="row">{escape(capital(number.name))} {badge}{meaning}</th>'
        f'<td class="value" data-label="Value">{_value(p)}</td><td data-label="Interval">{interval}</td>'
        f'<td data-label="n">{sample(number.estimate).removeprefix("n = ")}</td></tr>'
    )


def _table(table: Table) -> str:
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in table.head)
    rows = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in table.rows)
    head = f"<thead><tr>{head}</tr></thead>" if any(table.head) else ""
    body = f'<div class="scroll"><table class="details">{head}<tbody>{rows}</tbody></table></div>'
    if table.omitted:
        body += f'<p class="fine">and {table.omitted:,} more rows in card.json</p>'
    title = escape(capital(table.title))
    if len(table.rows) <= _FOLDED:
        return f"<h3>{title}</h3>{body}"
    return f"<details><summary>{title} ({len(table.rows) + table.omitted:,} rows)</summary>{body}</details>"


def _value(p: Printed) -> str:
    side = f'<span class="unit">{p.side}</span> ' if p.side else ""
    unit = f' <span class="unit">{escape(p.unit)}</span>' if p.unit else ""
    return f"{side}{escape(p.value)}{unit}"
