"""What `go` asks: words into numbers, and numbers into a limit for thinking.

go searchmoves e2e4 d2d4 ponder wtime 300000 btime 300000 winc 2000 binc 2000 movestogo 40 depth 12 nodes 10000 mate 3
   movetime 1000 infinite
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sounding.games.protocols.clock import Share, share

NUMBERS = {
    "wtime": "white_left",
    "btime": "black_left",
    "winc": "white_added",
    "binc": "black_added",
    "movestogo": "moves_to_go",
    "depth": "depth",
    "nodes": "nodes",
    "mate": "mate",
    "movetime": "move_time",
}
TIMES = ("wtime", "btime", "winc", "binc", "movetime")
FLAGS = ("ponder", "infinite")
MOVES = "searchmoves"
PARTS = {*NUMBERS, *FLAGS, MOVES}
LONGEST = 15
"""Digits of a number."""


@dataclass(frozen=True)
class Asked:
    """What is asked; times in milliseconds, below 0 where a clock has run out. `faults` say what was not understood."""

    actions: tuple[str, ...] = ()
    ponder: bool = False
    infinite: bool = False
    white_left: int | None = None
    black_left: int | None = None
    white_added: int = 0
    black_added: int = 0
    moves_to_go: int | None = None
    depth: int | None = None
    nodes: int | None = None
    mate: int | None = None
    move_time: int | None = None
    faults: tuple[str, ...] = ()

    def share(self, player: int, overhead: int) -> Share | None:
        """The seconds that this player (0 White) may take; None where no clock says so.

        A move time is used up, but for the overhead (milliseconds), where that leaves more than half of it.
        """
        if self.move_time is not None:
            seconds = max(self.move_time - overhead, self.move_time / 2, 1) / 1000
            return Share(seconds, seconds)
        left = (self.white_left, self.black_left)[player]
        added = (self.white_added, self.black_added)[player]
        if left is None:
            return None
        return share(left / 1000, added / 1000, self.moves_to_go, overhead / 1000)


def asked(words: Sequence[str]) -> Asked:
    """The meaning of the words behind `go`. What cannot be understood is left out, and told as a fault."""
    found: dict[str, Any] = {}
    faults = list[str]()
    left = list(words)
    while left:
        word = left.pop(0).lower()
        if word in FLAGS:
            found[word] = True
        elif word == MOVES:
            found["actions"] = tuple(_taken(left, len(left)))
        elif word in NUMBERS:
            said = "".join(_taken(left, 1))
            number = _whole(said, word)
            if number is None:
                faults.append(f"{word} needs a number, not {said[:40]!r}" if said else f"{word} needs a number")
            else:
                found[NUMBERS[word]] = number
        else:
            faults.append(f"{word[:40]!r} is no part of go")
    return Asked(**found, faults=tuple(faults))


def _taken(words: list[str], most: int) -> list[str]:
    """Up to so many words from the front, before the next that begins a part; they are taken away."""
    taken = list[str]()
    while words and len(taken) < most and words[0].lower() not in PARTS:
        taken.append(words.pop(0))
    return taken


def _whole(text: str, word: str) -> int | None:
    """A whole number; times may be below 0, all else is 0 or more."""
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= LONGEST):
        return None
    number = int(text)
    return number if number >= 0 or word in TIMES else None
