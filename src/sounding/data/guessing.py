"""Which application data are meant for, where a person names none: those that can read them, the likeliest first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sounding.contract.task import Task
from sounding.data.columns import GUESSED, Columns
from sounding.data.sources import laid_out
from sounding.errors import DataError

UNLIKELY = 0.1


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
        task = kind()
        try:
            listing = laid_out(task, path, columns)
            likelihood, reason = task.likelihood(listing.rows)
        except DataError as error:
            failures.append(error)
            continue
        how = listing.layout or f"columns {listing.chosen}"
        said = Candidate(name, likelihood, "; ".join(filter(None, (how, reason))))
        found.append((-likelihood, len(listing.ignored), name, said))
    return [candidate for *_, candidate in sorted(found, key=lambda entry: entry[:3])], failures


def told(found: list[Candidate], taken: Candidate, source: object) -> str:
    """What was taken and why, and what else is possible."""
    said = f"read as {taken.name} reads it: {taken.reason}" if taken.reason else f"read as {taken.name} reads it"
    others = [other for other in found if other.name != taken.name and other.likelihood > UNLIKELY]
    if not others:
        return f"{said}; for another application: sounding check NAME {source}"
    return f"{said}; also possible: {', '.join(map(str, others))}: sounding check {others[0].name} {source}"
