"""Answers written to files: a line for each, a table, a document of the kind's own format, or a folder of pictures."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import IO, Any

from sounding.contract.answers import Documented, Exported, Saved, Tabular
from sounding.errors import ESCAPED, UsageError, shown
from sounding.files import beside, discard, json_text, shortened_name, unwritable, write_csv
from sounding.runs.prediction import Result

LINES = (".jsonl", ".csv")


def write_results(path: Path, results: Iterable[Result]) -> int:
    """Write results to a file (.jsonl, .csv, or a format of their kind, as .json) or into a folder; returns how many.

    A table has a row for each part of an answer that has several, and one for an answer without any. A file is put in
    place when all are there: an error leaves a former file as it was. Raises RunError if it cannot be written,
    UsageError for .json where the answers have no such format.
    """
    if path.suffix == ".json":
        return _document(path, results)
    if path.suffix in LINES:
        return _lines(path, results)
    first, results = _peeked(results)
    if first and isinstance(first.task.target, Exported) and path.suffix in first.task.target.endings:
        return _exported(path, first.task.target, results)
    if path.suffix and not os.path.isdir(path):  # a file of another kind was meant, and not a folder called so
        fix = "Give a .jsonl, .csv or .json file, or a folder"
        raise UsageError(f"answers are not written as {path.suffix}", where=str(path), fix=fix)
    return _folder(path, results)


def _lines(path: Path, results: Iterable[Result]) -> int:
    counted = _Counted(results)
    with _put_in_place(path) as file:
        if path.suffix == ".csv":
            _table(file, counted)
        else:
            for result in counted:
                file.write(json_text(result.to_json()) + "\n")
    return counted.count


def _exported(path: Path, target: Exported, results: Iterable[Result]) -> int:
    answers = [(result.source, result.value) for result in results]
    text = target.exported(answers, path.suffix)
    with _put_in_place(path) as file:
        file.write(text)
    return len(answers)


def _table(file: IO[Any], results: Iterable[Result]) -> None:
    """A row for each answer, or for each part of it; what has none stands there with its input alone."""
    first, results = _peeked(results)
    target = first.task.target if first else None
    if not isinstance(target, Tabular):
        write_csv(file, (result.to_json() for result in results), ("input", "answer", "score"))
        return
    rows = (
        {"input": shown(result.source), **row}
        for result in results
        for row in target.rows(result.value, result.prediction.scores) or [{}]
    )
    write_csv(file, rows, ("input", *target.row_columns))


class _Counted:
    """Results, and how many of them have passed."""

    def __init__(self, results: Iterable[Result]) -> None:
        self._results, self.count = results, 0

    def __iter__(self) -> Iterator[Result]:
        for result in self._results:
            self.count += 1
            yield result


def _peeked(results: Iterable[Result]) -> tuple[Result | None, Iterator[Result]]:
    """The first of the results, and all of them."""
    left = iter(results)
    first = next(left, None)
    return first, left if first is None else chain([first], left)


def _document(path: Path, results: Iterable[Result]) -> int:
    first, results = _peeked(results)
    target = first.task.target if first else None
    if not isinstance(target, Documented):
        fix = "Give a .jsonl or .csv file, or a folder"
        raise UsageError("these answers have no JSON document of their own", where=str(path), fix=fix)
    answers = [(result.source, result.value) for result in results]
    found = target.document(answers)
    with _put_in_place(path) as file:
        file.write(json_text(found))
    return len(answers)


def _folder(path: Path, results: Iterable[Result]) -> int:
    """A picture of each answer, answers.jsonl, and in a folder of their own what are files (masks, label files)."""
    count, taken = 0, set[str]()
    try:
        path.mkdir(parents=True, exist_ok=True)
        with _put_in_place(path / "answers.jsonl") as file:
            for count, result in enumerate(results, 1):
                name = shortened_name(result.name) or str(count)
                name = name if name not in taken else f"{name}-{count}"
                taken.add(name)
                result.plot(path / f"{name}.png")
                target = result.task.target
                if isinstance(target, Saved):
                    _save(target, result.value, path, name, first=count == 1)
                if isinstance(target, Exported):
                    for ending in target.endings:
                        _exported(path / f"{name}{ending}", target, [result])
                file.write(json_text(result.to_json()) + "\n")
    except OSError as error:
        raise unwritable(path, error, "name another place with --out") from None
    return count


def _save(target: Saved, value: Any, path: Path, name: str, *, first: bool) -> None:
    folder = path / target.files
    folder.mkdir(exist_ok=True)
    if first:
        target.save_legend(path)
    target.save(value, folder / name)


@contextmanager
def _put_in_place(path: Path) -> Iterator[IO[Any]]:
    """A file that takes its name when all was written."""
    unfinished = beside(path)
    try:
        with open(unfinished, "w", encoding="utf-8", errors=ESCAPED, newline="") as file:
            yield file
        unfinished.replace(path)
    except OSError as error:
        raise unwritable(path, error, "name another place with --out") from None
    finally:
        discard(unfinished)
