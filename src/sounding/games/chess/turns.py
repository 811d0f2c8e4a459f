"""Games: what is legal, what a move changes, and how it ends. Compiled, over arrays of positions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sounding.games.chess.actions import action_of
from sounding.games.chess.attacks import in_check
from sounding.games.chess.bits import number, rest
from sounding.games.chess.layout import (
    BISHOP,
    CASTLES,
    CHECKMATE,
    CLOCK,
    DEAD,
    END,
    GOES_ON,
    HISTORY,
    KEY,
    KNIGHT,
    LAST,
    LONGEST,
    MOST_MOVES,
    PAWN,
    QUEEN,
    REPEATED,
    REPEATS,
    ROOK,
    SINCE,
    STALEMATE,
    TURN,
    UNPROGRESSIVE,
    Boards,
    Moves,
)
from sounding.games.chess.making import make
from sounding.games.chess.moves import generate
from sounding.games.compiled import compiled, lean
from sounding.games.hashes import mixed

DARK_SQUARES = np.uint64(0xAA55_AA55_AA55_AA55)


def draws(claims: bool) -> tuple[int, int]:
    """How often a position was there before, and half-moves without progress, that make a draw: claimed, or by law."""
    return (2, 100) if claims else (4, LONGEST)


@lean
def is_dead(boards: Boards, n: int) -> bool:
    """Whether no moves whatever lead to a mate, by the pieces alone.

    These are kings, with one knight, or with any number of bishops that are all on squares of one colour.
    """
    if boards[n, PAWN] | boards[n, ROOK] | boards[n, QUEEN]:
        return False
    bishops, knights = boards[n, BISHOP], boards[n, KNIGHT]
    if knights:
        return bool(bishops == 0 and rest(knights) == 0)
    return bool((bishops & DARK_SQUARES) == 0 or (bishops & ~DARK_SQUARES) == 0)


@lean
def repeats(boards: Boards, n: int) -> int:
    """How often the position of row n was there before, as far as its keys are known."""
    count, at = 0, min(number(boards[n, CLOCK]), LONGEST + 4) - 4
    while at >= number(boards[n, SINCE]):
        count += boards[n, HISTORY + at] == boards[n, KEY]
        at -= 2
    return count


@lean
def ending(boards: Boards, n: int, moves: NDArray[np.uint16], repetitions: int, clock: int) -> int:
    """How the game has ended, if after so many repetitions and half-moves it is a draw."""
    if generate(boards, n, moves, 0) == 0:
        return CHECKMATE if in_check(boards, n) else STALEMATE
    if is_dead(boards, n):
        return DEAD
    if number(boards[n, REPEATS]) >= repetitions:
        return REPEATED
    return UNPROGRESSIVE if number(boards[n, CLOCK]) >= clock else GOES_ON


@lean
def note(boards: Boards, n: int) -> None:
    """Note the key of row n."""
    if boards[n, CLOCK] == 0:
        boards[n, SINCE] = 0
    if boards[n, CLOCK] <= LONGEST:
        boards[n, HISTORY + number(boards[n, CLOCK])] = boards[n, KEY]


@lean
def settle(boards: Boards, n: int, moves: NDArray[np.uint16], repetitions: int, clock: int) -> None:
    """Note the key of row n, how often it was there, and whether the game has ended."""
    note(boards, n)
    boards[n, REPEATS] = repeats(boards, n)
    boards[n, END] = ending(boards, n, moves, repetitions, clock)


@compiled
def settle_all(boards: Boards, repetitions: int, clock: int) -> None:
    """The same for all rows."""
    moves = np.empty(MOST_MOVES, np.uint16)
    for n in range(len(boards)):
        settle(boards, n, moves, repetitions, clock)


@compiled
def legal(boards: Boards, out: NDArray[np.bool_]) -> None:
    """[N, A]: the actions that are legal. `out` is False where the game is over."""
    moves = np.empty(MOST_MOVES, np.uint16)
    for n in range(len(boards)):
        if boards[n, END]:
            continue
        turn = number(boards[n, TURN])
        for k in range(generate(boards, n, moves, 0)):
            out[n, action_of(moves[k], turn)] = True


@lean
def find(boards: Boards, n: int, action: int, moves: NDArray[np.uint16]) -> int:
    """The legal move of an action, or −1."""
    if boards[n, END]:
        return -1
    turn = number(boards[n, TURN])
    for k in range(generate(boards, n, moves, 0)):
        if action_of(moves[k], turn) == action:
            return number(moves[k])
    return -1


@compiled
def play(boards: Boards, actions: NDArray[np.int64], repetitions: int, clock: int) -> int:
    """Play all actions [N] and return −1, or none of them and return the first row that forbids its action."""
    moves, found = np.empty(MOST_MOVES, np.uint16), np.empty(len(boards), np.int64)
    for n in range(len(boards)):
        found[n] = find(boards, n, actions[n], moves)
        if found[n] < 0:
            return n
    for n in range(len(boards)):
        _make(boards, n, found[n])
        settle(boards, n, moves, repetitions, clock)
    return -1


@lean
def _make(boards: Boards, n: int, move: int) -> None:
    """Make a move on row n, and note it."""
    last = boards[n, LAST] << np.uint64(16) & np.uint64(0xFFFF_0000) | np.uint64(move)
    make(boards, n, n, move)
    boards[n, LAST] = last


@compiled
def follow(boards: Boards, movers: NDArray[np.int8], actions: NDArray[np.int64], repetitions: int, clock: int) -> int:
    """Play a recorded game on row 0; see `Game.follow`. Where a draw had ended it, people went on."""
    moves = np.empty(MOST_MOVES, np.uint16)
    for k in range(len(actions)):
        boards[0, END] = GOES_ON
        if number(boards[0, TURN]) != movers[k]:
            return k
        move = find(boards, 0, actions[k], moves)
        if move < 0:
            return k
        _advance(boards, move, k == len(actions) - 1, moves, repetitions, clock)
    return -1


@compiled
def follow_written(
    boards: Boards, codes: NDArray[np.uint16], actions: NDArray[np.int64], repetitions: int, clock: int
) -> int:
    """The same of moves as they are written (`lines.written_code`, castling in both ways), filling in the actions."""
    moves = np.empty(MOST_MOVES, np.uint16)
    for k in range(len(codes)):
        boards[0, END] = GOES_ON
        move = find_written(boards, 0, codes[k], moves)
        if move < 0:
            return k
        actions[k] = action_of(move, number(boards[0, TURN]))
        _advance(boards, move, k == len(codes) - 1, moves, repetitions, clock)
    return -1


@lean
def _advance(boards: Boards, move: int, is_last: bool, moves: Moves, repetitions: int, clock: int) -> None:
    """Make a move on row 0. How the game stands is found out behind the last alone, since that takes time."""
    _make(boards, 0, move)
    if is_last:
        settle(boards, 0, moves, repetitions, clock)
    else:
        note(boards, 0)


@lean
def find_written(boards: Boards, n: int, code: int, moves: Moves) -> int:
    """The legal move that is written so, or −1; castling also as the king's move to his rook."""
    count = generate(boards, n, moves, 0)
    for chess960 in range(2):
        for k in range(count):
            move = number(moves[k])
            kind, target = move >> 12, move >> 6 & 63
            if kind == CASTLES and chess960 == 0:
                target = (move & 56) + (6 if target > move & 63 else 2)
            piece = kind if kind < CASTLES else 0
            if move & 63 | target << 6 | piece << 12 == code:
                return move
    return -1


@lean
def keys(boards: Boards, out: NDArray[np.uint64]) -> None:
    """[N]: the board, and how near a draw by repetition or for want of progress is."""
    for n in range(len(boards)):
        out[n] = mixed(boards[n, KEY] ^ mixed(boards[n, CLOCK] * np.uint64(8) + boards[n, REPEATS]))
