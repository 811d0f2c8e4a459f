"""How rows lie in files and folders that are no tables: a task lists the layouts that it reads, in order.

A layout is a function from a path to rows. It only lists: cells are read later, one by one, so what is wrong with a
file rejects its row and no other.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sounding.contract.modality import Modality, Row


def _nothing(path: Path, rows: Sequence[Row]) -> Iterable[str]:
    return ()


@dataclass(frozen=True)
class Listed:
    """Rows of a layout, and the files that were `read` to list them: label files, lists of splits, names of classes."""

    rows: Iterable[Row]
    read: tuple[Path, ...] = ()

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)


@dataclass(frozen=True)
class Layout:
    """One way in which files are laid out.

    `words`: what an error says it looked for ("one folder for each answer").
    `rows(path, input, target)`: the rows of a file or folder laid out so, their `where` beginning with the name of the
    path; None where it is not. `Listed` where files were read that no row names. Raises DataError for one that is laid
    out so, and is broken as a whole.
    `beside`: names of files, in lower case, that explain the rows wherever they lie, and are no leftovers.
    `notes(path, rows)`: what was taken for granted with the rows that were found, to be told.
    `first`: it is looked for ahead of tables, some of which belong to it.
    """

    words: str
    rows: Callable[[Path, Modality, Modality], Iterable[Row] | None]
    beside: tuple[str, ...] = ()
    notes: Callable[[Path, Sequence[Row]], Iterable[str]] = _nothing
    first: bool = False


def split_origin(rows: object) -> str:
    """Where the splits of rows come from, in words, where who listed them chose the splits and says so (`origin`)."""
    return str(getattr(rows, "origin", ""))


class WithLegend(ABC):
    """A target whose cells mean nothing without what lies beside them: class ids need names, colours need ids."""

    @abstractmethod
    def learn_legend(self, rows: Sequence[Row], folder: Path) -> None:
        """Learn how the cells of `rows` are to be read, from these and from the files in the `folder` they come from.

        Called once for data that a task is to be fitted to, before any cell is read; `state` keeps what was learnt.
        """
