"""Rows without answers: a folder of files, a table or a list, from which a person will label some.

open_pool(task, source) → Pool   every row is opened once; what cannot be used is named, and what is there twice counted
Pool                             the rows to choose from, each with its place, and what was found
describe(pool) → str             the findings as lines for a terminal

A row that is labelled already, and the copy of another row, would cost a person's time for nothing: neither is offered.
Copies are told by a digest of what a file or a cell holds, so a picture re-saved in another format is no copy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from sounding.contract.modality import Row
from sounding.contract.records import Example
from sounding.contract.task import Task
from sounding.data.alike import files_alike, rejections
from sounding.data.cache import Cache
from sounding.data.columns import GUESSED, Columns, choose_input
from sounding.data.opening import Examples
from sounding.data.reading import Given, GivenInputs, InputReader, Source, Unanswered, listed_values
from sounding.data.rejected import in_order, kept, too_many
from sounding.data.report import LISTED, Pairs, RejectedRow
from sounding.data.rows import BUDGET, Block, Rows
from sounding.data.scan import Scan, scan
from sounding.data.sources import passed
from sounding.data.tables import SUFFIXES, open_table
from sounding.data.tables.parallel import language
from sounding.data.tables.text import TextLines
from sounding.errors import DataError
from sounding.folders import place, require_path, walk, with_suffix
from sounding.wording import counted

_NAMED = 5  # places of each kind that `describe` names


@dataclass(frozen=True)
class Pool:
    """`examples` are the rows to choose from (target None; `examples.where(i)` is the place of one).

    `rows` counts all that were found; each is in `examples`, rejected, a copy (with its first occurrence) or labelled
    already (with the place of the labelled row).
    """

    source: str
    examples: Examples
    rows: int
    rejected: tuple[RejectedRow, ...] = ()
    copies: Pairs = field(default_factory=Pairs)
    labelled: Pairs = field(default_factory=Pairs)
    ignored: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.examples)

    def where(self, i: int) -> str:
        """The place of row i in the user's files."""
        return self.examples.where(i)


def open_pool(
    task: Task,
    source: Any,
    columns: Columns | None = None,
    *,
    labelled: Sequence[Sequence[Example]] = (),
    allow_bad: float | None = None,
    progress: Callable[[str], None] | None = None,
    by_line: bool = False,
    preferred: str = "",
) -> Pool:
    """The rows of a folder (files at any depth), of a table, or of a list of cells, as the fitted `task` reads them.

    With `by_line` each line of a text file (`.txt`, or a language: `news.de`) is a row. `preferred` is the column to
    take where a table has it, and the ending of the text files to take where a folder has some.
    `labelled` are sets of rows that have answers already, such as the splits of the training. Raises DataError for a
    source that is none, for more bad rows than the share `allow_bad`, and where nothing is left to choose from.
    """
    say = progress or (lambda _: None)
    opened, found = _opened(task, source, columns or GUESSED, by_line, preferred)
    total = len(opened) + len(found.rejected)
    if not total:
        raise DataError("there are no rows", where=found.name, fix="Put the rows to choose from in it")
    say(f"reading {total:,} rows")
    scanned = scan(opened, task.input, Unanswered())
    scanned.rejected |= scanned.too_much
    rejected = in_order([*found.rejected, *scanned.rejected.values()])
    for problem in too_many(rejected, total, allow_bad, "go on", "another column with --input"):
        raise problem.at(found.name)
    say("looking for rows that are labelled already, and for copies")
    rows, known, copies = _fresh(scanned, _places(labelled))
    if not len(rows):
        raise _nothing_left(found.name, total, len(rejected), len(known), len(copies))
    examples, remarks = Examples(opened, rows, cache=Cache()), tuple(scanned.remarks.lines())
    twins = _listed([(opened.where(row), opened.where(first)) for row, first in copies])
    old = _listed([(opened.where(row), place) for row, place in known])
    return Pool(found.name, examples, total, rejected, twins, old, found.ignored, found.notes, remarks)


