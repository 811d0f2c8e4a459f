"""Answers written to files: a line for each, a table, a document of the kind's own format, or a folder of pictures."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from sounding.contract.answers import Documented, Saved
from sounding.errors import UsageError
from sounding.files import beside, discard, shortened_name, unwritable, write_csv
from sounding.runs.prediction import Result

LINES = (".jsonl", ".csv")


def write_results(path: Path, results: Iterable[Result]) -> int:
    """Write results to a file (.jsonl, .csv, or .json in the format of their kind) or into a folder; returns how many.

    A file is put in place when all are there: an input that cannot be read leaves a former file as it was. Raises
    RunError if it cannot be written, UsageError for .json where the answers have no such format.
    """
    if path.suffix == ".json":
        return _document(path, results)
    if path.suffix in LINES:
        return _lines(path, results)
    if path.suffix and not os.path.isdir(path):  # a file of another kind was meant, and not a folder called so
        fix = "Give a .jsonl, .csv or .json file, or a folder"
        raise UsageError(f"answers are not written as {path.suffix}", where=str(path), fix=fix)
    return _folder(path, results)


def _lines(path: Path, results: Iterable[Result]) -> int:
    rows = (result.to_json() for result in results)
    with _put_in_place(path) as file:
        if path.suffix == ".csv":
            return write_csv(file, rows, ("input", "answer", "score"))
        count = 0
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            count += 1
    return count


def _document(path: Path, results: Iterable[Result]) -> int:
    answers = list(results)
    target = answers[0].task.target if answers else None
    if not isinstance(target, Documented):
        fix = "Give a .jsonl or .csv file, or a folder"
        raise UsageError("these answers have no JSON document of their own", where=str(path), fix=fix)
    found = target.document([(a.source, a.value) for a in answers])
    with _put_in_place(path) as file:
        json.dump(found, file, ensure_ascii=False)
    return len(answers)


def _folder(path: Path, results: Iterable[Result]) -> int:
    """A picture of each answer, what is a file by itself (a mask) beside it, and answers.jsonl."""
    count, taken = 0, set[str]()
    try:
        path.mkdir(parents=True, exist_ok=True)
        with _put_in_place(path / "answers.jsonl") as file:
            for count, result in enumerate(results, 1):
                name = shortened_name(Path(result.source).stem) or str(count)
                name = name if name not in taken else f"{name}-{count}"
                taken.add(name)
                result.plot(path / f"{name}.png")
                if isinstance(result.task.target, Saved):
                    result.task.target.save(result.value, path / f"{name}-answer")
                file.write(json.dumps(result.to_json(), ensure_ascii=False) + "\n")
    except OSError as error:
        raise unwritable(path, error, "name another place with --out") from None
    return count


@contextmanager
def _put_in_place(path: Path) -> Iterator[IO[Any]]:
    """A file that takes its name when all was written."""
    unfinished = beside(path)
    try:
        with open(unfinished, "w", encoding="utf-8", newline="") as file:
            yield file
        unfinished.replace(path)
    except OSError as error:
        raise unwritable(path, error, "name another place with --out") from None
    finally:
        discard(unfinished)
