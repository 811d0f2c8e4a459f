"""Another program as a process that is told lines and says lines within a time, whatever protocol they belong to."""

from __future__ import annotations

import contextlib
import os
import select
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

LINE = 65_536
"""Bytes of a line that a program may say; a longer one is cut into several."""
CHUNK = 65_536


class EngineFailure(Exception):
    """A program that crashed, hung, or said what cannot be; in a game, it has forfeited that game."""


class Program:
    """A process in a session of its own, until `close` is called, and at the latest when Python ends.

    `fix` is what to do where it cannot be started, which raises UsageError; `example` is the program that it names.
    """

    def __init__(self, command: str | Sequence[str], fix: str, example: str) -> None:
        self.command = shlex.split(command) if isinstance(command, str) else list(command)
        self._process = _started(self.command, fix, example)
        self.close = weakref.finalize(self, _ended, self._process)
        self._fd = cast(IO[bytes], self._process.stdout).fileno()
        self._heard = bytearray()
        self._complaints: deque[str] = deque(maxlen=3)
        self._noting = threading.Thread(target=_note, args=[self._process.stderr, self._complaints], daemon=True)
        self._noting.start()

    def tell(self, lines: str) -> None:
        """Write one line or several. Raises EngineFailure where nobody listens any more."""
        try:
            stdin = cast(IO[bytes], self._process.stdin)
            stdin.write(f"{lines}\n".encode())
            stdin.flush()
        except (OSError, ValueError):
            raise self.failed("it has ended") from None

    def line(self, deadline: float) -> str | None:
        """What it says next, without the end of the line; None where it has ended.

        `deadline` is a time of `time.monotonic`. Raises TimeoutError where nothing comes until then.
        """
        while (end := self._heard.find(b"\n", 0, LINE)) < 0 and len(self._heard) < LINE:
            if not self._read(deadline):
                if not self._heard:
                    return None
                end = len(self._heard)
                break
        end = end if end >= 0 else LINE
        said = self._heard[:end].decode("utf-8", "replace").rstrip("\r")
        del self._heard[: end + (self._heard[end : end + 1] == b"\n")]
        return said

    def _read(self, deadline: float) -> bool:
        """Wait for more of what it says; False where it has ended."""
        if self._fd < 0:
            return False
        ready = select.poll()
        ready.register(self._fd, select.POLLIN)
        if not ready.poll(max(0.0, 1000 * (deadline - time.monotonic()))):
            raise TimeoutError
        chunk = os.read(self._fd, CHUNK) if self.close.alive else b""
        self._heard += chunk
        if not chunk:
            self._fd = -1
        return bool(chunk)

    def failed(self, what: str) -> EngineFailure:
        """The failure to raise, with what the program complained of last."""
        if self._process.poll() is not None:
            self._noting.join(1.0)
        complaint = next(filter(None, reversed(self._complaints)), "")
        return EngineFailure(f"{what} ({complaint[:120]})" if complaint else what)


def _started(command: list[str], fix: str, example: str) -> subprocess.Popen[bytes]:
    if not command:
        raise UsageError("no program is named", fix=fix)
    pipe = subprocess.PIPE
    try:
        # In a session of its own, so that what the program has started ends with it.
        return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True)
    except FileNotFoundError:
        advice = "Install it, or give the path of its file" if command[0] == example else fix
        raise UsageError(f"there is no program {command[0]}", fix=advice) from None
    except OSError as error:
        raise UsageError(f"{command[0]} cannot be started ({error.strerror})", fix=fix) from None


def _note(stream: IO[bytes], complaints: deque[str]) -> None:
    with stream:
        while line := stream.readline(LINE):
            complaints.append(line.decode("utf-8", "replace").strip())


def _ended(process: subprocess.Popen[bytes]) -> None:
    """End a process, and those that it started."""
    with contextlib.suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for stream in (process.stdin, process.stdout):
        with contextlib.suppress(OSError):
            cast(IO[bytes], stream).close()
