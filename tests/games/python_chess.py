"""A random game played by our rules and by python-chess at once, compared at each position."""

from __future__ import annotations

import chess
import numpy as np

from sounding.games.chess import Chess

RESULTS = {"1-0": 1, "0-1": -1, "1/2-1/2": 0}


def beginning(rng: np.random.Generator, chess960: bool) -> tuple[Chess, chess.Board]:
    """A starting position, of Chess960 any of them."""
    if not chess960:
        return Chess(claims=False), chess.Board()
    number = int(rng.integers(960))
    return Chess(chess960=True, number=number, claims=False), chess.Board.from_chess960_pos(number)


def beside(rng: np.random.Generator, chess960: bool, most: int = 10_000) -> tuple[int, str]:
    """Play up to so many moves; returns the number of positions that were compared, and how the game ended."""
    game, board = beginning(rng, chess960)
    position, count = game.start(), 0
    while count < most:
        count += 1
        assert game.fen(position[0]) == board.fen(en_passant="legal")
        assert game.to_play(position)[0] == (not board.turn)
        assert min(int(position["repeats"][0]), 2) == board.is_repetition(2) + board.is_repetition(3)
        outcome = board.outcome()
        assert game.over(position)[0] == (outcome is not None)
        actions = np.flatnonzero(game.legal(position)[0]).tolist()
        if outcome is not None:
            assert game.results(position)[0] == RESULTS[outcome.result()]
            assert not actions
            return count, game.reason(position[0])
        texts = [game.text(action, position[0]) for action in actions]
        assert sorted(texts) == sorted(board.uci(move) for move in board.legal_moves)
        chosen = int(rng.integers(len(actions)))
        game.play(position, [actions[chosen]])
        board.push_uci(texts[chosen])
    return count, ""
