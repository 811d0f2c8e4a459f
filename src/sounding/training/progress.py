"""How work that takes long speaks to the person who waits for it: a bar on a terminal, a line now and again elsewhere.

Standing    where a training is: steps, loss, metric, speed, time left
Reporter    hears of a training; the base of those that say something of it (Bar, Lines), or write it down
Pace        says when a line is due: at each tenth of the way, and every 30 seconds
Heartbeat   says where work stands that does not speak by itself, every 30 seconds
counting    batches that say how many of them are done
"""

from __future__ import annotations

import math
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from sounding.wording import counted, percent, roughly

EVERY = 30.0
"""Seconds after which a line is due, however little was done."""
PARTS = 10
"""A line is due at each of so many parts of the way."""

Say = Callable[[str], None]
Row = TypeVar("Row")


@dataclass(frozen=True)
class Standing:
    """Where a training is.

    `progress` is the share of it that is done, `loss` the smoothed training loss, `rate` examples per second and
    `left` the seconds left, as long as the steps so far took. `steps` is their number in all, or None where the clock
    decides. `metric` names the headline metric, and `value` is what the validation rows gave last (NaN for nothing).
    `epoch` is None where a step is all that there is to count by: a task that plays, or rows that fit a batch.
    `told` is what a task that plays says of its latest round.
    """

    progress: float
    step: int
    steps: int | None
    epoch: float | None
    loss: float
    rate: float
    left: float
    metric: str = ""
    value: float = math.nan
    told: tuple[str, ...] = ()

    def __str__(self) -> str:
        said = [
            self.place,
            *([] if self.epoch is None else [f"epoch {self.epoch:.1f}"]),
            f"loss {self.loss:.3f}",
            *self.measured,
            *self.told,
            f"{self.speed}",
        ]
        return ", ".join([*said, f"{roughly(self.left)} left"] if self.progress < 1 else said)

    @property
    def place(self) -> str:
        """The step, of how many or at which share of the time: "step 120 of 400", "step 120 (30 %)"."""
        return f"step {self.step:,}" + (f" of {self.steps:,}" if self.steps else f" ({percent(self.progress)})")

    @property
    def measured(self) -> list[str]:
        """The headline metric on the validation rows, where there is a value."""
        return [] if math.isnan(self.value) else [f"validation {self.metric} {self.value:.3f}"]

    @property
    def speed(self) -> str:
        """How fast it goes."""
        return f"{self.rate:,.0f} examples/s" if self.rate >= 10 else f"{self.rate:.2g} examples/s"


class Reporter:
    """Hears of everything that a training does and says nothing; the base of those that do."""

    def __enter__(self) -> Reporter:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def stepped(self, standing: Standing) -> None:
        """After each step."""

    def validated(self, row: Mapping[str, Any]) -> None:
        """After each look at the validation rows; `row` is a row of metrics.csv."""

    def say(self, message: str) -> None:
        """Something that the person should know."""


class Pace:
    """When a line is due: whenever a tenth of the way is passed, and when none was said for 30 seconds.

    With `at_once` the first line is due immediately.
    """

    def __init__(self, at_once: bool = False, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._part = clock, -1 if at_once else 0
        self._said = clock()

    def due(self, progress: float) -> bool:
        """Whether to say something now, at this share of the way; who asks says it then."""
        part, now = math.floor(progress * PARTS + 1e-9), self._clock()
        if part <= self._part and now - self._said < EVERY:
            return False
        self._part, self._said = max(part, self._part), now
        return True


class Lines(Reporter):
    """For logs and pipes: a line at each tenth of the way and every 30 seconds, and what the person should know."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._pace = Pace(clock=clock)

    def __enter__(self) -> Lines:
        self._pace = Pace(clock=self._clock)
        return self

    def stepped(self, standing: Standing) -> None:
        """A line where one is due."""
        if self._pace.due(standing.progress):
            self.say(f"  {standing}")

    def say(self, message: str) -> None:
        """Print to the error stream, where it does not mix with results."""
        print(message, file=sys.stderr, flush=True)


class Bar(Reporter):
    """For terminals: one live line with loss, metric, examples per second and the time left."""

    def __init__(self, title: str) -> None:
        self._bar = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("{task.fields[state]}"),
            TimeRemainingColumn(compact=True),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._bar.add_task(title, total=1.0, state="")

    def __enter__(self) -> Bar:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def stepped(self, standing: Standing) -> None:
        """Move the bar."""
        state = "  ".join([f"loss {standing.loss:.3f}", *standing.measured, *standing.told, standing.speed])
        self._bar.update(self._task, completed=standing.progress, state=state)

    def say(self, message: str) -> None:
        """Print above the bar."""
        self._bar.console.print(message, highlight=False)


class Together(Reporter):
    """Several reporters that hear the same."""

    def __init__(self, *reporters: Reporter) -> None:
        self._reporters = reporters

    def __enter__(self) -> Together:
        for reporter in self._reporters:
            reporter.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        for reporter in reversed(self._reporters):
            reporter.__exit__(*error)

    def stepped(self, standing: Standing) -> None:
        """Tell each."""
        for reporter in self._reporters:
            reporter.stepped(standing)

    def validated(self, row: Mapping[str, Any]) -> None:
        """Tell each."""
        for reporter in self._reporters:
            reporter.validated(row)

    def say(self, message: str) -> None:
        """Tell each."""
        for reporter in self._reporters:
            reporter.say(message)


class Heartbeat:
    """Says `line()` whenever 30 seconds passed without a word, from a thread of its own, while it is entered.

    What the work says by itself goes through `say`, so that the two do not talk over each other.
    """

    def __init__(self, line: Callable[[], str], say: Say, every: float = EVERY) -> None:
        self._line, self._say, self._every = line, say, every
        self._said, self._over = time.monotonic(), threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def say(self, message: str) -> None:
        """Pass a message on."""
        self._said = time.monotonic()
        self._say(message)

    def __enter__(self) -> Heartbeat:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._over.wait(max(0.01, self._said + self._every - time.monotonic())):
            if time.monotonic() - self._said >= self._every:
                self.say(self._line())


def counting(batches: Sequence[Sequence[Row]], say: Say | None, doing: str) -> Iterator[Sequence[Row]]:
    """The batches, one after the other; `say` hears how many of their rows are done, whenever a line is due."""
    total, done, pace, started = sum(map(len, batches)), 0, Pace(), time.monotonic()
    for batch in batches:
        yield batch
        done += len(batch)
        if say is not None and pace.due(done / total):
            left = (time.monotonic() - started) / done * (total - done)
            say(f"{doing}: {done:,} of {counted(total, 'row')}" + (f", {roughly(left)} left" if done < total else ""))


def reporter(title: str) -> Reporter:
    """A bar where a person looks on, lines where none does."""
    return Bar(title) if sys.stderr.isatty() else Lines()
