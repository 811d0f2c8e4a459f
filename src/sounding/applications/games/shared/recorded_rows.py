"""Recorded games in the rows of tables: what their columns are, and how a cell with one of them is read.

A cell is a text that takes little room: the columns of a row as JSON, the moves alone, or a game as people write it
(SGF, PGN). An application says what its columns are called, what a written game looks like, and what a row becomes.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from sounding.contract.inputs import AssembledValues, TableCells
from sounding.contract.modality import Row
from sounding.data.columns import NoColumnError
from sounding.errors import DataError
from sounding.modalities.boards.recorded import RecordedGame, RecordedGames

LOOKED_AT = 2_000
"""Rows that are looked at to tell what the data hold, at most."""
COLUMNS_NAMED = 8
"""Of a table that has no moves."""


class RecordedRows(RecordedGames):
    """A game as its file or its row tells it. A subclass says the words of its game, and makes a game of a row.

    columns       usual names of the column with the moves, or with whole games, in any case
    facts         usual names of the columns with what else is told of a game, by the word that `game` knows it by
    ways          how moves may be written, for errors
    told_by_game  facts that a written game tells itself, whatever stands beside it in the table
    """

    facts: ClassVar[Mapping[str, Sequence[str]]]
    ways: ClassVar[str]
    told_by_game: ClassVar[Sequence[str]] = ()
    between_moves: ClassVar[str] = ""

    # ---- what a subclass says

    @abstractmethod
    def game(self, row: Mapping[str, Any]) -> RecordedGame:
        """The game of a row. Raises DataError, whose place is the move, for what is none."""

    @abstractmethod
    def is_written(self, moves: str) -> bool:
        """Whether this is a game as people write it, and no bare moves."""

    @abstractmethod
    def of_written(self, moves: str) -> Mapping[str, Any]:
        """The columns of a written game. Raises DataError, whose place is the move, where it cannot be read."""

    def of_table(self, told: Sequence[str]) -> Mapping[str, Any]:
        """What holds of all rows of a table, by which facts it tells."""
        return {}

    # ---- tables

    def assemble(self, table: TableCells) -> AssembledValues:
        """A game for each row. Raises DataError where no column holds moves."""
        by_name = {name.lower(): name for name in reversed(list(table.columns))}
        moves = table.asked.get("input") or _first(by_name, self.columns)
        if moves not in table.columns:
            what = f"no column of moves: there are {', '.join(list(table.columns)[:COLUMNS_NAMED])}"
            raise NoColumnError(what, where=table.name, fix=f"Name it: --input COLUMN ({self.ways})")
        facts = {fact: _first(by_name, names) for fact, names in self.facts.items()}
        used = {"moves": moves, **{fact: name for fact, name in facts.items() if name}}
        beside = self.of_table(list(used))
        rows = zip(*(table.columns[name] for name in used.values()), strict=True)
        cells = [self._cell(dict(zip(used, row, strict=True)), beside) for row in rows]
        notes = [f"{fact}={name}" for fact, name in used.items() if fact != "moves"]
        return AssembledValues(list(zip(table.places, cells, strict=True)), {"input": moves}, notes)

    def _cell(self, row: Mapping[str, Any], beside: Mapping[str, Any]) -> str | None:
        """A row as one text; nothing where there are no moves."""
        moves = row["moves"]
        if isinstance(moves, list | tuple | np.ndarray):
            moves = self.between_moves.join(map(str, moves))
        if not isinstance(moves, str) or not moves.strip():
            return None
        kept = {name: value for name, value in row.items() if value is not None and value == value}
        return json.dumps({**kept, "moves": moves, **beside}, default=str)

    # ---- cells

    def read(self, cell: Any, root: Path = Path()) -> RecordedGame:
        """The game. Raises DataError, which names the move, for a move that is illegal or none."""
        if isinstance(cell, DataError):
            raise cell
        try:
            return self.game(self._row(cell))
        except DataError as error:
            what = f"{error.where}: {error.what}" if error.where else error.what
            raise DataError(what, fix=error.fix) from None

    def sound_rows(self, rows: Sequence[Row]) -> Iterator[Mapping[str, Any]]:
        """Some of the rows, evenly spread, as columns; those that are broken are left to `read`, which says why."""
        for number in range(0, len(rows), max(1, len(rows) // LOOKED_AT)):
            try:
                yield self._row(rows[number].input)
            except DataError:
                continue

    def _row(self, cell: Any) -> Mapping[str, Any]:
        """A cell as the columns of a row. Raises DataError for what is none."""
        row = _told(cell)
        if row is None or not ("moves" in row or "actions" in row):
            raise DataError(f"{str(cell)[:20]!r} is no game", fix=f"Give {self.ways}")
        moves = str(row.get("moves") or "")
        if not self.is_written(moves):
            return row
        beside = {name: value for name, value in row.items() if name not in ("moves", *self.told_by_game)}
        return {**self.of_written(moves), **beside}


def _first(by_name: Mapping[str, str], names: Sequence[str]) -> str:
    return next((by_name[name] for name in names if name in by_name), "")


def _told(cell: Any) -> Mapping[str, Any] | None:
    """The columns that a cell tells, as JSON or as moves alone. Raises DataError for JSON that cannot be read."""
    if isinstance(cell, Mapping):
        return cell
    if not isinstance(cell, str):
        return None
    if not cell.lstrip().startswith("{"):
        return {"moves": cell}
    try:
        found: Mapping[str, Any] = json.loads(cell)
    except ValueError as error:
        fix = 'Write the row as JSON, such as {"moves": "…", "result": "…"}, or the moves alone'
        raise DataError(f"{cell[:20]!r} is no JSON: {error}", fix=fix) from None
    return found
