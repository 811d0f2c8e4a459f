"""Names of things in a drawing, on plates that can be read: inside of the sheet, and not one over the other.

A drawing may be as small as a stamp, and a thing may touch its edge or lie beside many others; the letters keep their
size all the same, so the plates have to give way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from sounding.drawing.colours import INK, PAPER, brightness
from sounding.drawing.shapes import Label, Rectangle, Shape, Words
from sounding.drawing.words import fitting, text_width

SIZE = 12.0
HEIGHT = 16.0
"""Pixels: of the letters, and of a plate."""
PAD, BASELINE = 3.0, 12.0
"""Pixels from the edges of a plate to its words: to their left and right, and from the top down to the baseline."""
CROWDED = 0.2
"""Plates that together would take a larger share of the sheet hide what they name."""
BRIGHT = 0.56
"""The brightness of a plate from which on its letters are dark."""


def plate(label: Label) -> tuple[Rectangle, Words]:
    """The label as it is drawn: a plate, whose lower left corner is the upper left of what it names, and the words."""
    top = label.y - HEIGHT
    ink = INK if brightness(label.fill) > BRIGHT else PAPER
    words = Words(label.x + PAD, top + BASELINE, label.text, SIZE, ink)
    return Rectangle(label.x, top, _width(label.text), HEIGHT, label.fill), words


def crowded(shapes: Iterable[Shape], width: float, height: float) -> bool:
    """Whether the plates of all labels would hide what is beneath them on a sheet of that size."""
    hidden = sum(_width(shape.text) * HEIGHT for shape in shapes if isinstance(shape, Label))
    return hidden > CROWDED * width * height


def laid_out(shapes: Sequence[Shape], width: float, height: float) -> tuple[Shape, ...]:
    """The shapes with all labels on top of the others, each where it can be read.

    Around and in the rectangle that it names a label takes the first place that hides no other, or the one that hides
    least; none leaves a sheet of `width` × `height`, and a name that is wider than the sheet is cut.
    """
    laid: list[Label] = []
    for shape in shapes:
        if isinstance(shape, Label):
            text = fitting(shape.text, width - 2 * PAD, SIZE)
            x, y = min(
                _places(shape, _width(text), width, height), key=lambda place: _hidden(place, _width(text), laid)
            )
            laid.append(Label(x, y, shape.width, shape.height, text, shape.fill))
    return (*(shape for shape in shapes if not isinstance(shape, Label)), *laid)


def _places(label: Label, wide: float, width: float, height: float) -> Iterator[tuple[float, float]]:
    """Lower left corners of a plate on the sheet, the best first: above the rectangle, below it, in it."""
    right, bottom = label.x + label.width, label.y + label.height
    lines = [label.y, bottom + HEIGHT, label.y + HEIGHT, bottom]
    inside = [y for y in lines if HEIGHT <= y <= height] or [min(max(label.y, HEIGHT), height)]
    for y in inside:
        for x in (label.x, right - wide):
            yield max(0.0, min(x, width - wide)), y


def _hidden(place: tuple[float, float], wide: float, laid: Sequence[Label]) -> float:
    """The area of plates that are laid already which a plate at `place` would hide."""
    x, y = place
    return sum(
        max(0.0, min(x + wide, other.x + _width(other.text)) - max(x, other.x)) * max(0.0, HEIGHT - abs(y - other.y))
        for other in laid
    )


def _width(text: str) -> float:
    return text_width(text, SIZE) + 2 * PAD
