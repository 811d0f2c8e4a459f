"""Boxes drawn over a picture, each class in a colour of its own, with its name and score.

Colours are those of Okabe and Ito, in an order in which the first are seen well on photographs; where there are more
classes than colours, they come again. Every line has a dark rim, and every name a plate in its colour.
"""

from __future__ import annotations

from collections.abc import Sequence

from sounding.drawing.colours import BLUE, GREEN, ORANGE, PAPER, PURPLE, SKY, VERMILION, YELLOW
from sounding.drawing.rendering import Marks
from sounding.drawing.shapes import Label, Rectangle, Shape
from sounding.modalities.boxes.layouts.boxset import BoxSet

COLOURS = (ORANGE, SKY, GREEN, YELLOW, BLUE, VERMILION, PURPLE, PAPER)
RIM = "#000000"


def box_marks(value: BoxSet, names: Sequence[str] = ()) -> Marks:
    """The boxes that are sure, in shares of the picture's sides, and a legend where their names would hide too much.

    `names` lists all classes, so that each keeps its colour from picture to picture.
    """
    value = value.sure
    known = list(names) or sorted(set(value.labels))
    colours = {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(dict.fromkeys([*known, *value.labels]))}
    scores = [None] * len(value) if value.scores is None else value.scores.tolist()
    shapes: list[Shape] = []
    for (left, top, right, bottom), label, score in zip(_shares(value), value.labels, scores, strict=True):
        words = label if score is None else f"{label} {score:.2f}"
        shapes.append(Rectangle(left, top, right - left, bottom - top, "", colours[label], 1.6, RIM))
        shapes.append(Label(left, top, right - left, bottom - top, words, colours[label]))
    return Marks(tuple(shapes), tuple((colours[name], name) for name in sorted(set(value.labels))))


def _shares(value: BoxSet) -> list[list[float]]:
    if value.pixels and value.image_size:
        return (value.corners / [*value.image_size, *value.image_size]).tolist()
    return value.corners.tolist()
