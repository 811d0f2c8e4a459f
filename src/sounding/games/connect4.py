"""Connect Four: seven columns of six squares; four in a row, a column or a diagonal win.

The stones of a player are the bits of a number, seven for each column, the lowest square first and the seventh always
empty: four in a line are then found by shifts. The representation is that of J. Tromp's Fhourstones.

      row 5    5 12 19 26 33 40 47
      …
      row 0    0  7 14 21 28 35 42
               A  B  C  D  E  F  G
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sounding.games.compiled import compiled
from sounding.games.game import Game, Positions
from sounding.games.hashes import mixed

ROWS, COLUMNS = 6, 7
STRIDE = ROWS + 1  # bits from a square to its right neighbour
PLANES = 3
BITS = np.uint64(1) << (np.arange(COLUMNS) * STRIDE + np.arange(ROWS)[::-1, None]).astype(np.uint64)
"""The bit of each square, the top row first."""

RECORD = np.dtype(
    [
        ("stones", np.uint64, 2),  # of the first and the second player
        ("moves", np.int8),
        ("over", np.int8),
        ("result", np.int8),
        ("unused", np.int8, 5),
    ]
)


@dataclass(frozen=True)
class Connect4(Game):
    """The rules of Connect Four. An action is a column, from the left.

    Planes of an observation: the stones of the player to move, those of the other, the squares where a stone can land.
    """

    name: ClassVar[str] = "connect4"

    @property
    def dtype(self) -> np.dtype[Any]:
        """Bitboards of both players, the number of moves, and how it ended."""
        return RECORD

    @property
    def actions(self) -> int:
        """The columns."""
        return COLUMNS

    @property
    def shape(self) -> tuple[int, int, int]:
        """Own stones, the other's, landing squares; the top row first."""
        return PLANES, ROWS, COLUMNS

    @functools.cached_property
    def symmetries(self) -> NDArray[np.int64]:
        """Itself and its mirror image."""
        columns = np.arange(COLUMNS)
        return np.stack([columns, columns[::-1]])

    @functools.cached_property
    def squares(self) -> NDArray[np.int64]:
        """Itself and its mirror image."""
        board = np.arange(ROWS * COLUMNS).reshape(ROWS, COLUMNS)
        return np.stack([board.ravel(), board[:, ::-1].ravel()])

    def start(self, n: int = 1) -> Positions:
        """[N] empty boards."""
        return np.zeros(n, RECORD)

    def legal(self, positions: Positions) -> NDArray[np.bool_]:
        """[N, A]: the columns that are not full."""
        out = np.zeros((len(positions), COLUMNS), np.bool_)
        _legal(self.solid(positions), out)
        return out

    def over(self, positions: Positions) -> NDArray[np.bool_]:
        """[N]: four in a line, or a full board."""
        return self.solid(positions)["over"].astype(np.bool_)

    def results(self, positions: Positions) -> NDArray[np.float32]:
        """[N]: +1 where the first player has four in a line, −1 where the second has, else 0."""
        return self.solid(positions)["result"].astype(np.float32)

    def to_play(self, positions: Positions) -> NDArray[np.int8]:
        """[N]: the player to move, 0 or 1."""
        return self.solid(positions)["moves"] & np.int8(1)

    def observe(self, positions: Positions) -> NDArray[np.float32]:
        """[N, 3, 6, 7]: own stones, the other's, landing squares."""
        out = np.zeros((len(positions), *self.shape), np.float32)
        _observe(self.solid(positions), out)
        return out

    def stones(self, positions: Positions) -> NDArray[np.int8]:
        """[N, 6, 7]: +1 a stone of the first player, −1 of the second; the stones lie at the bottom."""
        of_both = self.solid(positions)["stones"][:, :, None, None] & BITS != 0
        return of_both[:, 0].astype(np.int8) - of_both[:, 1].astype(np.int8)

    def arranged(
        self, positions: Positions, stones: NDArray[np.int8], movers: NDArray[np.integer] | None = None
    ) -> Positions:
        """Copies with the `stones` [N, 6, 7], where they are: none of them falls."""
        found = self.solid(positions).copy()
        for player, sign in enumerate((1, -1)):
            found["stones"][:, player] = np.where(stones == sign, BITS, np.uint64(0)).sum(axis=(1, 2), dtype=np.uint64)
        if movers is not None:
            count = np.count_nonzero(stones, axis=(1, 2))
            found["moves"] = count + (count + movers) % 2
        found["over"], found["result"] = 0, 0
        return found

    def keys(self, positions: Positions) -> NDArray[np.uint64]:
        """[N]: differs wherever the stones do."""
        out = np.empty(len(positions), np.uint64)
        _keys(self.solid(positions), out)
        return out

    def text(self, action: int, position: np.void | None = None) -> str:
        """The letter of the column."""
        return "ABCDEFG"[action]

    def action(self, text: str, position: np.void | None = None) -> int:
        """The column of a letter. Raises ValueError for anything else."""
        column = "ABCDEFG".find(text.strip().upper()) if len(text.strip()) == 1 else -1
        if column < 0:
            raise ValueError(f"{text!r} is no column of Connect Four: they are A to G")
        return column

    def _play(self, positions: Positions, actions: NDArray[np.int64]) -> int:
        return int(_play(positions, actions))


