"""How people talk about a game: what the players are called, how moves are typed, what a board looks like, in what file
a game is kept. `manner_of(game)` knows.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np

from sounding.files import write
from sounding.games.diagram import SIGNS, diagram
from sounding.games.game import Game
from sounding.games.records.record import GameRecord, score_text
from sounding.games.records.sgf import save
from sounding.games.session import Session


class Played(NamedTuple):
    """A game to be kept: who played, who won where that is known (+1 the first, 0 nobody, −1), and how it ended."""

    session: Session
    players: tuple[str, str]
    winner: int | None = None
    how: str = ""
    comments: Sequence[str] = ()


class Manner:
    """The manner of games of X and O, in which moves are as `Game.text` writes them."""

    players: tuple[str, str] = (SIGNS[1], SIGNS[-1])
    suffix = ".txt"

    def __init__(self, game: Game) -> None:
        self.game = game

    @property
    def example(self) -> str:
        """A move."""
        return self.game.text(self.game.actions // 2)

    def board(self, session: Session, seen_by: int = 0) -> str:
        """The board as lines of text."""
        return diagram(self.game, session.position, session.last)

    def text(self, action: int, position: np.ndarray) -> str:
        """A move in a position [1]."""
        return self.game.text(action, position[0])

    def action(self, text: str, position: np.ndarray) -> int:
        """The action that a person means. Raises ValueError for what is none, not always for what is not legal."""
        return self.game.action(text, position[0])

    def line(self, position: np.ndarray, actions: Sequence[int]) -> list[str]:
        """Moves that follow each other from a position [1]; those before the first that is illegal."""
        found, now = list[str](), position.copy()
        for action in actions:
            said = self.text(action, now)
            try:
                self.game.play(now, np.array([action]))
            except ValueError:
                break
            found.append(said)
        return found

    def reason(self, session: Session) -> str:
        """How a game has ended, where there is more to say than who has won."""
        return ""

    def save(self, path: Path, games: Sequence[Played]) -> None:
        """Write games, in place of what is there: the moves of each on a line."""
        lines = ["".join(self.game.text(move.action) for move in game.session.moves) for game in games]
        write(path, "".join(f"{line}\n" for line in lines))


class GoManner(Manner):
    """Go: points and passes; counted by area."""

    suffix = ".sgf"

    def reason(self, session: Session) -> str:
        """The points, and how they are counted."""
        return f"{self._points(session)}: area, all stones on the board alive"

    def save(self, path: Path, games: Sequence[Played]) -> None:
        """Write games as SGF."""
        save(path, [self._record(game) for game in games])

    def _points(self, session: Session) -> str:
        from sounding.games.go import Go

        return score_text(float(cast(Go, session.game).score(session.position)[0]))

    def _record(self, played: Played) -> GameRecord:
        from sounding.games.go import Go

        session, game = played.session, cast(Go, played.session.game)
        result = ""
        if session.over:
            result = self._points(session)
        elif played.winner is not None:
            result = f"{'BW'[played.winner < 0]}+R" if played.winner else "0"
        return GameRecord(
            size=game.size,
            moves=session.moves,
            komi=game.komi,
            result=result,
            players=played.players,
            rules="Tromp-Taylor",
            comments=tuple(played.comments) if any(played.comments) else (),
        )


def manner_of(game: Game) -> Manner:
    """The manner of a game."""
    if game.name == "chess":
        from sounding.games.chess.manner import ChessManner

        return ChessManner(game)
    return GoManner(game) if game.name == "go" else Manner(game)
