"""Numbers of 64 bits as sets of squares, and the instructions of the processor that numpy has no word for. Compiled.

Bit 0 is a1, bit 7 h1, bit 63 h8. Sets are uint64, squares int64: numba would make a float of the two together.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from sounding.games.compiled import lean

Bits = np.uint64


def _popcount(typing: Any, bits: Any) -> Any:
    return types.int64(types.uint64), lambda context, builder, signature, given: builder.ctpop(given[0])


def _lowest(typing: Any, bits: Any) -> Any:
    is_undefined_for_zero = ir.Constant(ir.IntType(1), 0)
    return types.int64(types.uint64), lambda context, builder, signature, given: builder.cttz(
        given[0], is_undefined_for_zero
    )


def _mirrored(typing: Any, bits: Any) -> Any:
    return types.uint64(types.uint64), lambda context, builder, signature, given: builder.bswap(given[0])


_instruction: Callable[[Any], Any] = intrinsic

popcount: Callable[[Bits], int] = _instruction(_popcount)
"""How many squares are in the set. For compiled functions, as the next two."""
lowest: Callable[[Bits], int] = _instruction(_lowest)
"""The first square of the set; 64 where it is empty."""
mirrored: Callable[[Bits], Bits] = _instruction(_mirrored)
"""The set with its ranks in reverse order."""


@lean
def bit(square: int) -> Bits:
    """The set of one square."""
    return np.uint64(1) << np.uint64(square)


@lean
def rest(bits: Bits) -> Bits:
    """The set without its first square."""
    return bits & (bits - np.uint64(1))


@lean
def number(word: Any) -> int:
    """A word or the code of a move as the int64 that squares and counts are."""
    found: Any = np.int64(word)
    return found
