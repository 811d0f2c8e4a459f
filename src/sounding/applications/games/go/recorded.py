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
from sounding.contract.inputs import AssembledValues, TableCells
from sounding.contract.layouts import Layout, Listed
from sounding.contract.modality import Modality, Row
from sounding.data.columns import NoColumnError
from sounding.errors import DataError
from sounding.games.records import sgf
from sounding.games.records.columns import actions_of, in_columns, lines_of
from sounding.games.records.record import LEAST, MOST, komi_of, outcome
from sounding.modalities.boards.recorded import RecordedGame, RecordedGames
from sounding.wording import counted

MOVES = ("moves", "sgf", "game")
"""Usual names of the column with the moves, or with the whole game as SGF."""
FACTS = {"result": ("result",), "komi": ("komi",), "size": ("size", "board_size", "lines")}
"""Usual names of columns with what else is told of a game."""
USUAL = (5, 6, 7, 9, 13, 19)
"""Lines of boards that people play on."""
LOOKED_AT = 2_000
"""Games that are looked at to tell how many lines their boards have, at most."""


class RecordedGo(RecordedGames):
    """A game of Go: SGF, or a row with `moves` in letter pairs, and with `result`, `komi` and `size` where there are.

    `size` is that of the boards to learn; 0: of those that most of the games have.
    """

    columns = MOVES

    def __init__(self, size: int, komi: float) -> None:
        self.size, self.komi, self._notes = size, komi, list[str]()

    # ---- which board

    def learn_legend(self, rows: Sequence[Row], folder: Path) -> None:
        """The lines of most boards, where they were not asked for, and the komi of most games."""
        found = list(filter(None, (_sound_columns(rows[number].input) for number in _spread(len(rows)))))
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

    def assemble(self, table: TableCells) -> AssembledValues:
        """A game for each row. Raises DataError where no column holds moves."""
        moves = table.asked.get("input") or next((name for name in MOVES if name in table.columns), "")
        if moves not in table.columns:
            what = f"no column of moves: there are {', '.join(list(table.columns)[:8])}"
            raise NoColumnError(what, where=table.name, fix="Name it: --input COLUMN (SGF letter pairs, or SGF)")
        facts = {fact: next((n for n in names if n in table.columns), "") for fact, names in FACTS.items()}
        used = {"moves": moves, **{fact: name for fact, name in facts.items() if name}}
        rows = zip(*(table.columns[name] for name in used.values()), strict=True)
        cells = [_written(dict(zip(used, row, strict=True))) for row in rows]
        notes = [f"{fact}={name}" for fact, name in used.items() if fact != "moves"]
        return AssembledValues(list(zip(table.places, cells, strict=True)), {"input": moves}, notes)

    def read(self, cell: Any, root: Path = Path()) -> RecordedGame:
        """The game. Raises DataError, which names the move, for a move that is illegal or no point, and for another
        board than the others have.
        """
        if isinstance(cell, DataError):
            raise cell
        try:
            row = _columns(cell)
            if row is None:
                raise DataError(f"{str(cell)[:20]!r} is no game", fix="Give SGF, or letter pairs such as qddcpp")
            return self._game(row)
        except DataError as error:
            what = f"{error.where}: {error.what}" if error.where else error.what
            raise DataError(what, fix=error.fix) from None

    def _game(self, row: Mapping[str, Any]) -> RecordedGame:
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


def _columns(cell: Any) -> Mapping[str, Any] | None:
    """A cell as the columns of a row; None for what is none. Raises DataError for SGF that cannot be read."""
    if isinstance(cell, Mapping):
        return cell if "moves" in cell else None
    if not isinstance(cell, str):
        return None
    if cell.startswith("{"):
        row: dict[str, Any] = json.loads(cell)
        return row
    if cell.lstrip().startswith("("):
        try:
            return in_columns(next(sgf.games(cell, "")))
        except DataError as error:
            raise DataError(error.what, fix=error.fix) from None
    return {"moves": cell}


def _sound_columns(cell: Any) -> Mapping[str, Any] | None:
    """The same without an error: nothing where there is one, of which the reading of the cell tells."""
    try:
        row = _columns(cell)
        return row if row is not None and _told_size(row) in (0, *range(LEAST, MOST + 1)) else None
    except DataError:
        return None


def _written(row: Mapping[str, Any]) -> str | None:
    """A row as one text, a cell; nothing where there are no moves."""
    moves = row["moves"]
    if not isinstance(moves, str) or not moves.strip():
        return None
    if moves.lstrip().startswith("("):
        return moves
    return json.dumps({name: value for name, value in row.items() if value is not None and value == value})


def _told_size(row: Mapping[str, Any]) -> int:
    """The lines of the board; 0 where they are not told. Raises DataError for no number."""
    try:
        return int(row.get("size") or 0)
    except (TypeError, ValueError):
        raise DataError(f"size {row['size']!r} is no number of lines", fix="Write 9, 13 or 19") from None


def _told_komi(row: Mapping[str, Any]) -> str:
    komi = row.get("komi")
    return "" if komi is None else str(komi)


def _spread(n: int) -> range:
    return range(0, n, max(1, n // LOOKED_AT))


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
