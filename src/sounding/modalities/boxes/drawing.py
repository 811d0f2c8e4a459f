"""Boxes drawn over a picture, each class in a colour of its own, with its name and score.

Colours are those of Okabe and Ito ("Color Universal Design", 2008), which colour-blind readers tell apart; where there
are more classes than colours, they come again. On photographs every line and name has a dark rim.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sounding.modalities.boxes.layouts.boxset import BoxSet

COLOURS = ("#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7", "#FFFFFF")
MANY = 40
"""With more boxes than these the names would hide the picture; the colours are told in a legend instead."""


def draw_boxes(axes: Any, value: BoxSet, size: tuple[int, int], names: Sequence[str] = ()) -> None:
    """Draw the boxes that are sure over a picture that is on matplotlib `axes` and `size` (width, height) large there.

    `names` lists all classes, so that each keeps its colour from picture to picture.
    """
    from matplotlib import patheffects
    from matplotlib.patches import Rectangle

    value = value.sure
    known = list(names) or sorted(set(value.labels))
    colours = {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(dict.fromkeys([*known, *value.labels]))}
    rim = [patheffects.withStroke(linewidth=2.5, foreground="black")]
    scores = [None] * len(value) if value.scores is None else value.scores.tolist()
    for (left, top, right, bottom), label, score in zip(_placed(value, size), value.labels, scores, strict=True):
        box = Rectangle((left, top), right - left, bottom - top, fill=False, edgecolor=colours[label], linewidth=1.2)
        axes.add_patch(box).set_path_effects(rim)
        if len(value) <= MANY:
            words = label if score is None else f"{label} {score:.2f}"
            style = {"color": colours[label], "fontsize": 6, "va": "bottom", "clip_on": True, "parse_math": False}
            axes.text(left, top, words, **style).set_path_effects(rim)
    if len(value) > MANY:
        shown = [Rectangle((0, 0), 1, 1, color=colours[name], label=name) for name in sorted(set(value.labels))]
        axes.legend(handles=shown, fontsize=6, loc="upper right")


def _placed(value: BoxSet, size: tuple[int, int]) -> list[list[float]]:
    """Corners in the coordinates of `imshow`, where the middle of the first pixel is at 0."""
    width, height = size
    corners = value.corners / ([*value.image_size, *value.image_size] if value.pixels and value.image_size else [1.0])
    return (corners * [width, height, width, height] - 0.5).tolist()
