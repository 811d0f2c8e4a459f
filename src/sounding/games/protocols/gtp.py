"""A server of the Go Text Protocol, version 2: for Sabaki, GoGui, Lizzie and matches; for Connect Four the same frame.

    with open(0, "rb", buffering=0, closefd=False) as source:
        serve(commands, source, sys.stdout)

A command that comes in during another one waits for it, but an analysis stops at the next line.
"""

from __future__ import annotations

import os
from typing import IO

import numpy as np

from sounding.games.game import Game
from sounding.games.protocols.commands import Commands, Stream
from sounding.games.protocols.framing import Line, Lines, Refusal, failure, request, success
from sounding.games.thinking import Strength, Thinker


def commands_of(
    thinker: Thinker, game: Game, strength: Strength, rng: np.random.Generator, version: str = ""
) -> Commands:
    """The commands for a game: those of Go for a game of Go."""
    if game.name == "go":
        from sounding.games.protocols.go_commands import GoCommands

        return GoCommands(thinker, game, strength, rng, version)
    return Commands(thinker, game, strength, rng, version)


def serve(commands: Commands, source: IO[bytes], out: IO[str]) -> None:
    """Answer each line of `source` on `out`, until it ends or is told to quit, or nobody listens any more."""
    lines = Lines(source)
    try:
        while (line := lines.take()) is not None and _answer(commands, line, lines, out):
            pass
    except BrokenPipeError:
        with open(os.devnull, "wb") as nowhere:  # what is left in a buffer goes nowhere, and Python ends in silence
            os.dup2(nowhere.fileno(), out.fileno())


def _answer(commands: Commands, line: Line, lines: Lines, out: IO[str]) -> bool:
    """Answer a line. False where it was told to quit."""
    asked = request(line.text)
    if asked is None:
        return True
    if line.is_long:
        _say(out, failure(asked.id, "the line is too long"))
        return True
    try:
        answer = commands.run(asked.name, asked.arguments)
        if isinstance(answer, Stream):
            _stream(answer, asked.id, lines, out)
        else:
            _say(out, success(asked.id, answer))
    except Refusal as error:
        _say(out, failure(asked.id, str(error)))
    return asked.name != "quit"


def _stream(answer: Stream, id: str, lines: Lines, out: IO[str]) -> None:
    """Say the lines as they come; where they are wanted until asked, the answer ends with the next line of input."""
    _say(out, f"={id}\n")
    for text in answer.lines:
        if text:
            _say(out, f"{text}\n")
        if answer.until_asked and lines.waiting:
            break
    if answer.until_asked:
        lines.wait()
    _say(out, "\n")


def _say(out: IO[str], text: str) -> None:
    out.write(text)
    out.flush()
