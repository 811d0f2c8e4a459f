"""What people see on a chess board, beside python-chess, which looks at each square by itself."""

from __future__ import annotations

import numpy as np
import pytest

from sounding import catalog
from sounding.applications.games.shared.self_play import opened
from sounding.contract.concepts import NOT_ASKED
from sounding.randomness import stream

chess = pytest.importorskip("chess")
WORTH = {chess.PAWN: 1, chess.KNIGHT: 3, chess.BISHOP: 3, chess.ROOK: 5, chess.QUEEN: 9, chess.KING: 100}


@pytest.fixture(scope="module")
def task():
    application = catalog.find("chess")
    return application(application.Recipe.make("tiny"))


@pytest.fixture(scope="module")
def positions(task):
    return opened(task.game, 40, 80, stream("concepts"), least=20)


def check(board: chess.Board, square: int) -> int:
    return board.is_check() if square == board.king(board.turn) else NOT_ASKED


def castling(board: chess.Board, square: int) -> int:
    return board.has_castling_rights(board.turn) if square == board.king(board.turn) else NOT_ASKED


def hanging(board: chess.Board, square: int) -> int:
    piece = board.piece_at(square)
    if piece is None or piece.piece_type == chess.KING:
        return NOT_ASKED
    attackers = [board.piece_type_at(s) for s in board.attackers(not piece.color, square)]
    if not attackers:
        return False
    return not board.attackers(piece.color, square) or min(WORTH[k] for k in attackers) < WORTH[piece.piece_type]


def passed(board: chess.Board, square: int) -> int:
    if board.piece_type_at(square) != chess.PAWN:
        return NOT_ASKED
    colour = board.color_at(square)
    file, rank = chess.square_file(square), chess.square_rank(square)
    ahead = range(rank + 1, 8) if colour == chess.WHITE else range(rank)
    return not any(
        chess.square_rank(other) in ahead and abs(chess.square_file(other) - file) <= 1
        for other in board.pieces(chess.PAWN, not colour)
    )


def mobility(board: chess.Board, square: int) -> int:
    kind = board.piece_type_at(square)
    if board.color_at(square) != board.turn or kind in (chess.PAWN, chess.KING):
        return NOT_ASKED
    moves = sum(move.from_square == square for move in board.legal_moves)
    return (moves > 0) + (moves > 3) + (moves > 7)


def unsafe(board: chess.Board, square: int) -> int:
    if board.piece_type_at(square) != chess.KING:
        return NOT_ASKED
    attacked = sum(board.is_attacked_by(not board.color_at(square), other) for other in board.attacks(square))
    return (attacked > 0) + (attacked > 2)


def material(board: chess.Board, square: int) -> int:
    if square != board.king(board.turn):
        return NOT_ASKED
    own, other = (
        sum(WORTH[kind] * len(board.pieces(kind, colour)) for kind in WORTH) for colour in (board.turn, not board.turn)
    )
    return int(np.sign(own - other)) + 1


@pytest.mark.parametrize("told", [check, castling, hanging, passed, mobility, unsafe, material])
def test_squares_are_labelled_as_an_independent_board_sees_them(task, positions, told):
    (concept,) = (concept for concept in task.concepts if concept.id == told.__name__)
    found = concept.labels(list(positions))
    assert found.shape == (len(positions), 64)
    for position, labels in zip(positions, found, strict=True):
        board = chess.Board(task.game.fen(position))
        squares = [
            square ^ 56 if board.turn else square for square in range(64)
        ]  # from the top left, as who moves sees
        assert labels.tolist() == [int(told(board, square)) for square in squares]
    assert len(np.unique(found)) > 2, "both answers are seen"


def test_a_control_task_tells_kinds_of_pieces_apart_as_who_is_to_move_sees_them(task):
    start = task.game.start(1)
    after = start.copy()
    task.game.play(after, [task.game.action("g1f3", start[0])])
    task.game.play(after, [task.game.action("g8f6", after[0])])
    task.game.play(after, [task.game.action("f3g1", after[0])])
    task.game.play(after, [task.game.action("f6g8", after[0])])
    kinds = [concept.kinds([value])[0] for concept in task.concepts for value in (start[0], after[0])]
    assert all(np.array_equal(kinds[0], other) for other in kinds)
    black = task.game.start(1)
    task.game.play(black, [task.game.action("a2a3", black[0])])
    seen = task.concepts[0].kinds([black[0]])[0].reshape(8, 8)
    assert np.array_equal(seen[5:], kinds[0].reshape(8, 8)[5:]), "Black sees his pieces as White sees his"
    assert len(np.unique(seen[7])) > 5, "a rook in its corner is another sign than a king"


def test_chess960_begins_from_other_arrangements_and_castles(task):
    game = task.variants()["Chess960"]
    begun = game.start(20)
    ranks = {game.fen(position).split("/")[0] for position in begun}
    assert len(ranks) == 20
    assert "rnbqkbnr" not in ranks
    for position in begun:
        board = chess.Board(game.fen(position), chess960=True)
        assert board.is_valid()
        assert board.chess960_pos() is not None
