"""How people say it: how many, how long, and where a sentence begins. Messages of all rooms share these."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

_PLURALS = {
    "person": "people",
    "class": "classes",
    "match": "matches",
    "batch": "batches",
    "summary": "summaries",
    "inaccuracy": "inaccuracies",
}
_WITH_ONE = {"are": "is", "were": "was", "have": "has", "stand": "stands", "look": "looks", "come": "comes"}


def counted(n: int, noun: str, verb: str = "") -> str:
    """So many of something: 1 row, 1,200 rows, 2 classes, 1 person, 3 people, 3 test rows.

    With the `verb` of several it is the beginning of a sentence: "1 row is", "2 rows are". Nothing counts as several.
    """
    if n != 1:
        *before, last = noun.split(" ")
        noun = " ".join([*before, _PLURALS.get(last, f"{last}s")])
    return " ".join(filter(None, [f"{n:,} {noun}", _WITH_ONE.get(verb, verb) if n == 1 else verb]))


def listed(words: list[str], most: int, separator: str = ", ") -> str:
    """The first words, and a mark where there are more."""
    return separator.join(words[:most]) + (f"{separator}…" if len(words) > most else "")


def shortened(text: str, longest: int) -> str:
    """A text on one line of at most `longest` characters, with a mark where it goes on."""
    text = " ".join(text.split())
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def duration(seconds: float) -> str:
    """Seconds as a person says them: 0.4 s, 12 s, 3 min 20 s, 2 h 5 min."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def roughly(seconds: float) -> str:
    """A time that is foretold, no finer than it can be known: about 8 s, about 3 min 20 s, about 25 min."""
    step = 1 if seconds < 60 else 10 if seconds < 600 else 60
    hours, rest = divmod(max(1, round(seconds / step) * step), 3600)
    minutes, rest = divmod(rest, 60)
    return "about " + " ".join(f"{n} {unit}" for n, unit in ((hours, "h"), (minutes, "min"), (rest, "s")) if n)


def percent(share: float, decimals: int = 0) -> str:
    """A share as a percentage, with the space that the SI has before the sign: 60 %, 2.8 %."""
    return f"{share:.{decimals}%}".replace("%", " %")


def capital(text: str) -> str:
    """The text with a large first letter and the others as they are; a name such as mAP50 stays as it is written."""
    first = text.split(" ")[0]
    return text if first != first.lower() else text[:1].upper() + text[1:]


def in_columns(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The rows of a table as lines: the first column to the left, the others to the right."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    for row in rows:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        yield "  ".join(cells)
