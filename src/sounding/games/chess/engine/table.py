"""The transposition table: what a search has found of positions, which it meets again by other orders of moves.

An entry has 16 bytes; four of them, side by side in memory, are where a position may be. Compiled.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sounding.games.chess.bits import Bits, number
from sounding.games.chess.engine.memory import MATES, NO_MOVE
from sounding.games.compiled import compiled

ENTRY = np.dtype(
    [
        ("key", np.uint64),
        ("move", np.uint16),
        ("score", np.int16),
        ("static", np.int16),
        ("depth", np.int8),
        ("sign", np.uint8),  # age · 4 + bound
    ],
    align=True,
)
Table = NDArray[np.void]
LOWER, UPPER, EXACT = 1, 2, 3
"""What a score is: at least that, at most that, that."""
WIDTH = 4
AGES = 64


def new_table(megabytes: int) -> Table:
    """An empty table of at most so many megabytes."""
    entries = 1 << (megabytes * 2**20 // ENTRY.itemsize).bit_length() - 1
    return np.zeros(max(entries, 1024), ENTRY)


@compiled
def find(table: Table, key: Bits) -> int:
    """The number of the entry of a position, or −1."""
    first = number(key & np.uint64(len(table) - WIDTH))
    for slot in range(first, first + WIDTH):
        if table[slot].key == key and table[slot].sign & 3:
            return slot
    return -1


@compiled
def keep(
    table: Table, key: Bits, age: int, depth: int, score: int, bound: int, move: int, static: int, ply: int
) -> None:
    """Write down what was found `ply` half-moves from the root, in place of what is worth least."""
    first = number(key & np.uint64(len(table) - WIDTH))
    chosen, least = first, 1 << 30
    for slot in range(first, first + WIDTH):
        sign = number(table[slot].sign)
        if table[slot].key == key or sign & 3 == 0:
            chosen = slot
            break
        worth = number(table[slot].depth) - 8 * ((age - (sign >> 2)) & (AGES - 1))
        if worth < least:
            chosen, least = slot, worth
    same = table[chosen].key == key
    if same and bound != EXACT and depth + 4 <= number(table[chosen].depth) and table[chosen].sign >> 2 == age:
        return
    if move != NO_MOVE or not same:
        table[chosen].move = move
    table[chosen].key = key
    table[chosen].score = _far(score, ply)
    table[chosen].static = static
    table[chosen].depth = depth
    table[chosen].sign = age * 4 + bound


@compiled
def score_of(table: Table, slot: int, ply: int) -> int:
    """The score of an entry that is met `ply` half-moves from the root: mates are kept as seen from their position."""
    score = number(table[slot].score)
    if score >= MATES:
        return score - ply
    return score + ply if score <= -MATES else score


@compiled
def _far(score: int, ply: int) -> int:
    if score >= MATES:
        return score + ply
    return score - ply if score <= -MATES else score


@compiled
def settles(table: Table, slot: int, score: int, alpha: int, beta: int) -> bool:
    """Whether an entry's score needs no search between these two."""
    bound = number(table[slot].sign) & 3
    return bound == EXACT or (bound == LOWER and score >= beta) or (bound == UPPER and score <= alpha)
