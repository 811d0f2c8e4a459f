"""Pictures as drawings: their pixels, over these how much each cell of a grid weighs, and what an answer marks.

On a terminal a picture is its description, and its weights are a grid of signs: `++` where a cell weighs most, `-`
where it speaks against the answer, and a dot where it weighs little.
"""

from __future__ import annotations

import numpy as np

from sounding.drawing.colours import diverging, scaled
from sounding.drawing.rendering import Marks, Rendering
from sounding.drawing.shapes import Raster, Shape, Sheet
from sounding.modalities.pictures import image_files

SMALL, LARGE = 288.0, 576.0
"""Pixels of a sheet: the shorter side of a small picture, and the longer side of any."""
KEPT = 1152
"""Pixels of a picture that a drawing keeps along its longer side: two for each of the sheet."""
VEIL = 0.75
"""How opaque the colour of the largest weight is."""
STRONG, SOME = 0.6, 0.2
"""Shares of the largest weight from which on a cell is `++` and `+`."""


def rendered(value: np.ndarray, words: str, weights: np.ndarray | None = None, marks: Marks | None = None) -> Rendering:
    """The picture [H, W, C]; over it the `weights` [rows, columns] of its cells, red for and blue against.

    And the `marks` of an answer, whose coordinates are shares of the sides. `words` describe it on a terminal.
    """
    width, height = size(value)
    shapes: list[Shape] = [Raster(0, 0, width, height, _pixels(value))]
    if weights is not None:
        shapes.append(Raster(0, 0, width, height, veil(weights)))
        words = f"{words}, largest weight {np.abs(np.nan_to_num(weights)).max():.2g}\n{grid_text(weights)}"
    shapes += [shape.mapped(width, height) for shape in (marks.shapes if marks else ())]
    drawn = Rendering(Sheet(width, height, tuple(shapes)), words)
    return drawn.explained(marks.legend if marks else ())


def size(value: np.ndarray) -> tuple[float, float]:
    """Width and height at which a picture [H, W, C] is well seen: larger where there is more to see."""
    height, width = value.shape[:2]
    scale = min(LARGE / max(height, width), SMALL * max(1.0, min(height, width) / 160) / min(height, width))
    return width * scale, height * scale


def veil(weights: np.ndarray) -> np.ndarray:
    """Pixels [rows, columns, 4] that colour each cell by its weight, clear where that is 0."""
    share = scaled(weights)
    clear = np.round(255 * VEIL * np.abs(share)).astype(np.uint8)
    return np.dstack([diverging(share), clear])


def grid_text(weights: np.ndarray) -> str:
    """The weights [rows, columns] as a grid of signs."""
    return "\n".join(" ".join(f"{_sign(share):2}" for share in row).rstrip() for row in scaled(weights).tolist())


def _sign(share: float) -> str:
    if abs(share) < SOME:
        return "·"
    return ("+" if share > 0 else "-") * (2 if abs(share) >= STRONG else 1)


def _pixels(value: np.ndarray) -> np.ndarray:
    """The picture as uint8 [h, w, 3], no larger than is kept."""
    small = image_files.within(value.shape[:2], KEPT)
    if small != value.shape[:2]:
        value = image_files.resample(value, small[::-1], (0, 0, value.shape[1], value.shape[0]))
    return np.rint(255 * image_files.with_channels(image_files.as_unit(value), 3).clip(0, 1)).astype(np.uint8)
