"""Messages on rows, those that say the same taken together: one line with a count and the first places.

Two messages say the same if they differ only in numbers and in what stands in quotes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePath

from sounding.data.report import LISTED, RejectedRow
from sounding.errors import DataError

FEW = 3
"""Up to so many that are alike are told one by one."""
PLACES = 5
"""Places that are named of those that are told together."""

_VARYING = re.compile(r"'[^']*'|\"[^\"]*\"|‘[^’]*’|\d+(?:[.,:×]\d+)*")


@dataclass
class _Kind:
    """Messages that say the same: the first of each place, up to a hundred; `same` until two differ in a number."""

    first: str
    count: int = 0
    same: bool = True
    places: list[tuple[str, str]] = field(default_factory=list)


class Alike:
    """Messages by what they say, in the order in which each was first said."""

    def __init__(self, messages: Iterable[tuple[str, str]] = ()) -> None:
        self._kinds: dict[str, _Kind] = {}
        for where, what in messages:
            self.add(where, what)

    def add(self, where: str, what: str) -> None:
        """Note what is said of a place."""
        kind = self._kinds.setdefault(_VARYING.sub("#", what), _Kind(what))
        kind.count += 1
        kind.same &= what == kind.first
        if len(kind.places) < LISTED:
            kind.places.append((where, what))

    def lines(self, noun: str = "rows") -> Iterator[str]:
        """A line for each message, or for all that say the same where these are more than a few."""
        for kind in self._kinds.values():
            if kind.count <= FEW:
                yield from (f"{where}: {what}" for where, what in kind.places)
            elif kind.same:
                yield f"{kind.count:,} {noun}: {kind.first} ({_places(kind, 0)})"
            else:
                yield f"{kind.count:,} {noun} like {kind.places[0][0]}: {kind.first} (also {_places(kind, 1)})"


def rejections(rejected: Iterable[RejectedRow]) -> Alike:
    """What rejected rows say, with what to do about it."""
    return Alike((row.where, str(DataError(row.what, fix=row.fix))) for row in rejected)


def files_alike(names: Iterable[str]) -> list[str]:
    """File names, those of one folder and one ending taken together where they are more than a few."""
    kinds: dict[tuple[str, str], list[str]] = {}
    for name in names:
        path = PurePath(name)
        kinds.setdefault((str(path.parent), path.suffix.lower()), []).append(name)
    found: list[str] = []
    for (folder, ending), those in kinds.items():
        if len(those) <= FEW:
            found += those
            continue
        some = ", ".join(PurePath(name).name for name in those[:FEW])
        found.append(f"{folder}: {len(those):,} files{' ' * bool(ending)}{ending} ({some}, …)")
    return found


def _places(kind: _Kind, first: int) -> str:
    named = [where for where, _ in kind.places[first : first + PLACES]]
    left = kind.count - first - len(named)
    return ", ".join(named) + (f" and {left:,} more" if left else "")
