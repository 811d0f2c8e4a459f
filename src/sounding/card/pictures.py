"""The drawings of card.html: intervals as marks on a scale, and the figures of the sections.

bar      the headline number with its interval and the baseline, like a mark on a sounding line
strip    the interval of a share, as small as a word
figure   a section's figure, in the page when it is a drawing, shut into an image when it could do anything else
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from html import escape
from math import isfinite
from xml.etree import ElementTree

from sounding.card.printing import printed
from sounding.contract.evidence import Clip, Figure, Number

_SHAPES = {"svg", "g", "defs", "title", "desc", "path", "line", "polyline", "polygon", "rect", "circle", "ellipse"}
_SHAPES |= {"text", "tspan", "use", "image", "clipPath", "marker", "linearGradient", "radialGradient", "stop"}


def bar(number: Number, baseline: Number | None) -> str:
    """The interval and the baseline on a scale that holds them; "" for a number that is not finite.

    Positions are percentages of the width, so that the words keep their size on a narrow screen.
    """
    e, reference = number.estimate, baseline.estimate.value if baseline else None
    start, end = _scale([x for x in (e.value, e.low, e.high, reference) if x is not None and isfinite(x)], number.unit)
    if not isfinite(e.value) or start == end:
        return ""

    def at(x: float) -> float:
        return 3 + 94 * min(1.0, max(0.0, (x - start) / (end - start)))  # room for a half label at each end

    ticks = [start + (end - start) * i / 4 for i in range(5)]
    drawn = [f'<line x1="{at(start):.2f}%" x2="{at(end):.2f}%" y1="44" y2="44" class="axis"/>']
    for tick in ticks:
        where = f"{at(tick):.2f}%"
        drawn.append(
            f'<line x1="{where}" x2="{where}" y1="44" y2="50" class="axis"/><text x="{where}" y="66">{tick:g}</text>'
        )
    if e.low is not None and e.high is not None:
        low, width = at(e.low), at(e.high) - at(e.low)
        drawn.append(f'<rect x="{low:.2f}%" width="{max(0.4, width):.2f}%" y="27" height="12" rx="3" class="band"/>')
    if reference is not None and isfinite(reference):
        x, side = at(reference), "start" if at(reference) < 50 else "end"
        note = escape(f"baseline {printed(baseline).value}") if baseline else ""
        drawn.append(f'<line x1="{x:.2f}%" x2="{x:.2f}%" y1="20" y2="44" class="baseline"/>')
        drawn.append(f'<text x="{x:.2f}%" y="13" class="note" style="text-anchor:{side}">{note}</text>')
    drawn.append(f'<circle cx="{at(e.value):.2f}%" cy="33" r="6" class="dot"/>')
    label = f"{number.name}: {printed(number)}" + (f"; baseline {printed(baseline).value}" if baseline else "")
    return f'<svg class="scale" width="100%" height="72" role="img" aria-label="{escape(label)}">{"".join(drawn)}</svg>'


def _scale(values: list[float], unit: str) -> tuple[float, float]:
    """Start and end of the axis: 0 to 1 for shares, 0 to 100 for percentages, else what holds all values, with room."""
    whole = 100.0 if unit == "%" else 1.0
    if not values or (unit in ("", "%") and min(values) >= 0 and max(values) <= whole):
        return 0.0, whole
    start, end = min(0.0, *values), max(0.0, *values)
    return float(f"{start * 1.1:.2g}"), float(f"{end * 1.1:.2g}")


def strip(number: Number) -> str:
    """The interval between 0 and 1 as a little bar; nothing for numbers that live elsewhere."""
    e = number.estimate
    if number.unit or e.low is None or e.high is None or not (0 <= e.low <= e.value <= e.high <= 1):
        return ""
    width = max(0.8, 100 * (e.high - e.low))
    band = f'<rect x="{100 * e.low:.2f}%" width="{width:.2f}%" height="6" rx="1.5" class="band"/>'
    dot = f'<circle cx="{100 * e.value:.2f}%" cy="3" r="2.4" class="dot"/>'
    track = '<rect width="100%" y="2.5" height="1" class="track"/>'
    return f'<svg class="strip" width="100%" height="6" aria-hidden="true">{track}{band}{dot}</svg>'


def figure(figure: Figure) -> str:
    """A drawing stands in the page, where its words can be read and found; anything else is shut into an image."""
    caption = escape(figure.caption)
    if _is_drawing(figure.svg):
        picture = figure.svg.replace("<svg", f'<svg aria-label="{caption}"', 1)
    else:
        data = base64.b64encode(figure.svg.encode()).decode()
        picture = f'<img src="data:image/svg+xml;base64,{data}" alt="{caption}">'
    plate = f'<div class="plate">{picture}</div>{_players(figure.clips)}'
    return f'<figure id="{escape(figure.id)}">{plate}<figcaption>{caption}</figcaption></figure>'


def _players(clips: Sequence[Clip]) -> str:
    """A line for each clip: what it is called, and the browser's own player, which keys and screen readers know."""
    lines = "".join(
        f'<li><span>{escape(clip.name)}</span><audio controls preload="metadata" aria-label="{escape(clip.name)}" '
        f'src="data:{escape(clip.media)};base64,{escape(clip.base64)}"></audio></li>'
        for clip in clips
    )
    return f'<ul class="clips" aria-label="To be heard">{lines}</ul>' if lines else ""


def _is_drawing(svg: str) -> bool:
    """Whether an SVG holds shapes and words alone: nothing that acts, and nothing that is fetched."""
    if "<!" in svg or "<?" in svg:  # nothing but elements, so that a page reads it as an XML reader does
        return False
    try:
        return all(map(_is_harmless, ElementTree.fromstring(svg).iter()))
    except ElementTree.ParseError:
        return False


def _is_harmless(element: ElementTree.Element) -> bool:
    if _local(element.tag) not in _SHAPES:
        return False
    for name, value in element.attrib.items():
        attribute = _local(name).lower()
        if attribute.startswith("on") or attribute == "src" or re.search(r"url\s*\((?!#)", value, re.IGNORECASE):
            return False
        if attribute == "href" and not value.startswith(("#", "data:image/png;base64,", "data:image/jpeg;base64,")):
            return False
    return True


def _local(name: str) -> str:
    """A name without its namespace."""
    return name.rpartition("}")[2]