# ---- one position


@compiled
def bit(column: int, row: int) -> np.uint64:
    """The bit of a square; row 0 is the lowest."""
    return np.uint64(1) << np.uint64(column * STRIDE + row)


@compiled
def has_four(stones: np.uint64) -> bool:
    """Whether four of the stones are in a line: two pairs of neighbours, two squares apart."""
    for shift in (1, STRIDE - 1, STRIDE, STRIDE + 1):
        pairs = stones & (stones >> np.uint64(shift))
        if pairs & (pairs >> np.uint64(2 * shift)):
            return True
    return False


@compiled
def landing(occupied: np.uint64, column: int) -> np.uint64:
    """The bit where a stone lands in a column, which is in no square of the board where the column is full."""
    bottom = bit(column, 0)
    squares = bottom * np.uint64((1 << ROWS) - 1)
    return (occupied & squares) + bottom


@compiled
def is_open(occupied: np.uint64, column: int) -> bool:
    """Whether the column is not full."""
    return bool(occupied & bit(column, ROWS - 1) == 0)


# ---- arrays of positions


@compiled
def _legal(positions: Positions, out: NDArray[Any]) -> None:
    for n in range(len(positions)):
        if positions[n].over:
            continue
        occupied = positions[n].stones[0] | positions[n].stones[1]
        for column in range(COLUMNS):
            out[n, column] = is_open(occupied, column)


@compiled
def _play(positions: Positions, actions: NDArray[np.int64]) -> int:
    for n in range(len(positions)):
        occupied = positions[n].stones[0] | positions[n].stones[1]
        action = actions[n]
        if positions[n].over or action < 0 or action >= COLUMNS or not is_open(occupied, action):
            return n
    for n in range(len(positions)):
        stones = positions[n].stones
        player = positions[n].moves & 1
        stones[player] |= landing(stones[0] | stones[1], actions[n])
        positions[n].moves += 1
        if has_four(stones[player]):
            positions[n].over = 1
            positions[n].result = 1 - 2 * player
        elif positions[n].moves == ROWS * COLUMNS:
            positions[n].over = 1
    return -1


@compiled
def _observe(positions: Positions, out: NDArray[Any]) -> None:
    for n in range(len(positions)):
        player = positions[n].moves & 1
        own, other = positions[n].stones[player], positions[n].stones[1 - player]
        for column in range(COLUMNS):
            land = landing(own | other, column)
            for row in range(ROWS):
                square, line = bit(column, row), ROWS - 1 - row
                out[n, 0, line, column] = own & square != 0
                out[n, 1, line, column] = other & square != 0
                out[n, 2, line, column] = land & square != 0


@compiled
def _keys(positions: Positions, out: NDArray[Any]) -> None:
    for n in range(len(positions)):
        first, second = positions[n].stones[0], positions[n].stones[1]
        out[n] = mixed(first ^ mixed(second))
