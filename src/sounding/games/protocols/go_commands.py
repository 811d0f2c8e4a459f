"""What the protocol has for Go alone: board and komi, handicap, the score, games in files.

Scores are areas of what stands on the board: dead stones have to be captured before both pass, as GNU Go has it with
`--chinese-rules --capture-all-dead`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np

from sounding.errors import SoundingError
from sounding.games.go import Go
from sounding.games.handicap import fixed
from sounding.games.protocols.commands import Commands, number
from sounding.games.protocols.framing import Refusal
from sounding.games.records.record import LEAST, MOST, score_text
from sounding.games.records.sgf import read
from sounding.games.session import Session

STATUSES = ("alive", "dead", "seki", "white_territory", "black_territory")


class GoCommands(Commands):
    """A game of Go in progress, with a thinker."""

    @property
    def go(self) -> Go:
        """The rules of the game in progress."""
        return cast(Go, self.game)

    def do_boardsize(self, words: Sequence[str]) -> str:
        """`boardsize LINES`: a new game on such a board."""
        if len(words) != 1:
            raise Refusal("syntax error")
        size = number(words[0])
        if size % 1 or not LEAST <= size <= MOST:
            raise Refusal("unacceptable size")
        game = replace(self.go, size=int(size))
        if self.thinker.refuses(game):
            raise Refusal("unacceptable size")
        self.session = Session(game)
        return ""

    def do_komi(self, words: Sequence[str]) -> str:
        """`komi POINTS`; the game goes on."""
        if len(words) != 1:
            raise Refusal("syntax error")
        komi = number(words[0])
        if komi * 2 % 1 or abs(komi) > self.go.size**2:
            raise Refusal("syntax error")
        self.session.change(replace(self.go, komi=komi), komi=komi)
        return ""

    # ---- handicap

    def do_fixed_handicap(self, words: Sequence[str]) -> str:
        """`fixed_handicap STONES`: on the points that the protocol names."""
        return self._handicap(self._some(words, exactly=True))

    def do_place_free_handicap(self, words: Sequence[str]) -> str:
        """`place_free_handicap STONES`: where this program likes them, and as many as it likes up to that."""
        return self._handicap(self._some(words, exactly=False))

    def do_set_free_handicap(self, words: Sequence[str]) -> str:
        """`set_free_handicap POINT POINT …`."""
        self._require_empty()
        try:
            points = [self.go.action(word) for word in words]
        except ValueError:
            raise Refusal("bad vertex list") from None
        last = self.go.size**2 - 1
        if not 2 <= len(points) <= last or len(set(points)) < len(points) or max(points) > last:
            raise Refusal("bad vertex list")
        self._handicap(points)
        return ""

    def _some(self, words: Sequence[str], exactly: bool) -> list[int]:
        self._require_empty()
        count = number(words[0]) if len(words) == 1 else -1.0
        if count % 1 or count < 2:
            raise Refusal("invalid number of stones" if len(words) == 1 else "syntax error")
        places = fixed(self.go.size)
        if not places or (exactly and int(count) not in places) or count > self.go.size**2 - 1:
            raise Refusal("invalid number of stones")
        return places[int(count)] if exactly else places[max(n for n in places if n <= count)]

    def _require_empty(self) -> None:
        if self.session.moves or self.go.stones(self.session.position).any():
            raise Refusal("board not empty")

    def _handicap(self, points: Sequence[int]) -> str:
        try:
            self.session = Session(self.game, self.go.setup(points, (), 1))
        except ValueError:
            raise Refusal("bad vertex list") from None
        return " ".join(self.go.text(point) for point in points)

    # ---- the score

    def do_final_score(self, words: Sequence[str]) -> str:
        """`B+3.5`, `W+2` or `0`, with all stones alive."""
        return score_text(float(self.go.score(self.session.position)[0]))

    def do_final_status_list(self, words: Sequence[str]) -> str:
        """`final_status_list alive|dead|seki|white_territory|black_territory`: all stones are alive."""
        if len(words) != 1 or words[0] not in STATUSES:
            raise Refusal("syntax error")
        if words[0] in ("dead", "seki"):
            return ""
        board = self.go.stones(self.session.position).ravel()
        owner = self.go.area(self.session.position)[0]
        wanted = {
            "alive": board != 0,
            "black_territory": (board == 0) & (owner == 1),
            "white_territory": (board == 0) & (owner == -1),
        }[words[0]]
        return " ".join(self.go.text(int(point)) for point in np.flatnonzero(wanted))

    # ---- games in files

    def do_loadsgf(self, words: Sequence[str]) -> str:
        """`loadsgf FILE [MOVE]`: the first game of a file, up to but without that move."""
        path, until = _file(words)
        try:
            record = next(read(path))
            game = record.game(komi=self.go.komi)
            if why := self.thinker.refuses(game):
                raise Refusal(f"cannot load file: {why}")
            record.end(game)  # names the move that is illegal
            session = Session(game, record.beginning(game))
        except SoundingError as error:
            raise Refusal(f"cannot load file: {error}") from None
        for move in record.moves[:until]:
            session.play(move.action, move.player)
        self.session = session
        return ""


def _file(words: Sequence[str]) -> tuple[Path, int | None]:
    """The file that is named, whose name may hold spaces, and how many of its moves are wanted (None: all)."""
    whole = Path(" ".join(words))
    if len(words) > 1 and not whole.exists():
        until = number(words[-1])
        if until % 1 or until < 1:
            raise Refusal("syntax error")
        return Path(" ".join(words[:-1])), int(until) - 1
    if not words:
        raise Refusal("syntax error")
    return whole, None
