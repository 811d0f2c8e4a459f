"""How much of each class the answers of all rows hold, where an answer holds several: boxes, pixels."""

from __future__ import annotations

from array import array
from collections.abc import Mapping

import numpy as np

from sounding.contract.split_names import NAMES


class Amounts:
    """Counts by row and class. Three numbers are kept for each class that a row has."""

    def __init__(self) -> None:
        self._names: dict[str, int] = {}
        self._rows, self._classes, self._counts = array("q"), array("q"), array("q")

    def put(self, row: int, amounts: Mapping[str, int]) -> None:
        """Note what the answer of a row holds."""
        for name, count in amounts.items():
            self._rows.append(row)
            self._classes.append(self._names.setdefault(name, len(self._names)))
            self._counts.append(count)

    def classes_of(self, rows: np.ndarray) -> list[tuple[str, ...]]:
        """The classes that each of the rows [n] holds something of."""
        names, held = list(self._names), dict[int, list[str]]()
        for row, number, count in zip(self._rows, self._classes, self._counts, strict=True):
            if count:
                held.setdefault(row, []).append(names[number])
        return [tuple(held.get(row, ())) for row in rows.tolist()]

    def by_split(self, rows: np.ndarray, sides: np.ndarray) -> dict[str, dict[str, int]]:
        """Class → split → how much, and "rows": how many rows have it; the most first.

        `rows` [n] are the rows that are used, `sides` [n] their splits as indices into NAMES.
        """
        if not self._names or not len(rows):
            return {}
        side_of = np.full(1 + max(max(self._rows), int(rows.max())), -1, np.int64)
        side_of[rows] = sides
        side, classes = side_of[np.array(self._rows)], np.array(self._classes)
        table = np.zeros((len(self._names), len(NAMES) + 1), np.int64)
        used = side >= 0
        np.add.at(table, (classes[used], side[used]), np.array(self._counts)[used])
        np.add.at(table[:, -1], classes[used], 1)
        order = sorted(self._names, key=lambda name: -int(table[self._names[name], :-1].sum()))
        found = {name: dict(zip((*NAMES, "rows"), table[self._names[name]].tolist(), strict=True)) for name in order}
        return {name: counts for name, counts in found.items() if counts["rows"]}
