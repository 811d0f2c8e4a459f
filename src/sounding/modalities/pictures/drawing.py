"""Pictures as drawings: their pixels, over these how much each cell of a grid weighs, and what an answer marks.

On a terminal a picture is its description, and its weights are a grid of signs: `++` where a cell weighs most, `-`
where it speaks against the answer, and a dot where it weighs little.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sounding.contract.inputs import WHOLE, Window
from sounding.drawing.colours import diverging, scaled
from sounding.drawing.labels import crowded, laid_out
from sounding.drawing.rendering import Marks, Rendering
from sounding.drawing.shapes import Label, Raster, Shape, Sheet
from sounding.modalities.pictures import image_files

SMALL, LARGE = 288.0, 576.0
"""Pixels of a sheet: the shorter side of a small picture, and the longer side of any."""
KEPT = 1152
"""Pixels of a picture that a drawing keeps along its longer side: two for each of the sheet."""
ROOM = (120.0, 48.0)
"""Width and height of a sheet on which labels can be read."""
FINE = 192
"""Pixels a side of a veil of which a part lies beside the picture."""
VEIL = 0.75
"""How opaque the colour of the largest weight is."""
MOST = 3
"""Cells that are told by row and column on a terminal."""
STRONG, SOME = 0.6, 0.2
"""Shares of the largest weight from which on a cell is `++` and `+`."""


def rendered(
    value: np.ndarray,
    words: str,
    weights: np.ndarray | None = None,
    marks: Marks | None = None,
    window: Window = WHOLE,
) -> Rendering:
    """The picture [H, W, C], all of it; over it the `weights` [rows, columns] of its cells, red for and blue against.

    The cells lie over a `window` of the picture, which is the part that a model sees. `marks` are those of an answer,
    in shares of the picture's sides. `words` describe it on a terminal.
    """
    marks = marks or Marks()
    over = [*([_veiled(weights, window)] if weights is not None else []), *marks.shapes]
    if weights is not None:
        words = f"{words}, largest weight {np.abs(np.nan_to_num(weights)).max():.2g}\n{grid_text(weights)}"

    def draw(width: float, height: float) -> tuple[Sheet, bool]:
        return _sheet(value, over, width, height, bool(marks.legend))

    sheet, told = draw(*size(value))
    drawn = Rendering(sheet, words, redraw=lambda width, height: draw(width, height)[0])
    return drawn if told else replace(drawn.explained(marks.legend), redraw=drawn.redraw)


def _sheet(value: np.ndarray, over: Sequence[Shape], width: float, height: float, legend: bool) -> tuple[Sheet, bool]:
    """The picture with what lies over it, on a sheet of at most that size, and whether labels name what is drawn.

    Labels that would hide too much are left out where a `legend` can tell the same. A picture on which no label can be
    read, so thin is it, has white paper around it.
    """
    natural = size(value)
    scale = min(1.0, width / natural[0], height / natural[1])
    width, height = natural[0] * scale, natural[1] * scale
    labelled = any(isinstance(shape, Label) for shape in over)
    wide, tall = (max(width, ROOM[0]), max(height, ROOM[1])) if labelled else (width, height)
    left, top = (wide - width) / 2, (tall - height) / 2
    shapes = [shape.mapped(width, height, left, top) for shape in over]
    if labelled and legend and crowded(shapes, wide, tall):
        labelled, shapes = False, [shape for shape in shapes if not isinstance(shape, Label)]
    picture = Raster(left, top, width, height, _pixels(value, min(KEPT, 2 * round(max(width, height)))))
    return Sheet(wide, tall, laid_out([picture, *shapes], wide, tall)), labelled


def size(value: np.ndarray) -> tuple[float, float]:
    """Width and height at which a picture [H, W, C] is well seen: larger where there is more to see."""
    height, width = value.shape[:2]
    scale = min(LARGE / max(height, width), SMALL * max(1.0, min(height, width) / 160) / min(height, width))
    return width * scale, height * scale


def _veiled(weights: np.ndarray, window: Window) -> Raster:
    """The veil over its window; what of it lies beside the picture is cut off."""
    left, top, right, bottom = window
    cells = veil(weights)
    if min(left, top) >= 0 and max(right, bottom) <= 1:
        return Raster(left, top, right - left, bottom - top, cells)
    middles = (np.arange(FINE) + 0.5) / FINE
    rows, columns = (
        ((middles - low) / (high - low) * n).astype(int).clip(0, n - 1)
        for low, high, n in ((top, bottom, cells.shape[0]), (left, right, cells.shape[1]))
    )
    return Raster(0, 0, 1, 1, cells[rows[:, None], columns])


def veil(weights: np.ndarray) -> np.ndarray:
    """Pixels [rows, columns, 4] that colour each cell by its weight, clear where that is 0."""
    share = scaled(weights)
    clear = np.round(255 * VEIL * np.abs(share)).astype(np.uint8)
    return np.dstack([diverging(share), clear])


def grid_text(weights: np.ndarray) -> str:
    """The weights [rows, columns] as a grid of signs, and where those lie that speak most for the answer."""
    lines = [" ".join(f"{_sign(share):2}" for share in row).rstrip() for row in scaled(weights).tolist()]
    plain = np.nan_to_num(weights)
    cells = [np.unravel_index(cell, plain.shape) for cell in np.argsort(-plain, axis=None, kind="stable")[:MOST]]
    told = [f"{cell_name(*cell)} ({plain[cell]:+.2g})" for cell in cells if plain[cell] > 0]
    return "\n".join([*lines, *([f"most for it: {'; '.join(told)}"] if told else [])])


def cell_name(row: int, column: int) -> str:
    """What a cell of the grid is called, counted from 1 from the top left."""
    return f"row {row + 1}, column {column + 1}"


def _sign(share: float) -> str:
    if abs(share) < SOME:
        return "·"
    return ("+" if share > 0 else "-") * (2 if abs(share) >= STRONG else 1)


def _pixels(value: np.ndarray, longest: int) -> np.ndarray:
    """The picture as uint8 [h, w, 3], its longer side at most `longest`."""
    small = image_files.within(value.shape[:2], longest)
    if small != value.shape[:2]:
        value = image_files.resample(value, small[::-1], (0, 0, value.shape[1], value.shape[0]))
    return np.rint(255 * image_files.with_channels(image_files.as_unit(value), 3).clip(0, 1)).astype(np.uint8)
