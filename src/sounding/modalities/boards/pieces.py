"""Chess pieces as outlines, in a square from (0, 0) to (1, 1): the same in every picture, whatever fonts there are."""

from __future__ import annotations

from sounding.drawing.colours import INK
from sounding.drawing.shapes import Disc, Path, Shape

Outline = tuple[tuple[float, float], ...]

FOOT: Outline = ((0.78, 0.88), (0.22, 0.88), (0.22, 0.8))
BODIES: dict[str, Outline] = {
    "p": ((0.3, 0.8), (0.44, 0.5), (0.56, 0.5), (0.7, 0.8), (0.78, 0.8)),
    "n": (
        (0.3, 0.8), (0.38, 0.6), (0.48, 0.48), (0.32, 0.54), (0.22, 0.5), (0.24, 0.4), (0.38, 0.22), (0.42, 0.1),
        (0.52, 0.18), (0.66, 0.28), (0.74, 0.5), (0.72, 0.8), (0.78, 0.8),
    ),
    "b": ((0.3, 0.8), (0.42, 0.68), (0.32, 0.5), (0.5, 0.2), (0.68, 0.5), (0.58, 0.68), (0.7, 0.8), (0.78, 0.8)),
    "r": (
        (0.3, 0.8), (0.34, 0.4), (0.26, 0.32), (0.26, 0.14), (0.38, 0.14), (0.38, 0.22), (0.45, 0.22), (0.45, 0.14),
        (0.55, 0.14), (0.55, 0.22), (0.62, 0.22), (0.62, 0.14), (0.74, 0.14), (0.74, 0.32), (0.66, 0.4), (0.7, 0.8),
        (0.78, 0.8),
    ),
    "q": (
        (0.3, 0.8), (0.16, 0.28), (0.34, 0.54), (0.34, 0.18), (0.46, 0.52), (0.5, 0.12), (0.54, 0.52), (0.66, 0.18),
        (0.66, 0.54), (0.84, 0.28), (0.7, 0.8), (0.78, 0.8),
    ),
    "k": (
        (0.3, 0.8), (0.2, 0.48), (0.3, 0.36), (0.46, 0.42), (0.46, 0.26), (0.36, 0.26), (0.36, 0.18), (0.46, 0.18),
        (0.46, 0.08), (0.54, 0.08), (0.54, 0.18), (0.64, 0.18), (0.64, 0.26), (0.54, 0.26), (0.54, 0.42), (0.7, 0.36),
        (0.8, 0.48), (0.7, 0.8), (0.78, 0.8),
    ),
}  # fmt: skip
"""From the left of the foot over the top to its right."""
HEADS = {"p": (0.5, 0.38, 0.14), "b": (0.5, 0.16, 0.06)}
"""Balls on top of some: where, and how large."""
WHITE_PIECE, BLACK_PIECE = "#FFFFFF", "#333333"


def piece_drawn(sign: str, x: float, y: float) -> list[Shape]:
    """The piece of a letter, a large one White's, in the square whose top left corner is (x, y)."""
    fill, kind = WHITE_PIECE if sign.isupper() else BLACK_PIECE, sign.lower()
    outline = (*FOOT, *BODIES[kind], FOOT[0])
    shapes: list[Shape] = [Path(tuple((x + a, y + b) for a, b in outline), INK, 1.2, fill)]
    if kind in HEADS:
        across, down, radius = HEADS[kind]
        shapes.append(Disc(x + across, y + down, radius, fill, INK, 1.2))
    return shapes
