"""A game of Go as a few short texts: as a row of a table has it, and as a file's games are kept until they are read.

moves            SGF letter pairs without separators, Black first and then in turn; `--` is a pass
size, komi       the lines of the board; may be left out
result           as SGF has it: B+3.5, W+Resign
black, white     letter pairs of stones that stand there before the first move
movers           a letter for each move, B or W, where they do not take turns
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sounding.errors import DataError
from sounding.games.records import text
from sounding.games.records.record import PASS_PAIR, GameRecord

Pairs = NDArray[np.int64]

_LETTERS = np.full(128, -1, np.int64)
_LETTERS[[ord(letter) for letter in text.LETTERS]] = np.arange(len(text.LETTERS))


def in_columns(record: GameRecord) -> dict[str, Any]:
    """The columns of a record, of those that its moves and its result need."""
    alternate = all(move.player == number % 2 for number, move in enumerate(record.moves))
    found = {
        "moves": pairs_of([move.action for move in record.moves], record.size),
        "size": record.size,
        "komi": record.komi,
        "result": record.result,
        "black": pairs_of(record.black, record.size),
        "white": pairs_of(record.white, record.size),
        "movers": "" if alternate else "".join("BW"[move.player] for move in record.moves),
    }
    return {name: value for name, value in found.items() if value not in ("", None)}


def pairs_of(actions: Any, size: int) -> str:
    """Moves or stones as letter pairs."""
    return "".join(text.written(int(action), size) or PASS_PAIR for action in actions)


def actions_of(moves: str, size: int) -> Pairs:
    """[L]: the actions of letter pairs on a board of so many lines.

    Raises DataError, whose place is the move, for what is no point of that board.
    """
    if len(moves) % 2:
        raise DataError(f"{len(moves)} letters are no pairs", fix="Is the string of moves cut off?")
    coordinates = coordinates_of(moves)
    found = coordinates[:, 1] * size + coordinates[:, 0]
    outside = ((coordinates < 0) | (coordinates >= size)).any(axis=1)
    for number in np.flatnonzero(outside).tolist():
        pair = moves[2 * number : 2 * number + 2]
        if pair == PASS_PAIR:
            found[number] = size * size
            continue
        try:
            text.point(pair, size)
        except DataError as error:
            raise DataError(error.what, where=f"move {number + 1}") from None
    return found


def coordinates_of(moves: str) -> Pairs:
    """[L, 2]: column and row of letter pairs; −1 for what is no letter."""
    codes = np.frombuffer(moves[: len(moves) // 2 * 2].encode("ascii", "replace"), np.uint8)
    return _LETTERS[np.minimum(codes, 127)].reshape(-1, 2)


def lines_of(row: Mapping[str, Any]) -> int:
    """The lines of the board as a row tells them, or else as many as its moves need."""
    if row.get("size"):
        return int(row["size"])
    return int(coordinates_of(str(row.get("moves") or "")).max(initial=-1)) + 1
