"""Draws that a search meets. Compiled.

A position that was there since the root counts as a draw the first time it is met again: what could be reached twice
can be reached three times. One of the game before the root has to have been there twice.
"""

from __future__ import annotations

from sounding.games.chess.bits import number
from sounding.games.chess.engine.memory import Work
from sounding.games.chess.layout import CLOCK, KEY, Boards
from sounding.games.chess.turns import is_dead
from sounding.games.compiled import lean

FIFTY = 100


@lean
def repeated(boards: Boards, n: int, work: Work) -> bool:
    """Whether the position of row n, n half-moves from the root, was there before, as the module says."""
    clock, key = number(boards[n, CLOCK]), boards[n, KEY]
    met = 0
    back = 4
    while back <= clock:
        if back < n:
            if boards[n - back, KEY] == key:
                return True
        else:
            at = number(boards[0, CLOCK]) + n - back
            if at < work[0].past_from:
                return False
            if work[0].past[at] == key:
                met += 1
                if met == 2:
                    return True
        back += 2
    return False


@lean
def drawn(boards: Boards, n: int, work: Work) -> bool:
    """A draw by repetition or by want of material."""
    clock = number(boards[n, CLOCK])
    return (clock >= 4 and repeated(boards, n, work)) or is_dead(boards, n)
