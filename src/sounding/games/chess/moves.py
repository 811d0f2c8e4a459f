"""Which moves are legal. Compiled.

    generate    all legal moves
    captures    captures, en passant, and promotions to a queen
    quiets      the rest: the two together are all

Each writes to `moves[first:]` (uint16, room for `MOST_MOVES`) and returns where they end, so that one array holds the
moves of all boards of a stack. A move is from | to << 6 | kind << 12; castling goes to the square of the own rook.

Checks and pins are found first, and no move is made to see whether it was legal: a piece may go where it blocks or
takes the only checker (`evades`), and a pinned one only along the line of its pin. Kings are never taken.
"""

from __future__ import annotations

import numpy as np

from sounding.games.chess.attacks import (
    KING_ATTACKS,
    KNIGHT_ATTACKS,
    PAWN_ATTACKS,
    bishop_attacks,
    is_attacked,
    rook_attacks,
)
from sounding.games.chess.bits import Bits, bit, lowest, number, rest
from sounding.games.chess.layout import (
    BISHOP,
    CASTLES,
    CASTLING,
    COLOURS,
    EN_PASSANT,
    KING,
    KNIGHT,
    PAWN,
    QUEEN,
    ROOK,
    TAKES_EN_PASSANT,
    TO_KNIGHT,
    TO_QUEEN,
    TURN,
    Boards,
    Moves,
)
from sounding.games.compiled import lean

CAPTURES, QUIETS = 1, 2

ALL = np.uint64(0xFFFF_FFFF_FFFF_FFFF)
NO_SQUARE = np.uint64(0)
LAST_RANKS = np.uint64(0xFF00_0000_0000_00FF)
NOT_A_FILE = np.uint64(0xFEFE_FEFE_FEFE_FEFE)
NOT_H_FILE = np.uint64(0x7F7F_7F7F_7F7F_7F7F)


@lean
def generate(boards: Boards, n: int, moves: Moves, first: int) -> int:
    """All legal moves of row n."""
    return _generate(boards, n, moves, first, CAPTURES | QUIETS)


@lean
def captures(boards: Boards, n: int, moves: Moves, first: int) -> int:
    """Captures, en passant, and promotions to a queen; those that are legal."""
    return _generate(boards, n, moves, first, CAPTURES)


@lean
def quiets(boards: Boards, n: int, moves: Moves, first: int) -> int:
    """All other legal moves: without a capture, and promotions to less than a queen."""
    return _generate(boards, n, moves, first, QUIETS)


# ---- parts


@lean
def _write(moves: Moves, end: int, origin: int, targets: Bits) -> int:
    """A piece's moves."""
    while targets:
        moves[end] = origin | lowest(targets) << 6
        end += 1
        targets = rest(targets)
    return end


@lean
def _write_pawns(moves: Moves, end: int, targets: Bits, step: int, which: int) -> int:
    """The moves of pawns that come to `targets` from so many squares before."""
    promoted = targets & LAST_RANKS
    targets &= ~LAST_RANKS
    while targets:
        target = lowest(targets)
        moves[end] = (target - step) | target << 6
        end += 1
        targets = rest(targets)
    while promoted:
        target = lowest(promoted)
        move = (target - step) | target << 6
        if which & CAPTURES:
            moves[end] = move | TO_QUEEN << 12
            end += 1
        if which & QUIETS:
            for kind in range(TO_KNIGHT, TO_QUEEN):
                moves[end] = move | kind << 12
                end += 1
        promoted = rest(promoted)
    return end


@lean
def ahead(pawns: Bits, turn: int) -> Bits:
    """The squares one step before pawns of a player."""
    return pawns << np.uint64(8) if turn == 0 else pawns >> np.uint64(8)


