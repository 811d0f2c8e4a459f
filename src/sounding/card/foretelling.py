"""How long a card will take, and how far its measuring has come.

    foretold   seconds for each section, as its challenge foretells them
    Course     says what is foretold, the section that is measured, the time it took and the time left

A forecast counts forward passes and known limits; it leaves out the work between passes and the noise of the machine,
so it may be off by a factor of two or three either way. The time left is corrected by what the finished sections took.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import perf_counter
from typing import Any

from sounding.evaluation import challenge as challenges
from sounding.evaluation.challenge import Challenge
from sounding.evaluation.context import EvaluationContext
from sounding.training.progress import Heartbeat, Pace
from sounding.wording import duration, roughly

SHORT = 60.0
"""A quick card that takes longer than these seconds is announced as well."""
OFF = 2
"""The factor, either way, that is said of a forecast."""
LEAST = 0.5
"""Seconds that every section is taken to need."""


def foretold(measured: Sequence[Challenge[Any]], context: EvaluationContext) -> dict[str, float]:
    """Seconds for each section; nothing for a model that cannot predict."""
    if not len(context.test):
        return {}
    try:
        return {challenge.id: LEAST + challenges.foretold(challenge, context) for challenge in measured}
    except Exception:  # whatever is wrong with the model or the rows, the sections will say it
        return {}


class Course:
    """Tells `say`, if there is one, where the measuring of `sections` (id → title) stands.

    `kept` are sections that need not be measured again.
    """

    def __init__(
        self,
        sections: Mapping[str, str],
        seconds: Mapping[str, float],
        kept: Collection[str] = (),
        say: Callable[[str], None] | None = None,
    ) -> None:
        self._sections, self._ahead = list(sections), dict(seconds)
        self._kept, self._say = kept, say
        self._started = perf_counter()
        self._expected = self._took = 0.0
        self._now, self._since = "", self._started
        self._pace = Pace(at_once=True)

    def announce(self, profile: str) -> None:
        """Say how long it may take, and what need not be measured again; nothing for a quick card that is short."""
        if self._say is None:
            return
        if self._kept:
            self._say(f"{len(self._kept)} of {len(self._sections)} sections are kept from before")
        whole = sum(seconds for id, seconds in self._ahead.items() if id not in self._kept)
        if self._ahead and (profile != "quick" or whole > SHORT):
            ends = f"{duration(whole / OFF)} to {duration(whole * OFF)}"
            self._say(f"the {profile} card takes {roughly(whole)} ({ends}); a stopped one can go on")

    @contextmanager
    def section(self, id: str, title: str) -> Iterator[Callable[[str], None] | None]:
        """While a section is measured: its place and title where a line is due, or before the first word that it says,
        and every 30 seconds without another.

        Gives what the section is to speak through.
        """
        if self._say is None or id in self._kept:
            yield self._say
            return
        self._now, self._since = id, perf_counter()
        place = f"{self._sections.index(id) + 1} of {len(self._sections)}: {title}"
        with Heartbeat(lambda: self._standing(place), self._say) as heartbeat:
            named = self._pace.due(self._progress())
            if named:
                heartbeat.say(self._standing(place))

            def say(message: str) -> None:
                nonlocal named
                if not named:
                    heartbeat.say(self._standing(place))
                named = True
                heartbeat.say(message)

            yield say

    def ended(self, id: str, seconds: float) -> None:
        """After a section: what it took, which tells how far off the forecast is."""
        self._expected += self._ahead.pop(id, 0.0)
        self._took += seconds
        self._now = ""

    def left(self) -> float | None:
        """Seconds left; None without a forecast, and where the present section has taken longer than foretold."""
        ahead = {id: seconds for id, seconds in self._ahead.items() if id not in self._kept}
        if not ahead or not math.isfinite(sum(ahead.values())):
            return None
        # The first sections are short and say little, so the correction counts ten seconds as forecast.
        correction = (self._took + 10) / (self._expected + 10)
        whole = correction * sum(ahead.values())
        if self._now not in ahead:
            return whole
        spent, foretold = perf_counter() - self._since, correction * ahead[self._now]
        return whole - spent if spent <= max(foretold, LEAST) else None

    def _progress(self) -> float:
        """The share of the way: of the time where it is forecast, else of the sections."""
        if (left := self.left()) is None:
            return self._sections.index(self._now) / len(self._sections)
        return self._took / max(self._took + left, 1e-9)

    def _standing(self, place: str) -> str:
        """Where the measuring is, what it took, and the time left where it can be guessed."""
        taken = perf_counter() - self._started
        said = [f"after {duration(taken)}"] if taken > 1 else []
        if (left := self.left()) is not None:
            said.append(f"{roughly(left)} left")
        return f"{place} ({', '.join(said)})" if said else place
