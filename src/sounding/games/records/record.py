"""One game of Go as it was written down, and played again under the rules.

Actions are numbers, as the rules have them: points row by row from the top left, and a pass as the last.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sounding.errors import DataError
from sounding.games.records import text

if TYPE_CHECKING:
    from sounding.games.go import Go

BLACK, WHITE = 0, 1
LEAST, MOST = 5, 19
"""Lines of a board."""
PASS_PAIR = "--"
"""A pass in a string of moves."""


class Move(NamedTuple):
    """Who moves (0 Black, 1 White), and where."""

    player: int
    action: int


class Result(NamedTuple):
    """Who won (+1 Black, −1 White, 0 nobody, None: not told), and by how many points, where these were counted."""

    winner: int | None
    margin: float | None = None


@dataclass(frozen=True)
class GameRecord:
    """A game: the board, stones that were set up before the first move, the moves, and what is told of it.

    `komi` is None where it is not told. `first` is who is to play first where the record says so. `where` names its
    place in a file.
    """

    size: int
    moves: tuple[Move, ...]
    komi: float | None = None
    black: tuple[int, ...] = ()
    white: tuple[int, ...] = ()
    first: int | None = None
    result: str = ""
    players: tuple[str, str] = ("", "")
    ranks: tuple[str, str] = ("", "")
    date: str = ""
    rules: str = ""
    comments: tuple[str, ...] = ()
    where: str = ""

    @property
    def handicap(self) -> int:
        """Stones of Black that were set up, of a game without white ones; one is none."""
        return len(self.black) if len(self.black) > 1 and not self.white else 0

    @property
    def outcome(self) -> Result:
        """The result as it is told."""
        return outcome(self.result)

    @property
    def starts(self) -> int:
        """Who moves first."""
        if self.moves:
            return self.moves[0].player
        return self.first if self.first is not None else int(self.handicap > 0)

    def game(self, komi: float = 0.0) -> Go:
        """The rules of this game; `komi` where it tells none."""
        from sounding.games.go import Go

        return Go(size=self.size, komi=komi if self.komi is None else self.komi)

    def positions(self, game: Go | None = None) -> Iterator[tuple[np.ndarray, Move]]:
        """Each position [1] with the move that was made in it, in order; positions are copies.

        Raises DataError, which names the move, where the rules forbid it.
        """
        position, game = self.beginning(game), game or self.game()
        for number, move in enumerate(self.moves, 1):
            self._turn(game, position, move, number)
            before = position.copy()
            self._play(game, position, move, number)
            yield before, move

    def beginning(self, game: Go | None = None) -> np.ndarray:
        """The position [1] before the first move. Raises DataError for stones that cannot stand so."""
        game = game or self.game()
        try:
            if self.black or self.white:
                return game.setup(self.black, self.white, self.starts)
        except ValueError as error:
            raise DataError(f"the stones that are set up cannot stand so: {error}", where=self.where) from None
        position = game.start(1)
        if self.starts != BLACK:
            game.turn(position, self.starts)
        return position

    def end(self, game: Go | None = None) -> np.ndarray:
        """The position [1] after the last move. Raises DataError where the rules forbid a move."""
        game = game or self.game()
        position = self.beginning(game)
        for number, move in enumerate(self.moves, 1):
            self._turn(game, position, move, number)
            self._play(game, position, move, number)
        return position

    def _turn(self, game: Go, position: np.ndarray, move: Move, number: int) -> None:
        """Let the one who moves be the one to move, also where two passes have ended the game."""
        if int(game.to_play(position)[0]) != move.player or game.over(position)[0]:
            game.turn(position, move.player)
        if game.over(position)[0]:
            what = f"a game on {game.size} lines is as long as it may be after {number - 1:,} moves"
            raise DataError(what, where=self._place(number), fix="Leave this game out")

    def _play(self, game: Go, position: np.ndarray, move: Move, number: int) -> None:
        try:
            game.play(position, np.array([move.action]))
        except ValueError:
            what = f"{('Black', 'White')[move.player]} {game.text(move.action, position[0])} is an illegal move"
            fix = "Mend the record, or leave this game out; the rules are area scoring with positional superko"
            raise DataError(what, where=self._place(number), fix=fix) from None

    def _place(self, number: int) -> str:
        """How errors call a move."""
        return f"{self.where}, move {number}" if self.where else f"move {number}"


def from_letters(moves: str, size: int, komi: float | None = None, result: str = "", where: str = "") -> GameRecord:
    """A game of SGF letter pairs without separators (`qddc--`), Black first and then in turn; `--` is a pass.

    Raises DataError, which names the move, for what is no point of the board.
    """
    if len(moves) % 2:
        raise DataError(f"{len(moves)} letters are no pairs", where=where, fix="Is the string of moves cut off?")
    found = []
    for number, at in enumerate(range(0, len(moves), 2), 1):
        pair = moves[at : at + 2]
        try:
            place = size * size if pair == PASS_PAIR else text.point(pair, size)
        except DataError as error:
            raise DataError(error.what, where=f"{where}, move {number}" if where else f"move {number}") from None
        found.append(Move((number + 1) % 2, place))
    return GameRecord(size, tuple(found), komi, result=result, where=where)


def outcome(result: str) -> Result:
    """Who won by SGF's RE: B+3.5, W+Resign, 0, Draw, Void, ?"""
    said = result.strip().casefold()
    if said in ("0", "draw", "jigo"):
        return Result(0, 0.0)
    found = re.match(r"(b|w|black|white)\s*\+\s*(\d+(?:[.,]\d+)?)?", said)
    if found is None:
        return Result(None)
    margin = None if found[2] is None else float(found[2].replace(",", "."))
    if margin == 0:
        return Result(0, 0.0)
    return Result(1 if found[1].startswith("b") else -1, margin)


def score_text(score: float) -> str:
    """A score of Black (below 0: of White) as a result is written: B+3.5, W+2, 0."""
    return f"{'B' if score > 0 else 'W'}+{abs(score):g}" if score else "0"


def komi_of(value: str, size: int) -> float:
    """The komi that a record tells. Raises DataError for none that can be.

    Fox writes hundredths (650), and like others it counts stones under Chinese rules, two points each (375, 3.75).
    """
    try:
        komi = float(value.strip().replace(",", "."))
    except ValueError:
        raise DataError(f"komi [{value[:20]}] is no number") from None
    komi = komi / 100 if abs(komi) >= 100 else komi
    komi = 2 * komi if komi % 0.5 == 0.25 else komi
    if not math.isfinite(komi) or abs(komi) > size * size or komi % 0.5:
        raise DataError(f"komi {value.strip()[:20]} cannot be", fix="Komi is given in whole or half points")
    return komi