@lean
def _lines_of(king: int, own: Bits, snipers: Bits, diagonal: bool) -> tuple[Bits, Bits, int]:
    """Lines of pins, lines of checks, and the number of checks, of sliders that only own pieces may hold off."""
    here = bit(king)
    pins, checks, count = NO_SQUARE, NO_SQUARE, 0
    while snipers:
        square = lowest(snipers)
        there = bit(square)
        if diagonal:
            line = (bishop_attacks(king, there) & bishop_attacks(square, here)) | there
        else:
            line = (rook_attacks(king, there) & rook_attacks(square, here)) | there
        blockers = line & own
        if blockers == NO_SQUARE:
            checks |= line
            count += 1
        elif rest(blockers) == NO_SQUARE:
            pins |= line
        snipers = rest(snipers)
    return pins, checks, count


@lean
def lines_to_king(king: int, own: Bits, enemy: Bits, straight: Bits, diagonal: Bits) -> tuple[Bits, Bits, Bits, int]:
    """What sliders do to a king: straight lines of pins, diagonal ones, lines of checks, and the number of checks.

    A line is the squares between the king and the slider, and the slider.
    """
    pins_straight, checks, count = _lines_of(king, own, straight & rook_attacks(king, enemy), False)
    pins_diagonal, more_checks, more = _lines_of(king, own, diagonal & bishop_attacks(king, enemy), True)
    return pins_straight, pins_diagonal, checks | more_checks, count + more


@lean
def en_passant_is_safe(boards: Boards, n: int, origin: int, target: int) -> bool:
    """Whether the king of the player to move is not attacked once a pawn has taken en passant."""
    turn = number(boards[n, TURN])
    taken = bit(target) >> np.uint64(8) if turn == 0 else bit(target) << np.uint64(8)
    occupied = (boards[n, COLOURS] | boards[n, COLOURS + 1] | bit(target)) & ~(bit(origin) | taken)
    king = lowest(boards[n, KING] & boards[n, COLOURS + turn])
    return not is_attacked(boards, n, king, 1 - turn, occupied)


@lean
def _write_castling(boards: Boards, n: int, moves: Moves, end: int, turn: int, king: int) -> int:
    """Castling, of a king that is not in check: neither he nor the rook may jump, nor he pass an attacked square."""
    rooks = boards[n, CASTLING] & boards[n, COLOURS + turn]
    while rooks:
        rook = lowest(rooks)
        rooks = rest(rooks)
        corner = king & 56
        king_goes, rook_goes = (corner + 6, corner + 5) if rook > king else (corner + 2, corner + 3)
        others = (boards[n, COLOURS] | boards[n, COLOURS + 1]) & ~(bit(king) | bit(rook))
        least, most = min(king, rook, king_goes, rook_goes), max(king, rook, king_goes, rook_goes)
        free = True
        for square in range(least, most + 1):
            is_passed = min(king, king_goes) <= square <= max(king, king_goes)
            is_passed |= min(rook, rook_goes) <= square <= max(rook, rook_goes)
            if is_passed and bit(square) & others:
                free = False
        for square in range(min(king, king_goes), max(king, king_goes) + 1):
            if free and is_attacked(boards, n, square, 1 - turn, others | bit(rook_goes)):
                free = False
        if free:
            moves[end] = king | rook << 6 | CASTLES << 12
            end += 1
    return end


