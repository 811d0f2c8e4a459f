"""Recorded games of chess and puzzles: PGN files, and tables with a game or a puzzle in each row.

CHESS_FILES      the layout: PGN files and tables, at any depth, games and puzzles mixed
RecordedChess    reads a game or a puzzle
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sounding.applications.games.shared.recorded_files import Refused, listed
from sounding.applications.games.shared.recorded_rows import RecordedRows
from sounding.contract.inputs import TableCells
from sounding.contract.layouts import Layout, Listed
from sounding.contract.modality import Modality, Row
from sounding.data.tables import SUFFIXES, open_table
from sounding.errors import DataError
from sounding.modalities.boards.recorded import RecordedGame
from sounding.wording import counted

MOVES = ("moves", "pgn", "game")
"""Usual names of the column with the moves in UCI, or with PGN."""
FACTS = {
    "result": ("result",),
    "fen": ("fen",),
    "white_elo": ("white_elo", "whiteelo", "white_rating"),
    "black_elo": ("black_elo", "blackelo", "black_rating"),
    "rating": ("rating", "puzzle_rating"),
    "variant": ("variant",),
}
"""Usual names of columns with what else is told. A table with a FEN and no result holds puzzles."""
RESULTS = {"1-0": 1.0, "0-1": -1.0, "1/2-1/2": 0.0, "½-½": 0.0}
UNFINISHED = ("", "*", "?")
_FIX = "Mend the record, or leave it out"


class RecordedChess(RecordedRows):
    """A game of chess, or a puzzle: PGN, or a row with `moves` in UCI.

    Of a game `result`, `white_elo` and `black_elo` are known where the row tells them. A puzzle begins with its `fen`
    and the other side's move; the solver's moves behind it are learnt, and `rating` is how hard it is.
    """

    columns = MOVES
    facts = FACTS
    ways = "PGN, or moves in UCI such as e2e4 e7e5"
    told_by_game = ("fen",)
    between_moves = " "

    def __init__(self) -> None:
        self.ratings: tuple[int, int] = (0, 0)
        """The least and the largest rating of players that most games lie between; zeros where none is told."""
        self._notes: list[str] = []

    def learn_legend(self, rows: Sequence[Row], folder: Path) -> None:
        """What the rows hold, of which some are looked at: games or puzzles, and the ratings of players."""
        some = list(self.sound_rows(rows))
        puzzles = sum(bool(row.get("puzzle")) for row in some)
        told = [rating for row in some for rating in map(_rating, (row.get("white_elo"), row.get("black_elo")))]
        known = sorted(rating for rating in told if rating)
        if known and len(known) >= len(some) - puzzles:
            least, most = np.quantile(known, (0.01, 0.99))
            self.ratings = int(least), int(most)
        share = puzzles / max(1, len(some))
        holds = "games" if not puzzles else "puzzles" if share == 1 else f"games, and puzzles ({share:.0%} of the rows)"
        rated = f", of players rated {self.ratings[0]:,} to {self.ratings[1]:,}" if self.ratings[1] else ""
        self._notes = [holds + rated]

    def notes(self) -> list[str]:
        """What is learnt from."""
        return self._notes

    # ---- reading

    def of_table(self, told: Sequence[str]) -> Mapping[str, Any]:
        """A table with a FEN and no result holds puzzles."""
        return {"puzzle": 1} if "fen" in told and "result" not in told else {}

    def is_written(self, moves: str) -> bool:
        """Whether it is PGN: it has tags, or numbers of moves."""
        return moves.lstrip().startswith("[") or "." in moves

    def of_written(self, moves: str) -> Mapping[str, Any]:
        """The columns of the first game of PGN."""
        from sounding.games.records import pgn

        try:
            return in_columns(next(pgn.games(moves.splitlines(keepends=True), "")))
        except DataError as error:
            place = error.where.rsplit(", ", 1)[-1] if ", move" in error.where else ""
            raise DataError(error.what, where=place, fix=error.fix) from None

    def game(self, row: Mapping[str, Any]) -> RecordedGame:
        """The game, or the puzzle."""
        from sounding.games.chess import Chess
        from sounding.games.chess.about import About, note

        game = Chess(chess960=bool(row.get("chess960")), claims=False)
        if (variant := str(row.get("variant") or "")).lower() not in ("", "standard", "chess", "chess960"):
            raise DataError(f"the game is {variant}, and no chess", fix="Leave it out")
        start = game.position(str(row["fen"])) if row.get("fen") else game.start(1)
        first, puzzle = int(start["turn"][0]), bool(row.get("puzzle"))
        hard = _rating(row.get("rating")) if puzzle else -1
        ratings = (_rating(row.get("white_elo")), _rating(row.get("black_elo")))
        note(start, About(ratings, hard, int(start["ply"][0])))
        last = start.copy()
        if "actions" in row:
            actions = np.array(str(row["actions"]).split(), np.int64)
            game.follow(last, _movers(first, len(actions)), actions)
        else:
            actions = _followed(game, last, str(row["moves"]))
        if not len(actions) or (puzzle and len(actions) < 2):
            what = "the puzzle has no solution behind the first move" if puzzle else "the game has no move"
            raise DataError(what, fix="Leave it out")
        movers = _movers(first, len(actions))
        if not puzzle:
            return RecordedGame(start, movers, actions, _result(row.get("result")))
        start["marked"] = _touched(game, start, actions)
        return RecordedGame(start, movers, actions, taught=movers != first, puzzle=True)


def _movers(first: int, moves: int) -> np.ndarray:
    return (np.arange(moves, dtype=np.int8) + np.int8(first)) % 2


def _followed(game: Any, position: np.ndarray, moves: str) -> np.ndarray:
    """The actions of moves in UCI. Raises DataError, whose place is the move as people count, for an illegal one."""
    number, mover = int(position["ply"][0]), ("White", "Black")
    try:
        found: np.ndarray = game.follow_written(position, moves)
    except ValueError as error:
        ply = number + error.args[1]
        what = f"{mover[ply % 2]}'s {error.args[0]}"
        raise DataError(what, where=f"move {ply // 2 + 1}", fix=_FIX) from None
    return found


def _touched(game: Any, start: np.ndarray, actions: np.ndarray) -> np.uint64:
    """The squares from and to which a solution's moves lead, but for the other side's first."""
    from sounding.games.chess.layout import LAST

    position, found = start.copy(), 0
    for number, action in enumerate(actions.tolist()):
        game.play(position, [action])
        move = int(game.raw(position)[0, LAST]) & 0xFFFF
        if number:
            found |= 1 << (move & 63) | 1 << (move >> 6 & 63)
    return np.uint64(found)


def _result(cell: Any) -> float:
    """Raises DataError for a word that is no result."""
    word = str(cell or "").strip()
    if word in UNFINISHED or word == "nan":
        return float("nan")
    if word not in RESULTS:
        raise DataError(f"result {word[:20]!r} is none", fix="Write 1-0, 0-1, 1/2-1/2, or * for a game not ended")
    return RESULTS[word]


def _rating(cell: Any) -> int:
    """A rating; 0 where none is told. What cannot be one is none: "?", "unrated", 0."""
    try:
        number = int(float(cell))
    except (TypeError, ValueError, OverflowError):
        return 0
    return number if 0 < number <= 4000 else 0


def in_columns(record: Any) -> dict[str, Any]:
    """The columns of a game from PGN; its moves are actions, since they have been looked at."""
    from sounding.games.chess import Chess
    from sounding.games.chess.fen import written

    fen, tags = written(record.beginning[0]), record.tags
    found = {
        "actions": " ".join(map(str, record.actions)),
        "result": record.result,
        "fen": "" if fen == written(Chess().start(1)[0]) else fen,
        "white_elo": _rating(tags.get("WhiteElo")),
        "black_elo": _rating(tags.get("BlackElo")),
        "chess960": int(record.chess960),
    }
    return {name: value for name, value in found.items() if value}


# ---- files


def _chess_files(path: Path, input: Modality, target: Modality) -> Listed | None:
    """A row for each game or puzzle of a PGN file, or of the PGN files and tables of a folder."""
    return listed(path, (".pgn", *SUFFIXES) if path.is_dir() else (".pgn",), _rows)


def _rows(file: Path, name: str, refused: Refused) -> Iterator[tuple[str, Any]]:
    if not file.name.lower().endswith(".pgn"):
        columns, places = open_table(file, name).cells()
        yield from RecordedChess().assemble(TableCells(name, columns, places, {})).values
        return
    from sounding.games.records import pgn

    for record in pgn.read(file, refused=refused):
        yield name + record.where.removeprefix(file.name), json.dumps(in_columns(record))


def _told(path: Path, rows: Sequence[Row]) -> Iterator[str]:
    yield f"{counted(len(rows), 'game')} or puzzles; main lines, without their variations"


CHESS_FILES = Layout("PGN files (.pgn)", _chess_files, notes=_told, first=True)
