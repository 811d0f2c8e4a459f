"""What was found in the user's data: the rows used, the rows rejected and why, and what looks unusual.

A report is made once, when data are opened. It is written to `data.json` of a run, and the card and `sounding check`
print it. Nothing is dropped without standing here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from sounding.errors import DataError

LISTED = 100
"""How many pairs of duplicates are kept by place; all are counted."""


@dataclass(frozen=True)
class RejectedRow:
    """One row that cannot be used: its place, what was found there, and what to do about it."""

    where: str
    what: str
    fix: str = ""

    def __str__(self) -> str:
        return str(DataError(self.what, where=self.where, fix=self.fix))


@dataclass(frozen=True)
class File:
    """A table that was read, or all files of a folder as one. `digest` is BLAKE2b-128 of the content, in hex."""

    name: str
    rows: int
    bytes: int
    digest: str
    files: int = 1


@dataclass(frozen=True)
class Pairs:
    """`count` pairs of rows, the first hundred by place."""

    count: int = 0
    places: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Duplicates:
    """Rows whose input occurs again. `across` and `near` count the rows of test and validation that are also elsewhere.

    `within`: equal to an earlier row of the same split. `across`: equal to a row of another split. `near`: not equal,
    but looks the same as a row of another split.
    """

    within: Pairs = field(default_factory=Pairs)
    across: Pairs = field(default_factory=Pairs)
    near: Pairs = field(default_factory=Pairs)


@dataclass(frozen=True)
class Report:
    """What was found. `problems` are the reasons why training refuses these data; none means that they are usable."""

    source: str
    """The path as it was given, "demo", or "in memory"."""
    rows: int = 0
    """Rows found, the rejected ones included."""
    splits: Mapping[str, int] = field(default_factory=dict)
    """"train", "validation", "test" → rows used; where documents are learnt from, the windows cut from them."""
    documents: Mapping[str, int] = field(default_factory=dict)
    """The same → documents, or stretches of them; empty where rows are learnt from. `rows` then counts documents."""
    nouns: tuple[str, str] = ("document", "window")
    """What a document is called, and what is cut from it."""
    split_origin: str = ""
    """"given", "hash of content", "hash of group", or "given; test by hash of content"."""
    classes: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Where answers are a finite list: answer → split → rows."""
    amounts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Where an answer holds several classes: class → split → boxes or pixels of it, and "rows" → rows that have it."""
    unit: str = ""
    """What `amounts` counts: "boxes", "pixels"."""
    columns: str = ""
    """"input=image (guessed) target=label (guessed)"; empty for folders."""
    column_names: Mapping[str, str] = field(default_factory=dict)
    """"input", "target", "group", "split" → the name of the column in the tables."""
    digest: str = ""
    """Of all rows that are used, their answers and their splits, whatever their order and wherever the files lie."""
    files: tuple[File, ...] = ()
    rejected: tuple[RejectedRow, ...] = ()
    allow_bad: float | None = None
    """The share of rows that may be rejected; None where nobody said, which is a hundredth, or one row."""
    duplicates: Duplicates = field(default_factory=Duplicates)
    remarks: tuple[str, ...] = ()
    """What looks unusual in rows that are used."""
    ignored: tuple[str, ...] = ()
    """Files that lie in the folder and belong to no row."""
    notes: tuple[str, ...] = ()
    """What was guessed or decided for the user."""
    problems: tuple[str, ...] = ()

    @property
    def used(self) -> int:
        """Rows (or windows) that are in one of the splits."""
        return sum(self.splits.values())

    @property
    def usable(self) -> bool:
        """Whether a training may start on these data."""
        return not self.problems

    def to_json(self) -> dict[str, Any]:
        """The report as data.json holds it."""
        return {**asdict(self), "usable": self.usable}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """The report that gave `values`."""
        plain = {key: value for key, value in values.items() if key != "usable"}
        pairs = {
            key: Pairs(value["count"], tuple((a, b) for a, b in value["places"]))
            for key, value in values["duplicates"].items()
        }
        plain["duplicates"] = Duplicates(**pairs)
        plain["files"] = tuple(File(**file) for file in values["files"])
        plain["rejected"] = tuple(RejectedRow(**rejection) for rejection in values["rejected"])
        for key in ("remarks", "ignored", "notes", "problems"):
            plain[key] = tuple(values[key])
        plain["nouns"] = tuple(values.get("nouns", cls.nouns))  # runs of earlier versions name none
        return cls(**plain)
