"""Noughts and crosses in plain numpy: a game for tests of what knows no rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sounding.games.game import Game

RECORD = np.dtype([("stones", np.int8, 9), ("moves", np.int8)])
"""+1 for stones of the first player, -1 for the second's."""

LINES = np.array([[0, 1, 2], [3, 4, 5], [6, 7, 8], [0, 3, 6], [1, 4, 7], [2, 5, 8], [0, 4, 8], [2, 4, 6]])
TURNS = [np.rot90(np.arange(9).reshape(3, 3), k).ravel() for k in range(4)]
MIRRORED = [np.rot90(np.arange(9).reshape(3, 3)[:, ::-1], k).ravel() for k in range(4)]


@dataclass(frozen=True)
class TicTacToe(Game):
    name: ClassVar[str] = "tictactoe"
    dtype = RECORD
    actions = 9
    shape = (2, 3, 3)
    symmetries = squares = np.argsort(np.array([*TURNS, *MIRRORED]), axis=1)

    def start(self, n: int = 1) -> np.ndarray:
        return np.zeros(n, RECORD)

    def legal(self, positions: np.ndarray) -> np.ndarray:
        return (positions["stones"] == 0) & ~self.over(positions)[:, None]

    def over(self, positions: np.ndarray) -> np.ndarray:
        return (self.results(positions) != 0) | (positions["moves"] == 9)

    def results(self, positions: np.ndarray) -> np.ndarray:
        sums = positions["stones"][:, LINES].sum(axis=2)
        return (sums == 3).any(axis=1).astype(np.float32) - (sums == -3).any(axis=1)

    def to_play(self, positions: np.ndarray) -> np.ndarray:
        return positions["moves"] % 2

    def observe(self, positions: np.ndarray) -> np.ndarray:
        own = np.where(self.to_play(positions) == 0, 1, -1)[:, None] * positions["stones"]
        return np.stack([own == 1, own == -1], axis=1).astype(np.float32).reshape(-1, *self.shape)

    def stones(self, positions: np.ndarray) -> np.ndarray:
        return positions["stones"].reshape(-1, 3, 3)

    def keys(self, positions: np.ndarray) -> np.ndarray:
        return ((positions["stones"].astype(np.int64) + 1) @ 3 ** np.arange(9)).astype(np.uint64)

    def text(self, action: int, position: np.void | None = None) -> str:
        return "ABC"[action % 3] + "123"[action // 3]

    def action(self, text: str, position: np.void | None = None) -> int:
        if len(text) != 2 or text[0] not in "ABC" or text[1] not in "123":
            raise ValueError(f"{text} is no square")
        return "ABC".index(text[0]) + 3 * "123".index(text[1])

    def _play(self, positions: np.ndarray, actions: np.ndarray) -> int:
        rows = np.arange(len(actions))
        wrong = (actions < 0) | (actions > 8)
        wrong |= ~self.legal(positions)[rows, np.where(wrong, 0, actions)]
        if wrong.any():
            return int(wrong.argmax())
        positions["stones"][rows, actions] = np.where(self.to_play(positions) == 0, 1, -1)
        positions["moves"] += 1
        return -1


def position(text: str) -> np.ndarray:
    """[1]: the position that a drawing shows, row by row: X, O, or anything else for an empty square."""
    made = np.zeros(1, RECORD)
    made["stones"] = [{"X": 1, "O": -1}.get(square, 0) for square in text.replace(" ", "")]
    made["moves"] = np.count_nonzero(made["stones"])
    return made
