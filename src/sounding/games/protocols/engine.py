"""Another program that speaks the Go Text Protocol, as a process that is asked and answers within a time.

GNU Go counts as this package does (area scoring, dead stones captured first, positional superko) with the flags of
`gnugo`.
"""

from __future__ import annotations

import contextlib
import os
import queue
import shlex
import signal
import subprocess
import threading
import time
import weakref
from collections import deque
from collections.abc import Sequence
from typing import IO, cast

from sounding.errors import UsageError

RULES = ("--chinese-rules", "--capture-all-dead", "--positional-superko", "--never-resign")
START = 20.0
"""Seconds within which a program has to say that it speaks the protocol."""
LINE = 65_536
"""Characters of a line that an engine may say."""
ANSWER = 4_096
"""Lines of an answer."""
_FIX = "Name a program that speaks GTP, with its arguments, such as 'gnugo --mode gtp'"


class EngineFailure(Exception):
    """A program that crashed, hung, or answered what cannot be, in a game: it has forfeited that game."""


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
        self.command = shlex.split(command) if isinstance(command, str) else list(command)
        self.seconds = seconds
        self._said: queue.Queue[str | None] = queue.Queue()
        self._complaints: deque[str] = deque(maxlen=3)
        self._process = self._started()
        self.close = weakref.finalize(self, _ended, self._process)  # at the latest when Python ends
        threading.Thread(target=self._hear, args=[self._process.stdout], daemon=True).start()
        self._noting = threading.Thread(target=self._note, args=[self._process.stderr], daemon=True)
        self._noting.start()
        try:
            version = self.ask("protocol_version", START)
            self.name = self.ask("name", START)
        except (EngineFailure, EngineRefusal) as error:
            self.close()
            raise UsageError(f"{self.command[0]} is no GTP engine: {error}", fix=_FIX) from None
        if version != "2":
            self.close()
            raise UsageError(f"{self.command[0]} speaks version {version[:20]!r} of GTP, not 2", fix=_FIX)

    def _started(self) -> subprocess.Popen[str]:
        if not self.command:
            raise UsageError("no program is named", fix=_FIX)
        try:
            pipe = subprocess.PIPE
            return subprocess.Popen(
                self.command,
                stdin=pipe,
                stdout=pipe,
                stderr=pipe,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,  # so that what the program has started ends with it
            )
        except FileNotFoundError:
            raise UsageError(f"there is no program {self.command[0]}", fix=_FIX) from None
        except OSError as error:
            raise UsageError(f"{self.command[0]} cannot be started ({error.strerror})", fix=_FIX) from None

    def _hear(self, stream: IO[str]) -> None:
        with stream:
            while line := stream.readline(LINE):
                self._said.put(line.rstrip("\r\n"))
        self._said.put(None)

    def _note(self, stream: IO[str]) -> None:
        with stream:
            while line := stream.readline(LINE):
                self._complaints.append(line.strip())

    def ask(self, line: str, seconds: float | None = None) -> str:
        """The answer to a command.

        Raises EngineRefusal for one with a question mark, EngineFailure where none comes in time.
        """
        limit = self.seconds if seconds is None else seconds
        deadline = time.monotonic() + limit
        try:
            stdin = cast(IO[str], self._process.stdin)
            stdin.write(f"{line}\n")
            stdin.flush()
        except (OSError, ValueError):
            raise self._failed("it has ended") from None
        lines = list[str]()
        while True:
            try:
                said = self._said.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                self.close()
                raise self._failed(f"no answer to {line.split(' ')[0]} within {limit:g} s") from None
            if said is None:
                self.close()
                raise self._failed(f"it ended instead of answering {line.split(' ')[0]}")
            if said == "" and lines:
                return self._understood(lines)
            if said or lines:
                lines.append(said)
            if lines and lines[0][:1] not in ("=", "?"):
                self.close()
                raise self._failed(f"it answered {lines[0][:60]!r}")
            if len(lines) > ANSWER:
                self.close()
                raise self._failed(f"an answer of more than {ANSWER:,} lines")

    @staticmethod
    def _understood(lines: list[str]) -> str:
        sign, text = lines[0][:1], "\n".join([lines[0][1:], *lines[1:]]).strip()
        if sign == "?":
            raise EngineRefusal(text)
        return text

    def _failed(self, what: str) -> EngineFailure:
        if self._process.poll() is not None:
            self._noting.join(1.0)
        complaint = next(filter(None, reversed(self._complaints)), "")
        return EngineFailure(f"{what} ({complaint[:120]})" if complaint else what)


def _ended(process: subprocess.Popen[str]) -> None:
    """End a process, and those that it started."""
    with contextlib.suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    with contextlib.suppress(OSError):
        cast(IO[str], process.stdin).close()
