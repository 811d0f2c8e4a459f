"""Whether rows from elsewhere are from elsewhere: rows of a second set that are training rows as well.

The search is that of the data check (`data.duplicates`): equal inputs by digests of what was read, and inputs
that a person would call the same by fingerprints, where the kind of input has them.

Legend of shapes: N rows of both sets, D entries of a fingerprint.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sounding.contract.inputs import Fingerprinted
from sounding.contract.records import Example
from sounding.contract.task import Task
from sounding.data.duplicates import Duplicates, duplicates
from sounding.data.reading import Given
from sounding.errors import DataError


def copies(task: Task, train: Sequence[Example], second: Sequence[Example]) -> Duplicates:
    """Rows of `second` whose input is also a training row: `across` counts equal ones, `near` those that look alike.

    Inputs that are empty have no copy. Reads every row once; what it keeps of a row is small.
    """
    places, sides, contents, prints = [], [], [], []
    for side, rows in enumerate((train, second)):
        for i, example in enumerate(rows):
            digest = _digest(example)
            if digest is not None:
                places.append((rows, i))
                sides.append(side)
                contents.append(np.frombuffer(digest, np.uint8))
                if isinstance(task.input, Fingerprinted):
                    prints.append(task.input.fingerprint(example.input))
    if not contents:
        return Duplicates()
    whole = np.stack(prints).astype(np.float16) if prints else None
    return duplicates(np.stack(contents), whole, np.array(sides, np.int8), lambda i: _where(*places[i]))


def _digest(example: Example) -> bytes | None:
    """Of what the input holds; None for an empty one."""
    try:
        return Given([example]).scan_row(0).content
    except DataError:
        return None


def _where(rows: Sequence[Example], i: int) -> str:
    """The place of a row in the user's files, where the rows know it."""
    where = getattr(rows, "where", None)
    return str(where(i)) if where is not None else f"row {i + 1}"
