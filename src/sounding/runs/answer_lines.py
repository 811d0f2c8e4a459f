"""The lines of predictions.jsonl: what the model answered to each test row, beside the truth, and which row that is.

Answer and truth are in the same measures: boxes in pixels of the picture as it lies in its file, where its size is
known.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sounding.contract.cells import placed
from sounding.contract.modality import Row
from sounding.contract.records import Example, Record
from sounding.contract.task import Task
from sounding.data.opening import Examples
from sounding.files import json_text

LARGEST = 16_000_000
"""Characters of all lines, or so: forecasts of every step of a year are many times that, and nobody reads them."""
_TRIED = 20  # lines whose length says how long the others are


def lines_every(task: Task, records: Sequence[Record], most: int = LARGEST) -> int:
    """Of how many records one has a line, so that all lines take about `most` characters or less; of few, each."""
    some = records[:: max(1, len(records) // _TRIED)]
    length = sum(len(answer_lines(task, [record])) for record in some) / max(1, len(some))
    return max(1, math.ceil(length * len(records) / most))


def answer_lines(task: Task, records: Sequence[Record], rows: Sequence[Example] = (), every: int = 1) -> str:
    """A line of JSON for each record: `row` (its place in the data) and `input` (the file or value that its cell names)
    where `rows`, in the order of the records, tell them; `answer`, `truth`, `score` (confidence) and `loss`. Of
    `every` so many records the first alone has one.
    """
    known = rows if len(rows) == len(records) else ()
    lines = (
        {**_origin(known, i), "answer": task.target.to_json(_answer(task, record, known, i)),
         "truth": task.target.to_json(record.truth), "score": record.confidence, "loss": record.loss}
        for i, record in enumerate(records) if not i % every
    )  # fmt: skip
    return "".join(json_text(line, default=str) + "\n" for line in lines)


def _origin(rows: Sequence[Example], i: int) -> dict[str, Any]:
    where, row = getattr(rows, "where", None), _row(rows, i)
    found = {} if where is None else {"row": where(i)}
    name = None if row is None else _named(row.input)
    return found if name is None else {**found, "input": name}


def _row(rows: Sequence[Example], i: int) -> Row | None:
    return rows.row(i) if isinstance(rows, Examples) else None


def _named(cell: Any) -> Any:
    """What a cell names: a path, a text, or several of them; nothing for the bytes of a file."""
    if isinstance(cell, str | Path):
        return str(cell)
    if not isinstance(cell, Mapping):
        return cell if isinstance(cell, int | float) else None
    if set(cell) <= {"bytes", "path"}:
        return _named(cell.get("path"))
    names = {key: _named(part) for key, part in cell.items()}
    return names if any(name is not None for name in names.values()) else None


def _answer(task: Task, record: Record, rows: Sequence[Example], i: int) -> Any:
    """The answer in the measures of what the row shows, as the truth has them."""
    if not len(rows):
        return record.value
    row = _row(rows, i)
    cell, root = (rows[i].input, Path()) if row is None else (row.input, row.root)
    return placed(task.target, record.value, task.input, cell, root, answer=True)
