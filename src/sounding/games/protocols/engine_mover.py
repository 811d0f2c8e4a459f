"""An external engine as a mover: one process for each game in flight.

A mover is given positions and no history. Which process a position belongs to is found by what it may have become: the
position after the engine's last move, and one move of the other. A position that fits none begins a game of its own.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import numpy as np

from sounding.games.game import Game
from sounding.games.protocols.engine import Engine, EngineRefusal
from sounding.games.protocols.program import EngineFailure
from sounding.games.session import Session

MOST = 64
"""Processes at a time: the one that was not asked for longest ends, and its game is set up anew if it goes on."""
FORFEIT = -1
COLOURS = "bw"

Sign = tuple[int, bytes]


class EngineMover:
    """Plays what a program answers to `genmove`. `command` is a command line; each answer has so many seconds.

    Where an engine crashes, hangs, resigns, or answers an illegal move, its action is `FORFEIT`, and `forfeits` says
    why. Raises UsageError for what is no engine.
    """

    def __init__(self, command: str | Sequence[str], seconds: float = 60.0, name: str = "") -> None:
        self.command, self.seconds = command, seconds
        self.forfeits: list[str] = []
        first = _Seat(Engine(command, seconds))
        self.name = name or first.engine.name
        self._seats = [first]
        self._calls = 0

    def moves(self, game: Game, positions: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """An action [N] for each position, `FORFEIT` where the engine has failed; games are thought about side by side.

        Engines have their own randomness: `rng` is not asked.
        """
        self._calls += 1
        signs = signs_of(game, positions)
        seats = [self._seat(game, positions[n : n + 1], sign) for n, sign in enumerate(signs)]
        with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            answers = list(pool.map(lambda seat: seat.answer(), seats))
        for seat, answer in zip(seats, answers, strict=True):
            if isinstance(answer, str):
                self.forfeits.append(answer)
                seat.engine.close()
                self._seats.remove(seat)
        return np.array([FORFEIT if isinstance(answer, str) else answer for answer in answers])

    def close(self) -> None:
        """End all processes."""
        for seat in self._seats:
            seat.engine.close()
        self._seats = []

    def _seat(self, game: Game, position: np.ndarray, sign: Sign) -> _Seat:
        """The seat at which the game of this position is played, with this position before it."""
        for seat in self._seats:
            if seat.follows(game, sign):
                return self._latest(seat)
        free = next((seat for seat in self._seats if seat.is_free(self._calls)), None)
        if free is None and len(self._seats) >= MOST:
            free = self._seats[0]
        if free is None:
            free = _Seat(Engine(self.command, self.seconds))
            self._seats.append(free)
        free.begin(game, position)
        return self._latest(free)

    def _latest(self, seat: _Seat) -> _Seat:
        self._seats.remove(seat)
        self._seats.append(seat)
        seat.asked = self._calls
        return seat


class _Seat:
    """A process and the game that it plays. What the process has to be told is kept until it is asked for a move."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.asked = 0
        self._session: Session | None = None
        self._next: dict[Sign, int] = {}
        self._untold: list[str] = []

    def is_free(self, call: int) -> bool:
        """Whether its game is over: it ended here, or by a move of the other, so that nobody asks any more."""
        return self._session is None or self._session.over or self.asked < call - 1

    def follows(self, game: Game, sign: Sign) -> bool:
        """Whether a position comes from this game by one move, which is then played."""
        if self._session is None or self._session.game != game or sign not in self._next:
            return False
        self._play(self._next[sign])
        self._next = {}
        return True

    def begin(self, game: Game, position: np.ndarray) -> None:
        """A game that goes on from this position."""
        self._session, self._next = Session(game, position), {}
        self._untold = ["clear_board"]
        if game.name == "go":
            size = game.shape[1]
            komi = float(position["komi"][0])
            self._untold = [f"boardsize {size}", "clear_board", f"komi {komi:g}"]
        board = game.stones(position)[0].ravel()
        start = game.start(1)
        opening = {sign: action for action, sign in _children(game, start)}
        sign = signs_of(game, position)[0]
        if sign in opening:
            self._untold.append(f"play b {game.text(opening[sign], start[0])}")
        elif board.any():
            self._untold += [f"play {'b' if board[p] > 0 else 'w'} {game.text(int(p))}" for p in np.flatnonzero(board)]

    def answer(self) -> int | str:
        """The engine's move, played; or why it forfeits."""
        session = cast(Session, self._session)
        asked = f"genmove {COLOURS[session.to_play]}"
        try:
            for line in self._untold:
                self.engine.ask(line)
            self._untold = []
            said = self.engine.ask(asked)
        except EngineRefusal as error:
            return f"{self.engine.name} refused to play: {error}"
        except EngineFailure as error:
            return f"{self.engine.name} failed: {error}"
        if said.lower() == "resign":
            return f"{self.engine.name} resigned"
        try:
            action = session.game.action(said, session.position[0])
            session.play(action)
        except ValueError:
            return f"{self.engine.name} answered {said[:40]!r}, which is no legal move"
        self._next = {sign: action for action, sign in _children(session.game, session.position)}
        return action

    def _play(self, action: int) -> None:
        session = cast(Session, self._session)
        said = session.game.text(action, session.position[0])
        self._untold.append(f"play {COLOURS[session.to_play]} {said}")
        session.play(action)


def signs_of(game: Game, positions: np.ndarray) -> list[Sign]:
    """What tells one position from another in the same game."""
    keys, stones, players = game.keys(positions), game.stones(positions), game.to_play(positions)
    return [
        (int(key), bytes([player]) + board.tobytes()) for key, board, player in zip(keys, stones, players, strict=True)
    ]


def _children(game: Game, position: np.ndarray) -> list[tuple[int, Sign]]:
    """Each legal action, and the position that it leads to."""
    actions = np.flatnonzero(game.legal(position)[0])
    if not len(actions):
        return []
    after = np.repeat(position, len(actions))
    game.play(after, actions)
    return list(zip(actions.tolist(), signs_of(game, after), strict=True))
