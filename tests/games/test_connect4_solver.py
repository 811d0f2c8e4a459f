"""The solver against plain minimax over strings, and positions of which the value is plain."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from sounding.games.connect4 import Connect4
from sounding.games.connect4_solver import ILLEGAL, Solver
from sounding.games.playouts import Randomly
from sounding.randomness import stream

GAME = Connect4()


def random_positions(n: int, plies: int) -> np.ndarray:
    rng = stream("positions to solve", plies)
    positions = GAME.start(3 * n)
    for _ in range(plies):
        positions = positions[~GAME.over(positions)]
        GAME.play(positions, Randomly().moves(GAME, positions, rng))
    return positions[~GAME.over(positions)][:n]


def lines() -> list[tuple[int, ...]]:
    """The 69 lines of four, as squares 6 · column + row."""
    found = []
    for column in range(7):
        for row in range(6):
            for right, up in ((1, 0), (0, 1), (1, 1), (1, -1)):
                ends = column + 3 * right, row + 3 * up
                if ends[0] < 7 and 0 <= ends[1] < 6:
                    found.append(tuple(6 * (column + k * right) + row + k * up for k in range(4)))
    return found


LINES = lines()


@functools.cache
def minimax(board: str, column: int) -> int | None:
    """The score of a column for the player to move, x or o by how many stones there are, without any cleverness."""
    row = board[6 * column : 6 * column + 6].find(".")
    if row < 0:
        return None
    moves = 42 - board.count(".")
    player = "xo"[moves % 2]
    square = 6 * column + row
    after = board[:square] + player + board[square + 1 :]
    if any(square in line and all(after[k] == player for k in line) for line in LINES):
        return (43 - moves) // 2
    replies = [minimax(after, reply) for reply in range(7)]
    return -max((reply for reply in replies if reply is not None), default=0)


def test_the_board_has_69_lines():
    assert len(LINES) == 69


@pytest.mark.parametrize(("plies", "n"), [(32, 40), (36, 60), (40, 60)])
def test_scores_are_those_of_minimax(plies, n):
    positions = random_positions(n, plies)
    solver = Solver(bits=16)
    scores, outcomes = solver.scores(positions), solver.outcomes(positions)
    for k, stones in enumerate(GAME.stones(positions)):
        board = "".join(".xo"[stone] for stone in stones[::-1].T.ravel())
        expected = [minimax(board, column) for column in range(7)]
        assert scores[k].tolist() == [ILLEGAL if score is None else score for score in expected]
        assert outcomes[k].tolist() == [ILLEGAL if score is None else int(np.sign(score)) for score in expected]


def test_a_table_that_is_far_too_small_changes_nothing():
    positions = random_positions(6, 24)
    assert (Solver(bits=4).scores(positions) == Solver(bits=18).scores(positions)).all()


def test_nothing_is_played_when_the_game_is_over():
    position = GAME.start()
    for move in "DEDEDED":
        GAME.play(position, [GAME.action(move)])
    assert (Solver(bits=4).outcomes(position) == ILLEGAL).all()
