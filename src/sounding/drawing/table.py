"""Several renderings of several values: side by side where they are small, else beneath one another."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from sounding.drawing.colours import INK, MUTED
from sounding.drawing.rendering import Rendering
from sounding.drawing.shapes import Anchor, Shape, Sheet, Words

WIDTH, CELL, GAP, SIDE = 720.0, 128.0, 10.0, 104.0
"""Pixels: of the whole, of a cell at most, between cells, and of the words on the left."""
SIZE, ROW = 11.0, 14.0


@dataclass(frozen=True)
class Line:
    """One value: a title, what is said of it, and how it looks in each column."""

    title: str
    said: str
    cells: tuple[Rendering, ...]


def side_by_side(heads: Sequence[str], lines: Sequence[Line]) -> Sheet:
    """A sheet with a row for each line and a column for each head (which may have line breaks in it).

    Where the columns are too narrow for what is in them to be read, each cell has a row of its own.
    """
    room = (WIDTH - SIDE) / max(1, len(heads)) - GAP
    least = max((cell.least for line in lines for cell in line.cells), default=0.0)
    return _grid(heads, lines, min(CELL, room)) if least <= room else _stack(heads, lines)


def _grid(heads: Sequence[str], lines: Sequence[Line], cell: float) -> Sheet:
    shapes: list[Shape] = []
    wrapped = [[row for part in head.split("\n") for row in textwrap.wrap(part, int(cell / 6.5))] for head in heads]
    top = GAP + ROW * max(map(len, wrapped), default=0)
    for column, rows in enumerate(wrapped):
        shapes += _rows(rows, SIDE + column * (cell + GAP) + cell / 2, ROW, anchor="middle")
    for line in lines:
        tallest = 0.0
        for column, drawn in enumerate(line.cells):
            scale = cell / drawn.sheet.width
            shapes.append(drawn.sheet.at(SIDE + column * (cell + GAP), top, scale))
            tallest = max(tallest, scale * drawn.sheet.height)
        said = textwrap.wrap(line.said, 16, max_lines=5, placeholder="…")
        shapes.append(Words(0, top + ROW, line.title, SIZE, INK, bold=True))
        shapes += _rows(said, 0, top + 2 * ROW)
        top += max(tallest, ROW * (2 + len(said))) + GAP
    return Sheet(SIDE + len(heads) * (cell + GAP), top, tuple(shapes))


def _stack(heads: Sequence[str], lines: Sequence[Line]) -> Sheet:
    shapes: list[Shape] = []
    top = 0.0
    for line in lines:
        shapes.append(Words(0, top + ROW, f"{line.title}: {line.said}", SIZE, INK, bold=True))
        top += ROW + GAP
        for head, drawn in zip(heads, line.cells, strict=True):
            scale = min(1.0, WIDTH / drawn.sheet.width)
            shapes.append(Words(0, top + ROW, ", ".join(head.split("\n")), SIZE, MUTED))
            shapes.append(drawn.sheet.at(0, top + ROW + 4, scale))
            top += ROW + 4 + scale * drawn.sheet.height
        top += GAP
    return Sheet(WIDTH, top, tuple(shapes))


def _rows(words: Sequence[str], x: float, y: float, anchor: Anchor = "start") -> list[Shape]:
    return [Words(x, y + ROW * i, text, SIZE, MUTED, anchor) for i, text in enumerate(words)]
