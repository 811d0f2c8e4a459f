"""How people talk about chess: a board with letters, moves in SAN or UCI, games kept as PGN.

  a  b  c  d  e  f  g  h
8 r  n  b  q  k  b  n  r  8
…
4 .  .  .  . (P) .  .  .  4        the last move led there; its beginning is marked in the same way
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np

from sounding.games.chess import Chess
from sounding.games.chess.actions import action_of
from sounding.games.chess.fen import piece_at
from sounding.games.chess.san import text
from sounding.games.chess.uci import FILES, legal_moves
from sounding.games.manners import Manner, Played
from sounding.games.records.chess_record import RESULTS, ChessRecord, Made
from sounding.games.session import Session


class ChessManner(Manner):
    """The manner of chess."""

    players = ("White", "Black")
    suffix = ".pgn"

    @property
    def example(self) -> str:
        """A move, in both ways of writing."""
        return "Nf3, g1f3"

    def board(self, session: Session, seen_by: int = 0) -> str:
        """The board as this player sees it; capitals are White's."""
        position, marked = session.position[0], self._marked(session)
        ranks, files = range(7, -1, -1), range(8)
        if seen_by == 1:
            ranks, files = range(8), range(7, -1, -1)
        head = "  " + "".join(f" {FILES[file]} " for file in files)
        lines = [head.rstrip()]
        for rank in ranks:
            squares = (8 * rank + file for file in files)
            signs = [(piece_at(position, square) or ".", square in marked) for square in squares]
            line = "".join(f"({sign})" if is_marked else f" {sign} " for sign, is_marked in signs)
            lines.append(f"{rank + 1} {line} {rank + 1}")
        return "\n".join([*lines, head.rstrip()])

    def text(self, action: int, position: np.ndarray) -> str:
        """A legal move in SAN."""
        turn = int(position["turn"][0])
        found = next((move for move in legal_moves(position[0]) if action_of(move, turn) == action), None)
        return self.game.text(action, position[0]) if found is None else text(found, position[0])

    def action(self, text: str, position: np.ndarray) -> int:
        """The action of a legal move in SAN or UCI. Raises ValueError."""
        return self.game.action(text, position[0])

    def reason(self, session: Session) -> str:
        """ "checkmate", "repetition" …"""
        return cast(Chess, session.game).reason(session.position[0])

    def save(self, path: Path, games: Sequence[Played]) -> None:
        """Write games as PGN."""
        from sounding.games.records.pgn import save

        save(path, [self._record(game, number) for number, game in enumerate(games, 1)])

    def _record(self, played: Played, number: int) -> ChessRecord:
        session, winner = played.session, played.winner
        comments = played.comments or [""] * len(session.moves)
        result = next(text for text, who in RESULTS.items() if who == winner)
        tags = {"Date": f"{datetime.date.today():%Y.%m.%d}", "Round": str(number)}
        tags |= dict(zip(("White", "Black"), played.players, strict=True))
        if why := played.how or self.reason(session):
            tags["Termination"] = why
        moves = zip(session.moves, comments, strict=True)
        return ChessRecord(
            tuple(Made(move.action, comment) for move, comment in moves),
            session.beginning,
            tags,
            result,
            chess960=cast(Chess, session.game).chess960,
        )

    def _marked(self, session: Session) -> set[int]:
        """The squares of the last move."""
        if session.last is None:
            return set()
        said = session.game.text(session.last, session.positions[-2][0])
        return {FILES.index(said[at]) + 8 * int(said[at + 1]) - 8 for at in (0, 2)}
