"""Go as a game: the compiled functions, joined."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sounding.games.game import Game, Positions
from sounding.games.go import ladders, layout, observation, scoring, turns
from sounding.games.go.board import stone_hash

LETTERS = "ABCDEFGHJKLMNOPQRST"  # without I, as on boards and in GTP
SIZES = range(5, 20)


@dataclass(frozen=True)
class Go(Game):
    """The rules of Go on a board of `size` lines, 5 to 19: area scoring, positional superko, no suicide.

    An action is a point, row by row from the top left, or the pass, which is the last. A game ends after two passes in
    a row, or after twice as many moves as the board has points. `komi` is what positions start with; each keeps its
    own, so `positions["komi"]` may be set, and a batch may mix them.
    """

    size: int = 9
    komi: float = 7.0
    name: ClassVar[str] = "go"

    def __post_init__(self) -> None:
        """Raises ValueError for a size that is not from 5 to 19."""
        if self.size not in SIZES:
            raise ValueError(f"Go is played here on boards of 5 to 19 lines, not {self.size}")

    @property
    def points(self) -> int:
        """The number of points of the board."""
        return self.size * self.size

    @property
    def dtype(self) -> np.dtype[Any]:
        """Stones, state, komi, and the hashes of all boards so far."""
        return layout.record(self.size)

    @property
    def actions(self) -> int:
        """The points and the pass."""
        return self.points + 1

    @property
    def shape(self) -> tuple[int, int, int]:
        """The planes of `sounding.games.go.observation`; the top row first."""
        return observation.PLANES, self.size, self.size

    @functools.cached_property
    def squares(self) -> NDArray[np.int64]:
        """[8, points]: turns by 0, 90, 180, 270 degrees, and these after a reflection."""
        board = np.arange(self.points).reshape(self.size, self.size)
        images = [np.rot90(side, turns) for side in (board, board.T) for turns in range(4)]
        return np.stack([image.ravel() for image in images])

    @functools.cached_property
    def symmetries(self) -> NDArray[np.int64]:
        """[8, points + 1]: as `squares`; a pass stays one."""
        return np.pad(self.squares, ((0, 0), (0, 1)), constant_values=self.points)

    # ---- positions

    def start(self, n: int = 1) -> Positions:
        """[N] empty boards, Black to move."""
        positions = np.zeros(n, self.dtype)
        positions["last"] = layout.NONE
        positions["ko"] = layout.NONE
        positions["komi"] = self.komi
        positions["board"][:, self.points] = layout.EDGE
        return positions

    def setup(self, black: Sequence[int], white: Sequence[int] = (), to_play: int = 0) -> Positions:
        """[1] board with stones on these points: a handicap, a problem.

        Raises ValueError for a point that is none or is named twice, and for stones without a liberty.
        """
        if to_play not in (0, 1):
            raise ValueError(f"the player to move is 0 (Black) or 1 (White), not {to_play}")
        named = [*black, *white]
        for point in named:
            if not 0 <= point < self.points:
                raise ValueError(f"{point} is no point of a board of {self.size} lines")
            if named.count(point) > 1:
                raise ValueError(f"{self.text(point)} is named twice")
        position = self.start(1)
        board = position["board"][0]
        for points, colour in ((black, layout.BLACK), (white, layout.WHITE)):
            for point in points:
                board[point] = colour
                position["hashes"][0, 0] ^= stone_hash(point, colour)
        position["to_play"] = to_play
        liberties = self.liberties(position)[0]
        for point in named:
            if liberties[point] == 0:
                raise ValueError(f"the stones at {self.text(point)} have no liberty")
        return position

    def turn(self, positions: Positions, to_play: int) -> None:
        """Make it a player's turn, in place. Passes count from 0; superko holds on."""
        positions["to_play"] = to_play
        positions["ko"] = layout.NONE
        positions["passes"] = 0
        positions["over"] = positions["moves"] == layout.most_moves(self.points)

    def follow(self, position: Positions, movers: NDArray[np.int8], actions: NDArray[np.int64]) -> int:
        """Play a recorded game in a position [1], in place; the number of the first illegal move, or −1."""
        return int(turns.follow(self.raw(position), movers, actions, self._neighbours))

    # ---- the rules

    def legal(self, positions: Positions) -> NDArray[np.bool_]:
        """[N, points + 1]: not suicide, and no board that was there before; the pass always."""
        out = np.zeros((len(positions), self.actions), np.bool_)
        turns.legal(self.raw(positions), self._neighbours, out)
        return out

    def over(self, positions: Positions) -> NDArray[np.bool_]:
        """[N]: two passes in a row, or as many moves as a game may have."""
        return self.solid(positions)["over"].astype(np.bool_)

    def results(self, positions: Positions) -> NDArray[np.float32]:
        """[N]: +1 where the game is over and Black has more than White and komi, −1 where less, else 0."""
        return np.sign(self.score(positions)) * self.over(positions)

    def to_play(self, positions: Positions) -> NDArray[np.int8]:
        """[N]: 0 Black, 1 White."""
        return self.solid(positions)["to_play"].astype(np.int8)

    def observe(self, positions: Positions) -> NDArray[np.float32]:
        """[N, planes, size, size]; what the planes are, says `sounding.games.go.observation`."""
        out = np.zeros((len(positions), observation.PLANES, self.points), np.float32)
        observation.observe(self.raw(positions), self._neighbours, out)
        return out.reshape(-1, *self.shape)

    def stones(self, positions: Positions) -> NDArray[np.int8]:
        """[N, size, size]: +1 a black stone, −1 a white one; the top row first."""
        board = self.solid(positions)["board"][:, : self.points].reshape(-1, self.size, self.size)
        return (board == layout.BLACK).astype(np.int8) - (board == layout.WHITE)

    def arranged(
        self, positions: Positions, stones: NDArray[np.int8], movers: NDArray[np.integer] | None = None
    ) -> Positions:
        """Copies with the `stones` [N, size, size]. Where they are others, no point is forbidden as a simple ko."""
        found = self.solid(positions).copy()
        colours = np.select([stones > 0, stones < 0], [layout.BLACK, layout.WHITE], layout.EMPTY)
        colours = colours.reshape(-1, self.points)
        changed = (colours != found["board"][:, : self.points]).any(axis=1)
        found["board"][:, : self.points] = colours
        found["ko"][changed] = layout.NONE
        self._rehash(found, changed)
        if movers is not None:
            found["to_play"] = movers
        found["over"] = 0
        return found

    def turned(self, positions: Positions, symmetry: int) -> Positions:
        """Copies under a symmetry: stones, the last two moves, a simple ko. Boards that were before are forgotten."""
        found = self.solid(positions).copy()
        found["board"][:, self.squares[symmetry]] = positions["board"][:, : self.points]
        goes = np.append(self.symmetries[symmetry], layout.NONE)  # the last stands for none
        for field in ("last", "ko"):
            found[field] = goes[positions[field]]
        found["hashes"] = 0
        self._rehash(found, np.ones(len(found), np.bool_))
        return found

    def _rehash(self, positions: Positions, rows: NDArray[np.bool_]) -> None:
        """Set the hash of the board as it stands, in place."""
        board = positions["board"][:, : self.points]
        nothing = np.uint64(0)
        hashed = np.where(board == layout.BLACK, self._hashes[0], nothing)
        hashed ^= np.where(board == layout.WHITE, self._hashes[1], nothing)
        now = np.bitwise_xor.reduce(hashed, axis=1)
        place = positions["moves"][rows]
        positions["hashes"][np.flatnonzero(rows), place] = now[rows]

    @functools.cached_property
    def _hashes(self) -> NDArray[np.uint64]:
        """[2, points]: the hash of a black and of a white stone."""
        colours = (layout.BLACK, layout.WHITE)
        return np.array([[stone_hash(point, colour) for point in range(self.points)] for colour in colours], np.uint64)

    def keys(self, positions: Positions) -> NDArray[np.uint64]:
        """[N]: board, player, passes, simple ko and komi; not the boards before (superko) and the number of moves."""
        out = np.empty(len(positions), np.uint64)
        turns.keys(self.raw(positions), self.points, out)
        return out

    def area(self, positions: Positions) -> NDArray[np.int8]:
        """[N, points]: whose each point is, of the board as it stands: +1 Black's, −1 White's, 0 nobody's."""
        out = np.empty((len(positions), self.points), np.int8)
        scoring.area(self.raw(positions), self._neighbours, out)
        return out

    def score(self, positions: Positions) -> NDArray[np.float32]:
        """[N]: Black's points less White's and komi, of the board as it stands."""
        difference = self.area(positions).sum(axis=1, dtype=np.float32)
        return difference - self.solid(positions)["komi"]

    def liberties(self, positions: Positions) -> NDArray[np.int16]:
        """[N, points]: the liberties of each stone's chain, 0 for an empty point."""
        out = np.empty((len(positions), self.points), np.int16)
        observation.count_liberties(self.raw(positions), self._neighbours, out)
        return out

    def ladders(self, positions: Positions) -> NDArray[np.int8]:
        """[N, points]: for each stone of a chain with two liberties whether it is caught in a ladder if the other side
        moves first (1) or escapes (0); −1 for any other point.
        """
        out = np.empty((len(positions), self.points), np.int8)
        ladders.ladders(self.raw(positions), self._neighbours, out)
        return out

    # ---- words

    def text(self, action: int, position: np.void | None = None) -> str:
        """A vertex as in GTP, the letter I left out: "E5", "pass"."""
        if action == self.points:
            return "pass"
        row, column = divmod(int(action), self.size)
        return f"{LETTERS[column]}{self.size - row}"

    def action(self, text: str, position: np.void | None = None) -> int:
        """The action of a vertex. Raises ValueError where the board has none such."""
        word = text.strip().upper()
        if word == "PASS":
            return self.points
        column = LETTERS[: self.size].find(word[0]) if word else -1
        row = self.size - int(word[1:]) if word[1:].isdecimal() and word.isascii() else -1
        if column < 0 or not 0 <= row < self.size:
            last = f"{LETTERS[self.size - 1]}{self.size}"
            raise ValueError(f"{text!r} is no point of a board of {self.size} lines: they are A1 to {last}, or pass")
        return row * self.size + column

    # ---- for compiled functions

    def raw(self, positions: Positions) -> layout.Raw:
        """[N, bytes]: the positions as compiled functions take them; a view of them, or a copy where they have gaps."""
        solid = self.solid(positions)
        return solid.view(np.uint8).reshape(len(solid), solid.dtype.itemsize)

    def _play(self, positions: Positions, actions: NDArray[np.int64]) -> int:
        return int(turns.play(self.raw(positions), actions, self._neighbours))

    @property
    def _neighbours(self) -> NDArray[np.int64]:
        return layout.neighbours_of(self.size)
