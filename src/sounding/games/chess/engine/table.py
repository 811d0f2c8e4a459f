"""The transposition table: what a search has found of positions, which it meets again by other orders of moves.

An entry has 16 bytes; four of them, side by side in memory, are where a position may be. Compiled.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from sounding.games.chess.bits import Bits, number
from sounding.games.chess.engine.memory import MATES, NO_MOVE
from sounding.games.compiled import lean

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
LINE = WIDTH * ENTRY.itemsize
"""Bytes that a processor fetches from memory at once: the entries where a position may be lie within them."""
AGES = 64


def new_table(megabytes: int) -> Table:
    """An empty table of at most so many megabytes."""
    entries = max(1024, 1 << (megabytes * 2**20 // ENTRY.itemsize).bit_length() - 1)
    room = np.zeros(entries + WIDTH, ENTRY)
    skipped = -room.ctypes.data % LINE // ENTRY.itemsize
    return room[skipped : skipped + entries]


def _fetch(typing: Any, table: Any, slot: Any) -> Any:
    def generated(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, given[0])
        bytes_of = ir.IntType(8).as_pointer()
        where = builder.bitcast(builder.gep(array.data, [given[1]]), bytes_of)
        kind = ir.FunctionType(ir.VoidType(), [bytes_of, *[ir.IntType(32)] * 3])
        told = [ir.Constant(ir.IntType(32), number) for number in (0, 3, 1)]  # to be read, and kept near, data
        builder.call(builder.module.declare_intrinsic("llvm.prefetch", [bytes_of], kind), [where, *told])
        return context.get_dummy_value()

    return types.none(table, types.int64), generated


_intrinsic: Callable[[Any], Any] = intrinsic
_fetched: Callable[[Table, int], None] = _intrinsic(_fetch)


@lean
def fetch(table: Table, key: Bits) -> None:
    """Have the entries of a position brought from memory while something else is done."""
    _fetched(table, number(key & np.uint64(len(table) - WIDTH)))


@lean
def find(table: Table, key: Bits) -> int:
    """The number of the entry of a position, or −1."""
    first = number(key & np.uint64(len(table) - WIDTH))
    for slot in range(first, first + WIDTH):
        if table[slot].key == key and table[slot].sign & 3:
            return slot
    return -1


@lean
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


@lean
def score_of(table: Table, slot: int, ply: int) -> int:
    """The score of an entry that is met `ply` half-moves from the root: mates are kept as seen from their position."""
    score = number(table[slot].score)
    if score >= MATES:
        return score - ply
    return score + ply if score <= -MATES else score


@lean
def _far(score: int, ply: int) -> int:
    if score >= MATES:
        return score + ply
    return score - ply if score <= -MATES else score


@lean
def settles(table: Table, slot: int, score: int, alpha: int, beta: int) -> bool:
    """Whether an entry's score needs no search between these two."""
    bound = number(table[slot].sign) & 3
    return bound == EXACT or (bound == LOWER and score >= beta) or (bound == UPPER and score <= alpha)
