"""Pictures and keys at a terminal: half blocks in 24-bit colours, and single keys as they are pressed."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import sys
from collections.abc import Iterator, Mapping

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from sounding.environments.spec import Actions
from sounding.errors import UsageError

HOME, CLEAR, PLAIN = "\x1b[H", "\x1b[2J", "\x1b[0m"
HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"
ARROWS = {"\x1b[A": "UP", "\x1b[B": "DOWN", "\x1b[C": "RIGHT", "\x1b[D": "LEFT"}
LETTERS = {"w": "UP", "s": "DOWN", "d": "RIGHT", "a": "LEFT", " ": "FIRE"}
QUIT = ("q", "\x03", "\x04")


def blocks(picture: NDArray[np.uint8], columns: int, rows: int) -> str:
    """A picture [H, W, 3] as lines of half blocks, each of two pixels, in at most so many columns and rows."""
    height, width = picture.shape[:2]
    scale = min(columns / width, 2 * rows / height)
    size = max(1, round(width * scale)), max(2, 2 * round(height * scale / 2))
    small = np.asarray(PIL.Image.fromarray(picture).resize(size, PIL.Image.Resampling.BOX))
    lines = []
    for upper, lower in zip(small[::2].tolist(), small[1::2].tolist(), strict=True):
        line, colours = [], None
        for above, below in zip(upper, lower, strict=True):
            if (above, below) != colours:
                colours = above, below
                line.append("\x1b[38;2;{};{};{};48;2;{};{};{}m".format(*above, *below))
            line.append("▀")
        lines.append("".join(line) + PLAIN)
    return "\n".join(lines)


def shown(picture: NDArray[np.uint8], words: str) -> str:
    """A picture over a line of words, in place of what was there before."""
    size = shutil.get_terminal_size()
    return f"{HOME}{blocks(picture, size.columns, size.lines - 2)}\n{words[: size.columns - 1]}\x1b[K"


def keys_of(actions: Actions) -> Mapping[str, int]:
    """Key → action: arrows, WASD and space where the actions have such names, else the digits from 0.

    Raises UsageError for actions that are no choice between a few.
    """
    if not actions.discrete:
        raise UsageError("what is done here are numbers, for which there are no keys", fix="Let a run play")
    found = {str(k): k for k in range(min(10, actions.n))}
    by_name = {name: k for k, name in enumerate(actions.names)}
    if not by_name and actions.n <= 3:  # one way, the other, and nothing between
        by_name = {"LEFT": 0, "RIGHT": actions.n - 1}
    for key, name in {**ARROWS, **LETTERS}.items():
        if name in by_name:
            found[key] = by_name[name]
    return found


@contextlib.contextmanager
def keyboard() -> Iterator[None]:
    """Single keys are read as they are pressed; the terminal is as before afterwards.

    Raises UsageError where there is no terminal.
    """
    try:
        import termios
        import tty
    except ImportError:
        raise UsageError("keys cannot be read on this system", fix="Play on Linux or macOS") from None
    if not sys.stdin.isatty():
        raise UsageError("keys are read from a terminal, and there is none", fix="Start it in a terminal")
    before = termios.tcgetattr(sys.stdin)
    tty.setcbreak(sys.stdin)
    sys.stdout.write(CLEAR + HIDE)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
        sys.stdout.write(PLAIN + SHOW + "\n")
        sys.stdout.flush()


def pressed(seconds: float) -> str:
    """The last key that was pressed within so many seconds; nothing where none was."""
    ready, _, _ = select.select([sys.stdin], [], [], seconds)
    if not ready:
        return ""
    typed = os.read(sys.stdin.fileno(), 64).decode(errors="replace")
    arrows = [arrow for arrow in ARROWS if typed.endswith(arrow)]
    return arrows[0] if arrows else typed[-1:]
