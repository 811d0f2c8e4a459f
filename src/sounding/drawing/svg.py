"""A sheet as one <svg> element, which can stand in a page beside others: no ids, no styles that leak, no scripts."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable

import PIL.Image

from sounding.drawing.colours import FONTS, PAPER
from sounding.drawing.labels import plate
from sounding.drawing.shapes import Disc, Group, Label, Path, Raster, Rectangle, Shape, Sheet, Words
from sounding.drawing.words import escaped

PHOTOGRAPH, QUALITY = 96, 88
"""Pixels of the shorter side from which on a picture is held as JPEG, a tenth of a PNG, and its quality."""


def svg(sheet: Sheet) -> str:
    """The element, as large as the sheet where it has room, else smaller."""
    width, height = _number(sheet.width), _number(sheet.height)
    head = f'xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    paper = f'<rect width="{width}" height="{height}" fill="{PAPER}"/>'
    return f'<svg role="img" {head} font-family="{FONTS}">{paper}{_all(sheet.shapes)}</svg>'


def _all(shapes: Iterable[Shape]) -> str:
    return "".join(map(_element, shapes))


def _element(shape: Shape) -> str:
    match shape:
        case Rectangle():
            return _rectangle(shape)
        case Path():
            points = " ".join(f"{_number(x)},{_number(y)}" for x, y in shape.points)
            kind = "polygon" if shape.fill else "polyline"
            return f'<{kind} points="{points}"{_paint(shape.fill, shape.stroke, shape.thickness, shape.opacity)}/>'
        case Disc():
            place = _attributes(cx=shape.x, cy=shape.y, r=shape.radius)
            return f"<circle{place}{_paint(shape.fill, shape.stroke, shape.thickness)}/>"
        case Words():
            return _words(shape)
        case Label():
            return _all(plate(shape))
        case Raster():
            return _image(shape)
        case Group():
            place = f"translate({_number(shape.x)} {_number(shape.y)}) scale({_number(shape.scale)})"
            return f'<g transform="{place}">{_all(shape.shapes)}</g>'


def _rectangle(shape: Rectangle) -> str:
    place = _attributes(x=shape.x, y=shape.y, width=shape.width, height=shape.height)
    rim = f"<rect{place}{_paint('', shape.rim, shape.thickness + 2)}/>" if shape.rim else ""
    return f"{rim}<rect{place}{_paint(shape.fill, shape.stroke, shape.thickness, shape.opacity)}/>"


def _words(shape: Words) -> str:
    place = _attributes(x=shape.x, y=shape.y + shape.shift, font_size=shape.size)
    anchor = "" if shape.anchor == "start" else f' text-anchor="{shape.anchor}"'
    bold = ' font-weight="bold"' if shape.bold else ""
    rim = f' stroke="{shape.rim}" stroke-width="2.5" paint-order="stroke"' if shape.rim else ""
    return f'<text{place} fill="{shape.fill}"{anchor}{bold}{rim} xml:space="preserve">{escaped(shape.text)}</text>'


def _image(shape: Raster) -> str:
    held, picture = io.BytesIO(), PIL.Image.fromarray(shape.pixels)
    photograph = picture.mode == "RGB" and min(picture.size) >= PHOTOGRAPH
    kind = "jpeg" if photograph else "png"
    picture.save(held, kind, quality=QUALITY) if photograph else picture.save(held, kind, optimize=True)
    data = base64.b64encode(held.getvalue()).decode("ascii")
    place = _attributes(x=shape.x, y=shape.y, width=shape.width, height=shape.height)
    how = 'preserveAspectRatio="none" style="image-rendering: pixelated"'
    return f'<image{place} {how} href="data:image/{kind};base64,{data}"/>'


def _paint(fill: str, stroke: str, thickness: float, opacity: float = 1.0) -> str:
    line = f' stroke="{stroke}" stroke-width="{_number(thickness)}" stroke-linejoin="round"' if stroke else ""
    clear = "" if opacity == 1 else f' opacity="{_number(opacity)}"'
    return f' fill="{fill or "none"}"{line}{clear}'


def _attributes(**numbers: float) -> str:
    return "".join(f' {name.replace("_", "-")}="{_number(value)}"' for name, value in numbers.items())


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
