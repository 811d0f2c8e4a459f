"""Numbers as bars: each from its mean to the left or to the right, in the colour of its weight."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sounding.drawing.colours import GREY, INK, LINE, diverging, hexadecimal, scaled
from sounding.drawing.rendering import Rendering
from sounding.drawing.shapes import Path, Rectangle, Shape, Sheet, Words

MOST = 24
"""Numbers that are drawn; the rest is said to be there."""
ROW, NAMES, BARS, VALUES = 20.0, 90.0, 160.0, 70.0
"""Pixels: height of a row, widths of its parts."""
LONGEST = 3.0
"""Standard deviations of the longest bar."""


def bars(
    names: Sequence[str], values: NDArray[np.floating], deviations: NDArray[np.floating], weights: NDArray | None = None
) -> Rendering:
    """`values` [D] with their `names`, as long as their `deviations` [D] from the mean; `weights` [D] colour them."""
    shown = min(len(values), MOST)
    shares = scaled(weights)[:shown] if weights is not None else None
    middle = NAMES + BARS / 2
    shapes: list[Shape] = [Path(((middle, 4.0), (middle, 4.0 + ROW * shown)), stroke=LINE)]
    lines = []
    for k in range(shown):
        top = 4 + ROW * k
        length = float(np.clip(deviations[k] / LONGEST, -1, 1)) * BARS / 2
        colour = GREY if shares is None else hexadecimal(diverging(shares[k : k + 1])[0])
        shapes += [
            Words(4, top + 14, names[k], 11),
            Rectangle(min(middle, middle + length), top + 4, max(abs(length), 1.5), ROW - 8, colour, stroke=INK),
            Words(NAMES + BARS + VALUES - 4, top + 14, f"{values[k]:.3g}", 11, anchor="end"),
        ]
        weight = "" if weights is None else f"  weight {weights[k]:+.2g}"
        lines.append(f"{names[k]}: {values[k]:.3g}{weight}")
    if shown < len(values):
        more = f"and {len(values) - shown:,} more"
        shapes.append(Words(4, 4 + ROW * shown + 14, more, 11))
        lines.append(more)
    height = 8 + ROW * (shown + (shown < len(values)))
    return Rendering(Sheet(NAMES + BARS + VALUES, height, tuple(shapes)), "\n".join(lines))
