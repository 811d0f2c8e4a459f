"""Boxes drawn over a picture, each class in a colour of its own, with its name and score.

Colours are those of Okabe and Ito, in an order in which the first are seen well on photographs; where there are more
classes than colours, they come again. Every line and name has a dark rim.
"""

from __future__ import annotations

from collections.abc import Sequence

from sounding.drawing.colours import BLUE, GREEN, ORANGE, PAPER, PURPLE, SKY, VERMILION, YELLOW
from sounding.drawing.rendering import Marks
from sounding.drawing.shapes import Rectangle, Shape, Words
from sounding.modalities.boxes.layouts.boxset import BoxSet

COLOURS = (ORANGE, SKY, GREEN, YELLOW, BLUE, VERMILION, PURPLE, PAPER)
RIM = "#000000"
ABOVE, INSIDE, HIGH = -3.0, 11.0, 0.05
"""Pixels from the upper edge of a box to its name, which stands in the box where that is so high in the picture."""
MANY = 40
"""With more boxes than these the names would hide the picture; the colours are told in a legend instead."""


def box_marks(value: BoxSet, names: Sequence[str] = ()) -> Marks:
    """The boxes that are sure, in shares of the picture's sides.

    `names` lists all classes, so that each keeps its colour from picture to picture.
    """
    value = value.sure
    known = list(names) or sorted(set(value.labels))
    colours = {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(dict.fromkeys([*known, *value.labels]))}
    scores = [None] * len(value) if value.scores is None else value.scores.tolist()
    shapes: list[Shape] = []
    for (left, top, right, bottom), label, score in zip(_shares(value), value.labels, scores, strict=True):
        shapes.append(Rectangle(left, top, right - left, bottom - top, "", colours[label], 1.6, RIM))
        if len(value) <= MANY:
            words = label if score is None else f"{label} {score:.2f}"
            shift = INSIDE if top < HIGH else ABOVE
            shapes.append(Words(left, top, words, 10, colours[label], rim=RIM, shift=shift))
    if len(value) <= MANY:
        return Marks(tuple(shapes))
    return Marks(tuple(shapes), tuple((colours[name], name) for name in sorted(set(value.labels))))


def _shares(value: BoxSet) -> list[list[float]]:
    if value.pixels and value.image_size:
        return (value.corners / [*value.image_size, *value.image_size]).tolist()
    return value.corners.tolist()
