"""Perfect play in Connect Four: the value of every move, by alpha-beta search of all that can follow.

After P. Pons, "Solving Connect 4: how to build a perfect AI" (2015–2022), on J. Tromp's bitboards: moves that lose at
once are left out, the others are tried from those that threaten most and from the centre, and bounds of positions that
were met are kept in a table.

Scores are the player's to move: 0 a draw; k > 0 he wins, with k stones left to put when he does (1: with his last one),
−k the same for the other. Positions of 12 moves and more take milliseconds, those near the start take minutes and more.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sounding.games.compiled import compiled
from sounding.games.connect4 import BITS, COLUMNS, ROWS, STRIDE, Connect4, has_four, is_open, landing
from sounding.games.game import Positions
from sounding.games.hashes import mixed

SQUARES = ROWS * COLUMNS
ILLEGAL = -100
BOTTOM = np.uint64(sum(1 << column * STRIDE for column in range(COLUMNS)))
BOARD = np.uint64(int(BOTTOM) * ((1 << ROWS) - 1))
CENTRE_FIRST = (3, 2, 4, 1, 5, 0, 6)
UPPER, LOWER = 64, 192  # added to bounds in the table, in which 0 is none


@dataclass(frozen=True)
class Solver:
    """Solves positions; what it has found stays in its table of 2^`bits` entries, 9 bytes each."""

    bits: int = 22
    _keys: NDArray[np.uint64] = field(init=False, repr=False)
    _bounds: NDArray[np.uint8] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_keys", np.zeros(1 << self.bits, np.uint64))
        object.__setattr__(self, "_bounds", np.zeros(1 << self.bits, np.uint8))

    def outcomes(self, positions: Positions) -> NDArray[np.int8]:
        """[N, 7]: what each column leads to under perfect play: +1 a win of the player to move, 0, −1; or ILLEGAL."""
        return self._solved(positions, 1)

    def scores(self, positions: Positions) -> NDArray[np.int8]:
        """[N, 7]: as `outcomes`, and how soon; takes several times as long."""
        return self._solved(positions, SQUARES)

    def _solved(self, positions: Positions, window: int) -> NDArray[np.int8]:
        out = np.empty((len(positions), COLUMNS), np.int8)
        order = np.empty((SQUARES + 1, COLUMNS), np.uint64)
        _solve(Connect4().solid(positions), window, self._keys, self._bounds, order, out)
        return out


def threats(positions: Positions) -> NDArray[np.bool_]:
    """[N, 2, 6, 7]: the empty squares where a stone of the player to move, or of the other, would be the fourth.

    The top row first; whether one can land there yet or not.
    """
    out = np.empty((len(positions), 2), np.uint64)
    _threats(Connect4().solid(positions), out)
    return (out[:, :, None, None] & BITS) != 0


@compiled
def _threats(positions: Positions, out: NDArray[np.uint64]) -> None:
    for n in range(len(positions)):
        mover = int(positions[n].moves) & 1
        own, other = positions[n].stones[mover], positions[n].stones[1 - mover]
        out[n, 0], out[n, 1] = winning(own, own | other), winning(other, own | other)


@compiled
def _solve(
    positions: Positions,
    window: int,
    keys: NDArray[np.uint64],
    bounds: NDArray[np.uint8],
    order: NDArray[np.uint64],
    out: NDArray[np.int8],
) -> None:
    for n in range(len(positions)):
        moves = int(positions[n].moves)
        own, other = positions[n].stones[moves & 1], positions[n].stones[1 - (moves & 1)]
        for column in range(COLUMNS):
            if positions[n].over or not is_open(own | other, column):
                out[n, column] = ILLEGAL
                continue
            after = own | landing(own | other, column)
            if has_four(after):
                score = (SQUARES + 1 - moves) // 2
            else:
                score = -_value(other, other | after, moves + 1, window, keys, bounds, order)
            out[n, column] = min(max(score, -window), window)


@compiled
def _value(
    own: np.uint64,
    occupied: np.uint64,
    moves: int,
    window: int,
    keys: NDArray[np.uint64],
    bounds: NDArray[np.uint8],
    order: NDArray[np.uint64],
) -> int:
    """The score of a position, exact within the window, by questions of whether it is more than so much."""
    if winning(own, occupied) & landings(occupied):
        return (SQUARES + 1 - moves) // 2
    least = max(-((SQUARES - moves) // 2), -window)
    most = min((SQUARES + 1 - moves) // 2, window)
    while least < most:
        middle = (least + most) // 2
        if middle <= 0 and least // 2 < middle:  # whether it is a draw at all is asked early, as it is answered fast
            middle = least // 2
        elif middle >= 0 and most // 2 > middle:
            middle = most // 2
        found = _negamax(own, occupied, moves, middle, middle + 1, keys, bounds, order)
        if found <= middle:
            most = found
        else:
            least = found
    return least


@compiled
def _negamax(
    own: np.uint64,
    occupied: np.uint64,
    moves: int,
    alpha: int,
    beta: int,
    keys: NDArray[np.uint64],
    bounds: NDArray[np.uint8],
    order: NDArray[np.uint64],
) -> int:
    """The score if it is between alpha and beta, else a bound of it, where nobody wins with the next move."""
    possible, threats = landings(occupied), winning(own ^ occupied, occupied)
    forced = possible & threats
    if forced:
        possible = forced
    if forced & (forced - np.uint64(1)) or not possible & ~(threats >> np.uint64(1)):
        return -((SQUARES - moves) // 2)  # two threats, or only squares below one
    possible &= ~(threats >> np.uint64(1))
    if moves >= SQUARES - 2:
        return 0
    alpha = max(alpha, -((SQUARES - 2 - moves) // 2))
    beta = min(beta, (SQUARES - 1 - moves) // 2)
    if alpha >= beta:
        return alpha
    key = own + occupied
    slot = mixed(key) & np.uint64(len(keys) - 1)
    if keys[slot] == key and bounds[slot]:
        bound = int(bounds[slot])
        if bound > UPPER + SQUARES:
            alpha = max(alpha, bound - LOWER)
        else:
            beta = min(beta, bound - UPPER)
        if alpha >= beta:
            return alpha if bound > UPPER + SQUARES else beta
    for k in range(_ordered(own, occupied, possible, order[moves])):
        move = order[moves, k]
        score = -_negamax(own ^ occupied, occupied | move, moves + 1, -beta, -alpha, keys, bounds, order)
        if score >= beta:
            keys[slot], bounds[slot] = key, score + LOWER
            return score
        alpha = max(alpha, score)
    keys[slot], bounds[slot] = key, alpha + UPPER
    return alpha


@compiled
def _ordered(own: np.uint64, occupied: np.uint64, possible: np.uint64, out: NDArray[np.uint64]) -> int:
    """Write the possible moves, those that make most threats first, of equals the central ones. Returns how many."""
    count, ranks = 0, 0
    for column in CENTRE_FIRST:
        move = landing(occupied, column) & possible
        if not move:
            continue
        rank = min(ones(winning(own | move, occupied)), 15)
        at = count
        while at > 0 and (ranks >> 4 * (at - 1)) & 15 < rank:
            out[at] = out[at - 1]
            at -= 1
        out[at] = move
        low = ranks & ((1 << 4 * at) - 1)
        ranks = low | rank << 4 * at | (ranks >> 4 * at) << 4 * (at + 1)
        count += 1
    return count


@compiled
def landings(occupied: np.uint64) -> np.uint64:
    """All squares where a stone can land."""
    return (occupied + BOTTOM) & BOARD


@compiled
def winning(stones: np.uint64, occupied: np.uint64) -> np.uint64:
    """The empty squares with which the stones would be four in a line, whether one can land there yet or not."""
    one, two, three = np.uint64(1), np.uint64(2), np.uint64(3)
    found = (stones << one) & (stones << two) & (stones << three)
    for step in (STRIDE - 1, STRIDE, STRIDE + 1):
        by = np.uint64(step)
        pair = (stones << by) & (stones << two * by)
        found |= pair & ((stones << three * by) | (stones >> by))
        pair = (stones >> by) & (stones >> two * by)
        found |= pair & ((stones >> three * by) | (stones << by))
    return found & (BOARD ^ occupied)


@compiled
def ones(word: np.uint64) -> int:
    """How many bits are set."""
    count = 0
    while word:
        word &= word - np.uint64(1)
        count += 1
    return count
