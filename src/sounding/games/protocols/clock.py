"""How long a move may be thought about.

Clock    of GTP: main time, then Canadian overtime (so many stones a period)
share    of UCI: what is left, what is added for each move, how many moves are to be made with it
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

MARGIN = 0.2
"""Seconds of each move for what is not thinking: starting, printing, the way of the answer."""
LEAST = 0.02
"""Seconds that are thought at least."""
USED = 0.9
"""Share of a period that is planned for."""
HORIZON = 12
"""Moves for which time is kept back at any moment, however late in the game."""


@dataclass
class _Left:
    """Seconds that a player has, and stones to be played in them (0: main time)."""

    seconds: float
    stones: int


@dataclass
class Clock:
    """The time of both players. Without settings there is no limit."""

    main: float = 0.0
    period: float = 0.0
    stones: int = 0
    is_set: bool = False
    _left: dict[int, _Left] = field(default_factory=dict)

    def set(self, main: float, period: float, stones: int) -> None:
        """Main time, and a period of overtime for so many stones. A period for no stones means no limit."""
        self.main, self.period, self.stones = main, period, stones
        self.is_set = (main > 0 or period > 0) and not (period > 0 and stones == 0)
        self._left = {}

    def tell(self, player: int, seconds: float, stones: int) -> None:
        """What the player has left, as the one who keeps the clock says."""
        self._left[player] = _Left(seconds, stones)

    def spend(self, player: int, seconds: float) -> None:
        """Take off what was used for a move, for those who do not tell it."""
        if not self.is_set:
            return
        left = self._of(player)
        in_overtime = left.stones > 0
        left.seconds -= seconds
        left.stones -= in_overtime
        ended = left.stones == 0 if in_overtime else left.seconds <= 0
        if self.stones > 0 and ended:
            self._left[player] = _Left(self.period, self.stones)

    def allowance(self, player: int, moves_left: int) -> float | None:
        """Seconds for the next move, of a player with about so many more moves; None where there is no limit."""
        if not self.is_set and player not in self._left:
            return None
        left = self._of(player)
        if left.stones > 0:
            share = left.seconds * USED / left.stones
        else:
            share = left.seconds * USED / max(moves_left, HORIZON)
            if self.stones > 0:
                share += self.period * USED / self.stones
        return max(LEAST, share - MARGIN)

    def _of(self, player: int) -> _Left:
        if player not in self._left:
            begins = _Left(self.main, 0) if self.main > 0 else _Left(self.period, self.stones)
            self._left[player] = begins
        return self._left[player]


EXPECTED = 28
"""Moves among which a rest of time is divided, where nothing says how many there are."""
ADDED = 0.8
"""Of what is added for each move, which is planned to be used."""
TIMES = 4.0
"""How often the planned time a move may take at the most."""
KEPT = 0.5
"""Of what is left, which no move uses up; less where it is the last before more time comes."""
SOONEST = 0.005
"""Seconds that are thought where the clock has none."""


class Share(NamedTuple):
    """Seconds after which a move should be made, and after which it has to be."""

    target: float
    most: float


def share(left: float, added: float = 0.0, moves: int | None = None, overhead: float = 0.03) -> Share:
    """What may be used of `left` seconds, of which `moves` moves are to be made; `added` comes with each of them.

    `overhead` are seconds of each move for what is not thinking: starting, printing, the way of the answer.
    """
    usable = max(0.0, left - overhead)
    coming = EXPECTED if moves is None else max(1, min(moves, EXPECTED))
    most = usable * (KEPT if coming > 1 else 1 - KEPT / 5)
    target = usable / coming + ADDED * max(0.0, added - overhead)
    target = min(target, most)
    return Share(max(SOONEST, target), max(SOONEST, min(most, TIMES * target)))
