"""The frame of the Go Text Protocol, version 2 (G. Farnebäck 2002): lines into requests, answers with a blank line.

    [id] command arguments \\n     →     =[id] result \\n\\n     or     ?[id] what is wrong \\n\\n

Control characters are left out, tabs are spaces, what follows a # is a comment, and empty lines are skipped.
"""

from __future__ import annotations

import queue
import re
import threading
from typing import IO, NamedTuple

LONGEST = 8_192
"""Bytes of a line of GTP; the rest of a longer one is thrown away, and the line refused."""

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_ID = re.compile(r"\d+(?= |$)")


class Refusal(Exception):
    """What a command is answered with behind a question mark."""


class Request(NamedTuple):
    """A command, its id (nothing where it has none), and its arguments."""

    id: str
    name: str
    arguments: tuple[str, ...]


def request(line: str) -> Request | None:
    """The request of a line; None for one that holds nothing."""
    words = _CONTROL.sub("", line.replace("\t", " ")).split("#")[0].split()
    if not words:
        return None
    number = words.pop(0) if _ID.fullmatch(words[0]) else ""
    name, *arguments = words or [""]
    return Request(number, name, tuple(arguments))


def success(id: str, result: str = "") -> str:
    """The answer to a command that was done."""
    return _answer("=", id, result)


def failure(id: str, what: str) -> str:
    """The answer to a command that was not done."""
    return _answer("?", id, what)


def _answer(sign: str, id: str, text: str) -> str:
    gap = " " if text and not text.startswith("\n") else ""
    return f"{sign}{id}{gap}{_without_blank_lines(text)}".rstrip() + "\n\n"


def _without_blank_lines(text: str) -> str:
    """The text without what would end the answer too early."""
    return re.sub(r"\n\s*\n", "\n", text.replace("\r", ""))


class Line(NamedTuple):
    """A line of the input, without its end; `is_long` where it was cut off."""

    text: str
    is_long: bool = False


class Lines:
    """Reads the lines of a stream in a thread of its own, so that one that comes in while something is thought is seen.

    `take` waits for the next one; `waiting` says whether there is one, or the stream has ended. Of a line only the
    `longest` first bytes are kept.
    """

    def __init__(self, source: IO[bytes], longest: int = LONGEST) -> None:
        self._source, self._longest = source, longest
        self._queue: queue.Queue[Line | None] = queue.Queue()
        self._next: list[Line | None] = []
        threading.Thread(target=self._read, name="lines", daemon=True).start()

    def take(self) -> Line | None:
        """The next line, None when the stream has ended."""
        line = self._next.pop() if self._next else self._queue.get()
        if line is None:
            self._next.append(None)
        return line

    @property
    def waiting(self) -> bool:
        """Whether `take` would not wait."""
        return bool(self._next) or not self._queue.empty()

    def wait(self) -> None:
        """Wait until there is a line, or the end, and leave it there."""
        if not self._next:
            self._next.append(self._queue.get())

    def _read(self) -> None:
        while data := self._source.readline(self._longest + 1):
            is_long = len(data) > self._longest
            rest = data
            while rest and not rest.endswith(b"\n"):
                rest = self._source.readline(self._longest)
            self._queue.put(Line(data[: self._longest].decode("utf-8", "replace").rstrip("\r\n"), is_long))
        self._queue.put(None)
