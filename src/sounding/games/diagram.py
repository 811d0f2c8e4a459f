"""A board as text: X and O, coordinates around it, the last move between brackets.

  A B C D E F G H J
9 . . . . . . . . . 9
8 . . . X . . + . . 8
…
Planes 0 and 1 of an observation are the stones of the player to move and of the other, in every game.
"""

from __future__ import annotations

import numpy as np

from sounding.games.game import Game

SIGNS = {1: "X", -1: "O", 0: "."}
STAR = "+"
LETTERS = "ABCDEFGHJKLMNOPQRSTUVWXYZ"
"""Columns of a Go board: I is left out."""


def diagram(game: Game, position: np.ndarray, last: int | None = None) -> str:
    """The lines of a board; `last` is the action that was played last."""
    board = game.stones(position)[0]
    is_go = game.actions == board.size + 1
    mark = last if is_go else landed(board, last)
    columns = LETTERS[: board.shape[1]] if is_go else "ABCDEFGHIJ"[: board.shape[1]]
    stars = star_points(len(board)) if is_go else set()
    wide = 2 if is_go else 0
    head = " " * (wide + 2) + " ".join(columns)
    lines = [head]
    for row, signs in enumerate(board):
        number = str(len(board) - row).rjust(wide) if is_go else ""
        line = ""
        for column, stone in enumerate(signs):
            place = row * board.shape[1] + column
            sign = STAR if stone == 0 and place in stars else SIGNS[int(stone)]
            line += ("(" if place == mark else ")" if column and place - 1 == mark else " ") + sign
        end = ")" if row * board.shape[1] + board.shape[1] - 1 == mark else " "
        lines.append(f"{number} {line}{end}{number.strip()}".rstrip())
    return "\n".join([*lines, *([head] if is_go else [])])


def landed(board: np.ndarray, column: int | None) -> int | None:
    """The place of the highest stone of a column, where stones fall."""
    if column is None or not board[:, column].any():
        return None
    return int(np.argmax(board[:, column] != 0)) * board.shape[1] + column


def star_points(size: int) -> set[int]:
    """The points that a board of so many lines has marked."""
    if size < 7:
        return {size * size // 2} if size % 2 else set()
    near, middle = (3 if size >= 13 else 2), size // 2
    lines = [near, size - 1 - near]
    found = {row * size + column for row in lines for column in lines}
    if size % 2:
        found.add(middle * size + middle)
    if size >= 13 and size % 2:
        found |= {row * size + column for row in (*lines, middle) for column in (*lines, middle)}
    return found
