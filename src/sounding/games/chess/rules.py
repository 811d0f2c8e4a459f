"""Chess as a Game: the laws of FIDE (2023), also with the 960 starting positions of Chess960."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sounding.games.chess import actions, arranging, fen, layout, observation, san, turns, uci
from sounding.games.chess.actions import action_of
from sounding.games.chess.starts import STANDARD, spread_over_960, starting_position
from sounding.games.game import Game, Positions


@dataclass(frozen=True)
class Chess(Game):
    """The rules of chess. Player 0 is White.

    A game ends by checkmate, stalemate, insufficient material, and as a draw where a player could claim one: a position
    for the third time, fifty moves of each without a capture or a pawn's move. With `claims` off it goes on until the
    fifth time and seventy-five moves, where the laws end it without a claim.

    With `chess960` moves are written as for Chess960, castling as the king's move to the square of his rook, and
    `start` puts up the starting position `number`; 518 is that of chess.
    """

    chess960: bool = False
    number: int = STANDARD
    claims: bool = True
    name: ClassVar[str] = "chess"
    speaks_of_positions: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Raises ValueError for a starting position that there is not."""
        if not 0 <= self.number < 960 or (self.number != STANDARD and not self.chess960):
            raise ValueError(f"starting position {self.number}: they are 0 to 959 with chess960, else {STANDARD}")

    @property
    def dtype(self) -> np.dtype[Any]:
        """Bitboards, rights, counts, how it ended, and the keys of what was there (`layout`)."""
        return layout.RECORD

    @property
    def actions(self) -> int:
        """73 kinds of moves from 64 squares, as the player to move sees them (`actions`)."""
        return actions.ACTIONS

    @property
    def shape(self) -> tuple[int, int, int]:
        """What the planes are, says `observation`."""
        return observation.PLANES, 8, 8

    @property
    def symmetries(self) -> NDArray[np.int64]:
        """Itself alone: castling tells left from right."""
        return np.arange(actions.ACTIONS)[None]

    @property
    def squares(self) -> NDArray[np.int64]:
        """Itself alone."""
        return np.arange(64)[None]

    def start(self, n: int = 1) -> Positions:
        """[N] starting positions."""
        return np.repeat(starting_position(self.number), n)

    def legal(self, positions: Positions) -> NDArray[np.bool_]:
        """[N, A]: the legal moves."""
        out = np.zeros((len(positions), actions.ACTIONS), np.bool_)
        turns.legal(self.raw(positions), out)
        return out

    def over(self, positions: Positions) -> NDArray[np.bool_]:
        """[N]: a mate or a draw."""
        return self.solid(positions)["end"] != layout.GOES_ON

    def results(self, positions: Positions) -> NDArray[np.float32]:
        """[N]: +1 where White has mated, −1 where Black has, else 0."""
        solid = self.solid(positions)
        return np.where(solid["end"] == layout.CHECKMATE, 2 * solid["turn"].astype(np.float32) - 1, np.float32(0))

    def reason(self, position: np.void) -> str:
        """How a game has ended, in words: "checkmate", "repetition" …; nothing where it goes on."""
        return layout.REASONS[int(position["end"])]

    def to_play(self, positions: Positions) -> NDArray[np.int8]:
        """[N]: 0 White, 1 Black."""
        return self.solid(positions)["turn"].astype(np.int8)

    def observe(self, positions: Positions) -> NDArray[np.float32]:
        """[N, planes, 8, 8]; what the planes are, says `observation`."""
        out = np.zeros((len(positions), observation.PLANES, 64), np.float32)
        observation.observe(self.raw(positions), out)
        return out.reshape(-1, *self.shape)

    def stones(self, positions: Positions) -> NDArray[np.int8]:
        """[N, 8, 8]: +1 a white piece, −1 a black one; the eighth rank first, whoever is to move."""
        bytes_of = self.solid(positions)["colours"].view(np.uint8).reshape(-1, 2, 8, 1)
        colours = np.unpackbits(bytes_of, axis=3, bitorder="little")[:, :, ::-1].astype(np.int8)
        return colours[:, 0] - colours[:, 1]

    def arranged(
        self, positions: Positions, stones: NDArray[np.int8], movers: NDArray[np.integer] | None = None
    ) -> Positions:
        """Copies with the `stones` [N, 8, 8]: pieces away, of the other colour, or new ones (`arranging.arrange`)."""
        found = self.solid(positions).copy()
        arranging.arrange(found, stones, movers)
        return found

    def signs(self, position: np.void) -> list[str]:
        """The ranks in the letters of FEN, the eighth first: large ones are White's."""
        squares = np.full(64, ".")
        for kind, letter in enumerate("PNBRQK"):
            for colour, sign in enumerate((letter, letter.lower())):
                there = np.array([position["pieces"][kind] & position["colours"][colour]], np.uint64).view(np.uint8)
                squares[np.unpackbits(there, bitorder="little").astype(bool)] = sign
        return ["".join(rank) for rank in squares.reshape(8, 8)[::-1]]

    def keys(self, positions: Positions) -> NDArray[np.uint64]:
        """[N]: what stands where, who may do what, the half-move count, and how often it was there before.

        It leaves out which other positions were there before.
        """
        out = np.empty(len(positions), np.uint64)
        turns.keys(self.raw(positions), out)
        return out

    # ---- words

    def text(self, action: int, position: np.void | None = None) -> str:
        """A move as in UCI: "e2e4", "e7e8q", "e1g1"; without a position as White sees the board."""
        return uci.written(action, self.start(1)[0] if position is None else position, self.chess960)

    def action(self, text: str, position: np.void | None = None) -> int:
        """The action of a move as in UCI, or as people write it: "e2e4", "e4", "O-O".

        Raises ValueError for what is no legal move, and where no position is given.
        """
        if position is None:
            raise ValueError(f"{text!r} is a move in a position, and none was given")
        move = uci.move_of(text, position) if uci.is_move(text) else san.move_of(text, position)
        return int(action_of(move, int(position["turn"])))

    def position(self, text: str) -> Positions:
        """The position [1] of a FEN. Raises DataError for what is none."""
        return fen.read(text, self.chess960, self.claims)

    def fen(self, position: np.void) -> str:
        """A position as FEN."""
        return fen.written(position)

    # ---- for compiled functions

    def raw(self, positions: Positions) -> layout.Boards:
        """[N, words]: the positions as compiled functions take them; a view of them, or a copy where they have gaps."""
        return self.solid(positions).view(np.uint64).reshape(-1, layout.WORDS)

    def settled(self, positions: Positions) -> Positions:
        """Copies whose keys, repetitions and ends are those of their boards: after a change of the fields by hand."""
        found = self.solid(positions).copy()
        arranging.forget(found, np.arange(len(found)))
        turns.settle_all(self.raw(found), *turns.draws(self.claims))
        return found

    def _play(self, positions: Positions, actions: NDArray[np.int64]) -> int:
        return int(turns.play(self.raw(positions), actions, *turns.draws(self.claims)))

    # ---- recorded games

    def follow(self, position: Positions, movers: NDArray[np.int8], actions: NDArray[np.int64]) -> int:
        """Play a recorded game in a position [1], in place; the number of the first illegal move, or −1."""
        return int(turns.follow(self.raw(position), movers, actions, *turns.draws(self.claims)))

    def follow_written(self, position: Positions, moves: str) -> NDArray[np.int64]:
        """Play moves in UCI, divided by spaces, in a position [1], in place; their actions.

        Raises ValueError, whose text is for people and whose `args[1]` is the number of the move, for the first that is
        none or illegal, before which the position stands then.
        """
        words = moves.split()
        codes = np.array([uci.written_code(word) for word in words], np.int32)
        sound = len(codes) if (codes >= 0).all() else int(np.argmax(codes < 0))
        actions = np.zeros(sound, np.int64)
        limits = turns.draws(self.claims)
        wrong = int(turns.follow_written(self.raw(position), codes[:sound].astype(np.uint16), actions, *limits))
        if wrong >= 0:
            raise ValueError(f"{words[wrong]} is an illegal move", wrong)
        if sound < len(words):
            raise ValueError(f"{words[sound][:20]!r} is no move: they are written e2e4, or e7e8q", sound)
        return actions

    def turn(self, positions: Positions, player: int) -> None:
        """Let games that were drawn go on, in place. Raises ValueError where it is the other player's turn."""
        if (self.to_play(positions) != player).any():
            super().turn(positions, player)
        positions["end"] = layout.GOES_ON


@dataclass(frozen=True)
class Chess960(Chess):
    """Chess960 from all its starting positions but that of chess: `start` gives one after the other."""

    chess960: bool = True

    def start(self, n: int = 1) -> Positions:
        """[N] starting positions, no two of 959 alike."""
        return np.concatenate([starting_position(number) for number in spread_over_960(n)])
