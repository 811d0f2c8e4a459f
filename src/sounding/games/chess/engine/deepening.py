"""A search deeper and deeper: what is found at one depth orders the moves of the next, and it can end at any time.

Each depth begins with a narrow window around the score of the last (aspiration), which is widened where the score is
outside. Of several lines each is searched without the first moves of those before it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from sounding.games.chess import layout
from sounding.games.chess.engine.memory import MATE, MATES, NO_MOVE, PLIES, forget_lines, new_work
from sounding.games.chess.engine.search import search
from sounding.games.chess.engine.table import AGES, new_table
from sounding.games.chess.nnue.network import UNITS, Net

DEEPEST = 100
"""Half-moves that are searched at most before lines are lengthened."""
WINDOW = 18
"""Centipawns around the last score, at first."""
NARROW_FROM = 5
"""The depth from which scores are steady enough for a window."""
ENDLESS = 1 << 62


@dataclass(frozen=True)
class Line:
    """The best moves of both players, as codes, and their score for the player to move."""

    score: int
    moves: tuple[int, ...]
    nodes: int

    @property
    def mate(self) -> int | None:
        """In how many moves of the player to move it is mate, below 0 against him; None where it is not."""
        if abs(self.score) < MATES:
            return None
        away = (MATE - abs(self.score) + 1) // 2
        return away if self.score > 0 else -away


@dataclass(frozen=True)
class Found:
    """What was found at a depth: the lines, best first. Where the search was stopped within it, only the first may be
    of this depth.
    """

    depth: int
    deepest: int
    nodes: int
    lines: tuple[Line, ...]


class Deepening:
    """Searches, and remembers from one search to the next what may help. One search at a time."""

    def __init__(self, net: Net, megabytes: int) -> None:
        self.net = net
        self.table = new_table(megabytes)
        self.work = new_work()
        self._boards = np.zeros((PLIES + 2, layout.BOARD_WORDS), np.uint64)
        self._moves = np.zeros(PLIES * layout.MOST_MOVES, np.uint16)
        self._accumulators = np.zeros((PLIES + 2, 2, UNITS), np.int16)
        self._views = np.zeros((PLIES + 2, 2), np.int8)
        self._stopping = threading.Event()
        self._may_stop = False

    def stop(self) -> None:
        """End the search, which gives what it has found, at the latest after its first depth. From any thread."""
        self._stopping.set()
        if self._may_stop:
            self.work["stop"] = 1

    def run(
        self,
        record: np.ndarray,
        moves: Sequence[int],
        *,
        lines: int,
        nodes: int | None,
        depth: int | None,
        told: Callable[[Found], bool],
    ) -> None:
        """Search the position `record` [words] for the best of `moves`, until `told` is given what says enough.

        `told` is called after each depth, and after a search that was stopped; it returns whether to go on.
        """
        self._begin(record)
        limited = len(moves) < self._legal()
        former: tuple[Line, ...] = ()
        for now in range(1, min(depth or DEEPEST, DEEPEST) + 1):
            self.work["most_nodes"] = ENDLESS if nodes is None or now == 1 else nodes
            self.work["stop"] = 0
            self._may_stop = now > 1
            if self._may_stop and self._stopping.is_set():
                return
            found, is_whole = self._depth(now, moves, min(lines, len(moves)), former, limited)
            if found:
                former = found
                result = Found(now, int(self.work["deepest"][0]), int(self.work["nodes"][0]), found)
                if not told(result) or not is_whole:
                    return
            if not is_whole:
                return

    def _begin(self, record: np.ndarray) -> None:
        self._may_stop = False
        self._stopping.clear()
        forget_lines(self.work)
        self.work["age"] = (self.work["age"] + 1) % AGES
        self._boards[0] = record[: layout.BOARD_WORDS]
        self.work["past"][0] = record[layout.HISTORY :]
        self.work["past_from"] = record[layout.SINCE]
        self._views[:] = 0

    def _legal(self) -> int:
        from sounding.games.chess.moves import generate

        return int(generate(self._boards, 0, self._moves, 0))

    def _depth(
        self, depth: int, moves: Sequence[int], count: int, former: tuple[Line, ...], limited: bool
    ) -> tuple[tuple[Line, ...], bool]:
        """The lines of a depth, best first, and whether it was searched to the end."""
        found: list[Line] = []
        for number in range(count):
            taken = {line.moves[0] for line in found}
            last = former[number].score if number < len(former) else 0
            line = self._line(depth, [move for move in moves if move not in taken], last, limited or number > 0)
            if line is not None:
                found.append(line)
            if self.work["stop"][0]:
                kept = [old for old in former if old.moves[0] not in {line.moves[0] for line in found}]
                return tuple(found + kept[: count - len(found)]), False
        return tuple(sorted(found, key=lambda line: -line.score)), True

    def _line(self, depth: int, moves: Sequence[int], last: int, limited: bool) -> Line | None:
        """The best line that begins with one of the moves; None where the search was stopped before there was one."""
        self.work["root_moves"][0, : len(moves)] = moves
        self.work["root_count"], self.work["limited"] = len(moves), limited
        before = int(self.work["nodes"][0])
        width = WINDOW if depth >= NARROW_FROM and abs(last) < MATES else 2 * MATE
        low, high = max(last - width, -MATE), min(last + width, MATE)
        above: Line | None = None
        while True:
            score = self._search(depth, low, high)
            if self.work["stop"][0]:
                score = int(self.work["root_score"][0])
                return self._read(score, before) or above
            if low < score < high or (score <= low == -MATE) or (score >= high == MATE):
                break
            width *= 2
            if score <= low:
                low, high = max(score - width, -MATE), (low + high) // 2
            else:
                above = self._read(score, before)
                high = min(score + width, MATE)
        return self._read(score, before)

    def _read(self, score: int, before: int) -> Line | None:
        """The line that the search has written down, where there is one; `before` are the nodes until it began."""
        length = int(self.work["line_length"][0, 0])
        if not length:
            return None
        codes = tuple(self.work["line"][0, 0, :length].tolist())
        return Line(score, codes, int(self.work["nodes"][0]) - before)

    def _search(self, depth: int, low: int, high: int) -> int:
        return int(
            search(
                self._boards,
                0,
                self._moves,
                0,
                self.work,
                self.table,
                self.net,
                self._accumulators,
                self._views,
                depth,
                low,
                high,
                NO_MOVE,
            )
        )
