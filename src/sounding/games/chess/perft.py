"""Perft: the number of lines of play of a length, by which rules are compared. Compiled.

Source: https://www.chessprogramming.org/Perft_Results
"""

from __future__ import annotations

import numpy as np

from sounding.games.chess.layout import BOARD_WORDS, MOST_MOVES, Boards, Moves
from sounding.games.chess.making import make
from sounding.games.chess.moves import generate
from sounding.games.compiled import lean


def perft(board: Boards, depth: int) -> int:
    """How many lines of so many half-moves lead from a `board` [1, words]. Draws by rule end no line."""
    if depth < 1:
        return 1
    stack = np.zeros((depth + 1, BOARD_WORDS), np.uint64)
    stack[0] = board[0, :BOARD_WORDS]
    return int(_count(stack, 0, depth, np.zeros(depth * MOST_MOVES, np.uint16), 0))


def divide(board: Boards, depth: int) -> dict[int, int]:
    """The same for each first move, by its code: where two programs differ, this says in which line."""
    stack = np.zeros((2, BOARD_WORDS), np.uint64)
    stack[0] = board[0, :BOARD_WORDS]
    moves = np.zeros(MOST_MOVES, np.uint16)
    counts = {}
    for move in moves[: generate(stack, 0, moves, 0)].tolist():
        make(stack, 0, 1, move)
        counts[move] = perft(stack[1:], depth - 1)
    return counts


@lean
def _count(boards: Boards, n: int, depth: int, moves: Moves, first: int) -> int:
    """The lines from row n; moves of the last depth are counted and not made."""
    end = generate(boards, n, moves, first)
    if depth == 1:
        return end - first
    total = 0
    for k in range(first, end):
        make(boards, n, n + 1, moves[k])
        total += _count(boards, n + 1, depth - 1, moves, end)
    return total
