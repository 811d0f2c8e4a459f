"""Recorded games of Go: SGF files and folders of them, and tables with a game in each row.

SGF_FILES      the layout: .sgf files with one game or many
RecordedGo     reads a game; learns from all of them of how many lines their boards are
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from sounding.applications.games.shared.recorded_files import Refused, listed
from sounding.applications.games.shared.recorded_rows import RecordedRows
from sounding.contract.layouts import Layout, Listed
from sounding.contract.modality import Modality, Row
from sounding.errors import DataError
from sounding.games.records import sgf
from sounding.games.records.columns import actions_of, in_columns, lines_of
from sounding.games.records.record import LEAST, MOST, komi_of, outcome
from sounding.modalities.boards.recorded import RecordedGame
from sounding.wording import counted

MOVES = ("moves", "sgf", "game")
"""Usual names of the column with the moves, or with the whole game as SGF."""
FACTS = {"result": ("result",), "komi": ("komi",), "size": ("size", "board_size", "lines")}
"""Usual names of columns with what else is told of a game."""
USUAL = (5, 6, 7, 9, 13, 19)
"""Lines of boards that people play on."""


class RecordedGo(RecordedRows):
    """A game of Go: SGF, or a row with `moves` in letter pairs, and with `result`, `komi` and `size` where there are.

    `size` is that of the boards to learn; 0: of those that most of the games have.
    """

    columns = MOVES
    facts = FACTS
    ways = "SGF, or letter pairs such as qddcpp"
    told_by_game = ("size",)

    def __init__(self, size: int, komi: float) -> None:
        self.size, self.komi, self._notes = size, komi, list[str]()

    # ---- which board

    def learn_legend(self, rows: Sequence[Row], folder: Path) -> None:
        """The lines of most boards, where they were not asked for, and the komi of most games."""
        found = [row for row in self.sound_rows(rows) if _has_board(row)]
        sizes, komis = Counter(filter(None, map(_told_size, found))), Counter(map(_told_komi, found))
        untold = [row for row in found if not _told_size(row)]
        if untold:
            needed = max(map(lines_of, untold))
            sizes[next((size for size in USUAL if size >= needed), needed)] += len(untold)
        del komis[""]
        self.size = self.size or (sizes.most_common(1)[0][0] if sizes else 0)
        with suppress(DataError):  # said where the games are read
            self.komi = _komi(komis.most_common(1)[0][0], self.size) if komis else self.komi
        self._notes = [f"boards of {self.size} lines, komi {self.komi:g}, as most of the games have"]

    def notes(self) -> list[str]:
        """Which boards are learnt."""
        return self._notes

    # ---- reading

    def is_written(self, moves: str) -> bool:
        """Whether it is SGF."""
        return moves.lstrip().startswith("(")

    def of_written(self, moves: str) -> Mapping[str, Any]:
        """The columns of the first game of SGF."""
        try:
            return in_columns(next(sgf.games(moves, "")))
        except DataError as error:
            raise DataError(error.what, fix=error.fix) from None

    def game(self, row: Mapping[str, Any]) -> RecordedGame:
        """The game. Raises DataError also for another board than the others have."""
        from sounding.games.go import Go

        size = _told_size(row) or self.size
        if size not in range(LEAST, MOST + 1):
            raise DataError(f"a board of {size} lines", fix=f"Go is learnt on boards of {LEAST} to {MOST} lines")
        if size != self.size:
            fix = f"Leave the game out, or train on these alone: size={size}"
            raise DataError(f"a board of {size} lines, and boards of {self.size} are learnt", fix=fix)
        actions = actions_of(str(row["moves"]), size)
        if not len(actions):
            raise DataError("the game has no move", fix="Leave it out")
        movers = np.arange(len(actions), dtype=np.int8) % 2
        if row.get("movers"):
            movers = np.array(["BW".index(letter) for letter in row["movers"]], np.int8)
        komi = _komi(row.get("komi"), size)
        start = _beginning(Go(size, komi), row, int(movers[0]))
        game, last = Go(size, komi), start.copy()
        if (wrong := game.follow(last, movers, actions)) >= 0:
            what = f"{('Black', 'White')[movers[wrong]]} {game.text(int(actions[wrong]))} is an illegal move"
            fix = "Mend the game, or leave it out; the rules are area scoring with positional superko"
            raise DataError(what, where=f"move {wrong + 1}", fix=fix)
        told = outcome(str(row.get("result") or ""))
        result = np.nan if told.winner is None else float(told.winner)
        score = np.nan if told.margin is None else result * told.margin
        return RecordedGame(start, movers, actions, result, score)


def _beginning(game: Any, row: Mapping[str, Any], first: int) -> np.ndarray:
    """The position [1] before the first move."""
    black, white = (actions_of(str(row.get(colour) or ""), game.size).tolist() for colour in ("black", "white"))
    try:
        if black or white:
            position: np.ndarray = game.setup(black, white, first)
            return position
    except ValueError as error:
        raise DataError(f"the stones that are set up cannot stand so: {error}", fix="Leave the game out") from None
    position = game.start(1)
    if first:
        game.turn(position, first)
    return position


def _komi(cell: Any, size: int) -> float:
    return 0.0 if cell is None or cell != cell else komi_of(str(cell), size)


def _told_size(row: Mapping[str, Any]) -> int:
    """The lines of the board; 0 where they are not told. Raises DataError for no number."""
    try:
        return int(row.get("size") or 0)
    except (TypeError, ValueError):
        raise DataError(f"size {row['size']!r} is no number of lines", fix="Write 9, 13 or 19") from None


def _has_board(row: Mapping[str, Any]) -> bool:
    """Whether a row is of a board that Go is learnt on, or does not tell; what is wrong with it, its reading tells."""
    try:
        return _told_size(row) in (0, *range(LEAST, MOST + 1))
    except DataError:
        return False


def _told_komi(row: Mapping[str, Any]) -> str:
    komi = row.get("komi")
    return "" if komi is None else str(komi)


# ---- files


def _sgf_files(path: Path, input: Modality, target: Modality) -> Listed | None:
    """A row for each game of an .sgf file, or of those in a folder."""
    return listed(path, (".sgf",), _games)


def _games(file: Path, name: str, refused: Refused) -> Iterator[tuple[str, str]]:
    for record in sgf.read(file, refused=refused):
        yield name + record.where.removeprefix(file.name), json.dumps(in_columns(record))


def _told(path: Path, rows: Sequence[Row]) -> Iterator[str]:
    yield f"{counted(len(rows), 'game')} in SGF; main lines, without their variations"


SGF_FILES = Layout("SGF files (.sgf)", _sgf_files, notes=_told)
