"""Which moves give check, so that they are not taken for quiet ones. Compiled."""

from __future__ import annotations

from sounding.games.chess.attacks import KNIGHT_ATTACKS, PAWN_ATTACKS, bishop_attacks, king_of, rook_attacks
from sounding.games.chess.bits import Bits, bit, lowest, number, rest
from sounding.games.chess.layout import BISHOP, COLOURS, KNIGHT, PAWN, QUEEN, ROOK, TURN, Boards
from sounding.games.chess.making import piece_on
from sounding.games.chess.moves import NO_SQUARE
from sounding.games.compiled import lean

Checking = tuple[Bits, Bits, Bits, Bits, Bits]
"""From where a pawn, a knight, a bishop and a rook attack the other's king; pieces that hold off one behind them."""


@lean
def checking(boards: Boards, n: int) -> Checking:
    """What the player to move can give check by."""
    turn = number(boards[n, TURN])
    king = king_of(boards, n, 1 - turn)
    own = boards[n, COLOURS + turn]
    occupied = own | boards[n, COLOURS + 1 - turn]
    diagonal, straight = bishop_attacks(king, occupied), rook_attacks(king, occupied)
    bishops, rooks = own & (boards[n, BISHOP] | boards[n, QUEEN]), own & (boards[n, ROOK] | boards[n, QUEEN])
    before = NO_SQUARE
    behind = bishop_attacks(king, occupied & ~(diagonal & own)) & bishops & ~diagonal
    while behind:
        before |= bishop_attacks(lowest(behind), occupied) & diagonal & own
        behind = rest(behind)
    behind = rook_attacks(king, occupied & ~(straight & own)) & rooks & ~straight
    while behind:
        before |= rook_attacks(lowest(behind), occupied) & straight & own
        behind = rest(behind)
    return PAWN_ATTACKS[1 - turn, king], KNIGHT_ATTACKS[king], diagonal, straight, before


@lean
def gives_check(boards: Boards, n: int, move: int, squares: Checking) -> bool:
    """Whether a move gives check, by `checking`.

    What is rare is not looked at: that castling, a promotion or en passant gives check is not seen, and a piece that
    goes along the line on which it holds off another one counts as a check.
    """
    origin, target = number(move) & 63, number(move) >> 6 & 63
    if bit(origin) & squares[4]:
        return True
    piece = piece_on(boards, n, origin)
    found = NO_SQUARE
    if piece == PAWN:
        found = squares[0]
    elif piece == KNIGHT:
        found = squares[1]
    if piece in (BISHOP, QUEEN):
        found |= squares[2]
    if piece in (ROOK, QUEEN):
        found |= squares[3]
    return found & bit(target) != 0
