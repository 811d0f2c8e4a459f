"""A sheet as a picture, drawn by Pillow."""

from __future__ import annotations

from collections.abc import Iterable

import PIL.Image
import PIL.ImageDraw

from sounding.drawing.colours import PAPER
from sounding.drawing.labels import plate
from sounding.drawing.shapes import Disc, Group, Label, Path, Raster, Rectangle, Shape, Sheet, Words
from sounding.drawing.words import as_seen, font, line

DENSITY = 2.0
"""Pixels of a file for each of the sheet."""
FINER = 2
"""It is drawn so many times larger, and averaged: Pillow's lines have steps."""
MOST = 2**26
"""Pixels that are drawn at most; a larger sheet becomes a coarser picture."""


def image(sheet: Sheet, density: float = DENSITY) -> PIL.Image.Image:
    """The sheet as an RGB picture of `density` pixels for each of its own."""
    area = sheet.width * sheet.height * (density * FINER) ** 2
    scale = density * FINER * min(1.0, (MOST / max(area, 1.0)) ** 0.5)
    size = max(FINER, round(sheet.width * scale)), max(FINER, round(sheet.height * scale))
    drawn = PIL.Image.new("RGB", size, PAPER)
    _draw(drawn, sheet.shapes, 0.0, 0.0, scale)
    return drawn.reduce(FINER)


def _draw(onto: PIL.Image.Image, shapes: Iterable[Shape], x: float, y: float, scale: float) -> None:
    """Draw shapes whose coordinates are scaled and then moved to (x, y)."""
    pen = PIL.ImageDraw.Draw(onto, "RGBA")
    for shape in shapes:
        if isinstance(shape, Group):
            _draw(onto, shape.shapes, x + shape.x * scale, y + shape.y * scale, scale * shape.scale)
        elif isinstance(shape, Label):
            _draw(onto, plate(shape), x, y, scale)
        elif isinstance(shape, Raster):
            _paste(onto, shape.mapped(scale, scale, x, y))
        elif isinstance(shape, Words):
            _write(pen, shape.mapped(scale, scale, x, y), scale)
        elif isinstance(shape, Rectangle):
            _rectangle(pen, shape.mapped(scale, scale, x, y), scale)
        elif isinstance(shape, Disc):
            _disc(pen, shape.mapped(scale, scale, x, y), scale)
        else:
            _path(pen, shape.mapped(scale, scale, x, y), scale)


def _rectangle(pen: PIL.ImageDraw.ImageDraw, shape: Rectangle, scale: float) -> None:
    if shape.fill:
        pen.rectangle(_inside(shape, 0.0), fill=_colour(shape.fill, shape.opacity))
    for colour, thickness in ((shape.rim, shape.thickness + 2), (shape.stroke, shape.thickness)):
        if colour:
            width = max(1, round(thickness * scale))
            pen.rectangle(_inside(shape, width / 2), outline=_colour(colour, shape.opacity), width=width)


def _inside(shape: Rectangle, grown: float) -> tuple[float, float, float, float]:
    right, bottom = shape.x + max(shape.width, 1.0), shape.y + max(shape.height, 1.0)
    return shape.x - grown, shape.y - grown, right + grown, bottom + grown


def _disc(pen: PIL.ImageDraw.ImageDraw, shape: Disc, scale: float) -> None:
    box = (shape.x - shape.radius, shape.y - shape.radius, shape.x + shape.radius, shape.y + shape.radius)
    pen.ellipse(
        box, fill=shape.fill or None, outline=shape.stroke or None, width=max(1, round(shape.thickness * scale))
    )


def _path(pen: PIL.ImageDraw.ImageDraw, shape: Path, scale: float) -> None:
    if shape.fill and len(shape.points) > 2:
        pen.polygon(shape.points, fill=_colour(shape.fill, shape.opacity))
    if shape.stroke:
        width, colour = max(1, round(shape.thickness * scale)), _colour(shape.stroke, shape.opacity)
        points = (*shape.points, shape.points[0]) if shape.fill else shape.points
        pen.line(points, fill=colour, width=width, joint="curve")


def _write(pen: PIL.ImageDraw.ImageDraw, shape: Words, scale: float) -> None:
    rim = max(1, round(1.25 * scale)) if shape.rim else 0
    anchor = {"start": "ls", "middle": "ms", "end": "rs"}[shape.anchor]
    place, letters = (shape.x, shape.y + shape.shift * scale), font(shape.size * scale, shape.bold)
    text, edge = as_seen(line(shape.text)), shape.rim or None
    pen.text(place, text, shape.fill, letters, anchor, stroke_width=rim, stroke_fill=edge)


def _paste(onto: PIL.Image.Image, shape: Raster) -> None:
    left, top = round(shape.x), round(shape.y)
    size = max(1, round(shape.x + shape.width) - left), max(1, round(shape.y + shape.height) - top)
    picture = PIL.Image.fromarray(shape.pixels)
    how = PIL.Image.Resampling.NEAREST if size[0] >= picture.width else PIL.Image.Resampling.BOX
    picture = picture.resize(size, how)
    onto.paste(picture.convert("RGB"), (left, top), picture if picture.mode == "RGBA" else None)


def _colour(colour: str, opacity: float) -> str:
    return f"{colour}{round(255 * opacity):02X}"