def describe(pool: Pool) -> str:
    """What was found, in words: how many rows there are to choose from, and why others are not."""
    return "\n".join(_lines(pool))


def left_out(pool: Pool) -> str:
    """How many rows are not used, and why, in a sentence; nothing where all are."""
    counts = (
        (len(pool.rejected), "cannot be read"),
        (pool.labelled.count, "labelled already"),
        (pool.copies.count, "copies of others"),
    )
    why = ", ".join(f"{n:,} {words}" for n, words in counts if n)
    return f"{pool.rows - len(pool):,} of {counted(pool.rows, 'unlabelled row')} are not used ({why})" if why else ""


def _lines(pool: Pool) -> Iterator[str]:
    yield f"{pool.source}: {counted(pool.rows, 'row')}, {len(pool):,} to choose from"
    yield from (f"  {note}" for note in pool.notes)
    yield from _section("rejected", len(pool.rejected), list(rejections(pool.rejected).lines()))
    for title, pairs in (("labelled already", pool.labelled), ("copies within the pool", pool.copies)):
        yield from _section(title, pairs.count, [f"{a} is equal to {b}" for a, b in pairs.places])
    yield from _section("warnings", len(pool.remarks), pool.remarks)
    yield from _section("not used", len(pool.ignored), files_alike(pool.ignored))


def _section(title: str, count: int, lines: Sequence[str]) -> Iterator[str]:
    if count:
        yield f"{title}: {count:,}"
        yield from (f"  {line}" for line in lines[:_NAMED])
        if len(lines) > _NAMED:
            yield f"  and {len(lines) - _NAMED:,} more"


# ---- which rows are worth a look


def _places(labelled: Sequence[Sequence[Example]]) -> dict[bytes, Callable[[], str]]:
    """Digest of each labelled input → what gives its place."""
    found: dict[bytes, Callable[[], str]] = {}
    for rows in labelled:
        named: Examples = rows if isinstance(rows, Examples) else Examples(Given(rows), np.arange(len(rows)))
        for i, digest in enumerate(named.digests()):
            found.setdefault(digest, lambda named=named, i=i: named.where(i))  # type: ignore[misc]
    return found


def _fresh(
    scanned: Scan, known: dict[bytes, Callable[[], str]]
) -> tuple[np.ndarray, list[tuple[int, str]], list[tuple[int, int]]]:
    """The rows to offer; those that are labelled, with the place; and copies, with the row that they are copies of."""
    first: dict[bytes, int] = {}
    labelled, copies = [], []
    for row in kept(scanned).tolist():
        digest = scanned.contents[row].tobytes()
        if digest in known:
            labelled.append((row, known[digest]()))
        elif digest in first:
            copies.append((row, first[digest]))
        else:
            first[digest] = row
    return np.array(list(first.values()), dtype=np.int64), labelled, copies


def _nothing_left(name: str, total: int, rejected: int, labelled: int, copies: int) -> DataError:
    counted = ((rejected, "cannot be read"), (labelled, "labelled already"), (copies, "copies of others"))
    why = ", ".join(f"{n:,} {words}" for n, words in counted if n)
    what = f"no row of {total:,} is left to choose from ({why})"
    return DataError(what, where=name, fix="Give rows that are not among the labelled ones")


def _listed(pairs: list[tuple[str, str]]) -> Pairs:
    return Pairs(len(pairs), tuple(pairs[:LISTED]))


# ---- from a source to rows


