"""Positions on a board as inputs: what stands where, and who is to move.

A value is one record of the game (`game.dtype`). A cell is a record, the moves from the beginning ("D D C"), or a
dictionary: {"moves": [...]}, or {"board": ["..XO...", ...], "to_play": "X"}.

A segment is a stone. What disturbs a position is a board that was misread: a stone overlooked, one seen where none is,
one of the wrong colour. The right answer is still the one to the true board.

Legend of shapes: B batch, N positions, P segments, M masks, S symmetries, A actions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from sounding.contract.inputs import (
    Corruptible,
    Corruption,
    Discrete,
    Explainable,
    Invariance,
    Perturbable,
    Portable,
)
from sounding.drawing.rendering import Marks, Rendering
from sounding.errors import DataError
from sounding.games.game import Game, Positions
from sounding.modalities.boards.drawing import Look, board_drawn, square_name
from sounding.modalities.boards.seen import OTHER, SEEN
from sounding.wording import counted

if TYPE_CHECKING:
    from torch import Tensor

SIGNS = ".XO"
"""An empty point, a stone of the first player, one of the second."""
TURNED = "the board turned or mirrored"


class Encoded(NamedTuple):
    """What a network is given of B positions: planes [B, C, H, W] of float32, and which moves are legal [B, A]."""

    planes: Tensor
    legal: Tensor


class Board(Explainable, Corruptible, Discrete, Perturbable, Portable):
    """A position of `game`, drawn as a board of this `look`."""

    columns: tuple[str, ...] = ("position", "moves", "board")
    noun = "position"
    asked = "MOVES"
    edit = "one point of the board misread"
    baselines = ("the point empty", "the other colour")

    def __init__(self, game: Game, look: Look) -> None:
        self.game, self.look = game, look

    @property
    def arguments(self) -> Mapping[str, Any]:
        """The game and the look."""
        return {"game": self.game, "look": self.look}

    # ---- reading

    def accepts(self, cell: Any) -> bool:
        """A record, moves, or a board."""
        return isinstance(cell, np.void | str | Mapping | list)

    def read(self, cell: Any, root: Path = Path()) -> np.void:
        """The position. Raises DataError for what is none, for an illegal move, and where the game is over."""
        if isinstance(cell, np.void):
            position = cell
        elif isinstance(cell, Mapping) and "board" in cell:
            position = self._arranged(cell)
        else:
            moves = cell.get("moves") if isinstance(cell, Mapping) else cell
            position = self._after(self._moves(moves))
        if position.dtype != self.game.dtype:
            raise DataError(f"this is no position of {self.game}", fix="Give the moves from the beginning")
        if self.game.over(one(position))[0]:
            raise DataError("the game is over in this position", fix="Give one in which there is something to play")
        return position

    def _moves(self, moves: Any) -> list[str]:
        """The moves one by one: "D D C", "ddc" where each is one letter, or a list."""
        words = re.split(r"[\s,]+", moves.strip()) if isinstance(moves, str) else moves
        if not isinstance(words, list | tuple) or not all(isinstance(word, str) for word in words):
            what = f"{type(moves).__name__} is no position"
            raise DataError(what, fix=f"Give the moves from the beginning, such as “{self._sample}”")
        found: list[str] = []
        for word in words:
            found += list(word) if len(word) > 1 and not self._known(word) and all(map(self._known, word)) else [word]
        return [word for word in found if word]

    def _known(self, word: str) -> bool:
        try:
            self.game.action(word)
        except ValueError:
            return False
        return True

    @property
    def _sample(self) -> str:
        return " ".join(
            self.game.text(self.game.shape[2] // 2 + k) for k in (0, 0, 1)[: 3 if self.game.actions < 9 else 1]
        )

    def _after(self, moves: Sequence[str]) -> np.void:
        positions = self.game.start(1)
        for number, word in enumerate(moves, start=1):
            where = f"move {number} of {len(moves)}"
            try:
                self.game.play(positions, [self.game.action(word, positions[0])])
            except ValueError as error:
                raise DataError(str(error).replace(" in position 0", ""), where=where, fix="Mend the moves") from None
        return positions[0]

    def _arranged(self, cell: Mapping[str, Any]) -> np.void:
        """The position of a drawn board. What is not on it (who may retake what) is as at the beginning."""
        _, rows, columns = self.game.shape
        lines = ["".join(str(line).split()) for line in cell["board"]]
        signs, mover = "".join(lines), str(cell.get("to_play", SIGNS[1])).upper()
        sound = len(lines) == rows and all(len(line) == columns for line in lines) and set(signs) <= set(SIGNS)
        if not sound or mover not in SIGNS[1:]:
            fix = f"Give {rows} lines of {columns} signs ({SIGNS}), and to_play {SIGNS[1]} or {SIGNS[2]}"
            raise DataError("this board is none of the game", fix=fix)
        stones = np.array([{SIGNS[0]: 0, SIGNS[1]: 1, SIGNS[2]: -1}[sign] for sign in signs], np.int8)
        board = stones.reshape(1, rows, columns)
        return self.game.arranged(self.game.start(1), board, np.array([SIGNS.index(mover) - 1]))[0]

    # ---- tensors

    def encode(self, values: Sequence[np.void]) -> Encoded:
        """Planes and legal moves."""
        import torch

        return Encoded(*map(torch.from_numpy, self.arrays(values)))

    def arrays(self, values: Sequence[np.void]) -> tuple[np.ndarray, np.ndarray]:
        """The same without torch."""
        positions = many(values, self.game)
        return self.game.observe(positions), self.game.legal(positions)

    @property
    def axes(self) -> Mapping[str, tuple[str | int, ...]]:
        """Planes of the board; all moves."""
        return {"planes": ("batch", *self.game.shape), "legal": ("batch", self.game.actions)}

    @property
    def steps(self) -> Sequence[str]:
        """What is seen of a position, and what may be played."""
        seen = SEEN.get(self.game.name, OTHER)
        return (
            f"`planes`, float32, rows from the top: {seen.planes}",
            f"`legal`, bool: whether each of the {self.game.actions} moves may be played; {seen.moves}",
        )

    # ---- segments

    def occupied(self, value: np.void) -> np.ndarray:
        """[P]: the points on which a stone is."""
        return np.flatnonzero(self._stones(value))

    def _stones(self, value: np.void) -> np.ndarray:
        """[H · W]: 1 a stone of the first player, −1 of the second."""
        return self.game.stones(one(value)).ravel()

    def _with(self, value: np.void, stones: np.ndarray) -> np.void:
        return self._with_many(value, stones[None])[0]

    def _with_many(self, value: np.void, stones: np.ndarray) -> list[np.void]:
        """The value with other stones [M, H · W]."""
        board = stones.reshape(-1, *self.game.shape[1:])
        return list(self.game.arranged(np.repeat(one(value), len(board)), board))

    def segments(self, value: np.void) -> int:
        """How many stones there are."""
        return len(self.occupied(value))

    def segment_name(self, value: np.void, part: int) -> str:
        """Whose stone it is, and where."""
        point = int(self.occupied(value)[part])
        whose = "own" if self._stones(value)[point] == self._mover(value) else "other's"
        return f"{whose} stone on {square_name(point, self.game.shape)}"

    def mask(self, value: np.void, mask: np.ndarray, baseline: str) -> np.void:
        """The position without the other stones, or with these in the other colour."""
        return self.mask_many(value, np.asarray(mask)[None], baseline)[0]

    def mask_many(self, value: np.void, masks: np.ndarray, baseline: str) -> list[np.void]:
        """The same for each of `masks` [M, P]."""
        stones = np.repeat(self._stones(value)[None], len(masks), axis=0)
        other = 0 if baseline == self.baselines[0] else -1
        stones[:, self.occupied(value)] *= np.where(masks, 1, other).astype(np.int8)
        return self._with_many(value, stones)

    def _mover(self, value: np.void) -> int:
        return 1 - 2 * int(self.game.to_play(one(value))[0])

    # ---- disturbed

    @property
    def corruptions(self) -> Mapping[str, Corruption]:
        """A board that was misread, at as many points as the severity says."""
        return {
            "stones overlooked": self._overlooked,
            "stones that are not there": self._phantoms,
            "colours confused": self._confused,
        }

    def _overlooked(self, value: np.void, severity: int, rng: np.random.Generator) -> np.void:
        stones = self._stones(value)
        stones[rng.permutation(self.occupied(value))[:severity]] = 0
        return self._with(value, stones)

    def _phantoms(self, value: np.void, severity: int, rng: np.random.Generator) -> np.void:
        stones = self._stones(value)
        empty = rng.permutation(np.flatnonzero(stones == 0))
        colours = rng.choice(np.array([-1, 1], np.int8), len(empty))
        stones[empty[:severity]] = colours[:severity]
        return self._with(value, stones)

    def _confused(self, value: np.void, severity: int, rng: np.random.Generator) -> np.void:
        stones = self._stones(value)
        stones[rng.permutation(self.occupied(value))[:severity]] *= -1
        return self._with(value, stones)

    def neighbours(self, value: np.void, rng: np.random.Generator) -> Iterator[np.void]:
        """Positions that differ at one point, in an order of chance."""
        stones = self._stones(value)
        for point in rng.permutation(len(stones)).tolist():
            others = [stone for stone in (-1, 0, 1) if stone != stones[point]]
            changed = stones.copy()
            changed[point] = others[int(rng.integers(2))]
            yield self._with(value, changed)

    # ---- turned

    def turned(self, value: np.void, symmetry: int) -> np.void | None:
        """The position under a symmetry; None where it has something that cannot be turned with the stones."""
        found = self.game.turned(one(value), symmetry)
        expected = self.game.flip(self.game.observe(one(value)), np.array([symmetry]))
        legal = np.empty_like(self.game.legal(found))
        legal[0, self.game.symmetries[symmetry]] = self.game.legal(one(value))[0]
        same = np.array_equal(self.game.observe(found), expected) and np.array_equal(self.game.legal(found), legal)
        return found[0] if same and found[0] != value else None

    def invariances(self, values: Sequence[np.void], answers: Sequence[Any]) -> Mapping[str, Invariance]:
        """A symmetry of the board: who wins stays, and a move is turned with it, which is the task's to check."""

        if len(self.game.symmetries) < 2:
            return {}

        def turn(value: np.void, rng: np.random.Generator) -> np.void | None:
            return self.turned(value, int(rng.integers(1, len(self.game.symmetries))))

        return {TURNED: turn}

    def extended(self, value: np.void, other: np.void) -> np.void:
        """The value as it is: nothing can be added to a board."""
        return value

    # ---- showing

    def describe(self, value: np.void) -> str:
        """How many stones there are, and who is to move."""
        return f"{counted(self.segments(value), 'stone')}, {self._sign(value)} to move"

    def _sign(self, value: np.void) -> str:
        return SIGNS[1 if self._mover(value) > 0 else 2]

    def to_json(self, value: np.void) -> dict[str, Any]:
        """The board in signs, and who is to move."""
        return {"board": self.lines(value), "to_play": self._sign(value)}

    def lines(self, value: np.void) -> list[str]:
        """The rows of the board in signs, the top one first."""
        return ["".join(SIGNS[stone] for stone in row) for row in self.game.stones(one(value))[0]]

    def render(self, value: np.void, weights: np.ndarray | None = None, answer: Marks | None = None) -> Rendering:
        """The board; each stone on a square in the colour of its weight, and what an answer draws, in squares."""
        board = self.game.stones(one(value))[0]
        spread = None
        if weights is not None:
            spread = np.zeros(board.shape)
            spread.flat[self.occupied(value)] = weights
        signs = self.game.signs(value) if self.look == "squares" else None
        return board_drawn(board, self.look, self.describe(value), spread, answer, signs)


def one(value: np.void) -> Positions:
    """A value as a batch of one, on its own."""
    found = np.empty(1, value.dtype)
    found[0] = value
    return found


def many(values: Sequence[np.void], game: Game) -> Positions:
    """Values as a batch [N]."""
    found = np.empty(len(values), game.dtype)
    for number, value in enumerate(values):
        found[number] = value
    return found
