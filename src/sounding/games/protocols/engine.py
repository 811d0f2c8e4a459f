"""Another program that speaks the Go Text Protocol, as a process that is asked and answers within a time.

GNU Go counts as this package does (area scoring, dead stones captured first, positional superko) with the flags of
`gnugo`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from sounding.errors import UsageError
from sounding.games.protocols.program import EngineFailure, Program

RULES = ("--chinese-rules", "--capture-all-dead", "--positional-superko", "--never-resign")
START = 20.0
"""Seconds within which a program has to say that it speaks the protocol."""
ANSWER = 4_096
"""Lines of an answer."""
_EXAMPLE = "gnugo"
_FIX = f"Name a program that speaks GTP, with its arguments, such as '{_EXAMPLE} --mode gtp'"


class EngineRefusal(Exception):
    """What a program answered behind a question mark."""


def gnugo(level: int, program: str = "gnugo", seed: int | None = None) -> list[str]:
    """The command of GNU Go at a level (1 to 10 and more), under the rules of this package.

    With a `seed` (above 0) it answers the same moves the same way each time.
    """
    seeded = [] if seed is None else ["--seed", str(seed)]
    return [program, "--mode", "gtp", "--level", str(level), *seeded, *RULES]


class Engine:
    """A process that speaks the protocol, until `close` is called.

    Raises UsageError where there is no such program, or it speaks another protocol.
    """

    def __init__(self, command: str | Sequence[str], seconds: float = 60.0) -> None:
        self._program = Program(command, _FIX, _EXAMPLE)
        self.command, self.close = self._program.command, self._program.close
        self.seconds = seconds
        try:
            version = self.ask("protocol_version", START)
            self.name = self.ask("name", START)
        except (EngineFailure, EngineRefusal) as error:
            self.close()
            raise UsageError(f"{self.command[0]} is no GTP engine: {error}", fix=_FIX) from None
        if version != "2":
            self.close()
            raise UsageError(f"{self.command[0]} speaks version {version[:20]!r} of GTP, not 2", fix=_FIX)

    def ask(self, line: str, seconds: float | None = None) -> str:
        """The answer to a command.

        Raises EngineRefusal for one with a question mark, EngineFailure where none comes in time.
        """
        limit = self.seconds if seconds is None else seconds
        deadline = time.monotonic() + limit
        self._program.tell(line)
        lines = list[str]()
        while True:
            try:
                said = self._program.line(deadline)
            except TimeoutError:
                self.close()
                raise self._program.failed(f"no answer to {line.split(' ')[0]} within {limit:g} s") from None
            if said is None:
                self.close()
                raise self._program.failed(f"it ended instead of answering {line.split(' ')[0]}")
            if said == "" and lines:
                return self._understood(lines)
            if said or lines:
                lines.append(said)
            if lines and lines[0][:1] not in ("=", "?"):
                self.close()
                raise self._program.failed(f"it answered {lines[0][:60]!r}")
            if len(lines) > ANSWER:
                self.close()
                raise self._program.failed(f"an answer of more than {ANSWER:,} lines")

    @staticmethod
    def _understood(lines: list[str]) -> str:
        sign, text = lines[0][:1], "\n".join([lines[0][1:], *lines[1:]]).strip()
        if sign == "?":
            raise EngineRefusal(text)
        return text