@dataclass(frozen=True)
class _Found:
    name: str
    rejected: tuple[RejectedRow, ...] = ()
    ignored: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def _opened(
    task: Task, source: Any, columns: Columns, by_line: bool = False, preferred: str = ""
) -> tuple[Source, _Found]:
    if isinstance(source, str | Path):
        path = Path(source)
        require_path(path)
        texts = _texts(path, preferred) if by_line else []
        rows, found = _of_texts(texts, path) if texts else _of_path(task, path, columns, preferred)
        return InputReader(rows, task.input), found
    if not isinstance(source, Sequence | np.ndarray):
        what = f"rows cannot be taken from a {type(source).__name__}"
        raise DataError(what, fix="Give a folder, a table, or a list of inputs")
    if len(source) and all(isinstance(item, Example) for item in source):
        return GivenInputs(source), _Found("in memory")  # type: ignore[arg-type]  # a sequence of examples
    return InputReader(listed_values(source, task.input), task.input), _Found("in memory")


def _texts(path: Path, preferred: str) -> list[Path]:
    """The text files of a path whose lines are rows: of one language where some have its ending."""
    files = [path] if path.is_file() else list(walk(path))
    texts = [file for file in files if file.suffix.lower() == ".txt" or language(file)]
    return [file for file in texts if language(file) and language(file) == preferred] or texts


def _of_texts(texts: Sequence[Path], path: Path) -> tuple[Rows, _Found]:
    blocks, rejected, budget = [], [], BUDGET
    for text in texts:
        block, broken = TextLines(text, place(text, path) if path.is_dir() else text.name).load(
            {"input": TextLines.column}, budget=budget
        )
        budget = max(0, budget - block.held)
        blocks.append(block)
        rejected += broken
    ignored = [] if path.is_file() else [place(file, path) for file in walk(path) if file not in set(texts)]
    return Rows(blocks), _Found(str(path), tuple(rejected), tuple(ignored))


def _of_path(task: Task, path: Path, columns: Columns, preferred: str = "") -> tuple[Rows, _Found]:
    if path.is_file():
        if path.suffix.lower() in SUFFIXES:
            return _of_tables(task, path.name, path.parent, [path], columns, preferred)
        if not with_suffix([path], task.input.suffixes):
            fix = f"Give a table ({' '.join(SUFFIXES)}) or a folder"
            raise DataError(f"cannot take rows from a {path.suffix or 'nameless'} file", where=str(path), fix=fix)
        return Rows.listed([Row(path.name, str(path.absolute()))]), _Found(str(path))
    files = list(walk(path))
    inputs, tables = with_suffix(files, task.input.suffixes), with_suffix(files, SUFFIXES)
    used = set(inputs or tables)
    ignored = tuple(place(file, path) for file in files if file not in used)
    if inputs:
        listed = Rows.listed(Row(place(file, path), str(file.absolute())) for file in inputs)
        return listed, _Found(str(path), ignored=ignored, notes=tuple(passed(path)))
    if not tables:
        looked = f"{' '.join(task.input.suffixes)} or a table ({' '.join(SUFFIXES)})".removeprefix(" or ")
        what = f"no file of this kind is in it; looked for {looked}"
        raise DataError(what, where=str(path), fix="Name another folder")
    rows, found = _of_tables(task, str(path), path.parent, tables, columns, preferred)
    return rows, replace(found, ignored=ignored, notes=(*found.notes, *passed(path)))


def _of_tables(
    task: Task, name: str, root: Path, paths: Sequence[Path], columns: Columns, preferred: str = ""
) -> tuple[Rows, _Found]:
    blocks: list[Block] = []
    rejected: list[RejectedRow] = []
    notes, budget = [], BUDGET
    for path in paths:
        table = open_table(path, str(path.relative_to(root)))
        asked = replace(columns, input=preferred) if columns.input is None and preferred in table.names else columns
        chosen, answers = choose_input(asked, table, task.input, task.target)
        block, broken = table.load(chosen.names, budget=budget)
        budget = max(0, budget - block.held)
        blocks.append(block)
        rejected += broken
        notes += [str(chosen), *table.notes(chosen.input)]
        notes += [f"the answers in {answers} are not looked at"] if answers else []
    return Rows(blocks), _Found(name, tuple(rejected), notes=tuple(dict.fromkeys(notes)))
