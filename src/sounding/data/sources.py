"""From what the user points at to rows: a table, a folder of tables, or a folder in a layout that the task knows.

Rows are only listed here, not read: a `Row` holds cells (a path, a string, bytes), and the lists take about the space
of the paths in them, or a bounded part of the tables.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any

from sounding.contract.inputs import Assembled, TableCells
from sounding.contract.layouts import Layout, Listed
from sounding.contract.modality import Row
from sounding.contract.split_names import several_words, split_named, split_of_file
from sounding.contract.task import Learning, Task
from sounding.data.columns import GUESSED, Chosen, Columns, choose, choose_document, require
from sounding.data.report import File, RejectedRow
from sounding.data.rows import BUDGET, Block, Rows
from sounding.data.tables import SUFFIXES, Table, open_table
from sounding.data.tables.parallel import Parallel, beside, parallel_files
from sounding.data.text_files import TEXT_FILES
from sounding.errors import DataError
from sounding.files import unreadable
from sounding.folders import entries, passed_over, place, require_path, subfolders, told_ending, walk, with_suffix
from sounding.wording import counted

TEXTS = (".txt", ".md", ".json", ".xml", ".csv", ".yaml", ".yml", ".html", ".pdf", ".py", ".ipynb", ".cache")
"""What often lies beside data to describe them: a folder of these alone lacks nothing."""
_KINDS = 3  # endings that an error names
_TRIED = 50  # files that are looked into for a hint


@dataclass(frozen=True)
class Listing:
    """What a source holds. `rejected` are rows that were broken before their cells could be told."""

    rows: Sequence[Row]
    rejected: tuple[RejectedRow, ...] = ()
    files: tuple[File, ...] = ()
    chosen: Chosen | None = None
    ignored: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    folder: Path | None = None
    """The folder whose files are the rows, if they are."""
    root: Path = Path()
    """The folder that the rows come from, where what explains them would lie."""
    layout: str = ""
    """The layout in which they lie, in words; nothing for a table."""


def find(task: Task, path: Path, columns: Columns = GUESSED) -> Listing:
    """The rows of a path, or its documents where the task learns from these.

    Raises DataError, saying what was looked for and found, where none can be had.
    """
    found = laid_out(task, path, columns)
    return replace(found, rows=task.compose_rows(found.rows, columns.shares))


def laid_out(task: Task, path: Path, columns: Columns = GUESSED) -> Listing:
    """The same, before the task makes of the rows what it trains on."""
    require_path(path)
    return _listing(task, path, columns)


def _listing(task: Task, path: Path, columns: Columns) -> Listing:
    if path.is_dir():
        return _in_folder(task, path, columns)
    if path.suffix.lower() in SUFFIXES:
        return _from_tables(task, [(open_table(path), "")], columns)
    if files := beside(path):
        return _from_tables(task, [(_parallel(files), "")], columns)
    laid = _laid(task, path, _layouts(task))
    if laid is None:
        known = ["a .txt file" if layout is TEXT_FILES else layout.words for layout in _layouts(task)]
        text = "".join(f" or {words}" for words in known) if task.learns is Learning.DOCUMENTS else ""
        fix = f"Give a table ({' '.join(SUFFIXES)}){text} or a folder"
        raise DataError(f"cannot take rows from a {path.suffix or 'nameless'} file", where=str(path), fix=fix)
    rows, layout, _ = laid
    notes = tuple(layout.notes(path, rows))
    return Listing(rows, files=(_file(path.name, path, 0),), notes=notes, root=path.parent, layout=layout.words)


def _layouts(task: Task) -> Sequence[Layout]:
    """Those of the task; texts in files besides, where a document is a text."""
    texts = task.learns is Learning.DOCUMENTS and not isinstance(task.document, Assembled)
    return (*task.layouts, TEXT_FILES) if texts else task.layouts


def _laid(task: Task, path: Path, layouts: Sequence[Layout]) -> tuple[Rows, Layout, tuple[Path, ...]] | None:
    """The rows of a path in the first of some layouts that finds some there, that layout, and what it read."""
    for layout in layouts:
        rows = layout.rows(path, task.document, task.target)
        listed = None if rows is None else _listed(rows, path)
        if listed is not None and (len(listed) or path.is_file()):
            return listed, layout, rows.read if isinstance(rows, Listed) else ()
    return None


def _in_folder(task: Task, path: Path, columns: Columns) -> Listing:
    here = entries(path)
    if not here:
        raise DataError("the folder is empty", where=str(path), fix="Put the files in it, or name another folder")
    if laid := _laid(task, path, [layout for layout in task.layouts if layout.first]):
        return _in_layout(path, *laid)
    tables = [entry for entry in here if entry.suffix.lower() in SUFFIXES and entry.is_file()]
    if parts := _split_tables(tables):
        return _with_ignored(_opened(task, path, parts, columns), task, [p for p, _ in parts], path)
    if stems := parallel_files(here):
        return _in_parallel_files(task, path, stems, columns)
    found: DataError | None = None
    for parts in ([(table, "") for table in tables if len(tables) == 1], _tables_below(path)):
        try:
            if parts:
                return _with_ignored(_opened(task, path, parts, columns), task, [p for p, _ in parts], path)
        except DataError as error:
            found = found or error
    if laid := _laid(task, path, _layouts(task)):
        return _in_layout(path, *laid)
    for inner in subfolders(path):  # as data sets on the Hugging Face hub lie
        if inner.name.lower() == "data" and with_suffix(entries(inner), SUFFIXES):
            return _in_folder(task, inner, columns)
    raise found or _no_layout(task, path, here, tables)


def _in_layout(path: Path, rows: Rows, layout: Layout, read: tuple[Path, ...]) -> Listing:
    """The rows of a folder in a layout, with what else lies there."""
    ignored = _unused(path, rows, read, layout.beside)
    notes = (*layout.notes(path, rows), *_two_words(path, rows), *passed(path), *_unread(path, rows, ignored))
    return Listing(rows, ignored=ignored, notes=notes, folder=path, root=path, layout=layout.words)


def _opened(task: Task, path: Path, parts: Sequence[tuple[Path, str]], columns: Columns) -> Listing:
    listing = _from_tables(task, [(open_table(p, place(p, path)), split) for p, split in parts], columns)
    joined = several_words([(p.relative_to(path), split) for p, split in parts if split])
    return replace(listing, notes=(*listing.notes, *joined))


def _parallel(files: Mapping[str, Path], top: Path | None = None) -> Parallel:
    """Files of several languages as one table."""
    return Parallel(files, " + ".join(file.name if top is None else place(file, top) for file in files.values()))


def _in_parallel_files(task: Task, path: Path, stems: Mapping[str, Mapping[str, Path]], columns: Columns) -> Listing:
    """The rows of a folder of parallel files: one stem, or stems named after splits."""
    named = {stem: split_of_file(stem) for stem in stems}
    parts = {stem: split for stem, split in named.items() if split} if len(stems) > 1 else {next(iter(stems)): ""}
    if not parts:
        some = ", ".join(list(stems)[:5])
        first = next(iter(next(iter(stems.values())).values()))
        what = f"the folder holds several texts and no split in their names ({some})"
        raise DataError(what, where=str(path), fix=f"Name one ({first}), or call them train and test")
    tables = [(_parallel(stems[stem], path), split) for stem, split in parts.items()]
    return _with_ignored(_from_tables(task, tables, columns), task, [p for t, _ in tables for p in t.paths], path)


def _tables_below(path: Path) -> list[tuple[Path, str]]:
    """The tables of folders named after splits, one in each, as image folders with metadata have them."""
    found = []
    for folder in subfolders(path):
        tables = [entry for entry in entries(folder) if entry.suffix.lower() in SUFFIXES and entry.is_file()]
        if len(tables) == 1 and (split := split_named(folder.name)):
            found.append((tables[0], split))
    return found


def _split_tables(tables: Sequence[Path]) -> list[tuple[Path, str]]:
    """The tables that are named after splits, of the one kind that has most of them."""
    exact = [(table, split) for table in tables if (split := split_named(table.stem))]
    found = exact or [(table, split) for table in tables if (split := split_of_file(table.stem))]
    kinds = [table.suffix.lower() for table, _ in found]
    best = max(kinds, key=lambda kind: (kinds.count(kind), kind == ".parquet"), default="")
    return [(table, split) for table, split in found if table.suffix.lower() == best]


def _from_tables(task: Task, parts: Sequence[tuple[Table, str]], columns: Columns) -> Listing:
    if isinstance(task.document, Assembled):
        return _assembled(task.document, parts, columns)
    first = next((table for table, split in parts if split == "train"), parts[0][0])
    if task.learns is Learning.DOCUMENTS:
        return from_tables(parts, choose_document(columns, first, task.document))
    return from_tables(parts, choose(columns, first, task.input, task.target))


def _assembled(input: Assembled, parts: Sequence[tuple[Table, str]], columns: Columns) -> Listing:
    """A row for each value that is made of many rows of a table."""
    if columns.split_column:
        what = (
            f"rows are not split by a column ({columns.split_column}): what is made of many of them is divided in order"
        )
        fix = "Give sizes (--split 60/20/20), or a file for each split: train.csv, validation.csv, test.csv"
        raise DataError(what, where=parts[0][0].name, fix=fix)
    asked = {"input": columns.input, "target": columns.target, "group": columns.group}
    known = {role: name for role, name in asked.items() if name is not None}
    rows: list[Row] = []
    notes: list[str] = []
    files: list[File] = []
    used: Mapping[str, str] = {}
    for table, split in parts:
        cells, places = table.cells()
        found = input.assemble(TableCells(table.name, cells, places, known))
        used = used or found.used
        files += [_file(_called(table, path), path, len(places)) for path in table.paths]
        notes += [note for note in found.notes if note not in notes]
        rows += [Row(where, value, split=split) for where, value in found.values]
    chosen = Chosen(used["input"], group=used.get("group"), guessed=frozenset(used) - frozenset(known))
    notes = [str(chosen), *notes] if chosen.guessed else notes
    return Listing(Rows.listed(rows), (), tuple(files), chosen, notes=tuple(notes), root=parts[0][0].path.parent)


def assembled_values(input: Assembled, path: Path) -> list[Any]:
    """The values that are made of the rows of a table, or of the tables of a folder, without more ado."""
    require_path(path)
    tables = with_suffix(walk(path), SUFFIXES) if path.is_dir() else [path]
    if not tables or (not path.is_dir() and path.suffix.lower() not in SUFFIXES):
        raise DataError("there is no table", where=str(path), fix=f"Give a table ({' '.join(SUFFIXES)})")
    found: list[Any] = []
    for file in tables:
        cells, places = open_table(file, place(file, path) if path.is_dir() else str(path)).cells()
        made = input.assemble(TableCells(str(file), cells, places, {}))
        found += [value for _, value in made.values]
    return found


def from_tables(parts: Sequence[tuple[Table, str]], chosen: Chosen, budget: int = BUDGET) -> Listing:
    """The rows of tables, each of which may belong to a split, by the columns chosen."""
    blocks: list[Block] = []
    rejected: list[RejectedRow] = []
    files, notes = [], [str(chosen)] if chosen.guessed else []
    for table, split in parts:
        require(chosen, table)
        block, broken = table.load(chosen.names, split, budget)
        budget = max(0, budget - block.held)
        blocks.append(block)
        rejected += broken
        files += [_file(_called(table, path), path, len(block) + len(broken)) for path in table.paths]
        notes += [note for note in table.notes(chosen.target or chosen.input) if note not in notes]
    root = parts[0][0].path.parent
    return Listing(Rows(blocks), tuple(rejected), tuple(files), chosen, notes=tuple(notes), root=root)


def _called(table: Table, path: Path) -> str:
    """What a file of a table is called."""
    return table.name if len(table.paths) == 1 else place(path, table.paths[0].parent)


def _listed(rows: Iterable[Row], path: Path) -> Rows:
    try:
        return Rows.listed(rows)
    except OSError as error:
        raise unreadable(str(error.filename or path), error) from None


def _with_ignored(listing: Listing, task: Task, used: Sequence[Path], path: Path) -> Listing:
    """The rows of tables in a folder, with what else lies there and no cell names."""
    files = task.document.suffixes or task.target.suffixes
    ignored = _unused(path, _whole(listing.rows) if files else (), used)
    return replace(listing, ignored=ignored, notes=(*listing.notes, *passed(path)))


def _two_words(path: Path, rows: Rows) -> Iterator[str]:
    """A note on each split that two words beside each other mean."""
    top, folders = path.absolute(), set[tuple[str, str]]()
    for row in rows:
        if row.split:
            folders |= {(os.path.dirname(cell), row.split) for cell in _paths(row)}
    inside = [(Path(folder), split) for folder, split in sorted(folders) if Path(folder).is_relative_to(top)]
    yield from several_words([(folder.relative_to(top), split) for folder, split in inside])


def passed(path: Path, depth: int | None = None) -> Iterator[str]:
    """A note on what nobody reads, counted once."""
    if found := passed_over(path, depth):
        kinds = Counter("._*" if file.name.startswith("._") else file.name for file in found)
        names = ", ".join(name for name, _ in kinds.most_common(3)) + ", …" * (len(kinds) > 3)
        noun = "file or folder" if len(found) == 1 else "files and folders"
        yield f"passed over: {len(found):,} {noun}, hidden or left by systems ({names})"


def _unread(path: Path, rows: Rows, ignored: Sequence[str]) -> Iterator[str]:
    """A note on each folder of which nothing was read although it lies beside others, unless it holds texts alone."""
    if not ignored:
        return
    used = {str(path.absolute()), *(os.path.dirname(cell) for row in rows for cell in _paths(row))}
    used |= {folder for inner in used for folder in map(str, Path(inner).parents)}
    left: dict[str, list[str]] = defaultdict(list)
    for name in ignored:
        file = os.path.join(path.absolute().parent, name)
        above = [folder for folder in map(str, Path(file).parents) if folder not in used]
        if above and not file.lower().endswith(TEXTS):
            left[above[-1]].append(file)
    for folder, files in left.items():
        endings = ", ".join(sorted({os.path.splitext(file)[1].lower() for file in files})[:3])
        name = os.path.relpath(folder, path.absolute().parent)
        yield f"nothing is read in {name}: {counted(len(files), 'file')} ({endings or 'without an ending'})"


def _whole(rows: Sequence[Row]) -> Iterator[Row]:
    """The rows of which every cell can be had."""
    for i in range(len(rows)):
        try:
            yield rows[i]
        except DataError:
            continue


def _unused(path: Path, rows: Iterable[Row], read: Sequence[Path], beside: Sequence[str] = ()) -> tuple[str, ...]:
    """The files under `path` that no row names, that were not `read`, and that are not called as in `beside`.

    They are told apart by 64-bit hashes of their paths, to stay small.
    """
    real = lru_cache(os.path.realpath)  # folders are asked for again and again
    used = {_path_hash(cell, real) for row in rows for cell in _paths(row)} | {_path_hash(str(p), real) for p in read}
    left = (file for file in walk(path) if file.name.lower() not in beside and _path_hash(str(file), real) not in used)
    return tuple(os.path.relpath(file, path.parent) for file in left)


def _paths(row: Row) -> Iterator[str]:
    for cell in (row.input, row.target, getattr(row.target, "path", None)):  # a label file that was read already
        for named in cell.values() if isinstance(cell, Mapping) else [cell]:
            if isinstance(named, str | Path):
                yield os.path.join(row.root, named)


def _path_hash(path: str, real: Callable[[str], str]) -> int:
    """Of a path as the folder is really called that it lies in."""
    folder, name = os.path.split(path)
    whole = os.path.join(real(folder), name)
    return int.from_bytes(blake2b(whole.encode(errors="surrogateescape"), digest_size=8).digest(), "big")


def _file(name: str, path: Path, rows: int) -> File:
    digest = blake2b(digest_size=16)
    try:
        with open(path, "rb") as file:
            while block := file.read(2**20):
                digest.update(block)
    except OSError as error:
        raise unreadable(name, error) from None
    return File(name, rows, path.stat().st_size, digest.hexdigest())


def _no_layout(task: Task, path: Path, here: Sequence[Path], tables: Sequence[Path]) -> DataError:
    if len(tables) > 1:
        fix = f"Name one ({tables[0]}), or call them train{tables[0].suffix} and test{tables[0].suffix}"
        names = ", ".join(table.name for table in tables[:5])
        return DataError(
            f"the folder holds several tables and no split in their names ({names})", where=str(path), fix=fix
        )
    what = f"no known layout; looked for {_looked_for(task)}, and found {_seen(here)}{_below(path, here)}"
    fix = _misnamed(task, path) or "Arrange the files so, or name the table itself"
    return DataError(what, where=str(path), fix=fix)


def _looked_for(task: Task) -> str:
    """The layouts and tables that could have been there, in words."""
    endings, known = " ".join(task.input.suffixes[:4]), [layout.words for layout in _layouts(task)]
    tables = f"a table ({' '.join(SUFFIXES)})"
    if not known or not (endings or task.learns is Learning.DOCUMENTS):
        return tables
    words = " or ".join([", ".join(known[:-1]), known[-1]] if len(known) > 1 else known)
    return f"{words} with files such as {endings}, or {tables}" if endings else f"{words}, or {tables}"


def _below(path: Path, here: Sequence[Path]) -> str:
    """What lies in the folders of a folder, in words; nothing where it has none."""
    if not any(entry.is_dir() for entry in here):
        return ""
    kinds = Counter(file.suffix.lower() for file in walk(path) if file.parent != path)
    some = [f"{counted(n, 'file')} {ending or 'without an ending'}" for ending, n in kinds.most_common(_KINDS)]
    return f"; in these {', '.join(some) or 'no files'}{', …' * (len(kinds) > _KINDS)}"


def _misnamed(task: Task, path: Path) -> str:
    """What to do about files that hold what the task reads under a name that does not say so; nothing without any."""
    known = task.input.suffixes
    for file in islice((file for file in walk(path) if not file.name.lower().endswith(known)), _TRIED):
        if (ending := told_ending(file)) in known:
            return f"{place(file, path)} is a picture by its content: let the names of such files end in {ending}"
    if not any(file.suffix for file in islice(walk(path), _TRIED)) and known:
        return f"Let the names of the files end in what they are, such as {known[0]}"
    return ""


def _seen(here: Sequence[Path]) -> str:
    """What lies in a folder, in words."""
    folders = [entry.name for entry in here if entry.is_dir()]
    kinds = sorted({entry.suffix.lower() or entry.name for entry in here if entry.is_file()})
    words = []
    if folders:
        more = ", …" if len(folders) > 3 else ""
        words.append(f"{counted(len(folders), 'folder')} ({', '.join(folders[:3])}{more})")
    if kinds:
        words.append(f"{counted(len(here) - len(folders), 'file')} ({', '.join(kinds[:5])})")
    return " and ".join(words)
