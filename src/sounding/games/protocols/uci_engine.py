"""Another program that speaks the Universal Chess Interface (UCI, S. Meyer-Kahlen and R. Huber, 2006).

UciEngine   the process: its options, a position, and what it finds there within a limit
Found       the move that it plays, and the last thing it said of each line
Line        one of its lines: depth, score, nodes, moves
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sounding.errors import UsageError, did_you_mean
from sounding.games.protocols.program import EngineFailure, Program

START = 20.0
"""Seconds within which a program has to say that it speaks the protocol."""
STOPPED = 2.0
"""Seconds within which it has to give its move after `stop`."""
GREETING = 1_024
"""Lines that it may say before `uciok`."""
_EXAMPLE = "stockfish"
_FIX = f"Name a program that speaks UCI, with its arguments, such as '{_EXAMPLE}'"


@dataclass(frozen=True)
class Line:
    """What an engine says of a line of play, from the view of the player to move.

    Either `centipawns` or `mate` is known: moves until mate, below 0 where the player to move is mated. `bound` is
    "lower" or "upper" where the score is only that. `wdl` are thousandths of wins, draws and losses.
    """

    moves: tuple[str, ...]
    depth: int = 0
    nodes: int = 0
    centipawns: int | None = None
    mate: int | None = None
    bound: str = ""
    wdl: tuple[int, int, int] | None = None


@dataclass(frozen=True)
class Found:
    """The move that is played ("" where the game is over), the one it expects, and its lines, best first."""

    best: str
    expected: str
    lines: tuple[Line, ...]


class UciEngine:
    """A process that speaks UCI, until `close` is called. `options` are set before it is asked for anything.

    Raises UsageError where there is no such program, it speaks another protocol, or lacks an option.
    """

    def __init__(
        self, command: str | Sequence[str], options: Mapping[str, object] | None = None, seconds: float = 60.0
    ) -> None:
        self._program = Program(command, _FIX, _EXAMPLE)
        self.command, self.close = self._program.command, self._program.close
        self.seconds = seconds
        self.name = self.command[0]
        self.offered: dict[str, str] = {}
        """The options that it has, by name, each as it describes it: "type spin default 16 min 1 max 1024"."""
        try:
            self._greet()
            for name, value in (options or {}).items():
                self.set(name, value)
            self.ready()
        except EngineFailure as error:
            self.close()
            raise UsageError(f"{self.command[0]} is no UCI engine: {error}", fix=_FIX) from None
        except UsageError:
            self.close()
            raise

    def _greet(self) -> None:
        self._program.tell("uci")
        deadline = time.monotonic() + START
        for _ in range(GREETING):
            said = self._hear(deadline, "uci")
            if said == "uciok":
                return
            if said.startswith("id name "):
                self.name = said.removeprefix("id name ").strip()
            elif said.startswith("option name "):
                name, _, kind = said.removeprefix("option name ").partition(" type ")
                self.offered[name.strip()] = f"type {kind.strip()}"
        raise self._program.failed(f"{GREETING:,} lines, and no uciok among them")

    def set(self, name: str, value: object) -> None:
        """Set an option. Raises UsageError where the engine has none of this name (letters' case does not matter)."""
        known = {offered.lower(): offered for offered in self.offered}
        if name.lower() not in known:
            raise UsageError(f"{self.name} has no option {name!r}", fix=did_you_mean(name, self.offered))
        text = {True: "true", False: "false"}.get(value, value) if isinstance(value, bool) else value
        self._program.tell(f"setoption name {known[name.lower()]} value {text}")

    def ready(self) -> None:
        """Wait until it has done what it was told. Raises EngineFailure where it takes longer than its seconds."""
        self._program.tell("isready")
        deadline = time.monotonic() + self.seconds
        while self._hear(deadline, "isready") != "readyok":
            pass

    def new_game(self) -> None:
        """Tell it that the next position is of another game: it forgets what it has found so far."""
        self._program.tell("ucinewgame")
        self.ready()

    def find(self, moves: str, limit: str, start: str = "") -> Found:
        """What it plays after `moves` (UCI, separated by spaces) from `start` (FEN; the usual start by default).

        `limit` are the words behind `go`: "depth 6", "nodes 500", "movetime 100". Raises EngineFailure.
        """
        self.go(moves, limit, start)
        return self.result()

    def go(self, moves: str, limit: str, start: str = "") -> None:
        """Let it search, and go on. `lines` and `result` listen."""
        self._program.tell(f"{position_of(moves, start)}\ngo {limit}")

    def result(self, seconds: float | None = None) -> Found:
        """What the search found, once it has ended. Of what it says on the way the last of each rank is read alone.

        Raises EngineFailure where that takes longer than so many seconds (those of the engine by default).
        """
        deadline = time.monotonic() + (self.seconds if seconds is None else seconds)
        latest: dict[str, str] = {}
        while not (said := self._hear(deadline, "go")).startswith("bestmove"):
            if _is_line(said):
                latest[said.partition(" multipv ")[2].partition(" ")[0]] = said
        return _found(said, dict(self._read(said) for said in latest.values()))

    def lines(self, seconds: float | None = None) -> Iterator[Line | Found]:
        """Each line as it is said, and in the end what was found. Raises EngineFailure as `result` does."""
        deadline = time.monotonic() + (self.seconds if seconds is None else seconds)
        latest: dict[int, Line] = {}
        while not (said := self._hear(deadline, "go")).startswith("bestmove"):
            if _is_line(said):
                rank, line = self._read(said)
                latest[rank] = line
                yield line
        yield _found(said, latest)

    def _read(self, said: str) -> tuple[int, Line]:
        try:
            return read_line(said)
        except (ValueError, IndexError):
            self.close()
            raise self._program.failed(f"it said {said[:60]!r}") from None

    def stop(self) -> None:
        """Ask it to end its search; `result` then gives what it has found."""
        self._program.tell("stop")

    def _hear(self, deadline: float, asked: str) -> str:
        """The next line; raises EngineFailure where none comes in time, however much else is said."""
        try:
            said = self._program.line(deadline)
            if said is not None and time.monotonic() > deadline and not said.startswith("bestmove"):
                raise TimeoutError
        except TimeoutError:
            self.close()
            raise self._program.failed(f"no answer to {asked} in time") from None
        if said is None:
            self.close()
            raise self._program.failed(f"it ended instead of answering {asked}")
        return said.strip()


def position_of(moves: str, start: str = "") -> str:
    """The command for the position after `moves` from `start` (FEN; the usual start by default)."""
    origin = f"fen {start}" if start else "startpos"
    return f"position {origin} moves {moves}" if moves else f"position {origin}"


def _is_line(said: str) -> bool:
    return said.startswith("info ") and " score " in said and " pv " in said


def read_line(said: str) -> tuple[int, Line]:
    """An `info` line with a score and moves: its rank (from 1) and what it says. Raises ValueError or IndexError."""
    words, _, moves = said.partition(" pv ")
    found = {}
    fields = words.split()
    rank, bound, wdl = 1, "", None
    at = 1
    while at < len(fields):
        word = fields[at]
        if word in ("depth", "nodes"):
            found[word] = int(fields[at + 1])
        elif word == "multipv":
            rank = int(fields[at + 1])
        elif word == "score":
            found["centipawns" if fields[at + 1] == "cp" else fields[at + 1]] = int(fields[at + 2])
            at += 1
        elif word == "wdl":
            wdl = (int(fields[at + 1]), int(fields[at + 2]), int(fields[at + 3]))
            at += 2
        elif word in ("lowerbound", "upperbound"):
            bound = word.removesuffix("bound")
            at -= 1
        at += 2
    return rank, Line(
        tuple(moves.split()),
        found.get("depth", 0),
        found.get("nodes", 0),
        found.get("centipawns"),
        found.get("mate"),
        bound,
        wdl,
    )


def _found(said: str, latest: Mapping[int, Line]) -> Found:
    words = said.split()
    best = words[1] if len(words) > 1 and words[1] not in ("(none)", "0000", "NULL") else ""
    expected = words[3] if len(words) > 3 and words[2] == "ponder" else ""
    return Found(best, expected, tuple(latest[rank] for rank in sorted(latest)))
