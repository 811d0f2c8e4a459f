"""Grids on which kinds of things are seen, as pictures."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

COLOURS = np.array(
    [
        [235, 235, 235],
        [230, 159, 0],
        [86, 180, 233],
        [0, 158, 115],
        [240, 228, 66],
        [213, 94, 0],
        [204, 121, 167],
        [0, 114, 178],
        [120, 94, 240],
        [150, 150, 150],
    ],
    np.uint8,
)
"""What each kind of thing is drawn in (Okabe and Ito 2008, and two more); later ones lie above."""
ENLARGED = 16
"""Pixels of a cell of the grid, where it is drawn."""


def drawn(grid: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A grid of things [C, H, W], 1 where there is one, as a picture [16 H, 16 W, 3]."""
    picture = np.full((*grid.shape[1:], 3), 16, np.uint8)
    for thing, colour in zip(grid, np.resize(COLOURS, (len(grid), 3)), strict=True):
        picture[thing > 0] = colour
    return picture.repeat(ENLARGED, axis=0).repeat(ENLARGED, axis=1)
