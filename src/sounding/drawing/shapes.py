"""What is on a sheet. Coordinates are in pixels of 1/96 inch, from the top left corner; y grows downwards.

`mapped` brings a shape from one system of coordinates to another: what an answer draws over a picture stands in shares
of its sides, over a board in squares, over a series in samples. Lines and words keep their size in this.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np

from sounding.drawing.colours import INK

Anchor = Literal["start", "middle", "end"]


@dataclass(frozen=True)
class Rectangle:
    """A rectangle: `fill` and `stroke` are "#RRGGBB", or "" for none; `rim` is a wider line beneath the stroke."""

    x: float
    y: float
    width: float
    height: float
    fill: str = ""
    stroke: str = ""
    thickness: float = 1.0
    rim: str = ""
    opacity: float = 1.0

    def mapped(self, sx: float, sy: float, dx: float = 0.0, dy: float = 0.0) -> Rectangle:
        """The same at (x · sx + dx, y · sy + dy)."""
        x, y = self.x * sx + dx, self.y * sy + dy
        return replace(self, x=x, y=y, width=self.width * sx, height=self.height * sy)


@dataclass(frozen=True)
class Path:
    """A line through `points`, or with `fill` the area that it encloses: a curve, a band, an arrow."""

    points: tuple[tuple[float, float], ...]
    stroke: str = INK
    thickness: float = 1.0
    fill: str = ""
    opacity: float = 1.0

    def mapped(self, sx: float, sy: float, dx: float = 0.0, dy: float = 0.0) -> Path:
        """The same at (x · sx + dx, y · sy + dy)."""
        return replace(self, points=tuple((x * sx + dx, y * sy + dy) for x, y in self.points))


@dataclass(frozen=True)
class Disc:
    """A circle around (x, y): a stone on a board, a point of a curve."""

    x: float
    y: float
    radius: float
    fill: str = INK
    stroke: str = ""
    thickness: float = 1.0

    def mapped(self, sx: float, sy: float, dx: float = 0.0, dy: float = 0.0) -> Disc:
        """The same at (x · sx + dx, y · sy + dy), as wide as `sx` makes it."""
        return replace(self, x=self.x * sx + dx, y=self.y * sy + dy, radius=self.radius * sx)


@dataclass(frozen=True)
class Words:
    """A line of text whose baseline begins (or has its middle, or ends) at (x, y); `size` is that of the font.

    `rim` is a colour around the letters, which keeps them legible on a photograph. `shift` moves the words down by so
    many pixels, whatever the coordinates of (x, y) are.
    """

    x: float
    y: float
    text: str
    size: float = 12.0
    fill: str = INK
    anchor: Anchor = "start"
    bold: bool = False
    rim: str = ""
    shift: float = 0.0

    def mapped(self, sx: float, sy: float, dx: float = 0.0, dy: float = 0.0) -> Words:
        """The same at (x · sx + dx, y · sy + dy)."""
        return replace(self, x=self.x * sx + dx, y=self.y * sy + dy)


@dataclass(frozen=True)
class Label:
    """The name of what is in a rectangle, on a plate of the colour `fill` just above its top left corner.

    The letters keep their size however small the rectangle is; `labels.laid_out` moves plates that would not be read.
    """

    x: float
    y: float
    width: float
    height: float
    text: str
    fill: str

    def mapped(self, sx: float, sy: float, dx: float = 0.0, dy: float = 0.0) -> Label:
        """The same at (x · sx + dx, y · sy + dy)."""
        x, y = self.x * sx + dx, self.y * sy + dy
        return replace(self, x=x, y=y, width=self.width * sx, height=self.height * sy)


@dataclass(frozen=True, eq=False)
class Raster:
    """Pixels [H, W, 3 or 4] (uint8; the fourth is opacity) stretched over a rectangle; enlarged, they stay squares."""

    x: float
    y: float
    width: float
    height: float
    pixels: np.ndarray

    def mapped(self, sx: float, sy: float, dx: float = 0.0, dy: float = 0.0) -> Raster:
        """The same at (x · sx + dx, y · sy + dy)."""
        x, y = self.x * sx + dx, self.y * sy + dy
        return replace(self, x=x, y=y, width=self.width * sx, height=self.height * sy)


@dataclass(frozen=True)
class Group:
    """Shapes that are moved to (x, y) and scaled with all that is in them, lines and words too."""

    shapes: tuple[Shape, ...]
    x: float = 0.0
    y: float = 0.0
    scale: float = 1.0

    def mapped(self, sx: float, sy: float, dx: float = 0.0, dy: float = 0.0) -> Group:
        """The same with its corner at (x · sx + dx, y · sy + dy)."""
        return replace(self, x=self.x * sx + dx, y=self.y * sy + dy)


Shape: TypeAlias = Rectangle | Path | Disc | Words | Label | Raster | Group


@dataclass(frozen=True)
class Sheet:
    """Shapes on white paper, the later over the earlier."""

    width: float
    height: float
    shapes: tuple[Shape, ...]

    def at(self, x: float, y: float, scale: float = 1.0) -> Group:
        """All of it as a part of another sheet."""
        return Group(self.shapes, x, y, scale)
