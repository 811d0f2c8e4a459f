"""The first layer of the network, kept from move to move: only what changed is added and taken away. Compiled.

`accumulators` [rows, 2, 256] belong to the rows of a stack of boards. `views` [rows, 2] says how each was seen
(`turn_of` + 1), 0 where it is not computed. What changed between two boards is what their sets of squares differ by,
however many moves lie between: so a row is computed only when it is judged, from the nearest one before it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sounding.games.chess.bits import lowest, number, rest
from sounding.games.chess.layout import COLOURS, KING, TURN, Boards
from sounding.games.chess.nnue.features import bucket, feature, turn_of
from sounding.games.chess.nnue.network import ONE, OUTPUT_ONE, SCALE, UNITS, Net
from sounding.games.compiled import lean

Accumulators = NDArray[np.int16]
Views = NDArray[np.int8]


@lean
def evaluate(boards: Boards, n: int, net: Net, accumulators: Accumulators, views: Views) -> int:
    """The score of row n in centipawns, for the player to move. Rows before it may serve as a beginning."""
    turn = number(boards[n, TURN])
    for side in range(2):
        _bring(boards, n, side, net, accumulators, views)
    layer = bucket(boards, n)
    own, other = np.int32(0), np.int32(0)
    for k in range(UNITS):
        unit = min(max(np.int32(accumulators[n, turn, k]), np.int32(0)), np.int32(ONE))
        own += unit * (unit * np.int32(net[0].output[layer, k]))
    for k in range(UNITS):
        unit = min(max(np.int32(accumulators[n, 1 - turn, k]), np.int32(0)), np.int32(ONE))
        other += unit * (unit * np.int32(net[0].output[layer, UNITS + k]))
    total = (number(own) + number(other)) // ONE + number(net[0].output_bias[layer])
    return total * SCALE // (ONE * OUTPUT_ONE)


@lean
def _bring(boards: Boards, n: int, side: int, net: Net, accumulators: Accumulators, views: Views) -> None:
    """Compute what row n is for a side, from the nearest row before it that is computed and seen the same way."""
    turned = turn_of(boards, n, side)
    base = n
    while base >= 0 and views[base, side] != turned + 1:
        base -= 1
    if base == n:
        return
    if base < 0:
        for k in range(UNITS):
            accumulators[n, side, k] = net[0].bias[k]
    else:
        for k in range(UNITS):
            accumulators[n, side, k] = accumulators[base, side, k]
    for colour in range(2):
        for kind in range(KING + 1):
            now = boards[n, kind] & boards[n, COLOURS + colour]
            before = boards[base, kind] & boards[base, COLOURS + colour] if base >= 0 else np.uint64(0)
            come, gone = now & ~before, before & ~now
            while come:
                row = feature(kind, colour, lowest(come), side, turned)
                for k in range(UNITS):
                    accumulators[n, side, k] += net[0].features[row, k]
                come = rest(come)
            while gone:
                row = feature(kind, colour, lowest(gone), side, turned)
                for k in range(UNITS):
                    accumulators[n, side, k] -= net[0].features[row, k]
                gone = rest(gone)
    views[n, side] = turned + 1