@lean
def _generate(boards: Boards, n: int, moves: Moves, first: int, which: int) -> int:
    turn = number(boards[n, TURN])
    own, enemy = boards[n, COLOURS + turn], boards[n, COLOURS + 1 - turn]
    occupied = own | enemy
    kings, queens, pawns = boards[n, KING], boards[n, QUEEN], boards[n, PAWN]
    straight, diagonal = boards[n, ROOK] | queens, boards[n, BISHOP] | queens
    king = lowest(kings & own)
    end = first

    wanted = NO_SQUARE
    if which & CAPTURES:
        wanted |= enemy & ~kings
    if which & QUIETS:
        wanted |= ~occupied

    pins_straight, pins_diagonal, checks, count = lines_to_king(king, own, enemy, straight & enemy, diagonal & enemy)
    near = (KNIGHT_ATTACKS[king] & boards[n, KNIGHT] & enemy) | (PAWN_ATTACKS[turn, king] & pawns & enemy)
    if near:
        checks |= near
        count += 1

    steps = KING_ATTACKS[king] & wanted
    without_king = occupied & ~bit(king)
    while steps:
        target = lowest(steps)
        if not is_attacked(boards, n, target, 1 - turn, without_king & ~bit(target)):
            moves[end] = king | target << 6
            end += 1
        steps = rest(steps)
    if count > 1:
        return end
    evades = checks if count else ALL
    if count == 0 and which & QUIETS and boards[n, CASTLING] & own:
        end = _write_castling(boards, n, moves, end, turn, king)

    targets = wanted & evades
    pins = pins_straight | pins_diagonal
    pieces = boards[n, KNIGHT] & own & ~pins
    while pieces:
        square = lowest(pieces)
        end = _write(moves, end, square, KNIGHT_ATTACKS[square] & targets)
        pieces = rest(pieces)
    pieces = diagonal & own & ~pins_straight
    while pieces:
        square = lowest(pieces)
        line = pins_diagonal if bit(square) & pins_diagonal else ALL
        end = _write(moves, end, square, bishop_attacks(square, occupied) & targets & line)
        pieces = rest(pieces)
    pieces = straight & own & ~pins_diagonal
    while pieces:
        square = lowest(pieces)
        line = pins_straight if bit(square) & pins_straight else ALL
        end = _write(moves, end, square, rook_attacks(square, occupied) & targets & line)
        pieces = rest(pieces)
    return _pawns(boards, n, moves, end, which, evades, pins_straight, pins_diagonal)


@lean
def _pawns(
    boards: Boards,
    n: int,
    moves: Moves,
    end: int,
    which: int,
    evades: Bits,
    pins_straight: Bits,
    pins_diagonal: Bits,
) -> int:
    """The moves of pawns, all of them at once: a set of pawns is moved by a shift."""
    turn = number(boards[n, TURN])
    own, enemy = boards[n, COLOURS + turn], boards[n, COLOURS + 1 - turn]
    free = ~(own | enemy)
    pawns = boards[n, PAWN] & own

    forward = 8 - 16 * turn

    walkers = pawns & ~pins_diagonal
    steps = (ahead(walkers & ~pins_straight, turn) | (ahead(walkers & pins_straight, turn) & pins_straight)) & free
    if which & QUIETS:
        third_rank = np.uint64(0x0000_0000_00FF_0000) if turn == 0 else np.uint64(0x0000_FF00_0000_0000)
        twice = ahead(steps & third_rank, turn) & free & evades
        end = _write_pawns(moves, end, twice, 2 * forward, which)
    else:
        steps &= LAST_RANKS
    end = _write_pawns(moves, end, steps & evades, forward, which)

    takers = pawns & ~pins_straight
    victims = enemy & ~boards[n, KING] & evades
    if not which & CAPTURES:
        victims &= LAST_RANKS
    for side in (-1, 1):
        able = takers & (NOT_A_FILE if side < 0 else NOT_H_FILE)
        hits = _shifted(able & ~pins_diagonal, forward + side)
        hits |= _shifted(able & pins_diagonal, forward + side) & pins_diagonal
        end = _write_pawns(moves, end, hits & victims, forward + side, which)

    if which & CAPTURES and boards[n, EN_PASSANT]:
        target = lowest(boards[n, EN_PASSANT])
        takers = pawns & PAWN_ATTACKS[1 - turn, target]
        while takers:
            square = lowest(takers)
            if en_passant_is_safe(boards, n, square, target):
                moves[end] = square | target << 6 | TAKES_EN_PASSANT << 12
                end += 1
            takers = rest(takers)
    return end


@lean
def _shifted(squares: Bits, by: int) -> Bits:
    """The squares so many further on."""
    return squares << np.uint64(by) if by > 0 else squares >> np.uint64(-by)
