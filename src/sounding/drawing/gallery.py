"""Examples on a sheet: each under its title, drawn once or several times side by side, with words above each drawing.

What is small stands beside others of its kind, what is wide or drawn more than once has a row of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sounding.drawing.colours import INK, MUTED
from sounding.drawing.rendering import Rendering
from sounding.drawing.shapes import Shape, Sheet, Words
from sounding.drawing.words import fitting

WIDTH, SMALL, TALLEST = 720.0, 172.0, 400.0
"""Pixels: of the whole, of an example that stands beside others, and the most of a drawing from top to bottom."""
GAP, SIZE, ROW = 10.0, 11.0, 14.0
"""Pixels: between drawings, of letters, and of a line of words."""


@dataclass(frozen=True)
class View:
    """One drawing, under lines of words."""

    said: tuple[str, ...]
    drawn: Rendering


@dataclass(frozen=True)
class Exhibit:
    """One example: a title, and one drawing or several of it."""

    title: str
    views: tuple[View, ...]


def gallery(exhibits: Sequence[Exhibit], legend: tuple[tuple[str, str], ...] = ()) -> Sheet:
    """The exhibits in their order, and a legend of (colour, name) below all."""
    wide = any(len(each.views) > 1 or view.drawn.least > SMALL for each in exhibits for view in each.views)
    room, columns = (WIDTH, 1) if wide else (SMALL, int((WIDTH + GAP) / (SMALL + GAP)))
    shapes: list[Shape] = []
    top = 0.0
    for start in range(0, len(exhibits), columns):
        row = [_exhibit(each, room) for each in exhibits[start : start + columns]]
        shapes += [sheet.at(column * (room + GAP), top) for column, sheet in enumerate(row)]
        top += max(sheet.height for sheet in row) + GAP
    used = min(columns, len(exhibits))
    sheet = Sheet(max(0.0, used * (room + GAP) - GAP), top, tuple(shapes))
    return Rendering(sheet, "").explained(legend).sheet


def _exhibit(exhibit: Exhibit, room: float) -> Sheet:
    cell = (room + GAP) / len(exhibit.views) - GAP
    shapes: list[Shape] = [Words(0, SIZE, fitting(exhibit.title, room, SIZE, bold=True), SIZE, INK, bold=True)]
    top = ROW * (1 + max(len(view.said) for view in exhibit.views)) + 4
    bottom = top
    for column, view in enumerate(exhibit.views):
        left = column * (cell + GAP)
        for number, words in enumerate(view.said, 1):
            shapes.append(Words(left, SIZE + ROW * number, fitting(words, cell, SIZE), SIZE, MUTED))
        sheet = view.drawn.within(cell, TALLEST)
        shapes.append(sheet.at(left, top))
        bottom = max(bottom, top + sheet.height)
    return Sheet(room, bottom, tuple(shapes))
