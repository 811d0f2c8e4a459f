"""What a network is given of a position of chess. Compiled, over arrays of positions.

The board is seen by the player to move: his own first rank is the bottom row; the a-file is at the left for both.

    planes   0 … 5    his pawns, knights, bishops, rooks, queens, king
             6 … 11   the other's
             12       rooks that may still castle, of both
             13       where he can take en passant
             14       everywhere: half-moves since the last capture or pawn's move, in hundreds
             15, 16   everywhere: the position was there before; it was twice
             17       everywhere 1, by which a network that pads with zeros sees the edge
             18 … 23  what his pawns, knights, bishops, rooks, queens and king attack
             24 … 29  what the other's do
             30, 31   by how many of his pieces a square is attacked, in fours; by how many of the other's
             32, 33   his pieces that are pinned to his king; the other's
             34 … 36  where a knight, a bishop, a rook would check the other's king
             37 … 39  where one would check his
             40 … 43  from where and to where the last move led, and the one before it; nothing where they are not known
             44, 45   everywhere: how far his rating is above 2,000, in thousands, and the other's; 0 where not known

What is attacked could be learnt from where the pieces stand, and takes a small network most of its layers.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sounding.games.chess.about import RATING_UNIT, USUAL_RATING, rating_of
from sounding.games.chess.actions import seen
from sounding.games.chess.attacks import (
    KING_ATTACKS,
    KNIGHT_ATTACKS,
    PAWN_ATTACKS,
    bishop_attacks,
    king_of,
    queen_attacks,
    rook_attacks,
)
from sounding.games.chess.bits import Bits, lowest, number, rest
from sounding.games.chess.layout import (
    BISHOP,
    CASTLING,
    CLOCK,
    COLOURS,
    EN_PASSANT,
    KING,
    KNIGHT,
    LAST,
    PAWN,
    QUEEN,
    REPEATS,
    ROOK,
    TURN,
    Boards,
)
from sounding.games.chess.moves import lines_to_king
from sounding.games.compiled import compiled

PLANES = 46
_OF_CASTLING, _OF_EN_PASSANT, _OF_CLOCK, _OF_REPEATS, _OF_EDGE = 12, 13, 14, 15, 17
OF_ATTACKS, _OF_COUNTS, _OF_PINS, _OF_CHECKS, _OF_LAST, OF_RATINGS = 18, 30, 32, 34, 40, 44
Planes = NDArray[np.float32]


@compiled
def _mark(plane: NDArray[np.float32], squares: np.uint64, turn: int) -> None:
    while squares:
        plane[seen(lowest(squares), turn)] = 1
        squares = rest(squares)


@compiled
def observe(boards: Boards, out: NDArray[np.float32]) -> None:
    """Fill `out` [N, planes, 64], which is zero."""
    for n in range(len(boards)):
        turn, planes = number(boards[n, TURN]), out[n]
        for kind in range(KING + 1):
            _mark(planes[kind], boards[n, kind] & boards[n, COLOURS + turn], turn)
            _mark(planes[6 + kind], boards[n, kind] & boards[n, COLOURS + 1 - turn], turn)
        _mark(planes[_OF_CASTLING], boards[n, CASTLING], turn)
        _mark(planes[_OF_EN_PASSANT], boards[n, EN_PASSANT], turn)
        planes[_OF_CLOCK, :] = np.float32(boards[n, CLOCK]) / np.float32(100)
        planes[_OF_REPEATS, :] = boards[n, REPEATS] > 0
        planes[_OF_REPEATS + 1, :] = boards[n, REPEATS] > 1
        planes[_OF_EDGE, :] = 1
        for side in range(2):
            _observe_attacks(boards, n, planes, side, turn)
            _observe_king(boards, n, planes, side, turn)
            rating = rating_of(boards[n], turn ^ side)
            if rating:
                planes[OF_RATINGS + side, :] = np.float32(rating - USUAL_RATING) / np.float32(RATING_UNIT)
        _observe_moves(boards, n, planes, turn)


@compiled
def attacked_by(boards: Boards, n: int, kind: int, square: int, colour: int) -> Bits:
    """What a piece of this kind and colour attacks from a square."""
    occupied = boards[n, COLOURS] | boards[n, COLOURS + 1]
    if kind == PAWN:
        return PAWN_ATTACKS[colour, square]
    if kind == KNIGHT:
        return KNIGHT_ATTACKS[square]
    if kind == BISHOP:
        return bishop_attacks(square, occupied)
    if kind == ROOK:
        return rook_attacks(square, occupied)
    if kind == QUEEN:
        return queen_attacks(square, occupied)
    return KING_ATTACKS[square]


@compiled
def _observe_attacks(boards: Boards, n: int, planes: Planes, side: int, turn: int) -> None:
    """What the pieces of one side attack: 0 that of the player to move."""
    colour = turn ^ side
    counts = planes[_OF_COUNTS + side]
    for kind in range(KING + 1):
        plane = planes[OF_ATTACKS + 6 * side + kind]
        pieces = boards[n, kind] & boards[n, COLOURS + colour]
        while pieces:
            attacked = attacked_by(boards, n, kind, lowest(pieces), colour)
            while attacked:
                square = seen(lowest(attacked), turn)
                plane[square] = 1
                counts[square] += np.float32(0.25)
                attacked = rest(attacked)
            pieces = rest(pieces)


@compiled
def _observe_king(boards: Boards, n: int, planes: Planes, side: int, turn: int) -> None:
    """Pieces pinned to the king of one side, and where pieces would check the king of the other."""
    colour = turn ^ side
    own, enemy = boards[n, COLOURS + colour], boards[n, COLOURS + 1 - colour]
    straight, diagonal = boards[n, ROOK] | boards[n, QUEEN], boards[n, BISHOP] | boards[n, QUEEN]
    king = king_of(boards, n, colour)
    along, across, _, _ = lines_to_king(king, own, enemy, straight & enemy, diagonal & enemy)
    _mark(planes[_OF_PINS + side], (along | across) & own, turn)
    target = king_of(boards, n, 1 - colour)
    _mark(planes[_OF_CHECKS + 3 * side], KNIGHT_ATTACKS[target], turn)
    _mark(planes[_OF_CHECKS + 3 * side + 1], bishop_attacks(target, own | enemy), turn)
    _mark(planes[_OF_CHECKS + 3 * side + 2], rook_attacks(target, own | enemy), turn)


@compiled
def _observe_moves(boards: Boards, n: int, planes: Planes, turn: int) -> None:
    """The last two moves."""
    for back in range(2):
        move = number(boards[n, LAST] >> np.uint64(16 * back)) & 0xFFFF
        if move:
            planes[_OF_LAST + 2 * back, seen(move & 63, turn)] = 1
            planes[_OF_LAST + 2 * back + 1, seen(move >> 6 & 63, turn)] = 1
