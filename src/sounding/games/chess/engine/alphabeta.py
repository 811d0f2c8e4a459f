"""The chess program as a thinker: what UCI, the terminal and matches ask.

The search runs in a thread of its own, without Python's lock, so that whoever asks can look around, and end it.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any, cast

import numpy as np

from sounding.games.chess.actions import action_of
from sounding.games.chess.engine.deepening import Deepening, Found
from sounding.games.chess.engine.deepening import Line as BestLine
from sounding.games.chess.layout import TURN
from sounding.games.chess.nnue.network import SCALE, Net, shipped
from sounding.games.chess.rules import Chess
from sounding.games.chess.uci import legal_moves
from sounding.games.chess_strengths import LEVELS, RATINGS
from sounding.games.game import Game
from sounding.games.thinking import Candidate, Limit, Thinker, Thought

MEMORY = 16
"""Megabytes of the table, where nobody says."""
STEADY, UNSTEADY = 0.5, 0.9
"""Share of its time after which no deeper search is begun: where the best move has stayed, and where it has changed."""


class AlphaBeta(Thinker):
    """Alpha-beta with a network: the one of the package, or `net`. It plays chess, also Chess960."""

    name = "sounding alpha-beta"
    game = Chess()
    unit = "node"
    levels = LEVELS
    ratings = RATINGS

    def __init__(self, net: Net | None = None, memory: int = MEMORY) -> None:
        self._deepening = Deepening(shipped() if net is None else net, memory)

    def refuses(self, game: Game) -> str:
        """Why it cannot play this game; nothing for chess."""
        return "" if isinstance(game, Chess) else f"{self.name} plays chess alone"

    def forget(self) -> None:
        """Forget what was found in earlier games."""
        self._deepening = Deepening(self._deepening.net, self._memory)

    def set_memory(self, mebibytes: int) -> None:
        """The size of the table; what was found is forgotten."""
        self._deepening = Deepening(self._deepening.net, mebibytes)

    @property
    def _memory(self) -> int:
        return max(1, self._deepening.table.nbytes >> 20)

    def ponder(self, game: Game, position: np.ndarray, limit: Limit, every: float = 1.0) -> Iterator[Thought]:
        """Thoughts, one for each depth at least; the search ends soon after the generator is closed."""
        if game.over(position)[0]:
            raise ValueError("the game is over")
        record = cast(Chess, game).raw(position)[0]
        turn = int(record[TURN])
        moves = [m for m in legal_moves(position[0]) if not limit.actions or action_of(m, turn) in limit.actions]
        if not moves:
            raise ValueError("none of the moves that may be played is legal")
        thinking = _Thinking(self._deepening, record, moves, limit)
        until = None if limit.seconds is None else time.monotonic() + limit.seconds
        try:
            while True:
                found, is_last = thinking.wait(every, until)
                if found is not None:
                    yield _thought(found, moves, turn)
                if is_last:
                    return
        finally:
            thinking.end()


class _Thinking:
    """A search in its thread, and what it has found so far."""

    def __init__(self, deepening: Deepening, record: np.ndarray, moves: Sequence[int], limit: Limit) -> None:
        self._deepening, self._limit = deepening, limit
        self._began = time.monotonic()
        self._changed = threading.Condition()
        self._found: Found | None = None
        self._is_new, self._is_over = False, False
        self._steady = 0
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=[record, moves], daemon=True)
        self._thread.start()

    def wait(self, every: float, until: float | None) -> tuple[Found | None, bool]:
        """What is known after so many seconds, or sooner where something new is, and whether it is the last word.

        At `until` the search is ended.
        """
        with self._changed:
            limits = [every] if until is None else [every, until - time.monotonic()]
            timeout = None if math.isinf(min(limits)) else max(0.0, min(limits))
            self._changed.wait_for(lambda: self._is_over or (self._is_new and every < math.inf), timeout)
            self._is_new = False
        if until is not None and time.monotonic() >= until:
            self.end()
        if self._error is not None:
            raise self._error
        return self._found, self._is_over

    def end(self) -> None:
        """Stop the search, and wait for it."""
        while self._thread.is_alive():
            self._deepening.stop()
            self._thread.join(0.005)

    def _run(self, record: np.ndarray, moves: Sequence[int]) -> None:
        limit = self._limit
        try:
            self._deepening.run(
                record, moves, lines=limit.lines, nodes=limit.simulations, depth=limit.depth, told=self._told
            )
        except BaseException as error:
            self._error = error
        with self._changed:
            self._is_over = True
            self._changed.notify_all()

    def _told(self, found: Found) -> bool:
        """Note what was found; whether to go deeper."""
        with self._changed:
            same = self._found is not None and self._found.lines[0].moves[0] == found.lines[0].moves[0]
            self._steady = self._steady + 1 if same else 0
            self._found, self._is_new = found, True
            self._changed.notify_all()
        limit, mate = self._limit, found.lines[0].mate
        if mate is not None and limit.mate is not None and 0 < mate <= limit.mate:
            return False
        if limit.target is None:
            return True
        if mate is not None and found.depth > 2 * abs(mate) + 4:
            return False
        share = STEADY if self._steady >= 2 else UNSTEADY
        return time.monotonic() - self._began < share * limit.target


def _thought(found: Found, moves: Sequence[int], turn: int) -> Thought:
    best = [_candidate(line, turn) for line in found.lines]
    known = {candidate.action for candidate in best}
    rate = best[0].win_rate
    others = [action_of(move, turn) for move in moves]
    rest = [Candidate(int(a), 0, 0.0, rate, (int(a),)) for a in others if a not in known]
    return Thought(rate, (*best, *rest), found.nodes, depth=found.depth, deepest=max(found.deepest, found.depth))


def _candidate(line: BestLine, turn: int) -> Candidate:
    actions = tuple(int(action_of(move, turn ^ (k & 1))) for k, move in enumerate(line.moves))
    told: dict[str, Any] = {"mate": line.mate} if line.mate is not None else {}
    return Candidate(actions[0], line.nodes, 0.0, win_rate_of(line.score), actions, centipawns=line.score, **told)


def win_rate_of(score: int) -> float:
    """The share of points that is expected at a score in centipawns, as the network was trained."""
    return 1 / (1 + math.exp(-max(-8_000, min(8_000, score)) / SCALE))
