"""Processes that play the rounds to come while this one learns: one thread each, and none of them draws a lot itself.

    Players        what is asked for a round, and gives it when it is done
    main           what one such process does: it reads requests and writes rounds, and ends with its input

A round is a function of the task, the weights and its number, wherever it is played. A process that cannot play (an
application that lies in a file of one's own, no memory) costs time alone: its rounds are played here.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import struct
import subprocess
import sys
from collections.abc import Sequence
from typing import IO, Any

from torch import nn

from sounding.contract.player import Experience, Player
from sounding.machine.setting import Setting, inference
from sounding.randomness import stream

Words = Sequence[Any]
"""What names a round's stream of random numbers."""
_LENGTH = struct.Struct("<Q")


def played(
    task: Player, model: nn.Module, setting: Setting, words: Words, before: Experience | None = None
) -> Experience:
    """A round, played here; it follows the one `before`."""
    with inference(setting):
        return task.follow(model, stream(*words), before)


class Request:
    """A round that is being played in a process, or is still to be played here where that failed."""

    def __init__(self, process: subprocess.Popen[bytes] | None, *round: Any) -> None:
        self._process, self._round = process, round
        if process is not None:
            try:
                _send(process.stdin, pickle.dumps(round))
            except (OSError, pickle.PicklingError, AttributeError, TypeError):
                self._process = None

    def result(self) -> Experience:
        """The round; waits for it."""
        found = None if self._process is None else _received(self._process.stdout)
        if found is not None:
            answer = pickle.loads(found)
            if isinstance(answer, Experience):
                return answer
        return played(*self._round)


class Players:
    """`count` processes, of which each plays one round at a time. Use as a context: they end with it."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._idle: list[subprocess.Popen[bytes]] = []
        self._all: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Players:
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "sounding.training.players"]
        for _ in range(self.count):
            with contextlib.suppress(OSError):
                process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
                self._all.append(process)
        self._idle = list(self._all)
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._all:
            process.kill()
            for pipe in (process.stdin, process.stdout):
                with contextlib.suppress(OSError):
                    assert pipe is not None
                    pipe.close()
            process.wait()

    def begin(self, task: Player, model: nn.Module, setting: Setting, words: Words) -> Request:
        """Have a round played by the process that was asked least lately."""
        process = None
        if self._idle:
            process = self._idle.pop(0)
            self._idle.append(process)
        return Request(process, task, model, setting, words)


def _send(pipe: IO[bytes] | None, data: bytes) -> None:
    assert pipe is not None
    pipe.write(_LENGTH.pack(len(data)) + data)
    pipe.flush()


def _received(pipe: IO[bytes] | None) -> bytes | None:
    """What was sent; None where the other side has ended."""
    assert pipe is not None
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    data = pipe.read(length)
    return data if len(data) == length else None


def main() -> None:
    """Play what is asked for, until the process that asks has ended."""
    import torch

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a person who stops the training means that process
    torch.set_num_threads(1)
    output = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what is printed does not belong into the answer
    while (request := _received(sys.stdin.buffer)) is not None:
        answer: Any = None
        with contextlib.suppress(Exception):  # said where the round is played again, in the process that asks
            answer = played(*pickle.loads(request))
        _send(output, pickle.dumps(answer))


if __name__ == "__main__":
    main()
