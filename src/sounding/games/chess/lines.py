"""Many lines of play from the usual start, in UCI, as boards: millions of them, faster than one by one.

`Walker` follows a line; of the next one it replays only what differs. Compiled where it counts.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from sounding.games.chess.layout import BOARD_WORDS, MOST_MOVES, Boards, Moves
from sounding.games.chess.making import make
from sounding.games.chess.moves import generate
from sounding.games.chess.starts import starting_position
from sounding.games.chess.turns import find_written
from sounding.games.chess.uci import move_text
from sounding.games.compiled import lean

LONGEST = 1_024
"""Half-moves of a line."""
_PIECES = {"": 0, "n": 1, "b": 2, "r": 3, "q": 4}


class Walker:
    """Stands at the end of a line."""

    def __init__(self) -> None:
        self._boards = np.zeros((LONGEST + 1, BOARD_WORDS), np.uint64)
        self._boards[0] = starting_position().view(np.uint64)[:BOARD_WORDS]
        self._moves = np.zeros(MOST_MOVES, np.uint16)
        self._words: list[str] = []

    def go_to(self, line: str) -> NDArray[np.uint64]:
        """The board [16] at its end, a view. Raises ValueError for a line that is too long or not legal."""
        words = line.split()
        if len(words) > LONGEST:
            raise ValueError(f"a line of {len(words):,} half-moves")
        same = 0
        while same < min(len(words), len(self._words)) and words[same] == self._words[same]:
            same += 1
        codes = np.array([written_code(word) for word in words[same:]], np.uint16)
        made = int(_replay(self._boards, same, codes, self._moves)) if len(codes) else 0
        self._words = words[: same + made]
        if made < len(codes):
            raise ValueError(f"move {same + made + 1}, {words[same + made]}, is not legal")
        return self._boards[len(words)]

    def wander(self, steps: int, rng: np.random.Generator) -> str:
        """So many random moves on; the whole line, which is shorter where the game ends."""
        for _ in range(steps):
            ply = len(self._words)
            count = int(generate(self._boards, ply, self._moves, 0))
            if not count or ply == LONGEST:
                break
            move = self._moves[rng.integers(count)]
            make(self._boards, ply, ply + 1, move)
            self._words.append(move_text(int(move)))
        return " ".join(self._words)


def boards_of(lines: Iterable[str]) -> Boards:
    """[N, 16]: the boards at the ends of lines. Fastest where each begins as the one before. Raises ValueError."""
    walker = Walker()
    return np.array([walker.go_to(line).copy() for line in lines], np.uint64).reshape(-1, BOARD_WORDS)


def written_code(word: str) -> int:
    """A move as it is written, as a number: from | to << 6 | piece << 12. Raises ValueError for what is no move."""
    try:
        origin = "abcdefgh".index(word[0]) + 8 * "12345678".index(word[1])
        target = "abcdefgh".index(word[2]) + 8 * "12345678".index(word[3])
        return origin | target << 6 | _PIECES[word[4:]] << 12
    except (IndexError, KeyError, ValueError):
        raise ValueError(f"{word[:20]!r} is no move") from None


@lean
def _replay(boards: Boards, n: int, codes: NDArray[np.uint16], moves: Moves) -> int:
    """Make moves, as they are written, from row n on; returns how many were legal."""
    for k in range(len(codes)):
        move = find_written(boards, n + k, codes[k], moves)
        if move < 0:
            return k
        make(boards, n + k, n + k + 1, move)
    return len(codes)
