"""How a training speaks to the person who waits for it: a bar on a terminal, next to nothing elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn


class Reporter:
    """Hears of everything that a training does and says nothing; the base of those that do."""

    def __enter__(self) -> Reporter:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def stepped(self, progress: float, loss: float, rate: float) -> None:
        """After each step: the share of the training done, the smoothed loss, and examples per second."""

    def validated(self, row: Mapping[str, Any]) -> None:
        """After each look at the validation rows; `row` is a row of metrics.csv."""

    def say(self, message: str) -> None:
        """Something that the person should know."""


class Lines(Reporter):
    """For logs and pipes: only what the person should know, one line each."""

    def say(self, message: str) -> None:
        """Print to the error stream, where it does not mix with results."""
        print(message, file=sys.stderr, flush=True)


class Bar(Reporter):
    """For terminals: one live line with loss, metric, examples per second and the time left."""

    def __init__(self, title: str) -> None:
        self._metric = ""
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

    def stepped(self, progress: float, loss: float, rate: float) -> None:
        """Move the bar."""
        state = f"loss {loss:.3f}  {self._metric}{rate:,.0f} examples/s"
        self._bar.update(self._task, completed=progress, state=state)

    def validated(self, row: Mapping[str, Any]) -> None:
        """Show the headline metric of the validation rows beside the loss."""
        if row.get("metric") is not None:
            self._metric = f"validation {row['metric']:.3f}  "

    def say(self, message: str) -> None:
        """Print above the bar."""
        self._bar.console.print(message, highlight=False)


def reporter(title: str) -> Reporter:
    """A bar where a person looks on, lines where none does."""
    return Bar(title) if sys.stderr.isatty() else Lines()
