"""Positions of recorded games as examples, made when they are asked for.

What is kept of a game is its moves, two bytes each, and where it began, compressed: three million positions of Go on 19
lines take some ten megabytes, and would take twenty thousand if they lay there. A position is played again from the
beginning of its game by the compiled rules, which is quick beside what a network computes of it.

Legend of shapes: N positions, G games, M moves of all games.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from sounding.applications.games.shared.self_play import Ending
from sounding.contract.records import Example
from sounding.games.game import Game
from sounding.modalities.boards.judgement import LOSS, WIN, record
from sounding.modalities.boards.recorded import RecordedGame

TYPICAL = 5_000
"""Positions, at most, of which `targets` are given: they are for answers that look at nothing."""
_SECOND = 1 << 15
"""The bit of a kept move that says that the second player made it."""


class RecordedPositions(Sequence[Example]):
    """The positions before the moves of some games: the move that was played is the answer, and how the game ended.

    An index gives an example, in the group of its game; a slice or a list of indices gives fewer positions of the same
    games. What is not known of a game (who won, whose the points were) is NaN.
    """

    def __init__(self, game: Game, ending: Ending, games: Iterable[RecordedGame]) -> None:
        self.game, self.ending = game, ending
        self._kept = _Kept(game, games)
        self._places = self._kept.taught
        self._target = record(game, ending.territory)

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, int | np.integer):
            return self._example(int(self._places[index]))
        return self._some(self._places[index])

    def again(self, places: np.ndarray, times: int) -> RecordedPositions:
        """These positions, those of them where `places` [N] is True so many times."""
        return self._some(np.repeat(self._places, np.where(places, times, 1)))

    def once(self) -> RecordedPositions:
        """These positions, each one time."""
        return self._some(np.unique(self._places))

    def joined(self, other: RecordedPositions) -> RecordedPositions:
        """These positions and other ones of the same games, in order."""
        return self._some(np.sort(np.concatenate([self._places, other._places])))

    @property
    def puzzles(self) -> np.ndarray:
        """[N]: whether a position is one of a puzzle."""
        return self._kept.puzzles[self._kept.numbers(self._places)]

    @property
    def first_moves(self) -> np.ndarray:
        """[N]: whether a position is the first of its game that is learnt from."""
        numbers = self._kept.numbers(self._places)
        return np.diff(numbers, prepend=-1) != 0

    def spread(self, n: int) -> RecordedPositions:
        """At most `n` of them, evenly spread."""
        every = np.arange(min(n, len(self))) * len(self) // max(1, min(n, len(self)))
        return self._some(self._places[every])

    @property
    def targets(self) -> Sequence[np.void]:
        """The answers of at most `TYPICAL` positions, evenly spread; no position is made for it."""
        return [self._judgement(*self._kept.at(int(place))) for place in self.spread(TYPICAL)._places]

    def _some(self, places: np.ndarray) -> RecordedPositions:
        other = object.__new__(RecordedPositions)
        other.__dict__ |= self.__dict__ | {"_places": places}
        return other

    def _example(self, place: int) -> Example:
        number, move = self._kept.at(place)
        position, judgement = self._kept.position(number, move), self._judgement(number, move)
        if self.game.speaks_of_positions:
            judgement["position"] = position[0]
        return Example(position[0], judgement, f"game {number + 1}")

    def _judgement(self, number: int, move: int) -> np.void:
        """What is to be said of the position before a move, from the view of the player who made it."""
        kept, found = self._kept, np.zeros(1, self._target)
        mover, action = kept.move(number, move)
        sign = 1 - 2 * mover
        found["policy"][0, action] = 1
        result = sign * kept.results[number]
        found["outcome"] = np.nan
        if not np.isnan(result):
            found["outcome"] = 0
            found["outcome"][0, WIN if result > 0 else LOSS if result < 0 else 1] = 1
        for name, value in kept.ending(number, self.ending).items():
            found[name] = sign * value
        return found[0]


class _Kept:
    """The moves of all games, one behind the other, and what is known of each game."""

    def __init__(self, game: Game, games: Iterable[RecordedGame]) -> None:
        self.game = game
        moves, taught, starts = [], [], dict[bytes, int]()
        facts: list[tuple[int, float, float, bool]] = []
        for each in games:
            moves.append((each.actions | _SECOND * (each.movers == 1)).astype(np.uint16))
            taught.append(np.ones(len(each), np.bool_) if each.taught is None else each.taught)
            beginning = starts.setdefault(zlib.compress(each.start.tobytes(), 1), len(starts))
            facts.append((beginning, each.result, each.score, each.puzzle))
        self._moves = np.concatenate(moves) if moves else np.zeros(0, np.uint16)
        self._first = np.cumsum([0, *map(len, moves)])
        self._starts = list(starts)
        self._beginnings = np.array([fact[0] for fact in facts], np.int32)
        self.results = np.array([fact[1] for fact in facts], np.float32)
        self.scores = np.array([fact[2] for fact in facts], np.float32)
        self.puzzles = np.array([fact[3] for fact in facts], np.bool_)
        self.taught = np.flatnonzero(np.concatenate(taught)) if taught else np.zeros(0, np.int64)
        self._endings: dict[int, dict[str, Any]] = {}

    def numbers(self, places: np.ndarray) -> np.ndarray:
        """[N]: the games of places among all moves."""
        return np.searchsorted(self._first, places, side="right") - 1

    def at(self, place: int) -> tuple[int, int]:
        """The game and the move in it of a place among all moves."""
        number = int(np.searchsorted(self._first, place, side="right")) - 1
        return number, place - int(self._first[number])

    def move(self, number: int, move: int) -> tuple[int, int]:
        """Who makes a move, and which it is."""
        kept = int(self._moves[self._first[number] + move])
        return int(kept >= _SECOND), kept & (_SECOND - 1)

    def position(self, number: int, moves: int | None = None) -> np.ndarray:
        """The position [1] of a game after so many moves, with the player to move who makes the next; or its last."""
        first, end = self._first[number], self._first[number + 1]
        played = self._moves[first : end if moves is None else first + moves]
        position = np.frombuffer(zlib.decompress(self._starts[self._beginnings[number]]), self.game.dtype).copy()
        self.game.follow(position, (played >= _SECOND).astype(np.int8), (played & (_SECOND - 1)).astype(np.int64))
        if moves is not None:
            mover, _ = self.move(number, moves)
            if self.game.to_play(position)[0] != mover or self.game.over(position)[0]:
                self.game.turn(position, mover)
        return position

    def ending(self, number: int, ending: Ending) -> dict[str, Any]:
        """What the end of a game says, looked at once."""
        found = self._endings.get(number)
        if found is None:
            found = ending.of_record(self.game, lambda: self.position(number), float(self.scores[number]))
            self._endings[number] = found
        return found
