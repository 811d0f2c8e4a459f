"""Labels that a teacher has given (`teacher`), as arrays to train from.

Legend of shapes: N labelled positions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from sounding.errors import DataError
from sounding.games.chess.attacks import in_check
from sounding.games.chess.layout import BOARD_WORDS, COLOURS, TURN, Boards
from sounding.games.chess.lines import Walker, written_code
from sounding.games.chess.teacher import shards
from sounding.games.compiled import compiled

WORDS = TURN + 1
"""Words of a board that the network sees: the pieces, and who is to move."""


@dataclass(frozen=True)
class Labels:
    """`boards` [N, 9]: the first words of a board (`layout`); `scores` [N] in centipawns for the player to move;
    `games` [N]: the game that each comes from, numbered through all folders.
    """

    boards: Boards
    scores: NDArray[np.int16]
    games: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.scores)


def read_labels(folders: list[Path], say: Callable[[str], None] | None = None) -> Labels:
    """The quiet ones among the labels of some folders, in order: those that a network can judge at sight.

    Left out are positions in check, those whose best move takes or promotes, and mates. Raises RunError where there are
    no labels, DataError for a shard that is damaged.
    """
    parts, first = [], 0
    for folder in folders:
        highest = first
        for path in shards(folder):
            part = _read(path, first)
            highest = max(highest, 1 + int(part.games.max(initial=0)))
            parts.append(part)
        first = highest
        if say:
            say(f"{folder}: {sum(map(len, parts)):,} quiet positions so far")
    return Labels(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("boards", "scores", "games")))


def _read(path: Path, first: int) -> Labels:
    try:
        table = pq.read_table(path, columns=["game", "moves", "score", "mate", "best"])
        walker = Walker()
        boards = np.zeros((len(table), BOARD_WORDS), np.uint64)
        codes = np.zeros(len(table), np.uint16)
        for k, (line, best) in enumerate(zip(table["moves"].to_pylist(), table["best"].to_pylist(), strict=True)):
            boards[k] = walker.go_to(line)
            codes[k] = written_code(best)
    except (OSError, KeyError, ValueError, pa.ArrowException) as error:
        what = f"the labels are damaged ({str(error).splitlines()[0]})"
        raise DataError(
            what, where=str(path), fix="Delete the file, and let the teacher label its games again"
        ) from None
    scores = table["score"].to_numpy().astype(np.float64)  # not a number where there is a mate
    keep = _quiet(boards, codes) & ~np.isnan(scores)
    limits = np.iinfo(np.int16)
    whole = np.clip(np.nan_to_num(scores), limits.min, limits.max).astype(np.int16)
    games = table["game"].to_numpy().astype(np.int32) + np.int32(first)
    return Labels(boards[keep, :WORDS], whole[keep], games[keep])


@compiled
def _quiet(boards: Boards, codes: NDArray[np.uint16]) -> NDArray[np.bool_]:
    """[N]: whether the player to move is not in check, and the move neither takes nor promotes."""
    found = np.zeros(len(boards), np.bool_)
    for n in range(len(boards)):
        target = np.uint64(codes[n]) >> np.uint64(6) & np.uint64(63)
        occupied = boards[n, COLOURS] | boards[n, COLOURS + 1]
        takes = occupied >> target & np.uint64(1) != 0
        found[n] = not takes and codes[n] >> 12 == 0 and not in_check(boards, n)
    return found
