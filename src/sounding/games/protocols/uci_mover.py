"""A UCI engine as a contestant: one process for all its games, told the opening and all moves of the game each time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sounding.games.chess.fen import written
from sounding.games.contest import MATE, Answer, Clocks, Forfeit, Pace
from sounding.games.protocols.program import EngineFailure
from sounding.games.protocols.uci_engine import Found, UciEngine
from sounding.games.session import Session

GRACE = 5.0
"""Seconds beyond what it may take after which a program counts as hanging."""


class UciMover:
    """Plays what a program answers to `go`. Each answer without a clock has so many `seconds`.

    A program that crashes, hangs or answers an illegal move raises Forfeit, and is started anew for the next game.
    Raises UsageError for what is no engine, and for an option that it lacks.
    """

    def __init__(
        self,
        command: str | Sequence[str],
        options: Mapping[str, object] | None = None,
        seconds: float = 60.0,
        name: str = "",
    ) -> None:
        self._command, self._options, self._seconds = command, dict(options or {}), seconds
        self._engine: UciEngine | None = self._started()
        self.name = name or self._engine.name

    def _started(self) -> UciEngine:
        return UciEngine(self._command, self._options, self._seconds)

    def begin(self) -> None:
        """Tell it that a new game begins; start it, where it has failed."""
        try:
            if self._engine is None:
                self._engine = self._started()
            self._engine.new_game()
        except EngineFailure as error:
            self._fail(error)

    def answer(self, session: Session, clocks: Clocks, pace: Pace) -> Answer:
        """The move that it plays."""
        if self._engine is None:
            raise Forfeit(f"{self.name} failed: it cannot be asked any more")
        try:
            self._engine.go(_moves(session), _limit(clocks, pace), written(session.beginning[0]))
            found = self._engine.result(self._patience(session.to_play, clocks, pace))
        except EngineFailure as error:
            raise self._fail(error) from None
        if not found.best:
            raise Forfeit(f"{self.name} named no move")
        try:
            action = session.game.action(found.best, session.position[0])
        except ValueError as error:
            raise Forfeit(f"{self.name} answered {found.best[:20]!r}: {error}") from None
        return Answer(action, _worth(found))

    def close(self) -> None:
        """End the process."""
        if self._engine is not None:
            self._engine.close()
        self._engine = None

    def _fail(self, error: EngineFailure) -> Forfeit:
        self.close()
        return Forfeit(f"{self.name} failed: {error}")

    def _patience(self, player: int, clocks: Clocks, pace: Pace) -> float:
        """Seconds after which it counts as hanging: beyond its clock the game is lost anyway."""
        if clocks.is_set:
            return clocks.left[player] + GRACE
        return self._seconds if pace.move_seconds is None else pace.move_seconds + GRACE


def _moves(session: Session) -> str:
    """The moves from the opening on, as UCI has them."""
    texts = zip(session.moves, session.positions, strict=False)
    return " ".join(session.game.text(move.action, position[0]) for move, position in texts)


def _limit(clocks: Clocks, pace: Pace) -> str:
    """The words behind `go`."""
    if clocks.is_set:
        white, black = (max(1, round(1000 * seconds)) for seconds in clocks.left)
        added = round(1000 * clocks.added)
        return f"wtime {white} btime {black} winc {added} binc {added}"
    if pace.move_seconds is not None:
        return f"movetime {max(1, round(1000 * pace.move_seconds))}"
    return f"nodes {pace.nodes}" if pace.nodes is not None else f"depth {pace.depth or 1}"


def _worth(found: Found) -> int | None:
    """The score of the best line."""
    if not found.lines:
        return None
    best = found.lines[0]
    if best.mate is not None:
        return MATE if best.mate > 0 else -MATE
    return best.centipawns
