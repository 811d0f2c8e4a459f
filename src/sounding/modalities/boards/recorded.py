"""Games that others played, as documents to learn from: where they began, the moves, how they ended.

    RecordedGame     one game; positions are made of it when they are asked for
    RecordedGames    how the cells of tables and files become games; an application says it for its game

Legend of shapes: L moves.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sounding.contract.inputs import Assembled
from sounding.contract.layouts import WithLegend


@dataclass(frozen=True, eq=False)
class RecordedGame:
    """A game that is legal from its first move to its last.

    `start` [1] is the position before the first move; `movers` [L] who moved, `actions` [L] what. `taught` [L] is True
    for moves that are to be learnt, all where it is None. `result` is that of the first player (1, 0.5, 0 → 1, 0, −1)
    and `score` by how many points he won; NaN where it is not told. Of a `puzzle` the moves are its solution.
    """

    start: np.ndarray
    movers: np.ndarray
    actions: np.ndarray
    result: float = math.nan
    score: float = math.nan
    taught: np.ndarray | None = None
    puzzle: bool = False

    def __len__(self) -> int:
        return len(self.actions)


class RecordedGames(Assembled, WithLegend):
    """A game of a file or of a row of a table. Its cells are texts, which take little room and are read one by one.

    A cell that is an error stands for a game that could not be told from the rest of its file.
    """

    noun = "game"
    asked = "GAME"

    def encode(self, values: Sequence[RecordedGame]) -> Any:
        """There is none: positions are encoded, and not games."""
        raise NotImplementedError("a game is encoded position by position")

    def describe(self, value: RecordedGame) -> str:
        """How long it is."""
        return f"a game of {len(value)} moves"

    def remark(self, value: RecordedGame) -> str:
        """What cannot be learnt of it."""
        if value.puzzle or not math.isnan(value.result):
            return ""
        return "it is not told who won, so that its moves alone are learnt"
