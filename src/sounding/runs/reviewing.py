"""Games of chess in files, judged move by move: what was given away, in words and as an annotated PGN.

game.pgn: game 1: Ann – Ben, 1-0
  12… Nf6?? blunder: 62 % → 18 % (+0.80 → -3.10); better d5 exd5 Qxd5
  White: 31 moves, 1 mistake, 24 centipawns a move
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sounding.errors import UsageError
from sounding.games.contest import MATE
from sounding.games.manners import manner_of
from sounding.games.records.chess_record import ChessRecord, Made
from sounding.games.records.pgn import Refused, read
from sounding.games.reviewing import KINDS, Reviewed, Worth, review, summary
from sounding.games.thinking import Limit, Thinker
from sounding.wording import counted, percent

MARKS = {"blunder": "??", "mistake": "?", "inaccuracy": "?!"}
NAGS = {"blunder": 4, "mistake": 2, "inaccuracy": 6}
SHOWN = 6
"""Moves of a better line."""
COLOURS = ("White", "Black")


@dataclass(frozen=True)
class ReviewedGame:
    """A game with what is thought of each of its moves."""

    record: ChessRecord
    moves: tuple[Reviewed, ...]

    def __str__(self) -> str:
        """Its players, the moves that gave something away, and a line on each player."""
        white, black = self.record.players
        lines = [f"{self.record.where}: {white} – {black}, {self.record.result}"]
        lines += [f"  {self._told(move)}" for move in self.moves if move.kind]
        lines += [f"  {COLOURS[player]}: {self._summed(player)}" for player in (0, 1)]
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """The game as a line of JSON: each move with what it and the best one are worth to the player who moved."""
        white, black = self.record.players
        return {
            "game": self.record.where,
            "white": white,
            "black": black,
            "result": self.record.result,
            "moves": [self._facts(move) for move in self.moves],
        }

    def annotated(self) -> ChessRecord:
        """The record with evaluations, marks, and the better lines as variations."""
        made = [self._annotated(old, move) for old, move in zip(self.record.moves, self.moves, strict=True)]
        return replace(self.record, moves=tuple(made))

    def _annotated(self, made: Made, move: Reviewed) -> Made:
        worth = move.worth if move.player == 0 else move.worth.turned()
        noted = [] if worth.centipawns is None or worth.mate is not None else [f"[%eval {worth.centipawns / 100:.2f}]"]
        if not move.kind:
            return replace(made, comment=" ".join([*noted, made.comment]).strip())
        better = tuple(Made(action) for action in move.better[:SHOWN])
        return replace(
            made,
            comment=" ".join([*noted, f"{move.kind}: {_change(move)}", made.remark]).strip(),
            nags=(*made.nags, NAGS[move.kind]),
            variations=(better, *made.variations),
        )

    def _facts(self, move: Reviewed) -> dict[str, Any]:
        manner = manner_of(self.record.game)
        return {
            "move": manner.text(move.action, move.position),
            "kind": move.kind or None,
            "win_rate": round(move.worth.chance, 4),
            "best_win_rate": round(move.best.chance, 4),
            "centipawns": move.worth.centipawns,
            "best_centipawns": move.best.centipawns,
            "better": manner.line(move.position, move.better[:SHOWN]),
        }

    def _told(self, move: Reviewed) -> str:
        manner = manner_of(self.record.game)
        number = int(move.position["ply"][0]) // 2 + 1
        said = f"{number}{'.…'[move.player]} {manner.text(move.action, move.position)}{MARKS[move.kind]}"
        better = " ".join(manner.line(move.position, move.better[:SHOWN]))
        return f"{said} {move.kind}: {_change(move)}; better {better}"

    def _summed(self, player: int) -> str:
        found = summary(self.moves, player)
        parts = [counted(found.moves, "move")]
        parts += [counted(found.kinds[kind], kind) for _, kind in KINDS if found.kinds[kind]]
        if found.centipawns is not None:
            parts.append(f"{found.centipawns:.0f} centipawns lost a move")
        return ", ".join(parts)


def reviewed(
    thinker: Thinker, paths: Sequence[Path], limit: Limit, refused: Refused | None = None
) -> Iterator[ReviewedGame]:
    """The games of PGN files, each move judged by a thinker. `refused` is told of games that cannot be read.

    Raises UsageError for a thinker that plays another game.
    """
    if thinker.game.name != "chess":
        raise UsageError(f"{thinker.name} plays {thinker.game.name}", fix="Games in PGN are judged by a run of chess")
    for path in paths:
        for record in read(path, refused=refused):
            positions = list(record.positions())
            moves = review(thinker, record.game, positions, record.actions, limit)
            yield ReviewedGame(record, tuple(moves))


def _change(move: Reviewed) -> str:
    """From what to what the player's chances fell."""
    change = f"{percent(move.best.chance)} → {percent(move.worth.chance)}"
    points = [_pawns(worth) for worth in (move.best, move.worth)]
    return f"{change} ({' → '.join(points)})" if all(points) else change


def _pawns(worth: Worth) -> str:
    if worth.mate is not None and abs(worth.centipawns or 0) == MATE:
        return f"mate in {worth.mate}" if worth.mate > 0 else f"mated in {-worth.mate}"
    return "" if worth.centipawns is None else f"{worth.centipawns / 100:+.2f}"
