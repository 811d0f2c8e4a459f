"""Which column of a table is the input, which the answer, which the group, which the split: guessed, then announced.

A column is guessed by the names that its modality usually has, if its cells look right; else by its cells, if only one
column fits. Where that is ambiguous nothing is guessed: the error shows the columns and how to name one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from sounding.contract.file_names import Spellings
from sounding.contract.modality import Modality, kind_name
from sounding.contract.split_names import Shares, shares_in, split_named
from sounding.data.record import RowRecord
from sounding.data.rows import blank
from sounding.data.tables import Table
from sounding.errors import DataError, did_you_mean

GROUPS = (
    *("group", "group_id", "patient", "patient_id", "patientid", "speaker", "speaker_id", "client_id", "subject"),
    *("subject_id", "person", "person_id", "user", "user_id", "author", "author_id", "document", "document_id"),
    *("doc_id", "source_id", "session", "session_id", "family", "pair"),
)
"""Usual names of what must not be torn apart."""


class NoColumnError(DataError):
    """No column of a table holds what is looked for."""


@dataclass(frozen=True)
class Columns:
    """The columns that the user named; None leaves a column to be guessed.

    In place of the column of splits may stand the sizes of those that the data do not give ("70/15/15"), or a run
    folder whose rows keep their splits.
    """

    input: str | None = None
    target: str | None = None
    group: str | None = None
    split: str | None = None

    @property
    def shares(self) -> Shares | None:
        """The sizes of the splits, where they were named. Raises UsageError for sizes that cannot be."""
        return None if self.split is None else shares_in(self.split)

    @cached_property
    def record(self) -> RowRecord | None:
        """The rows of the run whose splits are to be kept, where one was named."""
        return None if self.split is None or self.shares else RowRecord.load(Path(self.split))

    @property
    def split_column(self) -> str | None:
        """The column of splits, where one was named."""
        return None if self.shares or self.record else self.split


GUESSED = Columns()
"""No column is named: all are guessed."""


@dataclass(frozen=True)
class Chosen:
    """The columns that are used; no target for rows without answers.

    `guessed` holds the roles that the user did not name.
    """

    input: str
    target: str | None = None
    group: str | None = None
    split: str | None = None
    guessed: frozenset[str] = field(default_factory=frozenset)

    @property
    def names(self) -> dict[str, str]:
        """Role → column, for the roles that have one."""
        roles = {"input": self.input, "target": self.target, "group": self.group, "split": self.split}
        return {role: name for role, name in roles.items() if name is not None}

    def __str__(self) -> str:
        said = (f"{role}={name}{' (guessed)' if role in self.guessed else ''}" for role, name in self.names.items())
        return " ".join(said)


def choose(asked: Columns, table: Table, input: Modality, target: Modality) -> Chosen:
    """The columns of `table` to use. Raises DataError for a name that is not there and where no guess is safe."""
    _check_asked(table, asked.input, asked.target, asked.group, asked.split_column)
    samples = _samples(table)
    if asked.input is None and asked.target is None:
        _check_header(table, samples, input, target)
    split = asked.split_column or _split_column(samples, {asked.input, asked.target, asked.group})
    taken = {asked.input, asked.target, asked.group, split}
    found_input = asked.input or _by_name(samples, input, taken)
    found_target = asked.target or _by_name(samples, target, {*taken, found_input})
    groups = _groups(samples)
    taken |= {found_input, found_target, *groups}
    if found_input is None:
        found_input = _by_cells(table, samples, input, "input", taken)
    if found_target is None:
        found_target = _by_cells(table, samples, target, "target", {*taken, found_input})
    if input.written and asked.input is None and asked.target is None:
        _check_swapped(table, samples, found_input, found_target)
    group = asked.group or next((name for name in groups if name not in (found_input, found_target)), None)
    return _said(Chosen(found_input, found_target, group, split), asked)


def choose_document(asked: Columns, table: Table, input: Modality) -> Chosen:
    """The columns of a table of documents, which have no answers. Raises DataError as `choose` does."""
    _check_asked(table, asked.input, asked.group, asked.split_column)
    samples = _samples(table)
    if asked.input is None:
        _check_header(table, samples, input, input)
    split = asked.split_column or _split_column(samples, {asked.input, asked.group})
    groups = _groups(samples)
    found = asked.input or _by_name(samples, input, {asked.group, split})
    if found is None:
        found = _by_cells(table, samples, input, "input", {asked.group, split, *groups})
    group = asked.group or next((name for name in groups if name != found), None)
    return _said(Chosen(found, None, group, split), asked)


def choose_input(asked: Columns, table: Table, input: Modality, target: Modality) -> tuple[Chosen, str | None]:
    """The input column of a table to be labelled, and the column of answers that is there all the same."""
    _check_asked(table, asked.input)
    samples = _samples(table)
    if asked.input is None:
        _check_header(table, samples, input, target)
    found = asked.input or _by_name(samples, input, {asked.target})
    answers = asked.target if asked.target in samples else _by_name(samples, target, {found})
    if found is None:
        taken = {answers, *_groups(samples), _split_column(samples, {answers})}
        found = _by_cells(table, samples, input, "input", taken)
    return _said(Chosen(found), asked), answers


def require(chosen: Chosen, table: Table) -> None:
    """Raise DataError if another file of the same set lacks a column that is used."""
    for role, name in chosen.names.items():
        if name not in table.names and role in ("input", "target"):
            what = (
                f"there is no column {name!r}, which the other files have; its columns are {', '.join(_named(table))}"
            )
            raise DataError(what, where=table.name, fix="Add it, or move this file out of the folder")


def _check_asked(table: Table, *names: str | None) -> None:
    for name in names:
        if name is not None and name not in table.names:
            raise DataError(f"there is no column {name!r}", where=table.name, fix=did_you_mean(name, _named(table)))


def _samples(table: Table) -> dict[str, list[Any]]:
    """Column → its first cells that hold something."""
    return {name: [row[name] for row in table.head if not blank(row.get(name))] for name in _named(table)}


def _groups(samples: Mapping[str, Sequence[Any]]) -> list[str]:
    return [name for name in samples if name.strip().lower() in GROUPS]


def _said(chosen: Chosen, asked: Columns) -> Chosen:
    """With the roles that were guessed."""
    return replace(chosen, guessed=frozenset(role for role in chosen.names if getattr(asked, role) is None))


def _by_name(samples: Mapping[str, Sequence[Any]], modality: Modality, taken: set[str | None]) -> str | None:
    lower = {name.strip().lower(): name for name in samples if name not in taken}
    usual = [lower[name] for name in modality.columns if name in lower]
    return next((name for name in usual if _fits(samples[name], modality)), None)


def _by_cells(
    table: Table, samples: Mapping[str, Sequence[Any]], modality: Modality, role: str, taken: set[str | None]
) -> str:
    """The only free column whose cells fit, or the one with a usual name whose cells will be rejected one by one."""
    free = [name for name in samples if name not in taken]
    fitting = [name for name in free if samples[name] and _fits(samples[name], modality)]
    named = [name for name in free if name.strip().lower() in modality.columns]
    if len(fitting) != 1 and not (named and not fitting):
        raise _unclear(table, samples, modality, role, fitting)
    return fitting[0] if fitting else named[0]


def _fits(cells: Sequence[Any], modality: Modality) -> bool:
    return not cells or 2 * sum(modality.accepts(cell) for cell in cells) > len(cells)


def _split_column(samples: Mapping[str, Sequence[Any]], taken: set[str | None]) -> str | None:
    """A column called split, subset or the like, if its cells are the names of splits."""
    for name, cells in samples.items():
        called = name not in taken and name.strip().lower() in ("split", "subset", "set", "partition", "fold")
        if called and cells and all(isinstance(cell, str) and split_named(cell) for cell in cells):
            return name
    return None


def _check_header(table: Table, samples: Mapping[str, Sequence[Any]], input: Modality, target: Modality) -> None:
    """Raise DataError if the first line is a row: it names a file that exists, or a value that its column holds."""
    if table.place(1) != f"{table.name}:1" or any(
        n.strip().lower() in (*input.columns, *target.columns) for n in samples
    ):
        return
    suffixes = (*input.suffixes, *target.suffixes)
    for name, cells in samples.items():
        is_file = name.lower().endswith(suffixes) and Spellings().named(table.path.parent, name) is not None
        if is_file or name in [cell for cell in cells if isinstance(cell, str)]:
            what = f"the first line looks like a row, not like column names (it has {_short(name)})"
            names = f"{(input.columns or ('input',))[0]},{(target.columns or ('target',))[0]}"
            raise DataError(what, where=table.place(1), fix=f"Put a line such as {names} above it")


def _check_swapped(table: Table, samples: Mapping[str, Sequence[Any]], input: str, target: str) -> None:
    """Raise DataError if the column of answers is all different texts, and the column of texts a few short words."""
    texts, answers = samples[input], samples[target]
    if min(len(texts), len(answers)) < 6 or not all(isinstance(cell, str) for cell in (*texts, *answers)):
        return
    few, different = len(set(texts)) <= len(texts) / 3, len(set(answers)) > 0.9 * len(answers)
    if few and different and _mean_length(answers) >= 3 * _mean_length(texts):
        what = f"the columns {input} and {target} look swapped: {target} holds {_short(answers[0])}, and {input} "
        fix = f"Swap their names in the first line, or name them with --input {target} --target {input}"
        raise DataError(f"{what}{_short(texts[0])}", where=table.name, fix=fix)


def _mean_length(cells: Sequence[str]) -> float:
    return sum(map(len, cells)) / len(cells)


def _unclear(
    table: Table, samples: Mapping[str, Sequence[Any]], modality: Modality, role: str, fitting: Sequence[str]
) -> DataError:
    kind = kind_name(modality)
    what = f"more than one column could be the {role}" if fitting else f"no column fits as the {role} ({kind})"
    seen = [f"\n  {name}: {_short(cells[0]) if cells else 'empty'}" for name, cells in samples.items()]
    usual = f", or call it {' or '.join(modality.columns[:3])}" if modality.columns else ""
    name = (fitting or list(samples) or ["NAME"])[0]
    fix = f"Name it with --{role} {name}{usual}. The columns begin so:{''.join(seen)}"
    return (DataError if fitting else NoColumnError)(what, where=table.name, fix=fix)


def _named(table: Table) -> list[str]:
    return [name for name in table.names if name]


def _short(cell: Any) -> str:
    text = f"{len(cell)} bytes" if isinstance(cell, bytes) else repr(cell)
    if isinstance(cell, Mapping):
        text = "{" + ", ".join(f"{key}: {_short(value)}" for key, value in cell.items()) + "}"
    return text if len(text) <= 60 else text[:57] + "…" + text[-1]
