"""What a game is: positions as records of a fixed size, and its rules as functions over arrays of them.

    Game        the rules, as the search, self-play and matches need them
    Position    a numpy record of `game.dtype`; a batch of games is one array of them, copied like any other

Legend of shapes: N positions, A actions, P planes of H rows and W columns, S symmetries.

Two players move in turn: 0 is the first (Black in Go), 1 the second. Actions are numbers from 0 to A − 1, the same in
all positions of a game. The rules know no network and no search, so nothing that is compiled depends on the game but
the rules themselves.
"""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

Positions = NDArray[np.void]


class Game(ABC):
    """The rules of a game for two players. A subclass is a frozen dataclass of what the rules depend on.

    All functions but `play` leave the positions as they are. Positions of another game or size raise ValueError.
    """

    name: ClassVar[str]
    speaks_of_positions: ClassVar[bool] = False
    """Whether `text` needs the position to write an action as people do."""

    # ---- what each game says

    @property
    @abstractmethod
    def dtype(self) -> np.dtype[Any]:
        """One position: a record of named fields of fixed size."""

    @property
    @abstractmethod
    def actions(self) -> int:
        """A, the number of actions."""

    @property
    @abstractmethod
    def shape(self) -> tuple[int, int, int]:
        """(P, H, W) of an observation."""

    @property
    @abstractmethod
    def symmetries(self) -> NDArray[np.int64]:
        """[S, A]: index i of row s says where action i goes under symmetry s. Row 0 changes nothing."""

    @property
    @abstractmethod
    def squares(self) -> NDArray[np.int64]:
        """[S, H · W]: the same for the squares of the board, row by row from the top left."""

    @abstractmethod
    def start(self, n: int = 1) -> Positions:
        """[N] starting positions; all the same, unless a game has several."""

    @abstractmethod
    def legal(self, positions: Positions) -> NDArray[np.bool_]:
        """[N, A]: what the player to move may do; nothing where the game is over."""

    @abstractmethod
    def over(self, positions: Positions) -> NDArray[np.bool_]:
        """[N]: whether the game has ended."""

    @abstractmethod
    def results(self, positions: Positions) -> NDArray[np.float32]:
        """[N]: +1 where the first player has won, −1 where the second has, 0 for a draw or a game that goes on."""

    @abstractmethod
    def to_play(self, positions: Positions) -> NDArray[np.int8]:
        """[N]: the player to move, 0 or 1."""

    @abstractmethod
    def observe(self, positions: Positions) -> NDArray[np.float32]:
        """[N, P, H, W]: what a network is given, from the view of the player to move."""

    @abstractmethod
    def stones(self, positions: Positions) -> NDArray[np.int8]:
        """[N, H, W]: +1 a stone of the first player, −1 of the second, 0 an empty square; the top row first."""

    def signs(self, position: np.void) -> list[str]:
        """The rows of the board, the top one first, with a sign for each square.

        A dot for nothing; X a stone of the first player, O of the second; where there are kinds of pieces, their
        letters, large ones of the first player.
        """
        board = np.empty(1, self.dtype)
        board[0] = position
        return ["".join(".XO"[stone] for stone in row) for row in self.stones(board)[0].tolist()]

    def arranged(
        self, positions: Positions, stones: NDArray[np.int8], movers: NDArray[np.integer] | None = None
    ) -> Positions:
        """Copies of the positions with the `stones` [N, H, W] in place of theirs, and with `movers` [N] to move.

        All else stays, and the game goes on, whether or not play could have led there: for what a model is asked about.
        """
        raise NotImplementedError(f"{self.name} does not say how stones are put on its board")

    def turned(self, positions: Positions, symmetry: int) -> Positions:
        """Copies of the positions under a symmetry: what is seen of them is `flip` of what was seen before."""
        stones = self.stones(positions)
        turned = np.empty_like(stones.reshape(len(stones), -1))
        turned[:, self.squares[symmetry]] = stones.reshape(len(stones), -1)
        return self.arranged(positions, turned.reshape(stones.shape))

    @abstractmethod
    def keys(self, positions: Positions) -> NDArray[np.uint64]:
        """[N]: a hash of what decides how the game goes on, for caches. A game says what it leaves out."""

    @abstractmethod
    def text(self, action: int, position: np.void | None = None) -> str:
        """How people write an action: "D", "E5", "pass". Some games need the position it is played in."""

    @abstractmethod
    def action(self, text: str, position: np.void | None = None) -> int:
        """The action that a text stands for. Raises ValueError where it stands for none.

        Some games need the position it is played in, and raise ValueError without.
        """

    @abstractmethod
    def _play(self, positions: Positions, actions: NDArray[np.int64]) -> int:
        """Play all, in place, and return −1; or none, and return the number of the first position that forbids it."""

    # ---- what follows from it

    def play(self, positions: Positions, actions: NDArray[np.integer] | list[int]) -> None:
        """Play an action [N] in each position, in place.

        Raises ValueError for an illegal one, which it names; then nothing is changed.
        """
        moves = np.ascontiguousarray(actions, dtype=np.int64)
        if positions.shape != moves.shape:
            raise ValueError(f"{moves.size} actions were given for {positions.size} positions")
        if not positions.flags.writeable:
            raise ValueError("the positions are read-only")
        solid = self.solid(positions)
        wrong = self._play(solid, moves)
        if wrong >= 0:
            move = int(moves[wrong])
            said = self.text(move, solid[wrong]) if 0 <= move < self.actions else f"action {move}"
            raise ValueError(f"{said} is not legal in position {wrong}")
        if solid is not positions:
            positions[...] = solid

    def follow(self, position: Positions, movers: NDArray[np.int8], actions: NDArray[np.int64]) -> int:
        """Play a recorded game in a position [1], in place: move k is that of player `movers[k]`.

        Where it is not that player's turn, or the game is over by the rules though people played on, it becomes it by
        `turn`. Returns the number of the first move that is illegal, before which the position stands then, or −1.
        """
        for number, (mover, action) in enumerate(zip(movers, actions, strict=True)):
            try:
                if self.to_play(position)[0] != mover or self.over(position)[0]:
                    self.turn(position, int(mover))
            except ValueError:
                return number
            if self._play(position, np.array([action], np.int64)) >= 0:
                return number
        return -1

    def turn(self, positions: Positions, player: int) -> None:
        """Let this player move in each position, in place. Raises ValueError where players move in turn alone."""
        raise ValueError(f"players of {self.name} move in turn")

    def flip(self, observations: NDArray[np.float32], symmetry: NDArray[np.integer]) -> NDArray[np.float32]:
        """[N, P, H, W]: each observation under its symmetry [N]; actions go where `symmetries` says."""
        flat = observations.reshape(*observations.shape[:2], -1)
        origins = self._origins[np.asarray(symmetry)][:, None, :]
        return np.take_along_axis(flat, origins, axis=2).reshape(observations.shape)

    @functools.cached_property
    def _origins(self) -> NDArray[np.int64]:
        """[S, H · W]: the square that comes to each square."""
        return np.argsort(self.squares, axis=1)

    def solid(self, positions: Positions) -> Positions:
        """The positions as compiled functions need them: in one dimension, without gaps."""
        if positions.dtype != self.dtype or positions.ndim != 1:
            raise ValueError(
                f"these are not positions of {self}, in one dimension: {positions.dtype}, {positions.shape}"
            )
        return positions if positions.flags.c_contiguous and positions.flags.writeable else positions.copy()
