"""Boards drawn: stones on lines or in holes, the weight of each, and what an answer says of the points.

Marks of an answer stand in squares: the point in row r (from the top) and column c is the square from (c, r) to
(c + 1, r + 1); where moves are columns, the row at −1 is above the board.

Legend of shapes: H rows, W columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from sounding.drawing.colours import INK, MUTED, PAPER, diverging, hexadecimal, scaled
from sounding.drawing.rendering import Marks, Rendering
from sounding.drawing.shapes import Disc, Path, Rectangle, Shape, Sheet, Words
from sounding.modalities.boards.pieces import piece_drawn

Look = Literal["lines", "holes", "squares"]
"""Stones on the crossings of lines, as in Go, or in the holes of an upright board; chess pieces on squares."""
SQUARE, EDGE = 30.0, 18.0
"""Pixels: of a square, and of the margin with the names of rows and columns."""
LETTERS = "ABCDEFGHJKLMNOPQRSTUVWXYZ"
"""Of columns; without I, as on a Go board."""
LIGHT_SQUARE, DARK_SQUARE = "#F0E3CA", "#B9966B"
WOOD, BLUE_BOARD, SECOND_STONE, FIRST_STONE = "#E8C583", "#3B6FB6", "#FFFFFF", "#222222"
RED, YELLOW = "#D62F2F", "#F2C744"
TEXT = ".XO"
VISIBLE = 0.02
"""The share of the largest weight from which on it hides the colour of a square."""


def square_name(point: int, shape: tuple[int, int, int]) -> str:
    """A point as people say it: the letter of its column and the number of its row from below, "D4"."""
    row, column = divmod(point, shape[2])
    return f"{LETTERS[column]}{shape[1] - row}"


def board_drawn(
    board: np.ndarray,
    look: Look,
    title: str,
    weights: np.ndarray | None = None,
    marks: Marks | None = None,
    signs: Sequence[str] | None = None,
) -> Rendering:
    """A board [H, W] of 1, −1 and 0; `weights` [H, W] in red for and blue against, `marks` over it.

    On squares stand the pieces of `signs`, letters row by row.
    """
    rows, columns = board.shape
    above = 1.0 if look == "holes" else 0.0
    left, top = EDGE, 4.0 + above * SQUARE
    shapes = [*_ground(rows, columns, look), *_names(rows, columns)]
    share = None if weights is None else scaled(weights)
    for row in range(rows):
        for column in range(columns):
            weight = None if share is None else share[row, column]
            if signs and look == "squares":
                shapes += _square(signs[row][column], row, column, weight)
            else:
                shapes += _point(board[row, column], look, row, column, weight)
    placed = [shape.mapped(SQUARE, SQUARE, left, top) for shape in (*shapes, *(marks.shapes if marks else ()))]
    sheet = Sheet(left + columns * SQUARE + 4, top + rows * SQUARE + EDGE, tuple(placed))
    rendering = Rendering(sheet, _text(board, title, weights, signs), least=0.4 * sheet.width)
    return rendering.explained(marks.legend) if marks and marks.legend else rendering


def _ground(rows: int, columns: int, look: Look) -> list[Shape]:
    if look == "holes":
        return [Rectangle(0, 0, columns, rows, BLUE_BOARD)]
    if look == "squares":
        dark = [(r, c) for r in range(rows) for c in range(columns) if (r + c) % 2]
        squares = [Rectangle(c, r, 1, 1, DARK_SQUARE) for r, c in dark]
        return [Rectangle(0, 0, columns, rows, LIGHT_SQUARE), *squares]
    last_row, last_column = rows - 0.5, columns - 0.5
    across = [Path(((0.5, r + 0.5), (last_column, r + 0.5)), MUTED, 1.0) for r in range(rows)]
    down = [Path(((c + 0.5, 0.5), (c + 0.5, last_row)), MUTED, 1.0) for c in range(columns)]
    return [Rectangle(0, 0, columns, rows, WOOD), *across, *down]


def _names(rows: int, columns: int) -> list[Shape]:
    below = [Words(c + 0.5, rows, LETTERS[c], 11, MUTED, anchor="middle", shift=13) for c in range(columns)]
    beside = [Words(-0.1, r + 0.5, str(rows - r), 11, MUTED, anchor="end", shift=4) for r in range(rows)]
    return [*below, *beside]


def _point(stone: int, look: Look, row: int, column: int, weight: float | None) -> list[Shape]:
    """One point: its weight behind it, and its stone or hole."""
    x, y = column + 0.5, row + 0.5
    shapes: list[Shape] = []
    if weight is not None and stone:
        shapes.append(Rectangle(column, row, 1, 1, hexadecimal(diverging(np.array(weight)))))
    radius = 0.32 if weight is not None else 0.44
    if look == "holes":
        shapes.append(Disc(x, y, radius, {1: RED, -1: YELLOW}.get(int(stone), PAPER)))
    elif stone:
        shapes.append(Disc(x, y, radius, FIRST_STONE if stone > 0 else SECOND_STONE, INK))
    return shapes


def _square(sign: str, row: int, column: int, weight: float | None) -> list[Shape]:
    """A square of chess: the weight of its piece behind it, and the piece."""
    shapes: list[Shape] = []
    if sign == ".":
        return shapes
    if weight is not None and abs(weight) > VISIBLE:
        shapes.append(Rectangle(column, row, 1, 1, hexadecimal(diverging(np.array(weight)))))
    return shapes + piece_drawn(sign, column, row)


def _text(board: np.ndarray, title: str, weights: np.ndarray | None, signs: Sequence[str] | None) -> str:
    rows, columns = board.shape
    shown = signs or ["".join(TEXT[stone] for stone in line) for line in board]
    lines = [f"{rows - r:>2} " + " ".join(shown[r]) for r in range(rows)]
    lines.append("   " + " ".join(LETTERS[:columns]))
    if weights is not None:
        order = np.argsort(-weights, axis=None, kind="stable")[:3]
        told = [f"{square_name(int(p), (0, rows, columns))} {weights.flat[p]:+.2f}" for p in order if weights.flat[p]]
        what = "pieces" if signs else "stones"
        lines += [f"{what} that speak most for the move: {', '.join(told)}"] if told else []
    return "\n".join([title, *lines])
