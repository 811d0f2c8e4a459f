"""Which application data are meant for, where a person names none: those that can read them, the likeliest first."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sounding.contract.task import Task
from sounding.data.columns import GUESSED, Columns
from sounding.data.sources import Listing, laid_out
from sounding.errors import DataError, UsageError

SEEN = 50
"""Rows of a table that are looked at to see whether their answers are of the task's kind."""


@dataclass(frozen=True)
class Candidate:
    """An application that can read the data: how likely they are meant for it (0 to 1), and why."""

    name: str
    likelihood: float
    reason: str

    def __str__(self) -> str:
        return f"{self.name} ({self.reason})" if self.reason else self.name


def candidates(
    tasks: Mapping[str, type[Task]], path: Path, columns: Columns = GUESSED
) -> tuple[list[Candidate], list[DataError]]:
    """The applications that find rows there, by likelihood and then by how little of a folder they leave unread; and
    why the others find none.
    """
    found: list[tuple[float, int, str, Candidate]] = []
    failures = []
    for name, kind in tasks.items():
        try:
            task = kind().with_data()
            listing = laid_out(task, path, columns)
            likelihood, reason = task.likelihood(listing.rows) if _fits(task, listing) else (0.0, "")
        except UsageError:  # it takes no data, or lacks a package that it needs
            continue
        except DataError as error:
            failures.append(error)
            continue
        how = listing.layout or f"columns {listing.chosen}"
        said = Candidate(name, likelihood, "; ".join(filter(None, (how, reason))))
        found.append((-likelihood, len(listing.ignored), name, said))
    return [candidate for *_, candidate in sorted(found, key=lambda entry: entry[:3])], failures


def _fits(task: Task, listing: Listing) -> bool:
    """Whether most answers of a table look like those of the task; in a layout, and without answers, they do."""
    if listing.chosen is None or listing.chosen.target is None:
        return True
    cells = []
    for i in range(min(SEEN, len(listing.rows))):
        with suppress(DataError):  # a cell that is none
            cells.append(listing.rows[i].target)
    return 2 * sum(map(task.target.accepts, cells)) > len(cells)


def told(found: list[Candidate], taken: Candidate, source: object) -> str:
    """What was taken and why, and what else is possible."""
    said = f"read as {taken.name} reads it: {taken.reason}" if taken.reason else f"read as {taken.name} reads it"
    others = [other for other in found if other.name != taken.name and 2 * other.likelihood >= taken.likelihood > 0]
    if not others:
        return f"{said}; for another application: sounding check NAME {source}"
    return f"{said}; also possible: {', '.join(map(str, others))}: sounding check {others[0].name} {source}"
