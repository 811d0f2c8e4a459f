"""Matches of two players: from each opening two games, in which they change sides, and all games at a time.

A player that fails in a game forfeits that game, and the match goes on: it raises an error, says nothing within its
time, or makes an illegal move.

Legend of shapes: P openings, N positions.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from sounding.arena.pairs import pentanomial
from sounding.games.game import Game, Positions

FORFEIT = -1
"""Any action below 0 says that a player gives a game up."""


class Mover(Protocol):
    """Chooses moves. One that knows why it gave games up lists that in `forfeits`, in the order of the games."""

    @property
    def name(self) -> str:
        """What it is called in tables."""

    def moves(self, game: Game, positions: Positions, rng: np.random.Generator) -> np.ndarray:
        """An action [N] for each of the positions, none of which is of a game that is over; `FORFEIT` gives it up."""


@dataclass(frozen=True)
class PlayedGame:
    """A game of a match, from the view of the one player."""

    opening: int  # which of the openings
    first: bool  # whether the one was the first player (Black in Go)
    points: float  # 1 won, 0.5 a draw, 0 lost
    actions: tuple[int, ...]  # the moves after the opening
    forfeit: str = ""  # who failed, and how; nothing where the game was played to its end


@dataclass(frozen=True)
class Match:
    """Games of `one` against `other`; the two games of an opening stand side by side."""

    one: str
    other: str
    games: tuple[PlayedGame, ...]

    @property
    def pairs(self) -> np.ndarray:
        """Points of the one, [P, 2]: as the first player, and as the second."""
        return np.array([game.points for game in self.games]).reshape(-1, 2)

    @property
    def score(self) -> float:
        """The one's share of the points."""
        return float(self.pairs.mean())

    @property
    def counts(self) -> np.ndarray:
        """[5]: how many pairs gave 0, ½, 1, 1½ and 2 points."""
        return pentanomial(self.pairs)

    @property
    def won_drawn_lost(self) -> tuple[int, int, int]:
        """How many games of the one."""
        won, drawn, lost = ((self.pairs == points).sum() for points in (1, 0.5, 0))
        return int(won), int(drawn), int(lost)

    @property
    def forfeits(self) -> list[str]:
        """What went wrong."""
        return [game.forfeit for game in self.games if game.forfeit]

    def __add__(self, more: Match) -> Match:
        """Both matches, of the same two players. The openings of the second one are counted on."""
        if (self.one, self.other) != (more.one, more.other):
            raise ValueError(f"a match of {self.one} against {self.other} does not go on as one of {more.one}")
        last = 1 + max((game.opening for game in self.games), default=-1)
        later = [
            PlayedGame(last + game.opening, game.first, game.points, game.actions, game.forfeit) for game in more.games
        ]
        return Match(self.one, self.other, (*self.games, *later))


