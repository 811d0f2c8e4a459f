"""What a value looks like, wherever it is shown: a page, a file, a notebook, a terminal."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import PIL.Image

from sounding.drawing.colours import INK
from sounding.drawing.raster import image
from sounding.drawing.shapes import Rectangle, Shape, Sheet, Words
from sounding.drawing.svg import svg
from sounding.drawing.words import text_width
from sounding.errors import UsageError

_SIZE, _ROW = 11.0, 18.0


@dataclass(frozen=True)
class Marks:
    """What an answer draws over its input, in coordinates that both know: shares of a picture's sides from its top left
    corner, squares of a board, samples of a series. `legend` lists (colour, name); where there are labels among the
    shapes, it is what stands in for them when they would hide too much.
    """

    shapes: tuple[Shape, ...] = ()
    legend: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Rendering:
    """A value drawn on a sheet, and the same in characters.

    `text` is for a terminal and may have several lines. `html` is markup that flows with the page in which it stands
    (words in colour); where there is none, the sheet stands there as SVG. `least` is the width in pixels at which it
    can still be read: what is small may stand beside others. `redraw(width, height)` gives a sheet that is no larger,
    with letters and lines of the same size, less the legend; where there is none, a smaller sheet has smaller letters.
    """

    sheet: Sheet
    text: str
    html: str = ""
    least: float = 64.0
    redraw: Callable[[float, float], Sheet] | None = None

    def within(self, width: float, height: float = math.inf) -> Sheet:
        """The sheet, made smaller where it is larger than this."""
        if self.redraw is not None:
            return self.redraw(width, height)
        scale = min(1.0, width / self.sheet.width, height / self.sheet.height)
        return Sheet(scale * self.sheet.width, scale * self.sheet.height, (self.sheet.at(0, 0, scale),))

    def svg(self) -> str:
        """One <svg> element."""
        return svg(self.sheet)

    def markup(self) -> str:
        """What a page holds of it: HTML, every word escaped."""
        return self.html or self.svg()

    def image(self) -> PIL.Image.Image:
        """A picture in colour, at 192 pixels an inch."""
        return image(self.sheet)

    def save(self, path: str | Path) -> None:
        """Write it as .svg or .html, or as a picture (.png, .jpg …). Raises UsageError for another ending."""
        path = Path(path)
        if path.suffix in (".svg", ".html"):
            path.write_text(self.svg() if path.suffix == ".svg" else self.markup(), encoding="utf-8")
        elif path.suffix.lower() in PIL.Image.registered_extensions():
            self.image().save(path)
        else:
            raise UsageError(f"nothing is drawn as {path.suffix or 'a file without an ending'}", fix="Use .png or .svg")

    def titled(self, words: str) -> Rendering:
        """The same under a line of words."""
        words = " ".join(words.split())
        width = max(self.sheet.width, text_width(words, 13) + 8)
        head = Words(width / 2, 18, words, 13, anchor="middle")
        shapes = (head, self.sheet.at((width - self.sheet.width) / 2, 26))
        sheet = Sheet(width, self.sheet.height + 26, shapes)
        return replace(self, sheet=sheet, text=f"{words}\n{self.text}", redraw=None)

    def beside(self, other: Rendering, gap: float = 16.0) -> Rendering:
        """Both, the other one to the right."""
        left = self.sheet.width + gap
        width, height = left + other.sheet.width, max(self.sheet.height, other.sheet.height)
        sheet = Sheet(width, height, (self.sheet.at(0, 0), other.sheet.at(left, 0)))
        html = f"{self.html}{other.html}" if self.html and other.html else ""
        return Rendering(sheet, f"{self.text}\n{other.text}", html, self.least + gap + other.least)

    def above(self, other: Rendering, gap: float = 10.0) -> Rendering:
        """Both, the other one below."""
        top = self.sheet.height + gap
        width, height = max(self.sheet.width, other.sheet.width), top + other.sheet.height
        sheet = Sheet(width, height, (self.sheet.at(0, 0), other.sheet.at(0, top)))
        html = f"<div>{self.html}</div><div>{other.html}</div>" if self.html and other.html else ""
        return Rendering(sheet, f"{self.text}\n{other.text}", html, max(self.least, other.least))

    def explained(self, legend: tuple[tuple[str, str], ...]) -> Rendering:
        """The same with a legend below, in as many lines as it takes."""
        if not legend:
            return self
        shapes: list[Shape] = [self.sheet.at(0, 0)]
        x, y, width = 0.0, self.sheet.height + 8, self.sheet.width
        for colour, name in legend:
            wide = 16 + text_width(name, _SIZE) + 14
            if x and x + wide > self.sheet.width:
                x, y = 0.0, y + _ROW
            shapes += [Rectangle(x, y, 11, 11, colour), Words(x + 16, y + 10, name, _SIZE, INK)]
            x, width = x + wide, max(width, x + wide)
        return replace(self, sheet=Sheet(width, y + _ROW, tuple(shapes)), redraw=None)

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return self.markup()
