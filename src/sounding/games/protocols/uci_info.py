"""The lines on what was found: info depth 12 seldepth 20 multipv 1 score cp 31 wdl 180 760 60 nodes 9000 … pv e2e4 e7e5

Scores are from the view of the player to move. A thinker that knows a win rate alone is told in centipawns by the
formula of Leela Chess Zero: 111.7 · tan(1.562 · value), of values from -1 to 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from sounding.games.game import Game
from sounding.games.thinking import Candidate, Thought

MOST_CENTIPAWNS = 12_780
DRAWISH = 1.0
"""Davidson's ν: of equal players the share of draws is ν / (2 + ν), a third."""


def infos(game: Game, position: np.ndarray, thought: Thought, lines: int, seconds: float, wdl: bool) -> list[str]:
    """A thought as lines, one for each of the best moves, but none for moves that were not looked at."""
    looked = [move for move in thought.candidates[:lines] if move.visits > 0] or list(thought.candidates[:1])
    return [_info(game, position, thought, move, rank, seconds, wdl) for rank, move in enumerate(looked, 1)]


def _info(
    game: Game, position: np.ndarray, thought: Thought, move: Candidate, rank: int, seconds: float, wdl: bool
) -> str:
    words = [f"info depth {max(1, thought.depth)}"]
    if thought.deepest:
        words.append(f"seldepth {thought.deepest}")
    words.append(f"multipv {rank} score {score(move)}")
    if wdl:
        words.append("wdl {} {} {}".format(*thousandths(move)))
    speed = round(thought.simulations / max(seconds, 1e-3))
    words.append(f"nodes {thought.simulations} nps {speed} time {round(1000 * seconds)}")
    return " ".join([*words, "pv", *texts(game, position, move.line or (move.action,))])


def score(move: Candidate) -> str:
    """`cp 31` or `mate 3`."""
    if move.mate is not None:
        return f"mate {move.mate}"
    return f"cp {centipawns(move)}"


def centipawns(move: Candidate) -> int:
    """The value of a move in centipawns; a win rate is translated."""
    if move.centipawns is not None:
        return move.centipawns
    value = 2 * min(1.0, max(0.0, move.win_rate)) - 1
    return max(-MOST_CENTIPAWNS, min(MOST_CENTIPAWNS, round(111.714640912 * math.tan(1.5620688421 * value))))


def thousandths(move: Candidate) -> tuple[int, int, int]:
    """Wins, draws and losses of a thousand games, as the player to move.

    Draws that a thinker does not know are those of Davidson's model (1970) at its win rate.
    """
    rate = min(1.0, max(0.0, move.win_rate))
    draws = _davidson(rate) if move.draws is None else min(move.draws, 2 * rate, 2 * (1 - rate))
    won = round(1000 * (rate - draws / 2))
    lost = round(1000 * (1 - rate - draws / 2))
    return won, 1000 - won - lost, lost


def _davidson(rate: float) -> float:
    """The probability of a draw where wins, draws and losses are as s², ν s and 1, and a player gets this share."""
    if rate in (0.0, 1.0):
        return 0.0
    half = DRAWISH * (0.5 - rate) / (2 * (1 - rate))
    s = -half + math.sqrt(half * half + rate / (1 - rate))
    return DRAWISH * s / (s * s + DRAWISH * s + 1)


def texts(game: Game, position: np.ndarray, actions: Sequence[int]) -> list[str]:
    """Moves that follow each other from a position [1], in words; those before the first that is illegal."""
    found = list[str]()
    now = position.copy()
    for action in actions:
        said = game.text(action, now[0])
        try:
            game.play(now, np.array([action]))
        except ValueError:
            break
        found.append(said)
    return found