def play_match(
    game: Game,
    one: Mover,
    other: Mover,
    openings: Positions,
    rng: np.random.Generator,
    at_a_time: int = 64,
    seconds: float | None = None,
    progress: Callable[[int, int], None] = lambda done, games: None,
) -> Match:
    """Two games from each of the `openings` [P], `at_a_time` of them advanced together.

    A call of a player that takes more than `seconds` forfeits the games that it was asked about (None: it may take as
    long as it likes; external engines have a limit of their own). `progress` is told how many games have ended.
    """
    games: list[PlayedGame] = []
    whole = max(1, at_a_time // 2)
    for begin in range(0, len(openings), whole):
        tables = _Tables(game, openings[begin : begin + whole], begin)
        while tables.going_on.any():
            for mover, first in ((one, True), (other, False)):
                tables.advance(mover, first, rng, seconds)
            progress(len(games) + int((~tables.going_on).sum()), 2 * len(openings))
        games += tables.games()
    return Match(one.name, other.name, tuple(games))


@dataclass
class _Tables:
    """Games in the air: rows 2 i and 2 i + 1 begin with opening i, and the one is first player in the even rows."""

    game: Game
    openings: Positions
    number: int  # of the first opening
    positions: Positions = field(init=False)
    forfeits: dict[int, tuple[bool, str]] = field(default_factory=dict)  # of a row: whether by the one, and why

    def __post_init__(self) -> None:
        self.positions = np.repeat(self.openings, 2)
        self.one_is_first = np.arange(len(self.positions)) % 2 == 0
        self.actions: list[list[int]] = [[] for _ in self.positions]
        self.going_on = ~self.game.over(self.positions)

    def advance(self, mover: Mover, is_one: bool, rng: np.random.Generator, seconds: float | None) -> None:
        """One move in all games where it is the turn of this player."""
        first_moves = self.game.to_play(self.positions) == 0
        rows = np.flatnonzero(self.going_on & ((first_moves == self.one_is_first) == is_one))
        if not len(rows):
            return
        asked = self.positions[rows]
        moves, why = _answers(self.game, mover, asked, rng, seconds)
        legal = self.game.legal(asked)
        for i, row in enumerate(rows.tolist()):
            move = int(moves[i])
            if move >= self.game.actions or (move >= 0 and not legal[i, move]):
                why[i], move = f"{mover.name} made an illegal move ({self._said(move, asked[i])})", FORFEIT
            if move < 0:
                self.forfeits[row] = is_one, why.get(i, f"{mover.name} gave up")
                self.going_on[row] = False
            else:
                self.actions[row].append(move)
        played = rows[self.going_on[rows]]
        if len(played):
            now = self.positions[played]
            self.game.play(now, np.array([self.actions[row][-1] for row in played]))
            self.positions[played] = now
            self.going_on[played] = ~self.game.over(now)

    def _said(self, move: int, position: np.void) -> str:
        return self.game.text(move, position) if 0 <= move < self.game.actions else str(move)

    def games(self) -> list[PlayedGame]:
        """What came of them."""
        points = (1 + np.where(self.one_is_first, 1, -1) * self.game.results(self.positions)) / 2
        ended = []
        for row, first in enumerate(self.one_is_first.tolist()):
            by_one, why = self.forfeits.get(row, (False, ""))
            won = float(not by_one) if why else float(points[row])
            ended.append(PlayedGame(self.number + row // 2, first, won, tuple(self.actions[row]), why))
        return ended


def _answers(
    game: Game, mover: Mover, positions: Positions, rng: np.random.Generator, seconds: float | None
) -> tuple[np.ndarray, dict[int, str]]:
    """The moves [N], and for some of those that are `FORFEIT`, by their number, why.

    Where a player raises an error, it is asked again about each position by itself: others may be well.
    """
    known = len(getattr(mover, "forfeits", ()))
    answer = _in_time(lambda: np.asarray(mover.moves(game, positions.copy(), rng)), seconds)
    if isinstance(answer, np.ndarray) and answer.shape != positions.shape:
        answer = ValueError(f"{answer.size} moves for {len(positions)} positions")
    if isinstance(answer, np.ndarray):
        told: Sequence[str] = getattr(mover, "forfeits", ())[known:]
        given_up = np.flatnonzero(answer < 0).tolist()
        return answer, dict(zip(given_up, told, strict=False))
    if len(positions) == 1 or isinstance(answer, TimeoutError):
        why = f"{mover.name} failed: {str(answer) or type(answer).__name__}"
        return np.full(len(positions), FORFEIT), dict.fromkeys(range(len(positions)), why)
    moves, reasons = np.full(len(positions), FORFEIT), {}
    for i in range(len(positions)):
        alone, why_not = _answers(game, mover, positions[i : i + 1], rng, seconds)
        moves[i] = alone[0]
        if why_not:
            reasons[i] = why_not[0]
    return moves, reasons


def _in_time(asked: Callable[[], np.ndarray], seconds: float | None) -> np.ndarray | Exception:
    """What is answered, or the error that is raised; a TimeoutError where nothing is said in time.

    A player that hangs is left to itself in a thread of its own.
    """
    answers: list[np.ndarray | Exception] = []

    def ask() -> None:
        try:
            answers.append(asked())
        except Exception as error:  # whatever a player does wrong, the match goes on
            answers.append(error)

    if seconds is None:
        ask()
    else:
        thread = threading.Thread(target=ask, daemon=True)
        thread.start()
        thread.join(seconds)
    return answers[0] if answers else TimeoutError(f"no answer within {seconds:g} s")
